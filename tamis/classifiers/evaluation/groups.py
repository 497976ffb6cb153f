"""The groups of held-out texts that a card measures apart: by kind, language, source, domain and length.

A classifier may only have learnt to tell prose from code, or one source from another; within a group it shows. Of each
way to group, the largest groups stand alone and the rest together, so that 98 languages stay a table to read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

MOST = 12
"""Groups of one way to group that stand alone; the rest are one."""

BY_COLUMN = {"language": "not known", "source": "texts of files", "domain": "none"}
"""Column of `tamis.classifiers.labels.LABELLED` → name of those that have none there."""

Groups = dict[str, np.ndarray]
"""Name of a group → which of n texts are in it: n booleans."""


def by_kind(rows: pa.Table) -> Groups:
    """All n texts, then those of each kind."""
    kind = rows["kind"].to_numpy(zero_copy_only=False)
    names = sorted(set(kind.tolist()))
    return {"all": np.ones(rows.num_rows, dtype=bool)} | {name: kind == name for name in names}


def others(rows: pa.Table) -> dict[str, Groups]:
    """Every further way to group n texts that puts them in more than one group.

    Args:
        rows: of `tamis.classifiers.labels.LABELLED`.

    Returns:
        language, source, length or domain → groups.
    """
    found = {name: by_name(rows[name].to_pylist(), without) for name, without in BY_COLUMN.items()}
    found["length"] = quarters(rows["characters"].to_numpy())
    return {name: groups for name, groups in found.items() if len(groups) > 1}


def by_name(names: Sequence[str | None], without: str) -> Groups:
    """Texts by a name that each has or has not, the largest group first; beyond `MOST` all others are one group.

    Args:
        names: n names.
        without: what the group is called of those that have none.
    """
    values = np.array([without if name is None else name for name in names], dtype=object)
    ordered = [name for name, _ in sorted(Counter(values.tolist()).items(), key=lambda item: (-item[1], item[0]))]
    alone = ordered if len(ordered) <= MOST + 1 else ordered[:MOST]
    groups = {name: values == name for name in alone}
    if rest := len(ordered) - len(alone):
        groups[f"{rest} others"] = ~np.isin(values, alone)
    return groups


def listed(report: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A report by group as rows: JSON files keep the order of rows, and not of names."""
    return [{"group": name, **row} for name, row in report.items()]


def quarters(length: np.ndarray) -> Groups:
    """Texts by length: up to the first quarter of all lengths, and so on; equal lengths are in one group.

    Args:
        length: n lengths in characters.
    """
    if not len(length):
        return {}
    bounds = np.unique(np.quantile(length, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf").astype(np.int64)).tolist()
    groups, low = {}, 0
    for bound in bounds:
        name = f"up to {bound:,}" if not low else f"{low:,} to {bound:,}"
        groups[f"{name} characters"] = (length >= low) & (length <= bound)
        low = bound + 1
    return groups

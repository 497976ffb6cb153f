"""From scores to kept documents: exact shares by kind over the whole corpus, and least scores.

"Keep the best 90 % of the prose" is an order statistic over all shards. It is found exactly in bounded memory: two
passes count scores by the upper and then the lower half of their 32 bits (65,536 counts a kind each), a third
collects the ids of the documents at the boundary score. Equal scores are ordered by id, so the number kept is the
one asked for and does not depend on shards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from tamis.errors import SchemaError
from tamis.schemas import KINDS
from tamis.section import Kind, Section, Share
from tamis.shards import read_table

HALF = 1 << 16

BELOW_SHARE = "below_keep_share"
BELOW_SCORE = "below_min_score"


class Selection(Section):
    """Which scored documents are kept; both conditions must hold. Changing it scores nothing again."""

    keep_share: dict[Kind, Share] = Field(
        {"prose": 0.9, "code": 0.9},
        description="Kind → share of its scored documents to keep, the best first, from 0 to 1; kinds not listed are "
        "kept whole. Milder than DCLM (0.1) or Llama 3 (0.6 to 0.7), because what reaches this stage has passed rules.",
    )
    min_score: dict[Kind, float] = Field({}, description="Kind → score below which a document is dropped.")

    @field_validator("keep_share")
    @classmethod
    def _keeps_something(cls, value: dict[Kind, float]) -> dict[Kind, float]:
        for kind, share in value.items():
            if share == 0.0:
                msg = f"keeps no document of kind {kind!r}; leave the kind out of `applies_to` instead"
                raise ValueError(msg)
        return value

    @property
    def keeps_all(self) -> bool:
        """Whether no document is dropped."""
        return not self.min_score and all(share == 1.0 for share in self.keep_share.values())


def ordered_bits(score: np.ndarray) -> np.ndarray:
    """float32 scores as uint32 that sort in the same order; -0.0 sorts as 0.0.

    Args:
        score: n float32, none of them NaN.
    """
    bits = (score.astype(np.float32) + np.float32(0.0)).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint32)


def _read(path: Path, column: str, *, ids: bool) -> pa.Table:
    table = read_table(path, [*(["id"] if ids else []), "kind", column])
    table = table.filter(pc.is_valid(table[column]))
    if pc.any(pc.is_nan(table[column])).as_py():
        msg = f"{path}: {column!r} holds NaN, a score must be a number or null; this is a defect of the scorer"
        raise SchemaError(msg)
    return table


def find_thresholds(scores: Sequence[Path], column: str, keep_share: Mapping[Kind, float]) -> dict[str, dict[str, Any]]:
    """The boundary of each kind's best documents, over all shards.

    Args:
        scores: the score files of all shards, with id, kind and a float32 column.
        column: name of that column; null = not scored.
        keep_share: kind → share to keep.

    Returns:
        Kind → documents (scored), keep (how many), and, where some are dropped, score and id of the last one kept:
        a document is kept iff its score is larger, or equal and its id not larger.
    """
    shares = {str(kind): share for kind, share in keep_share.items()}
    kinds = [kind for kind in KINDS if kind in shares]
    upper = {kind: np.zeros(HALF, dtype=np.int64) for kind in kinds}
    for kind, bits, _ in _passes(scores, column, kinds, ids=False):
        upper[kind] += np.bincount(bits >> 16, minlength=HALF)
    result: dict[str, dict[str, Any]] = {}
    above: dict[str, tuple[int, int]] = {}
    for kind in kinds:
        documents = int(upper[kind].sum())
        # Rounded up: a kind with one document keeps it. The small term absorbs 0.07 * 100 > 7.
        keep = int(np.ceil(shares[kind] * documents - 1e-9))
        result[kind] = {"documents": documents, "keep": keep, "keep_share": shares[kind]}
        if keep < documents:
            above[kind] = _bin_from_top(upper[kind], keep)
    lower = {kind: np.zeros(HALF, dtype=np.int64) for kind in above}
    for kind, bits, _ in _passes(scores, column, list(above), ids=False):
        lower[kind] += np.bincount(bits[bits >> 16 == above[kind][0]] & (HALF - 1), minlength=HALF)
    boundary: dict[str, int] = {}
    missing: dict[str, int] = {}
    for kind, (place, larger) in above.items():
        low, more = _bin_from_top(lower[kind], result[kind]["keep"] - larger)
        boundary[kind] = (place << 16) | low
        missing[kind] = result[kind]["keep"] - larger - more
    tied: dict[str, list[str]] = {kind: [] for kind in above}
    for kind, bits, table in _passes(scores, column, list(above), ids=True):
        at = np.flatnonzero(bits == boundary[kind])
        if len(at):
            result[kind]["score"] = table[column][int(at[0])].as_py()
            tied[kind] += table["id"].take(pa.array(at)).to_pylist()
    for kind, ids in tied.items():
        result[kind]["last_id"] = sorted(ids)[missing[kind] - 1]
    return result


def _passes(scores: Sequence[Path], column: str, kinds: Sequence[str], *, ids: bool) -> Any:
    if not kinds:
        return
    for path in scores:
        table = _read(path, column, ids=ids)
        for kind in kinds:
            rows = table.filter(pc.equal(table["kind"], kind))
            if rows.num_rows:
                yield kind, ordered_bits(rows[column].to_numpy()), rows


def _bin_from_top(counts: np.ndarray, wanted: int) -> tuple[int, int]:
    """The bin that holds the `wanted`-th largest item, and how many items lie in higher bins."""
    from_top = np.cumsum(counts[::-1])
    place = int(np.searchsorted(from_top, wanted))
    return len(counts) - 1 - place, int(from_top[place - 1]) if place else 0


def decide(
    documents: pa.Table,
    scores: pa.Table,
    column: str,
    found: Mapping[str, Mapping[str, Any]],
    min_score: Mapping[Kind, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which documents are kept.

    Args:
        documents: n documents.
        scores: n rows in the same order.
        column: the score.
        found: from `find_thresholds`.
        min_score: kind → least score.

    Returns:
        n booleans (kept), n reasons (empty where kept), n thresholds (NaN where kept).
    """
    score = pc.cast(scores[column], pa.float64()).to_numpy()
    kind = documents["kind"].to_numpy(zero_copy_only=False)
    ids = documents["id"].to_numpy(zero_copy_only=False)
    kept = np.ones(documents.num_rows, dtype=bool)
    reason = np.full(documents.num_rows, "", dtype=object)
    threshold = np.full(documents.num_rows, np.nan)

    def drop(rows: np.ndarray, name: str, value: float) -> None:
        rows = rows & kept
        kept[rows], reason[rows], threshold[rows] = False, name, value

    for name, limit in sorted(min_score.items()):
        drop((kind == name) & (score < limit), BELOW_SCORE, limit)
    for group, boundary in sorted(found.items()):
        if "score" in boundary:
            limit = float(boundary["score"])
            later = np.array([value > boundary["last_id"] for value in ids], dtype=bool)
            drop((kind == group) & ((score < limit) | ((score == limit) & later)), BELOW_SHARE, limit)
    return kept, reason, threshold

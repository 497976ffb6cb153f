"""What the page shows of models: their cards as tables, what would stay at which score, and how long training took."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.classifiers.cards import FIGURES, IN_GROUPS, OF_SEVERAL, describe, group_cells
from tamis.classifiers.evaluation.figures import cell_of
from tamis.classifiers.evaluation.groups import listed
from tamis.classifiers.evaluation.retention import SHOWN, score_text
from tamis.errors import safe
from tamis.report.blotted import blotted_rows
from tamis.report.figures import Sheet, flatten, number, percent
from tamis.report.layout import Results

MEASURED = "metrics"

FIGURES_OF_CARD = frozenset({"metrics", "groups", "remarks", "baselines", "errors", "limits", "confusion"})
SHOWN_APART = FIGURES_OF_CARD | {"calibration", "labels", "label_origin"}
"""Keys of a classifier's card that the page has a form of its own for."""

CALIBRATION = {"from": "score from", "documents": "texts", "mean_score": "mean score", "share_positive": "positive"}
LABELS = {"class": "class", "kind": "kind", "held_out": "held out", "documents": "texts"}
"""Columns of tables, and what they are called."""


@dataclass(frozen=True)
class Mistake:
    """A held-out text that a classifier got wrong."""

    id: str
    said: str
    text: str


@dataclass(frozen=True)
class Card:
    """What a model stage wrote about its model: sentences, tables, mistakes, then plain values by dotted path."""

    stage: str
    name: str
    remarks: tuple[str, ...]
    sheets: tuple[tuple[str, Sheet], ...]
    mistakes: tuple[Mistake, ...]
    limits: tuple[str, ...]
    leaves: tuple[tuple[str, Any], ...]


def cards(results: Results, models: Mapping[str, Mapping[str, Any]]) -> list[Card]:
    """What is shown of every model, in the order of the stages.

    Args:
        results: for the benchmarks, which say how long training took.
        models: stage → file stem → content, from `tamis.report.manifest.model_cards`.
    """
    return [
        shown(stage, name, _blotted(results, stage, value), time_of(results, stage) if name == "card" else {})
        for stage, found in models.items()
        for name, value in found.items()
    ]


def _blotted(results: Results, stage: str, value: Any) -> Any:
    """A card with the texts of its mistakes as this run shows texts: cards of an earlier run may hold more."""
    if not isinstance(value, dict) or not isinstance(value.get("errors"), list):
        return value
    return value | {"errors": blotted_rows(results, stage, value["errors"])}


def time_of(results: Results, stage: str) -> dict[str, Any]:
    """Seconds and memory of the jobs that trained a stage's model, as far as their benchmarks say."""
    folder = results.folder / "benchmarks" / stage
    return {
        f"{shown}: {name}": value
        for step, shown in (("tune", "fine-tuning"), ("train", "training"))
        for name, value in _benchmark(folder / f"{step}.tsv")
    }


def _benchmark(path: Path) -> Iterator[tuple[str, float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file, delimiter="\t"), {})
    except (OSError, UnicodeDecodeError, csv.Error):
        return
    for name, shown in (("s", "seconds"), ("cpu_time", "CPU seconds"), ("max_rss", "peak MB")):
        try:
            yield shown, float(row[name])
        except (KeyError, TypeError, ValueError):  # Snakemake writes NA or - for what it has not measured
            continue


def shown(stage: str, name: str, value: Any, more: Mapping[str, Any]) -> Card:
    """A model's JSON for the page.

    Args:
        stage: the stage.
        name: of the file, without its end.
        value: what it holds.
        more: further plain values.
    """
    content = dict(value) if isinstance(value, dict) else {"value": value}
    if name == "retention" and "groups" in content:
        return _retention(stage, content)
    sheets: list[tuple[str, Sheet]] = []
    mistakes: tuple[Mistake, ...] = ()
    remarks: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    if {"metrics", "groups", "remarks", "errors", "limits"} <= content.keys():
        sheets, remarks, limits = list(_figures(content)), tuple(content["remarks"]), tuple(content["limits"])
        mistakes = tuple(
            Mistake(row["id"], describe(row), safe(row["text"]) or "(no text)") for row in content["errors"]
        )
        content = {key: part for key, part in content.items() if key not in SHOWN_APART}
    rest: dict[str, Any] = {}
    for key, part in content.items():
        sheet = _sheet(part)
        if sheet is None:
            rest[key] = part
        else:
            sheets.append((key.replace("_", " "), sheet))
    sheets.sort(key=lambda entry: entry[0] != MEASURED)
    return Card(stage, name, remarks, tuple(sheets), mistakes, limits, (*more.items(), *flatten(rest)))


def _figures(card: Mapping[str, Any]) -> Iterator[tuple[str, Sheet]]:
    """Held-out figures of a classifier's card, in all and in groups."""
    overall = card["metrics"].get("all")
    if overall and not overall["note"]:
        rows = [(title, cell_of(overall, key)) for key, title in FIGURES.items()]
        rows += [(f"ROC-AUC of {row['baseline']}", cell_of(row, "roc_auc")) for row in card.get("baselines", ())]
        yield "held-out texts: value (95 % interval)", Sheet(("", "all"), tuple(rows))
    if card["metrics"]:
        by = "kind" if overall else "class"
        yield f"held-out texts by {by}", _group_sheet(listed(card["metrics"]), IN_GROUPS)
    named = [
        {**row, "group": row["group"] if name == "all" else f"{name}: {row['group']}"}
        for name, groups in card["groups"].items()
        for row in groups
    ]
    if named:
        yield "held-out texts in groups", _group_sheet(named, OF_SEVERAL if "confusion" in card else IN_GROUPS)
    if "confusion" in card and card["metrics"]:
        names = card["confusion"]["classes"]
        counts = zip(names, card["confusion"]["texts"], strict=True)
        yield "labelled as, and taken for", Sheet(("", *names), tuple((name, *row) for name, row in counts))
    for key, title, columns in (("calibration", "calibration", CALIBRATION), ("labels", "labelled texts", LABELS)):
        if rows := [tuple(_plain(row.get(name)) for name in columns) for row in card.get(key, ())]:
            yield title, Sheet(tuple(columns.values()), tuple(rows))
    if origin := card.get("label_origin"):
        yield (
            "where labels come from: texts that each gave, before sampling",
            Sheet(("", "texts"), tuple(origin.items())),
        )


def _group_sheet(groups: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Sheet:
    rows = tuple((row["group"], *group_cells(row, columns)) for row in groups)
    return Sheet(("", *columns.values(), ""), rows)


def _retention(stage: str, found: Mapping[str, Any]) -> Card:
    """Which share would stay at which score."""
    sources = [row for row in found["groups"] if row["by"] == "source"]
    groups = [row for row in found["groups"] if row["by"] != "source"] + sources[:SHOWN]
    sheets = []
    for what in ("documents", "characters"):
        rows = [
            (
                row["group"] if row["by"] == "all" else f"{row['by']} {row['group']}",
                row[what],
                *(percent(part / row[what]) if row[what] else "–" for part in row[f"{what}_at"]),
            )
            for row in groups
        ]
        sheets.append(
            (f"{what} that would stay at a score of", Sheet(("", "all", *map(score_text, found["at"])), tuple(rows)))
        )
    names = ("documents", "unscored", "lowest", "highest")
    more = [("sources that are not listed here", len(sources) - SHOWN)] if len(sources) > SHOWN else []
    leaves = (*((name, found[name]) for name in names), *more)
    return Card(stage, "retention", (), tuple(sheets) if groups else (), (), (), leaves)


def _sheet(part: Any) -> Sheet | None:
    """Rows of values as a table; None for what is none."""
    if isinstance(part, dict) and part and all(isinstance(row, dict) for row in part.values()):
        columns = _columns(part.values())
        rows = [(title, *(_plain(row.get(column)) for column in columns)) for title, row in part.items()]
        return Sheet(("", *columns), tuple(rows))
    if isinstance(part, list) and part and all(isinstance(row, dict) for row in part):
        columns = _columns(part)
        return Sheet(columns, tuple(tuple(_plain(row.get(column)) for column in columns) for row in part))
    return None


def _columns(rows: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for row in rows for column in row))


def _plain(value: Any) -> Any:
    """A cell: nested values as text."""
    return (
        ", ".join(f"{path} {number(leaf)}".strip() for path, leaf in flatten(value))
        if isinstance(value, dict | list)
        else value
    )


def worse_than_a_baseline(models: Mapping[str, Mapping[str, Any]], named: Collection[str], margin: float) -> list[str]:
    """One sentence a classifier that ranks its held-out texts worse than a baseline, beyond chance.

    Args:
        models: as in `cards`.
        named: classifiers that have no section of their own.
        margin: how much larger the AUC of the baseline must be.
    """
    found = []
    for stage, files in models.items():
        card = files.get("card")
        if not isinstance(card, dict):
            continue
        own = card.get("metrics", {}).get("all", {}).get("roc_auc")
        worse = [row for row in card.get("baselines", ()) if row["beyond_chance"] and row["better_by"] > margin]
        if worse and own is not None:
            found.append(_worse(stage, f"classifiers.{stage}" if stage in named else stage, own, worse))
    return found


def _worse(stage: str, section: str, own: float, rows: Sequence[Mapping[str, Any]]) -> str:
    best = max(rows, key=lambda row: row["roc_auc"])
    return (
        f"{stage} ranks its held-out texts worse than {best['baseline']} does: AUC {own:.3f} against "
        f"{best['roc_auc']:.3f}. Give it more labels under {section}.labels, or let a linear model stand in its place "
        f"(linear_quality, or `model: linear` under classifiers), else raise report.alarm_baseline."
    )

"""The card of a classifier: what it learnt from, how good it is on documents it has not seen, what it is not.

Written as JSON for programs and as Markdown for readers. No clock, no machine, no path of the run: the same
labels give the same card.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tamis.classifiers.evaluation import table_lines
from tamis.classifiers.labels import Labelled
from tamis.errors import safe
from tamis.shards import whole_file, write_json


def label_counts(rows: pa.Table) -> list[dict[str, Any]]:
    """Labelled documents by class, kind and side (training or held out)."""
    columns = (rows[name].to_pylist() for name in ("label", "kind", "held_out"))
    counts = Counter(zip(*columns, strict=True))
    return [
        {"class": label, "kind": kind, "held_out": held_out, "documents": number}
        for (label, kind, held_out), number in sorted(counts.items())
    ]


def build(
    stage: str,
    labelled: Labelled,
    kinds: Sequence[str],
    model: Mapping[str, Any],
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    calibration: Sequence[Mapping[str, float]] = (),
    calibration_error: float | None = None,
    grades: Mapping[str, Any] | None = None,
    limits: Sequence[str] = (),
) -> dict[str, Any]:
    """The card as a value for JSON.

    Args:
        stage: name of the stage.
        labelled: the labelled documents used, and the matches by selector.
        kinds: kinds the model was trained on; documents of other kinds get no score.
        model: settings and size of the model.
        metrics: group → figures of `tamis.classifiers.evaluation.binary_report` on the held-out documents.
        calibration: rows of `tamis.classifiers.evaluation.calibration`.
        calibration_error: expected calibration error, in [0, 1].
        grades: from `tamis.classifiers.evaluation.grade_report`.
        limits: sentences on what the scores do not say.
    """
    return {
        "stage": stage,
        "kinds": list(kinds),
        "model": dict(model),
        "labels": label_counts(labelled.rows),
        "label_origin": dict(sorted(labelled.matches.items())),
        "metrics": {name: dict(row) for name, row in metrics.items()},
        "calibration": [dict(row) for row in calibration],
        "expected_calibration_error": calibration_error,
        "grades": None if grades is None else dict(grades),
        "limits": list(limits),
    }


def markdown(card: Mapping[str, Any]) -> str:
    """The card for readers."""
    lines = [
        f"# Card of {card['stage']}",
        "",
        f"Scores documents of kind {', '.join(card['kinds'])}.",
        "",
        "## Held-out documents",
        "",
        *table_lines(card["metrics"], "group"),
        "",
    ]
    if card["grades"]:
        found, number = card["grades"]["spearman"], card["grades"]["documents"]
        shown = "none, one side is all equal" if found is None else f"{found:.3f}"
        lines += [f"Rank correlation (Spearman) of score and grade over {number} held-out texts: {shown}.", ""]
    if card["calibration"]:
        lines += [
            "## Calibration",
            "",
            f"Expected calibration error {card['expected_calibration_error']:.3f}.",
            "",
            "| score from | documents | mean score | share positive |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {row['from']:.1f} | {row['documents']} | {row['mean_score']:.3f} | {row['share_positive']:.3f} |"
            for row in card["calibration"]
        ]
        lines.append("")
    lines += ["## Labels", "", "| class | kind | used for | documents |", "|---|---|---|---|"]
    lines += [
        f"| {row['class']} | {row['kind']} | {'held out' if row['held_out'] else 'training'} | {row['documents']} |"
        for row in card["labels"]
    ]
    lines += [
        "",
        "Where they come from (texts that each gave, before sampling), and what of them teaches nothing:",
        "",
        "| origin | texts |",
        "|---|---|",
    ]
    lines += [f"| {name} | {number} |" for name, number in card["label_origin"].items()]
    if card.get("judge"):
        lines += ["", *_judge_lines(card["judge"])]
    lines += ["", "## Model", "", "| setting | value |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in sorted(card["model"].items())]
    if card["limits"]:
        lines += ["", "## Limits", "", *(f"- {sentence}" for sentence in card["limits"])]
    return "\n".join(lines) + "\n"


def _judge_lines(judge: Mapping[str, Any]) -> list[str]:
    """What a card says of a judge; what the endpoint said of itself is as hostile as the corpus."""
    tokens, twice = judge["tokens"], judge["agreement"]
    malformed = ", ".join(f"{name}: {number}" for name, number in judge["malformed"].items())
    used = f"{tokens['read']} tokens read and {tokens['written']} written"
    rows = {
        "model": judge["model"],
        "model as the endpoint names it": ", ".join(f"{name}: {number}" for name, number in judge["served"].items()),
        "documents judged": judge["documents"],
        "answers": ", ".join(f"{name}: {number}" for name, number in judge["given"].items()) or "none",
        "malformed answers, which teach nothing": malformed or 0,
        "agreement with a second answer": "not measured"
        if twice is None
        else f"{twice['same']:.3f} of {twice['documents']} documents the same, kappa "
        + ("not defined, all answers are equal" if twice["kappa"] is None else f"{twice['kappa']:.3f}"),
        "cost": used
        + ("" if tokens["cost"] is None else f", {tokens['cost']:g} at the prices of the configuration")
        + (f"; {tokens['uncounted']} answers without a count" if tokens["uncounted"] else ""),
    }
    return ["## Judge", "", "| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows.items())]


def _cell(value: object) -> str:
    """A text of others in a cell of a table, where nothing in it is Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&])", r"\\\1", " ".join(safe(str(value)).split()))


def write(card: Mapping[str, Any], card_json: Path, card_text: Path) -> None:
    """Write both forms; the JSON, which jobs read, last."""
    with whole_file(card_text) as temporary:
        temporary.write_text(markdown(card), encoding="utf-8")
    write_json(card_json, card)

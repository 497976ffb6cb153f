"""The card of a classifier: what it learnt from, how good it is on texts it has not seen, what it is not.

Written as JSON for programs and as Markdown for readers. No clock, no machine, no path of the run: the same
labels give the same card.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tamis.classifiers.evaluation.figures import cell_of
from tamis.classifiers.evaluation.groups import listed
from tamis.classifiers.labels import Labelled
from tamis.classifiers.markdown import escaped, passage, table
from tamis.scaling import Learnt
from tamis.shards import whole_file, write_json

FIGURES = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC-AUC"}
"""Figures that have an interval, as readers know them."""

BASELINES = {"tf_idf_roc_auc": "AUC of TF-IDF", "length_roc_auc": "AUC of length"}

IN_GROUPS = {"documents": "texts", "positives": "positives"} | FIGURES | BASELINES
OF_SEVERAL = {"documents": "texts", "classes": "classes", "accuracy": "accuracy", "mean_f1": "mean F1"}
"""Columns of the tables of groups: key of a row, and how it is called."""


def label_counts(rows: pa.Table) -> list[dict[str, Any]]:
    """Labelled documents by class, kind and side (training or held out)."""
    columns = (rows[name].to_pylist() for name in ("label", "kind", "held_out"))
    counts = Counter(zip(*columns, strict=True))
    return [
        {"class": label, "kind": kind, "held_out": held_out, "documents": number}
        for (label, kind, held_out), number in sorted(counts.items())
    ]


def learnt(card: Mapping[str, Any], cap: int) -> dict[str, Learnt]:
    """Labelled documents by class and kind, for what a larger corpus takes.

    Args:
        card: of the classifier.
        cap: documents of a class and kind at most.
    """
    found: dict[str, float] = {}
    for row in card["labels"]:
        name = f"{row['class']} {row['kind']}"
        found[name] = found.get(name, 0.0) + row["documents"]
    return {name: Learnt(seen, float(cap)) for name, seen in found.items()}


def better(row: Mapping[str, Any], own: float) -> str:
    """What is said of a baseline that ranks better.

    Args:
        row: from `tamis.classifiers.evaluation.baselines.compared`.
        own: the AUC of the classifier.
    """
    name = row["baseline"][0].upper() + row["baseline"][1:]
    areas = f"its AUC is {row['roc_auc']:.3f}, the model's {own:.3f}"
    if not row["beyond_chance"]:
        return f"{name} may be better here: {areas}, a difference that chance can make."
    low, high = row["better_by_interval"]
    return f"{name} is better here: {areas}; the difference is {low:.3f} to {high:.3f} with 95 % confidence."


def build(
    stage: str,
    labelled: Labelled,
    kinds: Sequence[str],
    model: Mapping[str, Any],
    measured: Mapping[str, Any],
    limits: Sequence[str] = (),
) -> dict[str, Any]:
    """The card as a value for JSON.

    Args:
        stage: name of the stage.
        labelled: the labelled documents used, and the matches by selector.
        kinds: kinds the model was trained on; documents of other kinds get no score.
        model: settings and size of the model.
        measured: figures on the held-out documents, under the names that `markdown` knows.
        limits: sentences on what the scores do not say.
    """
    counts = label_counts(labelled.rows)
    return {
        "stage": stage,
        "kinds": list(kinds),
        "model": dict(model),
        "labels": counts,
        "held_out": sum(row["documents"] for row in counts if row["held_out"]),
        "label_origin": dict(sorted(labelled.matches.items())),
        **measured,
        "limits": list(limits),
    }


def markdown(card: Mapping[str, Any]) -> str:
    """The card for readers."""
    lines = [f"# Card of {card['stage']}", "", f"Scores documents of kind {', '.join(card['kinds'])}."]
    if sha256 := card.get("model_sha256"):
        lines[-1] += f" The model's SHA-256 is `{sha256}`."
    lines += ["", *_held_out(card), *_calibration(card), *_errors(card), *_labels(card)]
    if card.get("judge"):
        lines += ["", *_judge_lines(card["judge"])]
    lines += ["", "## Model", "", *table(["setting", "value"], _settings(card["model"]))]
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
        "model as the endpoint names it": ", ".join(
            f"{name or 'not named'}: {number}" for name, number in judge["served"].items()
        ),
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
    return ["## Judge", "", *table(["", ""], [[name, escaped(value)] for name, value in rows.items()])]


def _held_out(card: Mapping[str, Any]) -> Iterator[str]:
    """Figures on the held-out texts, and what is to be said of them."""
    yield from ["## Held-out texts", ""]
    if "all" in card["metrics"]:
        yield from _overall(card["metrics"]["all"], card["threshold"], card["baselines"])
    for sentence in card["remarks"]:
        yield from [f"- {escaped(sentence)}"]
    yield from [""] if card["remarks"] else []
    if card["grades"]:
        found, number = card["grades"]["spearman"], card["grades"]["documents"]
        shown = "none, one side is all equal" if found is None else f"{found:.3f}"
        yield from [f"Rank correlation (Spearman) of score and grade over {number} held-out texts: {shown}.", ""]
    yield from _tables(card)
    if "confusion" in card and card["metrics"]:
        names = card["confusion"]["classes"]
        rows = [[name, *numbers] for name, numbers in zip(names, card["confusion"]["texts"], strict=True)]
        yield from ["### Which is taken for which", "", *table(["labelled as", *names], rows), ""]


def _overall(row: Mapping[str, Any], threshold: float, baselines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    texts, positives = row["documents"], row["positives"]
    yield from [
        f"{texts:,} texts, {positives:,} of them positive; called positive at a score of {threshold:g} or more."
    ]
    if row["note"]:
        yield from [f"Not measured: {row['note']}.", ""]
        return
    shown = [[name, _interval(row[key], row[f"{key}_interval"])] for key, name in FIGURES.items()]
    shown += [
        [f"ROC-AUC of {each['baseline']}", _interval(each["roc_auc"], each["roc_auc_interval"])] for each in baselines
    ]
    yield from ["", *table(["figure", "value (95 % interval)"], shown), ""]


def _interval(value: float | None, interval: Sequence[float] | None) -> str:
    return cell_of({"value": value, "value_interval": interval}, "value")


def _tables(card: Mapping[str, Any]) -> Iterator[str]:
    """All groups in one table, those that are not measured with the reason; of several classes two."""
    if not card["metrics"]:
        return
    by = "kind" if "all" in card["metrics"] else "class"
    rows = list(_rows(by, listed(card["metrics"]), IN_GROUPS))
    more: list[list[str]] = []
    for name, groups in card["groups"].items():
        if "confusion" in card:
            more += _rows(name, groups, OF_SEVERAL)
        else:
            rows += _rows(name, groups, IN_GROUPS)
    yield from ["### In groups", "", *table(["by", "group", *IN_GROUPS.values(), ""], rows), ""]
    if more:
        yield from [*table(["by", "group", *OF_SEVERAL.values(), ""], more), ""]


def _rows(by: str, report: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Iterator[list[str]]:
    for row in report:
        yield [by if row["group"] != "all" else "", escaped(row["group"]), *group_cells(row, columns)]


def group_cells(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    """What stands beside the name of a group; only the AUC has its interval there, or the table is too wide to read."""
    shown = {key: value for key, value in row.items() if key == "roc_auc_interval" or not key.endswith("_interval")}
    return [*(cell_of(shown, name) for name in columns), row["note"] or ""]


def _calibration(card: Mapping[str, Any]) -> Iterator[str]:
    if card["calibration"]:
        yield from ["## Calibration", "", f"Expected calibration error {card['expected_calibration_error']:.3f}.", ""]
        rows = [
            [f"{row['from']:.1f}", row["documents"], f"{row['mean_score']:.3f}", f"{row['share_positive']:.3f}"]
            for row in card["calibration"]
        ]
        yield from [*table(["score from", "texts", "mean score", "share positive"], rows), ""]


NOT_BLOTTED = (
    "The texts are those that the labels were read from, before any stage that replaces what is private: addresses, "
    "numbers and keys are blotted out here, persons' names are not, whatever `privacy.names` says. Read them before "
    "you give this card away."
)
"""A card is written where its model is taught, which may be in an environment that has nothing to find names with."""


def _errors(card: Mapping[str, Any]) -> Iterator[str]:
    """The most confident errors; their texts are of the corpus, and hostile."""
    errors = card["errors"]
    if not errors:
        return
    shown = f"{len(errors)} of {card['wrong']:,}" if card["wrong"] > len(errors) else f"all {len(errors)}"
    yield from ["## Most confident errors", "", f"The most confident first, {shown}; the start of each text.", ""]
    yield from [NOT_BLOTTED, ""]
    for number, row in enumerate(errors, 1):
        yield from [f"**{number}.** `{row['id']}`: {escaped(describe(row))}", "", *passage(row["text"]), ""]


def describe(error: Mapping[str, Any]) -> str:
    """What stands above the text of an error."""
    said = (
        f"score {error['score']:.3f}"
        if "score" in error
        else f"taken for {error['taken_for']} ({error['probability']:.3f})"
    )
    where = ", ".join(error[name] for name in ("kind", "source", "language") if error[name])
    agrees = {True: ", so is TF-IDF", False: ", TF-IDF is right", None: ""}[error.get("tf_idf_agrees")]
    return f"labelled {error['label']}, {said}{agrees}; {where}; {error['characters']:,} characters"


def _labels(card: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [row["class"], row["kind"], "held out" if row["held_out"] else "training", row["documents"]]
        for row in card["labels"]
    ]
    yield from ["## Labels", "", *table(["class", "kind", "used for", "texts"], rows), ""]
    yield from ["Where they come from (texts that each gave, before sampling), and what of them teaches nothing:", ""]
    yield from table(["origin", "texts"], [[escaped(name), number] for name, number in card["label_origin"].items()])


def _settings(model: Mapping[str, Any]) -> Iterator[list[object]]:
    for name, value in sorted(model.items()):
        yield [escaped(name), escaped(value)]


def write(card: Mapping[str, Any], card_json: Path, card_text: Path) -> None:
    """Write both forms; the JSON, which jobs read, last."""
    with whole_file(card_text) as temporary:
        temporary.write_text(markdown(card), encoding="utf-8")
    write_json(card_json, card)

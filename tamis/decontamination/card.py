"""The contamination table as a person reads it: on the page, and on the card of an export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tamis.decontamination.disguises import LENGTHS


class Contamination(NamedTuple):
    """What stands of benchmarks in the corpus."""

    method: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Of each benchmark, as text."""
    disguises: tuple[tuple[str, ...], ...]
    """Disguise, form, planted, recall with its interval."""
    lengths: tuple[tuple[str, ...], ...]
    """Words, form, planted, recall with its interval."""


HEADS = (
    "benchmark", "items", "hit items", "documents", "dropped", "cut", "characters", "words", "found", "recall",
    "missed, estimated",
)  # fmt: skip

SHORT = (
    "What is too short, or says too little, to be looked for without its answer counts as missed, even verbatim, so "
    "that recall is low where questions are short."
)


def _recall(row: Mapping[str, Any], low: str, high: str) -> str:
    if row["recall"] is None:
        return "not measured"
    return f"{row['recall']:.1%} ({row[low]:.1%} to {row[high]:.1%})"


def table(value: Mapping[str, Any]) -> Contamination:
    """What `tamis.decontamination.table.contamination` gave, as texts."""
    numbers = ("items", "hit_items", "documents", "dropped", "cut", "characters", "words", "found")
    rows = tuple(
        (
            str(row["benchmark"]),
            *(f"{row[name]:,}" for name in numbers),
            _recall(row, "recall_low", "recall_high"),
            "not measured"
            if row["missed"] is None
            else f"{row['missed']:,.1f} ({row['missed_low']:,} to {row['missed_high']:,})",
        )
        for row in value["benchmarks"]
    )
    audit = value["audit"]
    order = [name for name, _ in LENGTHS]
    lengths = sorted(audit["by_length"], key=lambda row: (order.index(row["length"]), row["form"]))
    return Contamination(
        value["method"], HEADS, rows, _planted(audit["by_disguise"], "disguise"), _planted(lengths, "length")
    )


def _planted(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (row[name].replace("_", " "), row["form"], f"{row['planted']:,}", _recall(row, "low", "high")) for row in rows
    )


def markdown(found: Contamination) -> str:
    """The table as a section of a card."""
    rows: Sequence[Sequence[str]] = [found.heads, ["---"] * len(found.heads), *found.rows]
    lines = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return (
        "\n## Benchmark contamination\n\nOf the corpus that this set is drawn from, before the documents and spans "
        f"counted here were taken out ({found.method}). `found` counts items in documents; `words` are those by which "
        "items are compared, an ideograph each (the tokenizer is made from what stays). `missed` is what, by the "
        f"recall of planted items (95 % interval), was there and was not found. {SHORT}\n\n" + lines + "\n"
    )

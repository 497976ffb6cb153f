"""The waterfall, a document's story and query results as plain text, at most 100 columns wide.

Text of the corpus is hostile on a terminal too: control characters, which could move the cursor or change the title,
are shown as escapes.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

from tamis.dedup import earlier
from tamis.errors import safe
from tamis.report import takedowns
from tamis.report.figures import number, percent
from tamis.report.measures import Measure
from tamis.report.samples import Piece
from tamis.report.story import Event, Story, address
from tamis.report.tables import Step
from tamis.toxicity.card import NO_BOUND, Toxicity

WIDTH = 100
MOST_ALARMS = 10
SHOWN = 400
"""Characters shown of a document's text."""


def columns_of(text: str) -> int:
    """Columns a text takes on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def waterfall(steps: Sequence[Step]) -> str:
    """The retention waterfall as a table: stage, documents, characters, % kept, % of all, dropped by reason."""
    first = steps[0].kept.documents if steps else 0
    head = ("stage", "documents", "characters", "kept", "of all", "dropped by reason")
    rows: list[tuple[str, str, str, str, str, list[str]]] = []
    for step in steps:
        of_all = percent(step.kept.documents / first) if first else "–"
        lost = [f"{reason} {count.documents:,}" for reason, count in step.dropped.items()]
        lost += [f"{reason} {verb} {count.documents:,}" for reason, verb, count in step.edited()]
        rows.append(
            (
                safe(step.stage),
                f"{step.kept.documents:,}",
                f"{step.kept.characters:,}",
                percent(step.kept_share),
                of_all,
                lost,
            )
        )
    widths = [max([len(head[i]), *(len(str(row[i])) for row in rows)]) for i in range(5)]
    room = max(24, WIDTH - sum(widths) - 2 * 5)

    def line(cells: Sequence[str], last: str) -> str:
        left = cells[0].ljust(widths[0])
        return "  ".join([left, *(cells[i].rjust(widths[i]) for i in range(1, 5)), last]).rstrip()

    lines = [line(head[:5], head[5]), "─" * min(WIDTH, sum(widths) + 10 + room)]
    for row in rows:
        reasons = _fold(row[5], room)
        lines.append(line(row[:5], reasons[0]))
        lines += [line(("",) * 5, more) for more in reasons[1:]]
    return "\n".join(lines)


def measured(found: Sequence[Measure]) -> str:
    """Figures that stages measured of themselves, two lines each: value, and what it was made from."""
    lines = []
    for measure in found:
        lines.append(safe(f"{measure.stage}: {measure.name} {measure.value}"))
        lines += [f"  {line}" for line in textwrap.wrap(safe(measure.detail), WIDTH - 2)]
    return "\n".join(lines)


def listed(found: Toxicity) -> str:
    """What has entries of word lists, by language and source, and what bounds on them drop or would drop."""
    bound = "no bound in force" if found.in_force == NO_BOUND else f"{safe(found.in_force)} in force"
    lines = [f"toxicity: {bound}; shares of documents with hits, and that each bound would drop"]
    for one in found.tables:
        lines += ["", table(one.heads, one.rows, [False, *[True] * (len(one.heads) - 1)])]
        lines += [f"… and {one.more:,} more, in the table toxicity of tamis sql"] if one.more else []
    return "\n".join(lines)


def alarms(found: Sequence[str], page: str) -> str:
    """The first ten alarms, folded, and how many more there are; nothing where there is none.

    Args:
        found: one sentence each.
        page: where all of them are shown.
    """
    if not found:
        return ""
    lines = [f"{len(found)} alarm{'s'[: len(found) != 1]}:"]
    for alarm in found[:MOST_ALARMS]:
        lines += textwrap.wrap(safe(alarm), WIDTH, initial_indent="  ! ", subsequent_indent="    ")
    if len(found) > MOST_ALARMS:
        lines.append(f"  … and {len(found) - MOST_ALARMS:,} more: {safe(page)}")
    return "\n".join(lines)


def _fold(items: Sequence[str], room: int) -> list[str]:
    """Items separated by commas on lines of at most `room` columns; no item is broken unless it is longer than that."""
    lines = [""]
    for index, item in enumerate(items):
        entry = safe(item) + ("," if index + 1 < len(items) else "")
        if lines[-1] and len(lines[-1]) + 1 + len(entry) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {entry}".strip()
    return lines


def _quoted(text: str, indent: str) -> list[str]:
    """A passage with a bar at its left, folded."""
    lines: list[str] = []
    for paragraph in safe(text).split("\n"):
        lines += textwrap.wrap(paragraph.expandtabs(4), WIDTH - len(indent) - 2, drop_whitespace=False) or [""]
    return [f"{indent}│ {line}".rstrip() for line in lines]


def _passage(pieces: Sequence[Piece]) -> str:
    shown = {"same": "{}", "only": "{}", "cut": "[-{}-]", "new": "{{+{}+}}", "gap": " [… {}] "}
    return "".join(shown[piece.mark].format(piece.text) for piece in pieces)


def _beginning(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} [… {len(text) - SHOWN:,} more characters]"


def _heading(row: dict[str, Any]) -> str:
    parts = [row.get("source"), row.get("kind")]
    if row.get("date") is not None:
        parts.append(f"{row['date']:%Y-%m-%d}")
    size = row.get("ingested_characters", row.get("chars"))
    parts.append(None if size is None else f"{size:,} characters")
    return " · ".join(safe(str(part)) for part in parts if part)


def _rule(ledger: dict[str, Any]) -> str:
    text = safe(str(ledger["reason"]))
    if ledger["value"] is not None:
        text += f", value {number(ledger['value'])}"
    if ledger["threshold"] is not None:
        text += f", threshold {number(ledger['threshold'])}"
    if ledger["similarity"] is not None:
        text += f", similarity {number(ledger['similarity'])}"
    return text


def _event_lines(event: Event, width: int) -> list[str]:
    lines = []
    name = safe(event.stage).ljust(width)
    cut = sum(change.size.cut for change in event.changes)
    added = sum(change.size.added for change in event.changes)
    if event.kept:
        edited = f", {cut:,} characters cut" if event.changes else ""
        lines.append(f"  {name}  kept{edited}" + (f", {added:,} put in" if added else ""))
    elif event.ledger is not None:
        lines.append(f"  {name}  DROPPED by {_rule(event.ledger)}")
    for change in event.changes:
        lines.append(f"  {' ' * width}  {safe(change.reason)}: {change.size}")
        lines += _quoted(_passage(change.pieces), f"  {' ' * width}  ")
    return lines


def story(told: Story) -> str:
    """A document's story: where it came from, what each stage did, and where it ended."""
    width = max([8, *(len(event.stage) for event in told.events)])
    lines = [told.id]
    if where := address(told.document):
        lines.append(f"  {safe(where)}")
    lines.append(f"  {_heading(told.document)}")
    if told.repeated:
        lines.append(f"  {told.repeated:,} more record{'s'[: told.repeated != 1]} said exactly the same")
    if told.copies > 1:
        lines.append(f"  stands for {told.copies:,} captures and near-copies, itself included")
    lines.append("")
    for event in told.events:
        lines += _event_lines(event, width)
    if told.columns:
        lines += ["", *_packed([f"{name} {safe(number(value))}" for name, value in told.columns.items()])]
    return "\n".join([*lines, "", *_end_lines(told)]).rstrip()


def _packed(parts: Sequence[str]) -> list[str]:
    """Parts side by side, in as many lines as they take."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + 2 + len(part) > WIDTH:
            lines.append("")
        lines[-1] += f"  {part}"
    return lines


def _end_lines(told: Story) -> list[str]:
    """Where a document ended: beside what it matched, in a delivery, or at a stage that has not run."""
    last = told.events[-1] if told.events else None
    if last is not None and last.ledger is not None:
        lines = []
        if told.document.get("text"):
            lines = ["  It begins:", *_quoted(_beginning(told.document["text"]), "  ")]
        return [*lines, "", *_matched_lines(last)] if last.ledger["matched_id"] else lines
    if told.unfinished:
        return ["  The stages after that have not run yet."]
    if not told.delivers:
        return ["  It is in the pool, where this configuration ends."]
    if not told.deliveries:
        return ["  It is in the pool, but in no mixture, annealing set, validation split or export: it was not drawn."]
    return ["  It is in the pool and ended in:"] + [
        f"    {delivery.label}" + (f" ({copies} times)" if copies > 1 else "") for delivery, copies in told.deliveries
    ]


def _matched_lines(event: Event) -> list[str]:
    ledger = event.ledger or {}
    if event.matched is None:
        lines = [f"  It matched {safe(str(ledger['matched_id']))}."]
        if ledger["reason"] == earlier.REASON:
            lines[0] = f"{lines[0][:-1]}, which an earlier run holds."
        if event.taken_down is not None:
            lines.append(_takedown_line(event.stage, event.taken_down))
    else:
        verb = "kept" if event.matched_stage == event.stage else "also dropped there"
        lines = [f"  It matched this document, which was {verb}:", *_document_lines(event.matched)]
    if event.instead is not None:
        lines += ["", "  Kept in its place was the first of their group:", *_document_lines(event.instead)]
    return lines


def _takedown_line(stage: str, gone: takedowns.Takedown) -> str:
    where = safe(f"{gone.folder}/{takedowns.STAGE}")
    if gone.held:
        return (
            f"  That run has removed it ({where}), but behind {safe(stage)}, whose index still holds it: put remove in "
            "front of that stage there, and run both again."
        )
    return f"  That run has removed it since ({where}): run this one again, and this document is looked at anew."


def _document_lines(document: dict[str, Any]) -> list[str]:
    lines = [f"  {document['id']}"]
    if where := address(document):
        lines.append(f"  {safe(where)}")
    return [*lines, f"  {_heading(document)}", *_quoted(_beginning(document["text"] or ""), "  ")]


def skipped(rows: Sequence[dict[str, Any]]) -> str:
    """Records that ingest could not read."""
    return "\n".join(
        f"{safe(row['path'])}, record {row['record']}, source {safe(row['source'])}: skipped at ingest by "
        f"{safe(row['reason'])}{': ' + safe(row['detail']) if row['detail'] else ''}"
        for row in rows
    )


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str | None]], right: Sequence[bool], most_columns: int = 60
) -> str:
    """Rows of a query; long values are shortened.

    Args:
        columns: n names.
        rows: n texts each, None for null.
        right: n times whether the column stands at the right, as numbers do.
        most_columns: columns of the terminal that one value may take.
    """
    cells = [[_cell(value, most_columns) for value in row] for row in rows]
    heads = [safe(name) for name in columns]
    widths = [max([columns_of(heads[i]), *(columns_of(row[i]) for row in cells)]) for i in range(len(heads))]

    def line(values: Sequence[str]) -> str:
        padded = []
        for i, value in enumerate(values):
            space = " " * (widths[i] - columns_of(value))
            padded.append(space + value if right[i] else value + space)
        return "  ".join(padded).rstrip()

    return "\n".join([line(heads), "  ".join("─" * width for width in widths), *(line(row) for row in cells)])


def _cell(value: str | None, most_columns: int) -> str:
    if value is None:
        return ""
    text = safe(value).replace("\n", "\\n").replace("\t", "\\t")
    return text if len(text) <= most_columns else text[: most_columns - 1] + "…"

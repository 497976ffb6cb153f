"""Repair text that was damaged on its way, and cut the lines that C4 cuts where that is asked for.

Pages are decoded twice ("schÃ¶n"), escaped twice ("&amp;eacute;"), and carry what stands for nothing: control
characters, soft hyphens, zero-width characters, marks of direction in lines that run one way. Models learn all of it,
and two captures of a page of which one is damaged are no near-duplicates. ftfy (Speer 2019) tells mojibake and puts it
right, a line at a time; entities, controls and the rest are described in `tamis/repair/lines.py`.

A text in which nothing is wrong stays as it is: of 15,136 books, laws, licences, PEPs, manuals in 37 languages,
newsletters and web pages 133 change, and of some two hundred changes that were read two were wrong (`Ã` as a word: now
it is damage only among other damage); of 532 translations of one declaration 36, nearly all into normal form. Mails in
East Asian encodings that were read as Latin are garbage before and after.

Only lines that show a sign of damage (`tamis/repair/marks.py`) leave the kernel that looks for them: 450 MB/s a core of
English. The stage reads 50 to 130 MB/s of web pages and 350 of sound text in the median language; where marks combine
(Indic, Thai, Arabic) it is 90 to 150 on a busy core, because the kernel knows which characters make one. It reads 20 to
30 MB/s of mails, 4 to 10 of text that changes in every word, as decomposed Vietnamese does. datatrove's FTFY formatter
takes 14 to 31 times as long on web pages (benchmarks/repair/run.py). Lines longer than 5 kB are repaired in pieces, so
that none takes longer than its length asks.

Where: before whatever compares or judges texts, behind what looks at addresses only
(docs/decisions/0019-repair-before-comparison.md). The id of a document stays that of its text as it was read.

`c4_lines` cuts lines by C4's rules after the repair. Rules that hold documents against all of their lines follow in
`heuristics`.

An editor: edits have the reason of each repair (`mojibake`, `html_entity`, `line_break`, `control_character`,
`soft_hyphen`, `zero_width`, `bidi_mark`, `normal_form`, `c4_…`); what replaces something stands in `replacement`. Where
several touch, they are one edit with the reason of the first. A document of which nothing is left is dropped
(`nothing_left`). Writes documents, dropped, edits, stats. Memory: a batch of documents.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field

from tamis.edits import Change, Spans, edited, in_sequence
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.repair.c4 import LineRules, cuts
from tamis.repair.lines import Steps, repaired
from tamis.repair.marks import Form, tables
from tamis.schemas import EDITS, empty, of_kinds
from tamis.section import AppliesTo, Section
from tamis.shards import document_batches

VERSION = 2
"""2: where more than eight words of a line change, they are one edit."""

STAGE = "text_repair"


def _switched(value: Any) -> Any:
    return {} if value is True else None if value is False else value


class Config(Section):
    """Repairing texts."""

    applies_to: AppliesTo = Field(
        ("prose", "licence"),
        description="Kinds that are repaired; entities and odd characters are what code and markup are about.",
    )
    mojibake: bool = Field(
        True, description="Text that was decoded by a wrong encoding, by ftfy: “schÃ¶n” becomes “schön”."
    )
    html_entities: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Entities such as &amp;eacute; become what they stand for; auto: unless the document holds a <, "
        "so that it may be about markup (ftfy's own rule).",
    )
    line_breaks: bool = Field(
        True, description="Carriage returns, vertical tabs, U+2028 and U+2029 become line feeds, CR LF one."
    )
    control_characters: bool = Field(
        True,
        description="Cut control characters (but tab, line feed, form feed), escapes of terminals, byte order marks, "
        "U+FFF9 to U+FFFC.",
    )
    soft_hyphens: bool = Field(True, description="Cut soft hyphens; at the end of a line they become hyphens.")
    zero_width: bool = Field(
        True,
        description="Cut zero-width spaces, joiners and non-joiners where they say nothing: they stay in emoji and "
        "beside letters of scripts that join, stack or have no blanks (Arabic, Indic, Thai, Khmer …).",
    )
    bidi_marks: bool = Field(
        True, description="Cut marks of direction in lines without a letter of a right-to-left script."
    )
    normal_form: Form | None = Field(
        "NFC",
        description="Unicode normal form. NFC changes nothing that is seen; NFKC also makes ² a 2 and ﬁ two letters; "
        "null: as it is.",
    )
    c4_lines: Annotated[LineRules | None, BeforeValidator(_switched)] = Field(
        None, description="Cut lines by C4's rules; true: all of them; null or false: none."
    )

    @property
    def steps(self) -> Steps:
        """What is repaired, without the section."""
        return Steps(**{name: getattr(self, name) for name in Steps._fields})


def repair(documents: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """Repair texts.

    Args:
        documents: n documents.
        config: the stage's section.

    Returns:
        The n documents with their new texts, and rows of `schemas.EDITS`.
    """
    from tamis.kernels.damage import damaged
    from tamis.kernels.words import buffers

    steps, chosen = config.steps, of_kinds(documents, config.applies_to)
    offsets, data = buffers(documents["text"])
    lines, tags = damaged(offsets, data, chosen, *tables(config.normal_form), steps.wanted)
    places: list[tuple[int, int, int]] = []
    replacements: list[str | None] = []
    reasons: list[str] = []
    for row, group in groupby(lines.tolist(), itemgetter(0)):
        signs = [(start, data[start:end].tobytes().decode(), bits) for _, start, end, bits in group]
        for start, line, changes in _of_document(signs, steps, tagged=bool(tags[row])):
            characters, at = 0, start
            for change in changes:
                first = at + len(line[characters : change.start].encode())
                characters, at = change.end, first + len(line[change.start : change.end].encode())
                places.append((row, first, at))
                replacements.append(change.replacement or None)
                reasons.append(change.reason)
    if not places:
        return documents, empty(EDITS)
    spans = Spans(*(np.array(column, np.int64) for column in zip(*places, strict=True)))
    return edited(documents, spans, reasons, replacement=replacements)


def _of_document(
    lines: list[tuple[int, str, int]], steps: Steps, *, tagged: bool
) -> list[tuple[int, str, list[Change]]]:
    """First byte, text and changes of lines with signs of damage, given with their bits."""
    # What is doubtful is mojibake where the document holds some that is not.
    for sure in (False, True):
        found = [(start, line, repaired(line, bits, steps, tagged=tagged, sure=sure)) for start, line, bits in lines]
        if not any(change.reason == "mojibake" for _, _, changes in found for change in changes):
            break
    return found


def cut_lines(documents: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """Cut lines by C4's rules; see `repair`."""
    if config.c4_lines is None:
        return documents, empty(EDITS)
    spans, reasons = cuts(documents["text"], of_kinds(documents, config.applies_to), config.c4_lines)
    return edited(documents, spans, reasons)


def run_apply(
    config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, edits: Path, stats: Path
) -> None:
    """Repair the texts of one shard."""
    with outcome_writer(Outputs(kept, dropped, stats, edits), STAGE, shard) as writer:
        for before in document_batches(documents):
            repaired_texts, repairs = repair(before, config)
            after, line_cuts = cut_lines(repaired_texts, config)
            rows = in_sequence(before, repairs, line_cuts)
            # Of empty texts nothing is left either, but nothing was taken from them.
            changed = pc.is_in(before["id"], value_set=pc.unique(rows["id"]))
            nothing = pc.and_(changed, pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(after["text"])), 0))
            ledger = dropped_rows(STAGE, before.filter(nothing), "nothing_left")
            writer.add(before, after.filter(pc.invert(nothing)), ledger, edits=rows)

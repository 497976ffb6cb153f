"""Paragraphs: finding them in texts, which of their occurrences go, and what is left of the documents.

The definitions stand in `tamis/stages/paragraph_dedup.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.dedup import scope
from tamis.dedup.owners import HASH, documents_of, frame_of
from tamis.edits import Spans, edited
from tamis.ids import id_strings
from tamis.schemas import of_kinds

if TYPE_CHECKING:
    import polars as pl

    from tamis.kernels.blocks import Blocks

PARAGRAPHS = pa.schema(
    [
        ("row", pa.int64()),  # of the document in its shard
        ("unit", pa.int64()),  # of the paragraph among all units of the document (tamis/kernels/lines.py)
        ("characters", pa.int64()),
        ("document_characters", pa.int64()),  # of all units of the document, without the gaps between them
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("by_line", pa.bool_()),  # whether units of the document are lines
        ("section", pa.int64()),  # the unit that is the heading over it (tamis/kernels/blocks.py), -1 for none
        ("opens", pa.bool_()),  # whether it opens that section
        ("section_characters", pa.int64()),  # of that section without its heading
    ]
)
"""What map finds and the later steps of the same shard read again: one row an occurrence."""


@dataclass(frozen=True)
class Scheme:
    """Which paragraphs are compared.

    kinds: documents of other kinds are left out.
    unit: "paragraph", runs of lines between blank lines; "line"; or "automatic", what the text has: blocks of
        paragraphs that belong together (`tamis/kernels/blocks.py`), or lines (`units_by_line`).
    min_words: shorter ones are never compared.
    within: the scope (`tamis/dedup/scope.py`).
    """

    kinds: tuple[str, ...]
    unit: str
    min_words: int
    within: str | None = None

    def columns(self) -> list[str]:
        """The columns of documents that `find_paragraphs` reads."""
        return sorted({"kind", "text", *scope.columns(self.within)})


def units_by_line(offsets: np.ndarray, data: np.ndarray, wanted: np.ndarray, scheme: Scheme) -> np.ndarray:
    """In which texts lines are compared: bool[n].

    Of an automatic scheme, where no blank line stands between two lines, half of the characters or more stand in lines
    of enough words to be compared (so that a copy of the whole is still seen), and the lines are not wrapped. Extracted
    web text with a paragraph a line is compared by line; verse, lists and hard-wrapped text without blank lines stay
    one paragraph, as they are when paragraphs are asked for.

    Args:
        offsets: int64[n + 1] from `tamis.kernels.words.buffers`.
        data: uint8 likewise.
        wanted: bool[n], texts that are compared at all.
        scheme: which units are compared.
    """
    from tamis.kernels.dedup.paragraphs import unit_hashes
    from tamis.kernels.lines import find_units, unit_characters
    from tamis.kernels.wrapped_lines import wrapped

    if scheme.unit != "automatic":
        return np.full(len(wanted), scheme.unit == "line")
    one = wanted & (np.diff(find_units(offsets, data, wanted, by_line=False).offsets) == 1)
    lines = find_units(offsets, data, one, by_line=True)
    count = np.diff(lines.offsets)
    words, _, _ = unit_hashes(data, lines, scheme.min_words)
    row, size = np.repeat(np.arange(len(one)), count), unit_characters(data, lines.starts, lines.ends)
    compared = np.bincount(row, weights=size * (words >= scheme.min_words), minlength=len(one))
    most = compared * 2 >= np.bincount(row, weights=size, minlength=len(one))
    return (count > 1) & most & ~wrapped(data, lines)


def _units(offsets: np.ndarray, data: np.ndarray, wanted: np.ndarray, by_line: np.ndarray, unit: str) -> Blocks:
    """The units of the wanted rows, lines in some of them; only blocks can be headings."""
    from tamis.kernels.blocks import Blocks, join_paragraphs
    from tamis.kernels.lines import find_units

    found = find_units(offsets, data, wanted, by_line=by_line)
    if unit == "automatic":
        return join_paragraphs(data, found, ~by_line)
    count = len(found.starts)
    return Blocks(found, np.arange(count), np.zeros(count, np.int64), np.zeros(count, np.bool_))


def find_paragraphs(documents: pa.Table, scheme: Scheme, first_row: int = 0) -> pa.Table:
    """Every paragraph of enough words: `PARAGRAPHS`, in the order of the text.

    Args:
        documents: kind, text and the column of the scope, n rows of one shard.
        scheme: which are compared.
        first_row: row of the first of them in its shard.
    """
    from tamis.kernels.blocks import sections
    from tamis.kernels.dedup.paragraphs import unit_hashes
    from tamis.kernels.lines import unit_characters
    from tamis.kernels.words import buffers

    offsets, data = buffers(documents["text"])
    wanted = of_kinds(documents, scheme.kinds)
    by_line = units_by_line(offsets, data, wanted, scheme)
    blocks = _units(offsets, data, wanted, by_line, scheme.unit)
    units, (section, opens) = blocks.units, sections(blocks)
    words, high, low = unit_hashes(data, units, scheme.min_words)
    characters = unit_characters(data, units.starts, units.ends)
    row = np.repeat(np.arange(documents.num_rows), np.diff(units.offsets))
    of_document = np.bincount(row, weights=characters, minlength=documents.num_rows).astype(np.int64)
    under = section >= 0
    of_section = np.bincount(section[under], weights=characters[under], minlength=len(section)).astype(np.int64)
    unit = np.flatnonzero(words >= scheme.min_words)
    row, section, under = row[unit], section[unit], under[unit]
    # A paragraph of another scope is another paragraph.
    scopes = scope.hashes(documents, scheme.within)[row]
    return pa.table(
        [
            row + first_row,
            unit - units.offsets[row],
            characters[unit],
            of_document[row],
            high[unit] ^ scopes,
            low[unit] + scopes,
            by_line[row],
            np.where(under, section - units.offsets[row], -1),
            opens[unit],
            np.where(under, of_section[section], 0) if len(of_section) else section,
        ],
        schema=PARAGRAPHS,
    )


def cut(
    documents: pa.Table, paragraphs: pa.Table, owners: pa.Table, gone: np.ndarray, min_documents: int
) -> tuple[pl.DataFrame, int, int]:
    """The occurrences that are cut: rows of `PARAGRAPHS` with owner_rank, owner_high, owner_low, documents, in order.

    Of a section that stays, what opens it stays, and all of it where half or more would go: a heading over nothing, or
    over what referred to its table, is torn.

    Args:
        documents: id and rank, n rows of one shard.
        paragraphs: `PARAGRAPHS` of them.
        owners: `tamis.dedup.owners.HOLDERS`, final.
        gone: bool[n], documents that are dropped whole.
        min_documents: least number of documents that hold what goes.

    Returns:
        Them; how many others stay because fewer documents hold them; how many because of the section they stand in.
    """
    import polars as pl

    owned = frame_of(owners).select(*HASH, "documents", owner_rank="rank", owner_high="id_high", owner_low="id_low")
    repeated = (
        frame_of(paragraphs)
        .join(documents_of(documents).filter(~pl.Series(gone)), on="row", maintain_order="left")
        .join(owned, on=HASH, how="left", maintain_order="left")
        .with_columns(first=pl.int_range(pl.len()).over("row", *HASH) == 0)
        # A paragraph that no other document holds belongs to the one that does.
        .with_columns(
            pl.col("owner_rank").fill_null(pl.col("rank")),
            pl.col("owner_high").fill_null(pl.col("id_high")),
            pl.col("owner_low").fill_null(pl.col("id_low")),
            pl.col("documents").fill_null(1),
        )
        .filter(~pl.col("first") | (pl.col("owner_rank") != pl.col("rank")))
        .sort("row", "unit")
    )
    found = repeated.filter(pl.col("documents") >= min_documents)
    lost, whole = pl.col("characters").sum().over("row", "section"), pl.col("section_characters")
    torn = (pl.col("section") >= 0) & (lost < whole) & (pl.col("opens") | (2 * lost >= whole))
    cuts = found.filter(~torn)
    return cuts, repeated.height - found.height, found.height - cuts.height


def remove(documents: pa.Table, cuts: pl.DataFrame, scheme: Scheme) -> tuple[pa.Table, pa.Table]:
    """Cut the text.

    Args:
        documents: n rows of one shard.
        cuts: from `cut`, those of these documents, with the first of them as row 0.
        scheme: which units are compared.

    Returns:
        The n documents with their new text, and the rows of `schemas.EDITS`.
    """
    from tamis.kernels.blocks import with_headings
    from tamis.kernels.lines import cut_spans
    from tamis.kernels.words import buffers

    offsets, data = buffers(documents["text"])
    rows = cuts["row"].to_numpy()
    touched = np.zeros(documents.num_rows, dtype=np.bool_)
    touched[rows] = True
    by_line = np.zeros(documents.num_rows, dtype=np.bool_)
    by_line[rows] = cuts["by_line"].to_numpy()
    blocks = _units(offsets, data, touched, by_line, scheme.unit)
    units = blocks.units
    cut_at = np.full(len(units.starts), -1)
    cut_at[units.offsets[rows] + cuts["unit"].to_numpy()] = np.arange(len(rows))
    with_headings(blocks, cut_at)
    gone = np.flatnonzero(cut_at >= 0)
    row_of = np.searchsorted(units.offsets, gone, side="right") - 1
    told = cut_at[gone]
    reasons = np.where(blocks.alone[gone], "heading_of_cut_section", "duplicate_paragraph")
    return edited(
        documents,
        Spans(row_of, *cut_spans(*units, cut_at >= 0)),
        reasons.tolist(),
        count=cuts["documents"].to_numpy()[told],
        matched_id=id_strings(cuts["owner_high"].to_numpy()[told], cuts["owner_low"].to_numpy()[told]),
    )


def stumps(
    documents: pa.Table,
    paragraphs: pa.Table,
    owners: pa.Table,
    cuts: pl.DataFrame,
    min_characters: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Documents with too little left.

    Args:
        documents: rank, n rows of one shard.
        paragraphs: `PARAGRAPHS` of them.
        owners: `tamis.dedup.owners.HOLDERS`, final.
        cuts: from `cut`.
        min_characters: least that may be left of a document that owns nothing.

    Returns:
        bool[n]: to be dropped; int64[n]: characters left, without gaps (-1 where nothing was cut).
    """
    import polars as pl

    left = np.full(documents.num_rows, -1, dtype=np.int64)
    for row, total, lost in (
        cuts.group_by("row").agg(pl.col("document_characters").first(), pl.col("characters").sum()).iter_rows()
    ):
        left[row] = total - lost
    ranks = pl.DataFrame({"row": np.arange(documents.num_rows), "rank": documents["rank"].to_numpy()})
    shared = frame_of(paragraphs).join(ranks, on="row").join(frame_of(owners), on=[*HASH, "rank"], how="semi")
    owns = np.zeros(documents.num_rows, dtype=np.bool_)
    owns[shared["row"].to_numpy()] = True
    return (left >= 0) & (left < max(min_characters, 1)) & ~owns, left

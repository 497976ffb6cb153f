"""Paragraphs before documents, or documents before paragraphs: what each order keeps of real corpora.

Both stages run at their defaults, with everything taken for prose, so that paragraphs of licences are compared too. A
paragraph is what `paragraph_dedup` compares: a run of lines between blank lines, by its case-folded words, at least
`min_words` of them; here it is found by plain Python on strings. It is **lost** when a document of the input holds it
and no kept document does:

* in near-copies only: every document that held it was dropped in favour of a near-copy that is kept, which has a
  variant of it;
* torn out: some document that held it is kept without it, or ended as a stump; the document that kept the paragraph for
  it was then dropped.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from in_process import documents_table
from real_corpora import CORPORA, sections, texts
from stage_jobs import minhash_dedup, paragraph_dedup

from tamis.stages.paragraph_dedup import Config
from tamis.text import words

CHOSEN = ("licences", "laws (German)", "laws by section", "mails")
ORDERS = (("paragraph_dedup", "minhash_dedup"), ("minhash_dedup", "paragraph_dedup"))
NAMES = {"paragraph_dedup": "paragraphs", "minhash_dedup": "MinHash"}
HEAD = ("corpus", "order", "documents kept", "characters kept", "dropped as near-copies", "stumps",
        "paragraphs lost: in near-copies only", "paragraphs lost: torn out", "characters torn out")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Kept documents, and for dropped ones the reason and the document named (None for stumps)."""

    kept: pa.Table
    dropped: dict[str, tuple[str, str | None]]


def paragraphs(folder: Path, documents: pa.Table) -> Outcome:
    """All steps of paragraph_dedup."""
    found = paragraph_dedup(folder, documents)
    return Outcome(found.kept, _ledger(found.dropped))


def near_duplicates(folder: Path, documents: pa.Table) -> Outcome:
    """All steps of minhash_dedup."""
    found = minhash_dedup(folder, documents)
    return Outcome(found.kept, _ledger(found.dropped))


def _ledger(table: pa.Table) -> dict[str, tuple[str, str | None]]:
    columns = (table[name].to_pylist() for name in ("id", "reason", "matched_id"))
    return {name: (reason, match) for name, reason, match in zip(*columns, strict=True)}


STAGES = {"paragraph_dedup": paragraphs, "minhash_dedup": near_duplicates}


def pieces(text: str, min_words: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Paragraphs of a text by their words, and their characters."""
    run: list[str] = []
    for line in [*re.split(r"\r\n|\r|\n", text), ""]:
        if line.strip():
            run.append(line)
        elif run:
            key = tuple(words("\n".join(run)))
            if len(key) >= min_words:
                yield key, sum(map(len, run))
            run = []


def compare(documents: pa.Table, order: tuple[str, str], work: Path) -> list[str]:
    """Cells of one row of the table."""
    dropped: dict[str, tuple[str, str | None]] = {}
    kept = documents
    for stage in order:
        folder = work / "order"
        shutil.rmtree(folder, ignore_errors=True)
        outcome = STAGES[stage](folder, kept)
        dropped |= outcome.dropped
        kept = outcome.kept
        shutil.rmtree(folder)
    names = set(kept["id"].to_pylist())

    def in_near_copy(name: str) -> bool:
        """Whether a document was dropped and the chain of documents named ends in a kept one."""
        if name in names:
            return False
        while name not in names:
            match = dropped[name][1]
            if match is None:
                return False
            name = match
        return True

    least = Config().min_words
    still = {key for text in kept["text"].to_pylist() for key, _ in pieces(text, least)}
    near, torn = set(), {}
    for name, text in zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True):
        for key, size in pieces(text, least):
            if key in still:
                continue
            if in_near_copy(name):
                near.add(key)
            else:
                torn[key] = size
    reasons = [reason for reason, _ in dropped.values()]
    stumps = reasons.count("too_little_left")
    return [" → ".join(NAMES[stage] for stage in order), f"{kept.num_rows:,}",
            f"{pc.sum(pc.utf8_length(kept['text'])).as_py():,}", f"{len(reasons) - stumps:,}", f"{stumps:,}",
            f"{len(near - torn.keys()):,}", f"{len(torn):,}", f"{sum(torn.values()):,}"]  # fmt: skip


def report(folder: Path, work: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """Head and rows of the table; absent corpora are named."""
    rows = []
    for corpus in CHOSEN:
        headings, *files = CORPORA[corpus]
        if not all((folder / name).exists() for name in files):
            rows.append([corpus, "absent"] + [""] * (len(HEAD) - 2))
            continue
        documents = documents_table(sections(texts(folder, tuple(files)), headings))
        size = pc.sum(pc.utf8_length(documents["text"])).as_py()
        rows.append([corpus, "input", f"{documents.num_rows:,}", f"{size:,}", *[""] * (len(HEAD) - 4)])
        rows += [[corpus, *compare(documents, order, work)] for order in ORDERS]
    return HEAD, rows

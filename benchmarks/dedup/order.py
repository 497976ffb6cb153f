"""Paragraphs before documents, or documents before paragraphs: what each order keeps of real corpora.

Both stages run at their defaults, and once more with every second copy of a paragraph cut (`unit: paragraph,
min_documents: 1`), with everything taken for prose, so that paragraphs of licences are compared too. As in the
pipeline, `minhash_dedup` compares the text as read in, whatever was cut before it. A paragraph is a run of lines
between blank lines, by its case-folded words, at least `min_words` of them; here it is found by plain Python on
strings. It is **lost** when a document of the input holds it and no kept document does:

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
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from in_process import documents_table
from real_corpora import CORPORA, sections, texts
from stage_jobs import MinhashJobs, paragraph_dedup

from tamis.shards import write_table
from tamis.stages import minhash_dedup as minhash
from tamis.stages.paragraph_dedup import Config
from tamis.text import words

CHOSEN = ("licences", "laws (German)", "laws by section", "mails")
ORDERS = (("paragraph_dedup", "minhash_dedup"), ("minhash_dedup", "paragraph_dedup"))
NAMES = {"paragraph_dedup": "paragraphs", "minhash_dedup": "MinHash"}
CUTS = {"defaults": Config(), "every copy": Config(unit="paragraph", min_documents=1)}
HEAD = ("corpus", "cut", "order", "documents kept", "characters kept", "dropped as near-copies", "stumps", "cuts",
        "cuts whose owner is not kept", "paragraphs lost: in near-copies only", "paragraphs lost: torn out",
        "characters torn out")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Kept documents; for dropped ones the reason and the document named (None for stumps); owners of what was cut."""

    kept: pa.Table
    dropped: dict[str, tuple[str, str | None]]
    owners: list[tuple[str, str]]
    """(document, owner) for each cut."""


def paragraphs(folder: Path, documents: pa.Table, _read_in: pa.Table, config: Config) -> Outcome:
    """All steps of paragraph_dedup."""
    found = paragraph_dedup(folder, documents, config)
    owners = zip(found.edits["id"].to_pylist(), found.edits["matched_id"].to_pylist(), strict=True)
    return Outcome(found.kept, _ledger(found.dropped), list(owners))


def near_duplicates(folder: Path, documents: pa.Table, read_in: pa.Table, _config: Config) -> Outcome:
    """All steps of minhash_dedup, on the text as read in."""
    jobs = MinhashJobs(minhash, folder, documents)
    jobs.judged = "judged"
    write_table(jobs.part("judged", 0), read_in.sort_by("id"))
    jobs.candidates()
    jobs.verification()
    found = jobs.decision()
    return Outcome(found.kept, _ledger(found.dropped), [])


def _ledger(table: pa.Table) -> dict[str, tuple[str, str | None]]:
    columns = (table[name].to_pylist() for name in ("id", "reason", "matched_id"))
    return {name: (reason, match) for name, reason, match in zip(*columns, strict=True)}


STAGES = {"paragraph_dedup": paragraphs, "minhash_dedup": near_duplicates}


@cache
def pieces(text: str, min_words: int) -> tuple[tuple[int, int], ...]:
    """Paragraphs of a text by a hash of their words, and their characters; most texts are the same in every order."""
    return tuple((hash(key), size) for key, size in _pieces(text, min_words))


def _pieces(text: str, min_words: int) -> Iterator[tuple[tuple[str, ...], int]]:
    run: list[str] = []
    for line in [*re.split(r"\r\n|\r|\n", text), ""]:
        if line.strip():
            run.append(line)
        elif run:
            key = tuple(words("\n".join(run)))
            if len(key) >= min_words:
                yield key, sum(map(len, run))
            run = []


def compare(documents: pa.Table, order: tuple[str, str], config: Config, work: Path) -> list[str]:
    """Cells of one row of the table."""
    dropped: dict[str, tuple[str, str | None]] = {}
    owners: list[tuple[str, str]] = []
    kept = documents
    for stage in order:
        folder = work / "order"
        shutil.rmtree(folder, ignore_errors=True)
        outcome = STAGES[stage](folder, kept, documents, config)
        dropped |= outcome.dropped
        owners += outcome.owners
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
    cuts = [owner for name, owner in owners if name in names]
    return [" → ".join(NAMES[stage] for stage in order), f"{kept.num_rows:,}",
            f"{pc.sum(pc.utf8_length(kept['text'])).as_py():,}", f"{len(reasons) - stumps:,}", f"{stumps:,}",
            f"{len(cuts):,}", f"{sum(owner not in names for owner in cuts):,}",
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
        rows.append([corpus, "", "input", f"{documents.num_rows:,}", f"{size:,}", *[""] * (len(HEAD) - 5)])
        for name, config in CUTS.items():
            rows += [[corpus, name, *compare(documents, order, config, work)] for order in ORDERS]
    return HEAD, rows

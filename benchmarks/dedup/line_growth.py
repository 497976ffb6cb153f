"""Line pruning on prose as the corpus doubles: lines and characters cut, and what crosses between shards.

Books are cut at blank lines into documents of about `CHAPTER` characters, so a phrase that a book repeats is seen in
many documents. News and books are also set a sentence a line, which is what short lines of prose look like. Each size
is a sample of the next by a keyed hash, one shard. `defaults` are those of the stage, `Llama 3` counts whole lines, of
one word and more, and has no share; what it cuts of longer lines (`min_words` of the stage's default) is counted apart.
PEPs are no ordinary prose: they show what a manual loses.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from in_process import documents_table
from real_corpora import texts

from tamis import barrier, hashing
from tamis.shards import part_name, read_table, write_table
from tamis.stages import line_pruning as stage
from tamis.text import words

CHAPTER = 10_000
SENTENCE = re.compile(r"(?<=[.!?])[”\"']*[ \n]+")
SIZES = (8, 4, 2, 1)
LISTED = 12
CORPORA = {
    "books": ("chapters", "classic-books.jsonl.zst"),
    "books, a sentence a line": ("sentences of chapters", "classic-books.jsonl.zst"),
    "Brown corpus (a sentence a line)": ("", "nltk-brown.jsonl.zst"),
    "news, a sentence a line": ("sentences", "../pairs/minhash-tutorial.docs.jsonl.zst"),
    "PEPs": ("", "peps.jsonl.zst"),
}
RULES = {
    "defaults": stage.Config(),
    "sample_modulus 8": stage.Config(sample_modulus=8),
    "Llama 3": stage.Config(ngram=1_000_000, coverage=1.0, min_share=0.0, min_words=1),
}
HEAD = ("corpus", "rule", "documents", "MB", "lines", "lines cut", "of them ≥ 8 words", "characters cut",
        "share", "documents dropped", "crossing, MB per GB of text")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What the stage did to a corpus: lines, cut spans of text, dropped documents, bytes of map's file."""

    lines: int
    cut_lines: int
    cuts: list[str]
    dropped: int
    crossing: int


def chapters(text: str) -> Iterator[str]:
    """A book in pieces of at least `CHAPTER` characters, cut at blank lines."""
    piece: list[str] = []
    for paragraph in re.split(r"(?<=\n)(?:\r?\n)+", text):
        piece.append(paragraph)
        if sum(map(len, piece)) >= CHAPTER:
            yield "\n".join(piece)
            piece = []
    if piece:
        yield "\n".join(piece)


def corpus(folder: Path, shape: str, name: str) -> list[str]:
    """Documents of one corpus."""
    found = texts(folder, (name,))
    if "chapters" in shape:
        found = [chapter for text in found for chapter in chapters(text)]
    if "sentences" in shape:
        found = ["\n".join(part.replace("\n", " ") for part in SENTENCE.split(text)) for text in found]
    return found


def run(folder: Path, documents: pa.Table, config: stage.Config) -> Outcome:
    """All steps, one shard, one partition."""
    name = part_name(0)
    source, size = folder / "in" / f"{name}.parquet", folder / "size.json"
    write_table(source, documents)

    def path(step: str) -> Path:
        return folder / step / f"{name}.arrow"

    def wall(step: str) -> Path:
        barrier.write(folder / step / "barrier.json", folder / step, 1, ".arrow")
        return folder / step / "barrier.json"

    stage.run_size(config, shards=1, folder=str(source.parent), output=size)
    stage.run_map(config, partitions=1, documents=source, corpus_size=size, output=path("map"))
    stage.run_reduce(config, partition=0, partitions=1, barrier=wall("map"), corpus_size=size, output=path("reduce"))
    written = {name: folder / f"{name}.parquet" for name in ("kept", "dropped", "edits")}
    stats = folder / "stats.json"
    stage.run_apply(
        config,
        shard=0,
        shards=1,
        documents=source,
        counted=path("map"),
        barrier=wall("reduce"),
        corpus_size=size,
        **written,
        stats=stats,
    )
    text = dict(zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True))
    edits = read_table(written["edits"]).to_pylist()
    cuts = [line.strip() for edit in edits for line in text[edit["id"]][edit["start"] : edit["end"]].splitlines()]
    notes = stage.read_json(stats)["notes"]
    return Outcome(
        notes["lines"],
        notes["lines_cut"],
        [line for line in cuts if line],
        read_table(written["dropped"], ["id"]).num_rows,
        notes["crossing_bytes"],
    )


def report(folder: Path, work: Path) -> tuple[tuple[str, ...], list[list[str]], list[str]]:
    """Head and rows of the table, and how the lines of prose begin that the defaults cut at the largest size."""
    rows, listed = [], []
    least = RULES["defaults"].min_words
    for title, (shape, name) in CORPORA.items():
        if not (folder / name).exists():
            rows.append([title, "absent"] + [""] * (len(HEAD) - 2))
            continue
        documents = documents_table(corpus(folder, shape, name))
        positions = hashing.keyed_uint64("line growth", documents["id"].to_pylist())
        for rule, config in RULES.items():
            for part in SIZES:
                sample = documents.filter(pa.array(positions < np.uint64(2**64 // part - 1)))
                scratch = work / "line-growth"
                shutil.rmtree(scratch, ignore_errors=True)
                found = run(scratch, sample, config)
                shutil.rmtree(scratch)
                size = pc.sum(pc.binary_length(sample["text"])).as_py()
                characters = pc.sum(pc.utf8_length(sample["text"])).as_py()
                gone = sum(map(len, found.cuts))
                long = [line for line in found.cuts if len(words(line)) >= least]
                rows.append(
                    [title, rule, f"{sample.num_rows:,}", f"{size / 1e6:.1f}", f"{found.lines:,}",
                     f"{found.cut_lines:,}", f"{len(long):,}", f"{gone:,}", f"{100 * gone / characters:.3f} %",
                     str(found.dropped), f"{1000 * found.crossing / size:,.0f}"]
                )  # fmt: skip
            if rule == "defaults" and title != "PEPs":
                counted = Counter(long).most_common()
                listed += [f"{title}: {count} × “{line[:60]}”" for line, count in counted[:LISTED]]
                if len(counted) > LISTED:
                    listed.append(f"{title}: {len(counted) - LISTED} more")
    return HEAD, rows, listed

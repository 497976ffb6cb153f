"""Recall and precision of minhash_dedup on real corpora, against all pairs by brute force.

The oracle makes the n-grams of every document as strings (no hashes) and multiplies the sparse matrix documents ×
n-grams by its transpose: all exact Jaccard similarities. Counted: pairs at or above the threshold of which both
documents were kept, apart by whether they met in a band (then the bound K left them out) or not (then banding missed
them); dropped documents for which none was kept or whose named document is not similar enough; and similarities in the
ledger that are not the exact one. The signatures serve only to tell those two kinds of missed pairs apart. With
`grouping: components`, also documents for which another one stays than the first of their group by all pairs.
"""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard
from in_process import documents_table, run
from scipy import sparse
from scipy.sparse import csgraph
from stage_jobs import number

from tamis.dedup.minhash import signatures
from tamis.dedup.minhash.signatures import band_matrix
from tamis.shards import part_name
from tamis.stages.minhash_dedup import Config
from tamis.text import words

HEADINGS = {"markdown": r"(?m)^(?=#+ )", "rst": r"(?m)^(?=\S.*\n(?:=+|-+)\n)"}
CORPORA = {
    "licences": (None, "licensedb.jsonl.zst", "spdx-xml.jsonl.zst"),
    "laws (German)": (None, "gesetze.jsonl.zst"),
    "laws by section": ("markdown", "gesetze.jsonl.zst"),
    "PEPs": (None, "peps.jsonl.zst"),
    "PEPs by section": ("rst", "peps.jsonl.zst"),
    "mails": (None, "spam-assassin.jsonl.zst"),
    "short messages": (None, "sms-spam.jsonl.zst", "tldr.jsonl.zst"),
    "web pages": (
        None,
        "../web/aeb.S.gold.jsonl.zst",
        "../web/waddle.S.gold.jsonl.zst",
        "../web/wcxb.S.gold.jsonl.zst",
    ),
    "news, copies planted": (None, "../pairs/minhash-tutorial.docs.jsonl.zst"),
}
"""Name → headings at which documents are cut into sections, and files. Whole laws and PEPs have next to no near-copies,
their sections have many."""

CHEAPER = (
    ("42 × 6, K = 1", {"bucket_candidates": 1}),
    ("25 × 5", {"bands": 25, "rows": 5}),
    ("14 × 8", {"bands": 14, "rows": 8}),
)
"""Settings held against the default: a bound that bites, a shorter signature, and that of FineWeb."""
LEVELS = (0.7, 0.72, 0.75, 0.8, 0.9, 1.01)
BLOCK = 512


def texts(folder: Path, names: tuple[str, ...]) -> list[str]:
    """The texts of some files of the real corpora."""
    found = []
    for name in names:
        with (folder / name).open("rb") as file:
            stream = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
            found += [json.loads(line)["text"] for line in io.TextIOWrapper(stream, encoding="utf-8")]
    return found


def ngrams(text: str, n: int) -> set[str]:
    """The set of word n-grams by definition: strings; a short text is one n-gram."""
    found = words(text)
    return {" ".join(found[i : i + n]) for i in range(max(1, len(found) - n + 1))} if found else set()


class Oracle:
    """All exact similarities of a corpus."""

    def __init__(self, documents: list[str], n: int) -> None:
        """Number the n-grams and build the matrix."""
        numbers: dict[str, int] = {}
        rows = [[numbers.setdefault(gram, len(numbers)) for gram in sorted(ngrams(text, n))] for text in documents]
        self.sizes = np.array([len(row) for row in rows])
        columns = np.fromiter((gram for row in rows for gram in row), np.int64, self.sizes.sum())
        bounds = np.concatenate([[0], np.cumsum(self.sizes)])
        self.matrix = sparse.csr_matrix((np.ones(len(columns), np.int32), columns, bounds), (len(rows), len(numbers)))

    def pairs(self, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """All pairs at or above the threshold, int64[p, 2], smaller number first; and their similarities, float64."""
        other = self.matrix.T.tocsc()
        pairs, similarities = [np.empty((0, 2), np.int64)], [np.empty(0)]
        for begin in range(0, len(self.sizes), BLOCK):
            shared = (self.matrix[begin : begin + BLOCK] @ other).tocoo()
            one, two = shared.row.astype(np.int64) + begin, shared.col.astype(np.int64)
            similarity = shared.data / (self.sizes[one] + self.sizes[two] - shared.data)
            near = (similarity >= threshold) & (one < two)
            pairs.append(np.stack([one[near], two[near]], axis=1))
            similarities.append(similarity[near])
        return np.concatenate(pairs), np.concatenate(similarities)

    def similarity(self, one: int, other: int) -> float:
        """Exact Jaccard similarity of two documents."""
        a, b = self.matrix[one].indices, self.matrix[other].indices
        shared = len(np.intersect1d(a, b))
        return shared / (len(a) + len(b) - shared)


def sections(texts: list[str], headings: str | None) -> list[str]:
    """The documents, cut before each heading of a syntax where one is given."""
    if headings is None:
        return texts
    return [section for text in texts for section in re.split(HEADINGS[headings], text) if section.strip()]


def meet(folder: Path, pairs: np.ndarray, config: Config) -> np.ndarray:
    """Which pairs have a band hash in common, by the signatures of the documents that a run left: bool[p]."""
    documents = folder / "documents" / f"{part_name(0)}.parquet"
    table = signatures.signatures(documents, documents, config.scheme(), config.applies_to)
    # Ranks are 0 … n - 1, so this is the row of each.
    matrix = band_matrix(table)[np.argsort(table["rank"].to_numpy())]
    met = np.empty(len(pairs), np.bool_)
    for begin in range(0, len(pairs), BLOCK):
        one, other = pairs[begin : begin + BLOCK].T
        met[begin : begin + BLOCK] = (matrix[one] == matrix[other]).any(axis=1)
    return met


@dataclass(frozen=True)
class Verdict:
    """What brute force says of one run.

    dropped: documents.
    met: bool, one a pair at or above the threshold: has a band in common.
    missed: bool, one a pair: both documents were kept. Where they met, only the bound K can have left them out.
    wrong: drops for which no document was kept, or whose named document is not similar enough.
    inexact: similarities in the ledger that are not the exact one.
    stays: rows of (dropped document, the one kept for it).
    """

    dropped: int
    met: np.ndarray
    missed: np.ndarray
    wrong: int
    inexact: int
    stays: np.ndarray

    @property
    def unmet(self) -> int:
        """Missed pairs that met in no band."""
        return int((self.missed & ~self.met).sum())

    @property
    def suppressed(self) -> int:
        """Missed pairs that the bound K left out."""
        return int((self.missed & self.met).sum())

    def cell(self) -> str:
        """Missed pairs for a table."""
        suppressed = f" + {self.suppressed:,} by K" if self.suppressed else ""
        return f"{self.unmet:,} ({percent(self.unmet, len(self.missed))}){suppressed}"


def judge(oracle: Oracle, pairs: np.ndarray, documents: pa.Table, work: Path, config: Config) -> Verdict:
    """Run the stage and hold it against all pairs at or above the threshold."""
    scratch = work / "recall"
    shutil.rmtree(scratch, ignore_errors=True)
    outcome, _ = run(scratch, documents, config)
    kept = np.zeros(documents.num_rows, np.bool_)
    kept[[number(name) for name in outcome.kept["id"].to_pylist()]] = True
    met = meet(scratch, pairs, config)
    wrong = inexact = 0
    columns = (outcome.dropped[name].to_pylist() for name in ("id", "matched_id", "similarity", "kept_id"))
    stays = []
    for name, match, similarity, instead in zip(*columns, strict=True):
        exact = oracle.similarity(number(name), number(match))
        named_is_kept = config.grouping == "components" or match == instead
        wrong += exact < config.threshold or not kept[number(instead)] or not named_is_kept
        inexact += exact != similarity
        stays.append((number(name), number(instead)))
    shutil.rmtree(scratch)
    pairs_kept, instead = kept[pairs].all(axis=1), np.array(stays, np.int64).reshape(-1, 2)
    return Verdict(outcome.dropped.num_rows, met, pairs_kept, wrong, inexact, instead)


def grouped(documents: int, pairs: np.ndarray, verdict: Verdict) -> int:
    """Documents for which another one stays than the first of their connected component over all pairs."""
    graph = sparse.coo_matrix((np.ones(len(pairs)), pairs.T), (documents, documents))
    groups = csgraph.connected_components(graph, directed=False)[1]
    first = np.unique(groups, return_index=True)[1][groups]
    instead = np.arange(documents)
    instead[verdict.stays[:, 0]] = verdict.stays[:, 1]
    return int((instead != first).sum())


def percent(part: int, whole: int) -> str:
    """A share for a table."""
    return f"{100 * part / whole:.2f} %" if whole else "–"


def report(folder: Path, work: Path) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Title, head and rows of tables: the default and groups against brute force, other settings, and by similarity."""
    config = Config()
    names = [f"{config.bands} × {config.rows}, K = {config.bucket_candidates}", *(name for name, _ in CHEAPER)]
    near = f"pairs ≥ {config.threshold:g}"
    rows: list[list[str]] = []
    others: list[list[str]] = []
    components: list[list[str]] = []
    similarities: list[np.ndarray] = []
    met: list[np.ndarray] = []
    for corpus, (headings, *files) in CORPORA.items():
        if not all((folder / name).exists() for name in files):
            rows.append([corpus, "absent"] + [""] * 8)
            continue
        found = sections(texts(folder, tuple(files)), headings)
        oracle, documents = Oracle(found, config.ngram), documents_table(found)
        pairs, similarity = oracle.pairs(config.threshold)
        settings = [config, *(Config(recall=0.0, **cheaper) for _, cheaper in CHEAPER)]
        verdicts = [judge(oracle, pairs, documents, work, setting) for setting in settings]
        default = verdicts[0]
        joined = judge(oracle, pairs, documents, work, Config(grouping="components"))
        components.append(
            [corpus, f"{joined.dropped:,}", str(joined.wrong), str(joined.inexact),
             str(grouped(len(found), pairs, joined))]
        )  # fmt: skip
        rows.append(
            [corpus, f"{len(found):,}", f"{sum(len(text.encode()) for text in found) / 1e6:.1f}",
             f"{default.dropped:,}", f"{len(pairs):,}", f"{default.unmet:,}", percent(default.unmet, len(pairs)),
             f"{default.suppressed:,}", str(default.wrong), str(default.inexact)]
        )  # fmt: skip
        others.append([corpus, f"{len(pairs):,}", *(verdict.cell() for verdict in verdicts)])
        similarities.append(similarity)
        met.append(np.stack([verdict.met for verdict in verdicts], axis=1))
    yield (
        "At the defaults",
        ["corpus", "documents", "MB", "dropped", near, "both kept, met in no band", "share",
         "both kept, suppressed by K", "wrong drops", "similarities not exact"],
        rows,
    )  # fmt: skip
    yield (
        "With grouping: components",
        ["corpus", "dropped", "wrong drops", "similarities not exact", "another document stays than by all pairs"],
        components,
    )
    yield "Pairs of which both documents were kept, by setting", ["corpus", near, *names], others
    if met:
        levels = by_level(np.concatenate(similarities), np.concatenate(met))
        yield "Pairs that meet in no band, all corpora together", ["similarity", "pairs", *names], levels


def by_level(similarity: np.ndarray, met: np.ndarray) -> list[list[str]]:
    """Rows of a table: pairs of some similarity that meet in no band, one column a setting."""
    rows = []
    for low, high in pairwise(LEVELS):
        here = (similarity >= low) & (similarity < high)
        lost = (~met[here]).sum(axis=0).tolist()
        cells = [f"{count:,} ({percent(count, int(here.sum()))})" for count in lost]
        rows.append([f"{low:.2f} – {min(high, 1.0):.2f}", f"{int(here.sum()):,}", *cells])
    return rows

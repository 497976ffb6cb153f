"""The signature kernel alone (MB/s on one core), and bands × rows compared: candidates, misses, time."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from corpus import write as write_corpus
from in_process import documents_table, run
from real_corpora import texts
from stage_jobs import number

from tamis import hashing
from tamis.stages.minhash_dedup import Config, candidate_probability

TEXTS = {
    "English": ("peps.jsonl.zst", "licensedb.jsonl.zst", "classic-books.jsonl.zst"),
    "German": ("gesetze.jsonl.zst",),
    "Chinese": ("ruanyf-weekly.jsonl.zst",),
    "478 languages": ("udhr.jsonl.zst",),
    "short messages": ("sms-spam.jsonl.zst",),
}
SCHEMES = ((42, 6), (25, 5), (14, 8), (25, 10), (32, 8), (20, 5))
DOCUMENTS = 10_000


def _arguments(found: list[str], bands: int, rows: int) -> tuple:
    """What the kernel `band_rows` is called with; the last three arrays are what it writes."""
    from tamis.kernels.folded_characters import character_table
    from tamis.kernels.words import WORD_KEY, buffers

    offsets, data = buffers(pa.array(found, pa.large_string()))
    n = len(offsets) - 1
    numbers = hashing.keys("benchmark", 2 * bands * rows, 0).astype(np.uint32)
    return (
        offsets, data, WORD_KEY, character_table(), 5, hashing.keys("sets", 3, 0),
        numbers[: bands * rows] | np.uint32(1), numbers[bands * rows :], hashing.keys("bands", bands, 0),
        np.zeros(n, np.int64), np.zeros((n, 2), np.uint64), np.zeros((n, bands), np.uint64),
    )  # fmt: skip


def _megabytes_per_second(found: list[str], bands: int, rows: int) -> float:
    from tamis.kernels.dedup.minhash import band_rows

    arguments = _arguments(found, bands, rows)
    size = int(arguments[0][-1] - arguments[0][0])
    band_rows(*arguments)
    speeds = []
    for _ in range(5):
        # Time of this process alone: neighbours on the machine do not count.
        begin = time.process_time()
        band_rows(*arguments)
        speeds.append(size / 1e6 / (time.process_time() - begin))
    return median(speeds)


def levels(work: Path) -> tuple[list[str], list[list[str]]]:
    """Signatures against known Jaccard at 20 levels: 252 bands of one row are the 252 values of a signature."""
    from tamis.kernels.dedup.minhash import band_rows

    head = ["level", "pairs", "exact Jaccard, mean", "share of equal signature values, mean", "standard error"]
    texts_by_id, known = _corpus(work)
    arguments = _arguments(list(texts_by_id.values()), 252, 1)
    band_rows(*arguments)
    place, values = {name: i for i, name in enumerate(texts_by_id)}, arguments[-1]
    one, other = (np.array([place[pair[name]] for pair in known]) for name in ("id_a", "id_b"))
    estimate = (values[one] == values[other]).mean(axis=1)
    exact, level = (np.array([pair[name] for pair in known]) for name in ("jaccard", "level"))
    rows = []
    for value in np.unique(level):
        of = level == value
        error = np.sqrt((exact[of] * (1 - exact[of]) / 252).sum()) / of.sum()
        rows.append(
            [f"{value:.2f}", str(of.sum()), f"{exact[of].mean():.4f}", f"{estimate[of].mean():.4f}", f"{error:.4f}"]
        )
    return head, rows


def _corpus(work: Path) -> tuple[dict[str, str], list[dict]]:
    """Texts by id and known near-copies of a generated corpus."""
    write_corpus(work / "bands", DOCUMENTS)
    files = sorted((work / "bands" / "input").glob("*.parquet"))
    source = pa.concat_tables([pq.read_table(path, columns=["id", "text"]) for path in files])
    known = pq.read_table(work / "bands" / "pairs.parquet").to_pylist()
    return dict(zip(source["id"].to_pylist(), source["text"].to_pylist(), strict=True)), known


def speed(folder: Path) -> tuple[list[str], list[list[str]]]:
    """MB of text a second of `band_rows`: words, case folding, 5-grams, sets, signatures, bands."""
    head = ["text", "MB", *(f"{bands} × {rows}, MB/s" for bands, rows in SCHEMES[:3])]
    rows = []
    for name, files in TEXTS.items():
        if not all((folder / file).exists() for file in files):
            continue
        found = texts(folder, files)
        size = sum(len(text.encode()) for text in found) / 1e6
        found *= max(1, round(20 / size))
        rows.append([name, f"{size:.1f}", *(f"{_megabytes_per_second(found, *scheme):.0f}" for scheme in SCHEMES[:3])])
    return head, rows


def bands(work: Path) -> tuple[list[str], list[list[str]]]:
    """Bands × rows on a generated corpus: what becomes a candidate, what is missed of the known pairs, and the time."""
    head = ["bands × rows", "chance at 0.5", "at 0.7", "band rows", "candidate pairs", "of them ≥ 0.7",
            "known pairs ≥ 0.7 missed", "dropped", "map s", "pairs s", "sets + verify s", "all s"]  # fmt: skip
    texts_by_id, known = _corpus(work)
    place = {name: i for i, name in enumerate(texts_by_id)}
    documents = documents_table(list(texts_by_id.values()))
    rows = []
    for count, width in SCHEMES:
        chance = candidate_probability(0.7, count, width)
        config = Config(bands=count, rows=width, recall=min(0.99, chance * 0.999))
        scratch = work / "bands-run"
        outcome, took = run(scratch, documents, config)
        if not rows:  # The first run compiled.
            outcome, took = run(scratch, documents, config)
        shutil.rmtree(scratch)
        kept = {number(name) for name in outcome.kept["id"].to_pylist()}
        near = [(place[pair["id_a"]], place[pair["id_b"]]) for pair in known if pair["jaccard"] >= config.threshold]
        missed = sum(a in kept and b in kept for a, b in near)
        rows.append(
            [f"{count} × {width}", f"{candidate_probability(0.5, count, width):.3f}", f"{chance:.3f}",
             f"{count * documents.num_rows:,}", f"{outcome.notes['candidate_pairs']:,}",
             f"{outcome.notes['verified_pairs']:,}", f"{missed} of {len(near):,}", f"{outcome.dropped.num_rows:,}",
             f"{took['map']:.2f}", f"{took['pairs']:.2f}", f"{took['sets'] + took['verify']:.2f}",
             f"{sum(took.values()):.2f}"]
        )  # fmt: skip
    return head, rows

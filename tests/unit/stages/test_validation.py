"""No text is on both sides: against sets of words that Python makes itself."""

from __future__ import annotations

import hashlib
import json
import random
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import make_documents
from fake_pool import lay_out, plan, write_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tamis import exchange, text
from tamis.stages import mixtures, validation

REAL = Path(__file__).parents[4] / "shared" / "data" / "text"
CONFIG = validation.Config(tokens=0.2, stratify=None)


@cache
def grams(document: str, n: int) -> set[tuple[str, ...]]:
    words = text.words(document)
    return {tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1))} if words else set()


def overlaps(one: str, other: str, config: validation.Config) -> bool:
    first, second = grams(one, config.overlap_ngram), grams(other, config.overlap_ngram)
    if first and second and len(first & second) >= config.overlap * min(len(first), len(second)):
        return True
    first, second = grams(one, 5), grams(other, 5)
    return bool(first | second) and len(first & second) >= config.similarity * len(first | second)


def pool(texts: list[str]) -> pa.Table:
    n = len(texts)
    return make_documents(
        texts,
        id=[hashlib.sha256(f"{i}".encode()).hexdigest()[:32] for i in range(n)],
        domain=["general"] * n,
        tokens=[max(1, len(text.words(one))) for one in texts],
    )


def split(folder: Path, documents: pa.Table, shards: int, config: validation.Config = CONFIG) -> dict[str, pa.Table]:
    """The three sides of a pool: what is in validation, what is apart, and a mixture of all that may be in one."""
    lay_out(folder, documents, shards)
    plan(folder, "validation", config, [], shards)
    held = write_set(folder, "validation", 1, shards)
    plan(folder, "mixtures/all", mixtures.Config(), ["validation"], shards)
    mixed = write_set(folder, "mixtures/all", 1, shards)
    sampled = pa.concat_tables(
        exchange.read_batch(folder / "sampling/validation/sample.arrow", shard, shards) for shard in range(shards)
    )
    return {"held": held, "mixed": mixed, "apart": pq.read_table(folder / "validation/apart.parquet"), "all": sampled}


def expected(documents: pa.Table, sampled: set[str], config: validation.Config) -> tuple[set[str], set[str]]:
    """Ids of the documents that overlap a sampled one, and of the sampled ones that stand in the rest, by brute force."""
    known = dict(zip(documents["id"].to_pylist(), documents["text"].to_pylist(), strict=True))
    apart = {
        name
        for name, one in known.items()
        if name not in sampled and any(overlaps(one, known[other], config) for other in sampled)
    }
    rest = set().union(
        *(grams(one, config.overlap_ngram) for name, one in known.items() if name not in sampled | apart)
    )
    spread = set()
    for name in sampled:
        mine = grams(known[name], config.overlap_ngram)
        if mine and len(mine & rest) >= config.overlap * len(mine):
            spread.add(name)
    return apart, spread


def check(folder: Path, documents: pa.Table, config: validation.Config = CONFIG) -> dict[str, pa.Table]:
    found = [split(folder / str(shards), documents, shards, config) for shards in (1, 3)]
    sides = found[0]
    for name in ("held", "mixed", "apart"):
        assert sides[name].equals(found[1][name])
    sampled = set(sides["all"]["id"].to_pylist())
    apart, spread = expected(documents, sampled, config)
    reasons = dict(zip(sides["apart"]["id"].to_pylist(), sides["apart"]["reason"].to_pylist(), strict=True))
    assert {name for name, reason in reasons.items() if reason != "validation_text_elsewhere"} == apart
    assert {name for name, reason in reasons.items() if reason == "validation_text_elsewhere"} == spread
    assert set(sides["held"]["id"].to_pylist()) == sampled - spread
    assert set(sides["mixed"]["id"].to_pylist()) == set(documents["id"].to_pylist()) - sampled - apart
    return sides


def made_up(seed: int) -> list[str]:
    """Texts that quote, extend and rewrite each other."""
    generator = random.Random(seed)  # noqa: S311 - made-up data
    passages = [" ".join(f"w{generator.randrange(300)}" for _ in range(generator.randrange(5, 40))) for _ in range(12)]
    texts = [" ".join(generator.sample(passages, generator.randrange(1, 5))) for _ in range(30)]
    return [*texts, "", "?!", passages[0], passages[0].upper()]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), ngram=st.integers(1, 14), overlap=st.sampled_from([0.2, 0.5, 1.0]))
def test_nothing_is_on_both_sides(
    tmp_path_factory: pytest.TempPathFactory, seed: int, ngram: int, overlap: float
) -> None:
    config = validation.Config(tokens=0.2, stratify=None, overlap=overlap, overlap_ngram=ngram)
    check(tmp_path_factory.mktemp("split"), pool(made_up(seed)), config)


def test_a_document_that_stands_in_others_piece_by_piece_is_in_no_set(tmp_path: Path) -> None:
    thirds = [" ".join(f"{letter}{i}" for i in range(40)) for letter in "abc"]
    fillers = [" ".join(f"{letter}x{i}" for i in range(200)) for letter in "defghi"]
    documents = pool([" ".join(thirds), *(f"{third} {filler}" for third, filler in zip(thirds, fillers, strict=False))])
    whole = documents.filter(
        pa.array([one.startswith("a0 a1") and "c39" in one for one in documents["text"].to_pylist()])
    )
    for seed in range(100):
        config = validation.Config(tokens=120, stratify=None, seed=seed)
        sides = split(tmp_path / str(seed), documents, 2, config)
        if sides["all"]["id"].to_pylist() == whole["id"].to_pylist():
            break
    row = sides["apart"].to_pylist()
    assert [(one["id"], one["reason"]) for one in row] == [(whole["id"][0].as_py(), "validation_text_elsewhere")]
    assert row[0]["value"] == pytest.approx(3 * 28 / 108)
    assert sides["held"].num_rows == 0
    assert sides["mixed"].num_rows == 3


@pytest.mark.skipif(not REAL.is_dir(), reason="no outside corpora here")
def test_real_text(tmp_path: Path) -> None:
    texts = []
    for corpus in ("peps", "licensedb"):
        with pa.CompressedInputStream(str(REAL / f"{corpus}.jsonl.zst"), "zstd") as lines:
            whole = [json.loads(line)["text"][:3000] for line in lines.read().splitlines()[:60]]
        texts += whole
    sides = check(tmp_path, pool(texts))
    assert sides["held"].num_rows
    assert sides["apart"].num_rows

"""Ensembles: the ranks that classifiers give a document as one score, from documents to ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import rankdata
from stage_jobs import ensemble

from tamis import streams
from tamis.classifiers import ranks
from tamis.classifiers.kinds import Ensemble
from tamis.classifiers.thresholds import Selection
from tamis.errors import ConfigError, SchemaError, ShardMismatchError
from tamis.shards import read_json
from tamis.stages import ensemble as stage

Make = Callable[..., pa.Table]

KEEPS_ALL = Selection(keep_share={})
MEMBERS = ("coarse", "fine", "graded")


def corpus(make_documents: Make, number: int = 3000, seed: int = 5) -> pa.Table:
    """Documents with three scores: of few values, crowded at 1, and grades of which one in five is missing."""
    random = np.random.default_rng(seed)
    ids = sorted(f"{value:016x}{value % 97:016x}" for value in random.integers(0, 2**62, number).tolist())
    kinds = random.choice(["prose", "code", "licence"], number, p=[0.6, 0.3, 0.1])
    coarse = np.round(random.random(number), 2)
    fine = 1.0 - random.random(number) ** 8 * 1e-3
    graded = random.normal(size=number)
    documents = make_documents([f"text {row}" for row in range(number)], id=ids, kind=kinds.tolist())
    columns = {
        "coarse": pa.array(coarse, pa.float32()),
        "fine": pa.array(fine, pa.float32()),
        "graded": pa.array(graded, pa.float32(), mask=random.random(number) < 0.2),
    }
    for name, column in columns.items():
        documents = documents.append_column(name, column)
    return documents


def expected(documents: pa.Table, kinds: tuple[str, ...] = ("prose", "code")) -> np.ndarray:
    """n x members ranks by scipy, within each kind; NaN where there is none."""
    kind = np.array(documents["kind"].to_pylist())
    found = np.full((documents.num_rows, len(MEMBERS)), np.nan)
    for column, member in enumerate(MEMBERS):
        score = documents[member].to_numpy()
        for name in kinds:
            where = (kind == name) & ~np.isnan(score)
            found[where, column] = (rankdata(score[where]) - 0.5) / where.sum()
    return found


COMBINED: dict[str, Callable[..., np.ndarray]] = {
    "mean_of_ranks": np.nanmean,
    "max_of_ranks": np.nanmax,
    "min_of_ranks": np.nanmin,
}


@pytest.mark.parametrize("by", sorted(COMBINED))
@pytest.mark.parametrize("missing", ["rest", "pass"])
def test_a_score_is_what_scipy_says_of_the_whole_corpus(make_documents: Make, tmp_path: Path, by: Any, missing: Any):
    documents = corpus(make_documents)
    config = Ensemble(of=MEMBERS, by=by, missing=missing, selection=KEEPS_ALL)
    jobs = ensemble(tmp_path, documents, config, shards=3)
    kept = jobs.outcome().kept.sort_by("id")
    assert kept.num_rows == documents.num_rows
    ranked = expected(documents)
    scored = np.isin(documents["kind"].to_pylist(), ["prose", "code"])
    if missing == "pass":
        scored &= ~np.isnan(ranked).any(axis=1)
    wanted = COMBINED[by](ranked[scored], axis=1)
    assert (kept["both"].is_valid().to_numpy() == scored).all()
    np.testing.assert_allclose(kept["both"].to_numpy()[scored], wanted, rtol=0, atol=1e-7)
    # The ranks stand beside the score.
    scores = jobs.table("scores").sort_by("id")
    np.testing.assert_allclose(scores["rank_fine"].to_numpy(), ranked[:, 1], rtol=0, atol=1e-7)


def test_parts_are_of_equal_size_and_the_largest_is_nemotron_s(make_documents: Make, tmp_path: Path):
    number = 1000
    random = np.random.default_rng(1)
    documents = make_documents(["a text"] * number)
    scores = {name: random.permutation(number) for name in ("one", "other")}
    for name, score in scores.items():
        documents = documents.append_column(name, pa.array(score, pa.float32()))
    config = Ensemble(of=("one", "other"), by="max_of_ranks", buckets=20, selection=KEEPS_ALL)
    kept = ensemble(tmp_path, documents, config, shards=2).outcome().kept.sort_by("id")
    documents = documents.sort_by("id")
    part = np.maximum(documents["one"].to_numpy() // 50, documents["other"].to_numpy() // 50)
    np.testing.assert_array_equal(np.floor(kept["both"].to_numpy() * 20), part)
    # A bound between two parts lies far from both.
    assert set(np.round(kept["both"].to_numpy() * 40).astype(int).tolist()) <= set(range(1, 40, 2))


def test_bounds_of_parts_do_not_suffer_from_fractions(make_documents: Make, tmp_path: Path):
    # 29 of 100 is 28.999999999999996 in floats.
    documents = make_documents(["a text"] * 100)
    for name in ("one", "other"):
        documents = documents.append_column(name, pa.array(np.repeat(np.arange(50), 2), pa.float32()))
    config = Ensemble(of=("one", "other"), buckets=100, selection=KEEPS_ALL)
    scores = ensemble(tmp_path, documents, config).table("scores")
    # Pairs have the mid-rank that is the bound itself: they belong to the part above it.
    assert np.floor(scores["both"].to_numpy() * 100).astype(int).tolist() == [2 * (row // 2) + 1 for row in range(100)]


def test_shards_and_partitions_change_no_byte(make_documents: Make, tmp_path: Path):
    documents = corpus(make_documents)
    config = Ensemble(of=MEMBERS, selection=Selection(keep_share={"prose": 0.3, "code": 0.7}))
    outcomes = [ensemble(tmp_path / str(shards), documents, config, shards).outcome() for shards in (1, 3, 5)]
    for other in outcomes[1:]:
        assert other.kept.equals(outcomes[0].kept)
        assert other.dropped.equals(outcomes[0].dropped)
    kinds = outcomes[0].kept["kind"].to_pylist()
    total = documents["kind"].to_pylist()
    assert kinds.count("prose") == np.ceil(0.3 * total.count("prose") - 1e-9)
    assert kinds.count("code") == np.ceil(0.7 * total.count("code") - 1e-9)
    assert kinds.count("licence") == total.count("licence")
    dropped = outcomes[0].dropped
    assert set(dropped["reason"].to_pylist()) == {"below_keep_share"}
    assert (dropped["value"].to_numpy() <= dropped["threshold"].to_numpy()).all()


def test_a_least_score_is_a_rank(make_documents: Make, tmp_path: Path):
    documents = corpus(make_documents)
    config = Ensemble(of=("fine", "graded"), selection=Selection(keep_share={}, min_score={"prose": 0.9}))
    dropped = ensemble(tmp_path, documents, config, 2).outcome().dropped
    assert set(dropped["kind"].to_pylist()) == {"prose"}
    assert set(dropped["threshold"].to_pylist()) == {0.9}
    assert dropped["value"].to_numpy().max() < 0.9


def test_ranks_go_through_files_a_few_rows_at_a_time(
    make_documents: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    documents = corpus(make_documents)
    config = Ensemble(of=MEMBERS, selection=KEEPS_ALL)
    whole = ensemble(tmp_path / "whole", documents, config, 3).outcome().kept
    monkeypatch.setattr(streams, "SORTED_BATCH_ROWS", 7)
    monkeypatch.setattr(streams, "ROUND_BYTES", 500)
    assert ensemble(tmp_path / "parts", documents, config, 3).outcome().kept.equals(whole)


def test_it_is_said_how_many_documents_each_classifier_scored(make_documents: Make, tmp_path: Path):
    documents = corpus(make_documents)
    ensemble(tmp_path, documents, Ensemble(of=MEMBERS, selection=KEEPS_ALL), 2)
    found = {(row["kind"], row["member"]): row["documents"] for row in read_json(tmp_path / "members.json")["members"]}
    assert found["prose", "coarse"] == documents["kind"].to_pylist().count("prose")
    graded = documents.filter(documents["graded"].is_valid())
    assert found["code", "graded"] == graded["kind"].to_pylist().count("code")


def test_nothing_and_sameness(make_documents: Make, tmp_path: Path):
    config = Ensemble(of=("one", "other"), selection=Selection(keep_share={"prose": 0.5}))
    documents = make_documents(["a text"] * 11)
    same = documents.append_column("one", pa.array([3.0] * 11, pa.float32()))
    same = same.append_column("other", pa.array([-0.0, 0.0] * 5 + [0.0], pa.float32()))
    outcome = ensemble(tmp_path / "same", same, config, 3).outcome()
    assert outcome.kept["both"].to_pylist() == [0.5] * 6
    # Of equals those with the smallest ids stay.
    assert max(outcome.kept["id"].to_pylist()) < min(outcome.dropped["id"].to_pylist())
    empty = ensemble(tmp_path / "empty", same.slice(0, 0), config, 2).outcome()
    assert empty.kept.num_rows == 0
    unscored = documents.append_column("one", pa.nulls(11, pa.float32())).append_column(
        "other", pa.nulls(11, pa.float32())
    )
    outcome = ensemble(tmp_path / "unscored", unscored, config, 2).outcome()
    assert outcome.kept["both"].null_count == 11
    alone = ensemble(tmp_path / "alone", same.slice(0, 1), config, 2).outcome()
    assert alone.kept["both"].to_pylist() == [0.5]


def test_what_cannot_be_ranked_is_refused(make_documents: Make, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"classifiers\.x\.of: names 1 classifiers"):
        Ensemble(of=("one",)).check("classifiers.x")
    with pytest.raises(ValueError, match="one stands twice"):
        Ensemble(of=("one", "one"))
    documents = make_documents(["a text"] * 3).append_column("one", pa.array([1.0, np.nan, 2.0], pa.float32()))
    documents = documents.append_column("other", pa.array([1.0, 1.0, 2.0], pa.float32()))
    with pytest.raises(SchemaError, match="'one' holds NaN"):
        ensemble(tmp_path, documents, Ensemble(of=("one", "other")))


def test_ranks_of_other_documents_are_not_taken(make_documents: Make, tmp_path: Path):
    config = Ensemble(of=MEMBERS, selection=KEEPS_ALL)
    jobs = ensemble(tmp_path / "one", corpus(make_documents), config)
    ensemble(tmp_path / "other", corpus(make_documents, 50, 6), config)
    with pytest.raises(ShardMismatchError, match="ranks of coarse are of other documents"):
        stage.run_score(
            config,
            name="both",
            shard=0,
            shards=1,
            documents=jobs.part("documents", 0),
            ranked=tmp_path / "other" / "ranks.arrow",
            members=tmp_path / "other" / "members.json",
            scores=tmp_path / "scores.parquet",
        )


def test_keys_sort_as_groups_and_scores_do():
    rows = pa.table({"kind": ["code", "prose", "prose"], "one": pa.array([0.5, -1.0, 2.0], pa.float32())})
    groups = ranks.groups_of(("code", "prose"), ("one",))
    assert [str(group) for group in groups] == ["prose/one", "code/one"]
    table, counts = ranks.counted(rows, groups, 4)
    assert counts == {"prose/one": 2, "code/one": 1}
    assert table["rank"].to_pylist() == sorted(table["rank"].to_pylist())

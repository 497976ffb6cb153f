"""Plans and choices of validation, annealing sets and mixtures over a pool in shards."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from documents import make_documents
from fake_pool import lay_out, plan, pool, write_set
from pydantic import BaseModel, ValidationError

from tamis import exchange
from tamis.errors import ConfigError, ShardMismatchError
from tamis.stages import annealing, mixtures, validation

LLAMA = {"general": 0.50, "math+reasoning": 0.25, "code": 0.17, "multilingual": 0.08}


def by_domain(table: pa.Table) -> dict[str, dict]:
    return {row["domain"]: row for row in table.to_pylist()}


def small_pool(**columns: list[object]) -> pa.Table:
    """Ten documents of ten tokens each: six general, two maths, two code."""
    return make_documents(
        [f"text {i}" for i in range(10)],
        domain=["general"] * 6 + ["math"] * 2 + ["code"] * 2,
        transformer_quality=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.9, 0.7, 0.9, None],
        tokens=[10] * 10,
        **columns,
    )


def test_a_plan_worked_by_hand(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(), 3)
    # 0.5 of 60 tokens is 30 general; 0.5 would be 30 of maths, which has 20: everything shrinks to 20 + 20.
    config = mixtures.Config(weights={"general": 0.5, "math": 0.5}, tokens=60)
    rows = by_domain(plan(tmp_path, "mixtures/one", config, [], 3))
    assert list(rows) == ["general", "math", "code"]
    assert rows["general"] == {
        "domain": "general", "weight": 0.5, "available_documents": 6, "available_tokens": 60, "asked_tokens": 30,
        "target_tokens": 20, "taken_documents": 2, "taken_tokens": 20, "share": 0.5, "epochs": pytest.approx(1 / 3),
        "outcome": "shrunk",
    }  # fmt: skip
    assert rows["math"]["taken_tokens"] == 20
    assert rows["math"]["epochs"] == 1.0
    assert (rows["code"]["outcome"], rows["code"]["available_tokens"], rows["code"]["taken_tokens"]) == (
        "not asked for",
        20,
        0,
    )


def test_repeats_are_whole_epochs_and_a_part(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(), 2)
    config = mixtures.Config(weights={"math": 1.0}, tokens=50, scarcity="repeat", epoch_cap=3)
    row = by_domain(plan(tmp_path, "mixtures/one", config, [], 2))["math"]
    assert (row["taken_tokens"], row["taken_documents"], row["epochs"], row["outcome"]) == (50, 5, 2.5, "repeated")
    table = write_set(tmp_path, "mixtures/one", 2, 2)
    epochs = sorted(zip(table["id"].to_pylist(), table["epoch"].to_pylist(), strict=True))
    assert [epoch for _, epoch in epochs] in ([0, 1, 2, 0, 1], [0, 1, 0, 1, 2])
    summary = json.loads((tmp_path / "mixtures/one/summary.json").read_text())
    assert (summary["documents"], summary["distinct_documents"], summary["tokens"]) == (5, 2, 50)


def test_fail_and_empty_groups_stop_with_a_message(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(), 2)
    short = mixtures.Config(weights={"general": 0.5, "math": 0.5}, tokens=60, scarcity="fail")
    with pytest.raises(ConfigError, match=r"mixtures\.one: 'math' has 20 of 30 tokens"):
        plan(tmp_path, "mixtures/one", short, [], 2)
    empty = mixtures.Config(weights={"general": 0.5, "reasoning": 0.5})
    with pytest.raises(ConfigError, match="no tokens left for 'reasoning'"):
        plan(tmp_path, "mixtures/one", empty, [], 2)


def test_annealing_takes_the_best_with_ties_by_id(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(), 3)
    config = annealing.Config(weights={"math+code": 1.0}, tokens=10)
    plan(tmp_path, "annealing/best", config, [], 3)
    # Documents 6 and 8 both have 0.9; the smaller id wins.
    assert write_set(tmp_path, "annealing/best", 1, 3)["text"].to_pylist() == ["text 6"]
    # A share is of the whole pool: 0.3 x 100 tokens.
    plan(tmp_path, "annealing/best", config.model_copy(update={"tokens": 0.3}), [], 3)
    assert write_set(tmp_path, "annealing/best", 1, 3)["text"].to_pylist() == ["text 6", "text 7", "text 8"]


def test_annealing_takes_the_unscored_last_and_below_the_minimum_never(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(), 3)
    every = annealing.Config(weights={"math+code": 1.0}, tokens="max")
    plan(tmp_path, "annealing/best", every, [], 3)
    assert write_set(tmp_path, "annealing/best", 1, 3).num_rows == 4
    row = by_domain(plan(tmp_path, "annealing/best", every.model_copy(update={"minimum": 0.8}), [], 3))["math+code"]
    assert (row["available_documents"], row["taken_documents"]) == (2, 2)


def test_a_set_may_ask_for_less_of_benchmarks_than_the_pool_holds(tmp_path: Path) -> None:
    lay_out(tmp_path, small_pool(contamination=[0.0, 0.6, 0.2, None, 0.5, 0.51, 0.7, 0.1, 0.2, 0.6]), 3)
    plan(tmp_path, "mixtures/every", mixtures.Config(), [], 3)
    assert write_set(tmp_path, "mixtures/every", 1, 3).num_rows == 10
    plan(tmp_path, "mixtures/strict", mixtures.Config(max_contamination=0.5), [], 3)
    strict = write_set(tmp_path, "mixtures/strict", 1, 3)["text"].to_pylist()
    assert sorted(strict) == [f"text {number}" for number in (0, 2, 3, 4, 7, 8)]
    # One of the two best of maths and code has too much, the unscored one, too.
    best = annealing.Config(weights={"math+code": 1.0}, tokens="max", minimum=0.5, max_contamination=0.3)
    plan(tmp_path, "annealing/best", best, [], 3)
    assert sorted(write_set(tmp_path, "annealing/best", 1, 3)["text"].to_pylist()) == ["text 7", "text 8"]


def test_validation_takes_the_same_share_of_every_stratum(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 3)
    rows = plan(tmp_path, "validation", validation.Config(tokens=0.1, stratify="domain"), [], 3).to_pylist()
    assert sorted(row["domain"] for row in rows) == ["code", "general", "math", "multilingual", "reasoning"]
    for row in rows:
        assert row["target_tokens"] == pytest.approx(0.1 * row["available_tokens"], abs=2)
        assert 0 < row["taken_tokens"] < 0.2 * row["available_tokens"]


def test_sets_share_no_document_and_meet_the_plan(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(counts={"general": 800, "math": 400, "code": 400, "reasoning": 200, "multilingual": 200}), 3)
    plan(tmp_path, "validation", validation.Config(tokens=0.02), [], 3)
    plan(tmp_path, "annealing/best", annealing.Config(tokens=0.03), ["validation"], 3)
    taken = ["validation", "annealing/best"]
    first = plan(tmp_path, "mixtures/first", mixtures.Config(weights=LLAMA, tokens=0.5), taken, 3)
    second_config = mixtures.Config(weights={"code": 0.5, "general": 0.5}, exclude_mixtures=("first",))
    plan(tmp_path, "mixtures/second", second_config, [*taken, "mixtures/first"], 3)
    ids: list[str] = []
    for name in ("validation", "annealing/best", "mixtures/first", "mixtures/second"):
        table = write_set(tmp_path, name, 2, 3)
        assert table.num_rows
        assert set(table["epoch"].to_pylist()) == {0}
        ids += table["id"].to_pylist()
    assert len(ids) == len(set(ids))
    for row in first.to_pylist():
        assert row["share"] == pytest.approx(row["weight"], rel=0.005)


def test_without_weights_a_mixture_is_everything_that_is_left(tmp_path: Path) -> None:
    documents = pool().drop_columns(["domain", "transformer_quality", "language"])
    lay_out(tmp_path, documents, 2)
    plan(tmp_path, "validation", validation.Config(tokens=0.05), [], 2)
    rows = plan(tmp_path, "mixtures/pool", mixtures.Config(), ["validation"], 2).to_pylist()
    assert [row["domain"] for row in rows] == ["all"]
    both = [write_set(tmp_path, name, 1, 2)["id"].to_pylist() for name in ("validation", "mixtures/pool")]
    assert sorted(both[0] + both[1]) == sorted(documents["id"].to_pylist())


def test_an_empty_pool_gives_empty_sets(tmp_path: Path) -> None:
    lay_out(tmp_path, pool().slice(0, 0), 2)
    assert plan(tmp_path, "validation", validation.Config(), [], 2).num_rows == 0
    assert plan(tmp_path, "mixtures/pool", mixtures.Config(), ["validation"], 2).num_rows == 0
    assert write_set(tmp_path, "mixtures/pool", 2, 2).num_rows == 0


def test_equal_seeds_take_nested_samples_and_others_do_not(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 2)
    samples = []
    for tokens, seed in ((0.2, 0), (0.4, 0), (0.4, 1)):
        config = mixtures.Config(tokens=tokens, seed=seed)
        plan(tmp_path, "mixtures/one", config, [], 2)
        samples.append(set(write_set(tmp_path, "mixtures/one", 1, 2)["id"].to_pylist()))
    # All but the few that filled up the smaller budget.
    assert len(samples[0] - samples[1]) <= 5
    assert len(samples[1] - samples[2]) > 20


def test_an_index_of_other_shards_is_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 2)
    with pytest.raises(ShardMismatchError, match="holds 2 shards, expected 3"):
        plan(tmp_path, "mixtures/one", mixtures.Config(), [], 3)


def test_rows_hold_no_text(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 1)
    index = exchange.read_batch(tmp_path / "tokenizer/index/part-00000.arrow", 0, 1)
    assert index.column_names == ["id", "kind", "source", "language", "transformer_quality", "domain", "tokens"]


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (mixtures.Config, {"weights": {"general": 0.5, "code": 0.49}}, "weights: sum to 0.99, expected 1"),
        (mixtures.Config, {"weights": {"general": 0.5, "cod": 0.5}}, "there is no domain 'cod'; known: general, math"),
        (mixtures.Config, {"weights": {"prose": 0.5, "html": 0.5}, "by": "kind"}, "there is no kind 'html'"),
        (mixtures.Config, {"weights": {"math+code": 0.5, "code": 0.5}}, "'code' stands in two groups"),
        (mixtures.Config, {"weights": {"general": 1.0, "code": 0.0}}, "greater than 0"),
        (mixtures.Config, {"weights": {}}, "no groups"),
        (mixtures.Config, {"tokens": 0}, "0 tokens is no budget"),
        (mixtures.Config, {"tokens": 1.5}, "1.5 is no share"),
        (mixtures.Config, {"tokens": "many"}, "a number of tokens"),
        (mixtures.Config, {"tokens": True}, "a number of tokens"),
        (mixtures.Config, {"scarcity": "ignore"}, "'shrink', 'repeat' or 'fail'"),
        (mixtures.Config, {"wieghts": {}}, "Extra inputs"),
        (annealing.Config, {"rank_by": "language"}, "language is no score"),
        (validation.Config, {"tokens": -0.1}, "no share"),
    ],
)
def test_wrong_settings_are_refused(model: type[BaseModel], values: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("+", r"\+")):
        model.model_validate(values)


def test_budgets_keep_their_type_through_the_params_of_a_job() -> None:
    for tokens in (1, 1.0, 0.5, "max", 3_000_000):
        config = mixtures.Config(tokens=tokens)
        again = mixtures.Config.model_validate(json.loads(json.dumps(config.model_dump(mode="json"))))
        assert (again.tokens, type(again.tokens)) == (tokens, type(tokens))

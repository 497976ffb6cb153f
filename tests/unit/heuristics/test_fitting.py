"""Thresholds by language: plain sorting as the reference, over any shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from tamis.errors import ConfigError
from tamis.heuristics.decisions import asked, decide
from tamis.heuristics.fitting import fit, fitted_rules, fitted_thresholds
from tamis.heuristics.groups import LANGUAGES, Fittable
from tamis.heuristics.metrics import metrics_of
from tamis.heuristics.rules import COLUMNS, RULES
from tamis.shards import write_table
from tamis.stages.heuristics import Config

DATA = Path(__file__).parents[4] / "shared" / "data"
LEAST = 40
EVERY = {"min_documents": LEAST, "thresholds": list(get_args(Fittable))}
FITTED = fitted_rules(Config.model_validate({"fitting": EVERY}))


def made(rows: int, seed: int) -> pa.Table:
    """Scores of documents in five languages, in which most pass the rules that are not fitted."""
    dice = np.random.default_rng(seed)
    language = dice.choice(["en", "fi", "ml", "zh", "rare"], rows, p=[0.4, 0.25, 0.2, 0.13, 0.02])
    shift = np.select([language == "fi", language == "ml"], [1.3, 1.9], 1.0)
    values: dict[str, Any] = {name: np.zeros(rows) for name in COLUMNS}
    values["size_characters"] = dice.integers(50, 5000, rows).astype(float)
    values["gopher_quality_words"] = dice.integers(20, 900, rows).astype(float)
    values["gopher_quality_mean_word_length"] = np.round(dice.normal(6.5, 2.0, rows) * shift, 1)
    values["gopher_quality_alphabetic_word_share"] = dice.beta(12, 2, rows)
    values["gopher_quality_character_word_share"] = np.where(language == "zh", 0.9, 0.0)
    values["gopher_quality_stop_words"] = np.where(language == "rare", np.nan, dice.integers(0, 9, rows))
    values["c4_sentences"] = dice.integers(0, 30, rows).astype(float)
    # Many ties, at zero and elsewhere; nothing where there are no lines.
    values["fineweb_terminal_line_share"] = dice.integers(0, 12, rows) / 12
    values["fineweb_terminal_line_share"][dice.random(rows) < 0.05] = np.nan
    values["fineweb_newline_ratio"] = dice.exponential(0.15, rows) * shift
    for rule in FITTED:
        if rule.group == "gopher_repetition":
            values[rule.column] = np.where(dice.random(rows) < 0.6, 0.0, dice.beta(1, 12, rows) * shift)
    known = {
        "id": [f"{row:032x}" for row in range(rows)],
        "source": ["s"] * rows,
        "kind": dice.choice(["prose", "prose", "prose", "code"], rows),
        "language": language,
    }
    return pa.table({**known, **{name: pa.array(column, from_pandas=True) for name, column in values.items()}})


def files(folder: Path, table: pa.Table, order: np.ndarray, shards: int) -> list[Path]:
    """The rows in that order, in so many score files."""
    paths = []
    for shard, rows in enumerate(np.array_split(order, shards)):
        paths.append(folder / f"{shards}-{shard}.parquet")
        write_table(paths[-1], table.take(pa.array(np.sort(rows) if shards % 2 else rows)))
    return paths


def by_sorting(table: pa.Table, config: Config) -> dict[str, dict[str, tuple[float, float, int]]]:
    """Language → reason → threshold, median, documents: one rule and language at a time."""
    others = config.model_dump()
    for rule in FITTED:
        others[rule.group][rule.field] = None
    # What is known of languages is all about rules that are fitted.
    others["languages"] = {name: {} for name in LANGUAGES}
    metrics = metrics_of(table)
    passes = decide(table, metrics, Config.model_validate(others)).rule < 0
    language = np.array(table["language"].to_pylist())
    found: dict[str, dict[str, tuple[float, float, int]]] = {}
    for rule in FITTED:
        value = metrics[rule.column]
        where = passes & ~np.isnan(value) & asked(rule, table, metrics, config)
        limit = getattr(getattr(config, rule.group), rule.field)
        english = np.sort(value[where & (language == "en")])
        for name in ("fi", "ml", "zh", "rare"):
            own = np.sort(value[where & (language == name)])
            if len(own) < LEAST or rule.field in config.languages.get(name, {}).get(rule.group, {}):
                continue
            median, yardstick = own[(len(own) - 1) // 2], english[(len(english) - 1) // 2]
            if median and yardstick:
                found.setdefault(name, {})[rule.reason] = (limit * (median / yardstick), median, len(own))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thresholds_follow_the_medians_whatever_the_shards(tmp_path: Path, seed: int) -> None:
    table = made(3000, seed)
    config = Config.model_validate({"thresholds": "fitted", "fitting": EVERY})
    expected = by_sorting(table, config)
    dice = np.random.default_rng(seed)
    results = []
    for shards in (1, 2, 5):
        order = np.arange(3000) if shards == 1 else dice.permutation(3000)
        results.append(fit(files(tmp_path, table, order, shards), config))
    assert results[0] == results[1] == results[2]
    found = {
        language: {
            rule.reason: tuple(entry.values())
            for rule in FITTED
            if (entry := value["thresholds"].get(rule.group, {}).get(rule.field))
        }
        for language, value in results[0]["languages"].items()
    }
    assert found == expected
    assert {"fi", "ml", "zh"} == set(found)
    # Malayalam has a bound of its own, Chinese no words that are parted by blanks.
    assert "gopher_long_words" not in found["ml"]
    assert "gopher_short_words" in found["ml"]
    assert not {"gopher_short_words", "gopher_top_2_gram"} & set(found["zh"])
    # More than half have no repeated lines.
    assert "gopher_duplicate_lines" not in found["fi"]


def test_prose_of_a_language_with_long_words_stays_and_its_menus_do_not_count(tmp_path: Path) -> None:
    table = made(4000, 4)
    language = np.array(table["language"].to_pylist())
    config = Config.model_validate(
        {"thresholds": "fitted", "fitting": {"min_documents": LEAST}, "languages": {"fi": {}}}
    )
    found = fit(files(tmp_path, table, np.arange(4000), 2), config)
    given, new = (decide(table, metrics_of(table), config, own) for own in ({}, fitted_thresholds(found)))
    long_words = next(at for at, rule in enumerate(RULES) if rule.reason == "gopher_long_words")
    finnish = language == "fi"
    assert (given.rule[finnish] == long_words).sum() > 4 * (new.rule[finnish] == long_words).sum()
    for name in ("en", "rare"):
        np.testing.assert_array_equal(given.rule[language == name], new.rule[language == name])
    # As many texts again of very short words, which other rules drop.
    short = {"gopher_quality_mean_word_length": 1.0, "size_characters": 50.0}
    menus = table.filter(pa.array(finnish))
    for column, value in short.items():
        menus = menus.set_column(menus.column_names.index(column), column, pa.array([value] * menus.num_rows))
    both = pa.concat_tables([table, menus])
    assert fit(files(tmp_path, both, np.arange(both.num_rows), 1), config) == found


def test_another_yardstick_and_rules_that_are_off(tmp_path: Path) -> None:
    paths = files(tmp_path, made(3000, 5), np.arange(3000), 1)
    config = Config.model_validate(
        {
            "fitting": {"min_documents": LEAST, "yardstick": "fi"},
            "fineweb": False,
            "gopher_quality": {"min_alphabetic_words": None},
            "languages": {"en": {"gopher_quality": {"min_mean_word_length": 1.0}}},
        }
    )
    found = fit(paths, config)
    assert found["yardstick"]["language"] == "fi"
    # Its own bound, which is known.
    assert found["yardstick"]["thresholds"]["gopher_quality"]["max_mean_word_length"]["threshold"] == 13.0
    assert {"en", "ml", "zh"} <= set(found["languages"])
    assert set(found["languages"]["en"]["thresholds"]["gopher_quality"]) == {"max_mean_word_length"}


def test_a_yardstick_of_few_documents_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, made(300, 6), np.arange(300), 1)
    with pytest.raises(ConfigError, match=r"documents of the yardstick 'en' .* fewer than min_documents \(1000\)"):
        fit(paths, Config())
    empty = files(tmp_path, made(300, 6).slice(0, 0), np.arange(0), 1)
    with pytest.raises(ConfigError, match="0 documents of the yardstick"):
        fit(empty, Config())

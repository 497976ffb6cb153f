"""Thresholds of a language from its own documents: to its median as those given are to the median of the yardstick.

FineWeb2 (Penedo et al. 2025) has thresholds of its own for each of 1,800 languages, found from the distributions of the
language, with English as the yardstick: of the mean length of words, words with letters, line ends and breaks, repeated
lines and n-grams (the keys of its configs; short lines, characters in repeated lines and the number of stop words are
one for all). Such ways match shares, tails, means or medians. Here it is medians: shares and tails move with the menus
among the documents, of which one language has more than another, medians do not
(docs/decisions/0012-thresholds-that-keep-prose.md has both, measured). And where FineWeb2 had Wikipedia in each
language to measure, here the documents that pass all other rules stand for it.

The median is exact over all shards and in bounded memory: documents are counted by the leading 11 bits of a value, then
by the next 11 of those about the median, and so on through all 64; 50 kB a language and threshold. Neither shards nor
the order of documents matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.errors import ConfigError
from tamis.heuristics.decisions import asked, beyond, thresholds_of
from tamis.heuristics.groups import ByGroup, Groups
from tamis.heuristics.metrics import metrics_of
from tamis.heuristics.rules import CHARACTER_WORDS, RULES, Group, Rule
from tamis.shards import table_batches

WIDTHS = (11, 11, 11, 11, 11, 9)
"""Bits of a value that each pass over the scores settles."""
DIGITS = 1 << max(WIDTHS)


def _ordered(values: np.ndarray) -> np.ndarray:
    """float64[n] as uint64 that sort like them; -0.0 sorts as 0.0."""
    bits = (values + 0.0).view(np.uint64)
    return np.where(bits >> np.uint64(63), ~bits, bits | np.uint64(1 << 63))


def _values(bits: np.ndarray) -> np.ndarray:
    """What `_ordered` was made of."""
    return np.where(bits >> np.uint64(63), bits & ~np.uint64(1 << 63), ~bits).view(np.float64)


def fitted_rules(config: Groups) -> list[Rule]:
    """The rules whose thresholds are fitted, but for groups that are off."""
    groups = [group for group in get_args(Group) if getattr(config, group) is not None]
    return [rule for rule in RULES if rule.field in config.fitting.thresholds and rule.group in groups]


class _Population:
    """Documents that pass all rules but the fitted ones, in the score files of all shards."""

    def __init__(self, scores: Sequence[Path], config: Groups) -> None:
        """Read nothing yet."""
        self._scores, self._config = scores, config
        fitted = fitted_rules(config)
        self._others = [rule for rule in RULES if rule not in fitted]
        self._groups = {rule.group: rule for rule in fitted}
        self._columns = {*(rule.column for rule in fitted), CHARACTER_WORDS}

    def tables(self) -> Iterator[tuple[pa.Table, dict[str, np.ndarray]]]:
        """These documents, some at a time, and their metrics."""
        for path in self._scores:
            for rows in table_batches(path):
                metrics = metrics_of(rows)
                stays = np.ones(rows.num_rows, bool)
                for rule in self._others:
                    threshold = thresholds_of(rule, rows["language"], self._config)
                    if threshold is not None:
                        fails = beyond(rule, metrics[rule.column], threshold)
                        stays &= ~(fails & asked(rule, rows, metrics, self._config))
                read = {name: metrics[name][stays] for name in self._columns}
                yield rows.select(["kind", "language"]).filter(pa.array(stays)), read

    def languages(self) -> Counter[str]:
        """Language → how many of these documents any fitted rule asks."""
        found: Counter[str] = Counter()
        for rows, metrics in self.tables():
            where = np.zeros(rows.num_rows, bool)
            for rule in self._groups.values():
                where |= asked(rule, rows, metrics, self._config)
            counts = pc.value_counts(rows["language"].filter(pa.array(where)))
            found.update({row["values"].as_py(): row["counts"].as_py() for row in counts})
        found.pop(None, None)  # type: ignore[call-overload]
        return found

    def values(self, rules: Sequence[Rule], languages: Sequence[str]) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Place of a rule, and of some documents that it asks: places of their languages, and what it reads."""
        known = pa.array(languages, pa.string())
        for rows, metrics in self.tables():
            places = pc.fill_null(pc.index_in(rows["language"], value_set=known), -1).to_numpy().astype(np.int64)
            for index, rule in enumerate(rules):
                value = metrics[rule.column]
                where = (places >= 0) & ~np.isnan(value) & asked(rule, rows, metrics, self._config)
                yield index, places[where], value[where]


def _order_statistics(
    population: _Population, rules: Sequence[Rule], languages: Sequence[str], ranks: np.ndarray
) -> np.ndarray:
    """The value of each rank among what a rule reads of a language's documents.

    Args:
        population: the documents.
        rules: R rules.
        languages: L codes.
        ranks: int64[L, R], from 0; each less than the language has documents that the rule asks.

    Returns:
        float64[L, R].
    """
    shape = (len(languages), len(rules))
    bits = np.zeros(shape, np.uint64)
    left = ranks.copy()
    settled = 0
    for width in WIDTHS:
        counts = np.zeros((*shape, DIGITS), np.int64)
        settled += width
        for rule, places, values in population.values(rules, languages):
            head = _ordered(values) >> np.uint64(64 - settled)
            near = head >> np.uint64(width) == bits[places, rule]
            digit = (head[near] & np.uint64((1 << width) - 1)).astype(np.int64)
            cells = np.bincount(places[near] * DIGITS + digit, minlength=len(languages) * DIGITS)
            counts[:, rule] += cells.reshape(-1, DIGITS)
        upto = np.cumsum(counts, axis=2)
        # Where nothing is counted the digit is one too many, and nobody asks for the value.
        digit = np.minimum((upto <= left[..., None]).sum(axis=2), DIGITS - 1)
        below = np.take_along_axis(upto, np.maximum(digit - 1, 0)[..., None], 2)[..., 0]
        left -= np.where(digit > 0, below, 0)
        bits = bits << np.uint64(width) | digit.astype(np.uint64)
    return _values(bits)


def fit(scores: Sequence[Path], config: Groups) -> dict[str, Any]:
    """Find the thresholds of every language that has enough documents.

    Args:
        scores: the score files of all shards.
        config: all groups.

    Returns:
        yardstick: its language, documents, and by group and threshold what is given, the median and of how many
        documents; languages: language → documents, and by group and threshold what it is now, the median, and on how
        many documents it was fitted. Where a median is 0 the given threshold stays.

    Raises:
        ConfigError: the yardstick has too few documents.
    """
    yardstick, least = config.fitting.yardstick, config.fitting.min_documents
    population = _Population(scores, config)
    documents = population.languages()
    if documents[yardstick] < least:
        raise ConfigError(
            f"heuristics.fitting: {documents[yardstick]} documents of the yardstick {yardstick!r} pass the other "
            f"rules, fewer than min_documents ({least}). Name another yardstick there, ask for fewer documents, or set "
            "heuristics.thresholds to given; nothing is measured again"
        )
    given = {rule: thresholds_of(rule, pa.array([yardstick]), config) for rule in fitted_rules(config)}
    held = [(rule, float(limit[0])) for rule, limit in given.items() if limit is not None and not np.isnan(limit[0])]
    rules, limits = [rule for rule, _ in held], [limit for _, limit in held]
    languages = [yardstick, *sorted(name for name, count in documents.items() if count >= least and name != yardstick)]
    asked_of = np.zeros((len(languages), len(rules)), np.int64)
    for at, places, _ in population.values(rules, languages):
        asked_of[:, at] += np.bincount(places, minlength=len(languages))
    medians = _order_statistics(population, rules, languages, np.maximum(asked_of - 1, 0) // 2)
    result: dict[str, Any] = {
        "yardstick": {"language": yardstick, "documents": documents[yardstick], "thresholds": {}},
        "languages": {name: {"documents": documents[name], "thresholds": {}} for name in languages[1:]},
    }
    for at, rule in enumerate(rules):
        for row, name in enumerate(languages):
            own = rule.field in config.languages.get(name, {}).get(rule.group, ())
            few = min(asked_of[0, at], asked_of[row, at]) < least
            if few or (row and (own or not medians[0, at] or not medians[row, at])):
                continue
            entry = {
                "threshold": limits[at] * float(medians[row, at] / medians[0, at]) if row else limits[at],
                "median": float(medians[row, at]),
                "documents": int(asked_of[row, at]),
            }
            found = result["languages"][name] if row else result["yardstick"]
            found["thresholds"].setdefault(rule.group, {})[rule.field] = entry
    return result


def fitted_thresholds(found: Mapping[str, Any]) -> dict[str, ByGroup]:
    """Language → group → thresholds, of what `fit` found."""
    return {
        language: {
            group: {field: entry["threshold"] for field, entry in fields.items()}
            for group, fields in value["thresholds"].items()
        }
        for language, value in found["languages"].items()
    }

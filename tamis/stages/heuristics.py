"""Rules of form: drop documents that no model should learn from, by counting words, lines and symbols.

Prose is held to the rules of Gopher (Rae et al. 2021: repetition, table A1, and quality, A1.1), C4 (Raffel et al.
2020, 2.2) and FineWeb (Penedo et al. 2024, 3.6); code to those of StarCoder, StarCoder2 and CodeParrot; every other
kind only to its length and to signs of damage, so maths pages keep their formulas. All thresholds, their origin and
the order of the rules are in `tamis/stages/heuristics_rules.py`.

A document that fails is dropped; the first rule that it fails, in that order, is its reason, with the value and the
threshold. How many documents fail each rule, whichever comes first, is in the notes of the stats (`fails_<reason>`).

What the rules are, exactly, is what datatrove 0.10 does: given the same words, every decision of its four filters is
reproduced (tests/unit/test_heuristics_oracle.py runs them). It splits English with spaCy; ours are `rule_words`
(`tamis/kernels/rule_words.py`), which needs no spaCy. Of spaCy's words on PEPs 99.97 % are ours too, on web pages
99.998 %, on LaTeX 99.6 %. 1,252 documents of 13 corpora (web pages, licences, mails, books, reviews, Brown, PEPs …)
were held to datatrove's filters as it ships: all were kept or dropped alike; by filter 99.4 to 100 % agree, and what
differs are Chinese texts (below) and one empty one. 5,100 documents of 2.3 kB a second on one core; datatrove 33.

It is a selector: no text is cut. C4's line rules therefore only decide which lines count as sentences, and each rule
sees the whole text (in datatrove's pipeline C4 has cut lines before FineWeb's rules look).

Languages: Gopher's stop words are English, so the rule asks the language and skips languages without a list. In texts
whose words are mostly single characters (Chinese, Japanese, Thai …) the rules on word length, word n-grams, short
lines, sentences (C4 wants lines of three blank-separated words) and line ends (Thai marks none) say nothing and are
skipped, whatever the language label says.

Writes documents, dropped, stats. Memory: one shard, and about 80 bytes a word of its longest document. Ties: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.errors import SchemaError
from tamis.ledger import Outputs, dropped_rows, write_outcome
from tamis.section import Section
from tamis.shards import read_documents
from tamis.stages.heuristics_rules import (
    C4,
    RULES,
    Code,
    FineWeb,
    GopherQuality,
    GopherRepetition,
    Group,
    Size,
)

VERSION = 1
NEEDS = frozenset({"language"})

# More than this share of one-character words: a script without spaces.
UNSPACED_SHARE = 0.5


class Config(Section):
    """Rules of form, by group; each group names the kinds that it looks at."""

    words: Literal["tokens", "pieces"] = Field(
        "tokens",
        description="What Gopher's and FineWeb's rules count. tokens: words and punctuation apart, as datatrove does. "
        "pieces: whatever stands between white space, as the papers read; choose it for mark-up, where tokens make "
        "every character of a heading's underline a word.",
    )
    size: Size = Field(Size(), description="Length and damage.")
    gopher_repetition: GopherRepetition = Field(GopherRepetition(), description="Gopher's repetition rules.")
    gopher_quality: GopherQuality = Field(GopherQuality(), description="Gopher's quality rules.")
    c4: C4 = Field(C4(), description="C4's rules.")
    fineweb: FineWeb = Field(FineWeb(), description="FineWeb's rules.")
    code: Code = Field(Code(), description="Rules for source code.")


PROSE_GROUPS: tuple[Group, ...] = ("gopher_repetition", "gopher_quality", "c4", "fineweb")


@dataclass(frozen=True)
class Decision:
    """What the rules say of n documents.

    Attributes:
        rule: index into `RULES` of the first failing rule, -1 where none fails; int64[n].
        value: what that rule measured; float64[n], NaN where none fails.
        threshold: what it was held against; float64[n], NaN where none fails.
        failures: how many documents fail each rule, first or not; int64[len(RULES)].
    """

    rule: np.ndarray
    value: np.ndarray
    threshold: np.ndarray
    failures: np.ndarray


def _phrases(phrases: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Code points of several phrases one after the other, and the bounds of each."""
    from tamis.kernels.listed_pieces import encode

    bounds = np.cumsum([0, *map(len, phrases)]).astype(np.int64)
    return encode("".join(phrases)).copy(), bounds


def _stop_words(config: GopherQuality, languages: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes of all stop words, their bounds by language, and each document's language among them (-1: none)."""
    from tamis.kernels.listed_pieces import encode, span_hash

    listed = sorted(config.stop_words)
    hashes: list[int] = []
    bounds = [0]
    for language in listed:
        words = set(config.stop_words[language])
        hashes += sorted(int(span_hash(encode(word), 0, len(word))) for word in words)
        bounds.append(len(hashes))
    place = pc.fill_null(pc.index_in(languages, value_set=pa.array(listed, pa.string())), -1)
    return (
        np.array(hashes, np.uint64),
        np.array(bounds, np.int64),
        place.to_numpy(zero_copy_only=False).astype(np.int64),
    )


def measure_prose(text: pa.Array, language: pa.Array, config: Config) -> dict[str, np.ndarray]:
    """Metrics of the prose groups.

    Args:
        text: n texts.
        language: n ISO 639 codes.
        config: the stage's section.

    Returns:
        Name of each metric (`tamis.kernels.prose_columns.METRICS`) → float64[n]; NaN where it is not defined.
    """
    from tamis.kernels import c4_lines, characters, listed_pieces, prose_columns, prose_metrics
    from tamis.kernels.words import buffers

    offsets, data = buffers(text)
    # A NUL pair stands for "javascript" where that rule is off: the place of each phrase is fixed.
    script = "javascript" if config.c4.ignore_javascript_lines else "\0\0"
    phrases = _phrases((c4_lines.LOREM_IPSUM, script, *config.c4.policy_phrases))
    longest = config.c4.max_word_length
    settings = np.array(
        [
            config.c4.terminal_lines_only,
            config.c4.min_line_words or 0,
            -1 if longest is None else longest,
            config.c4.ignore_citations,
        ],
        np.int64,
    )
    metrics = prose_metrics.measure_prose(
        offsets,
        data,
        characters.table(),
        listed_pieces.listed_pieces(),
        listed_pieces.unit_hashes(),
        config.words == "pieces",
        *_stop_words(config.gopher_quality, language),
        config.fineweb.short_line,
        True,
        True,
        settings,
        *phrases,
    )
    return dict(zip(prose_columns.METRICS, metrics.T, strict=True))


def measure_code(text: pa.Array, config: Code) -> dict[str, np.ndarray]:
    """Metrics of the code group: name (`tamis.kernels.code_metrics.METRICS`) → float64[n]."""
    from tamis.kernels import characters, code_metrics
    from tamis.kernels.words import buffers

    marks, bounds = _phrases(config.generated_marks)
    metrics = code_metrics.measure_code(*buffers(text), characters.table(), config.generated_lines or 0, marks, bounds)
    return dict(zip(code_metrics.METRICS, metrics.T, strict=True))


def measure_size(text: pa.Array) -> dict[str, np.ndarray]:
    """Metrics of the size group: name (`tamis.kernels.size_metrics.METRICS`) → float64[n]."""
    from tamis.kernels import size_metrics
    from tamis.kernels.words import buffers

    return dict(zip(size_metrics.METRICS, size_metrics.measure_size(*buffers(text)).T, strict=True))


def measure(documents: pa.Table, config: Config) -> dict[str, dict[str, np.ndarray]]:
    """Metrics of every group, for the kinds that it looks at.

    Args:
        documents: n documents with a language.
        config: the stage's section.

    Returns:
        Group → metric → float64[n]; NaN for documents that the group does not look at.
    """
    kind = documents["kind"]

    def rows(groups: Sequence[str]) -> np.ndarray:
        kinds = sorted({name for group in groups for name in getattr(config, group).applies_to})
        return np.flatnonzero(pc.is_in(kind, value_set=pa.array(kinds, pa.string())).to_numpy(zero_copy_only=False))

    def spread(chosen: np.ndarray, metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        full = {}
        for name, values in metrics.items():
            full[name] = np.full(documents.num_rows, np.nan)
            full[name][chosen] = values
        return full

    def texts(chosen: np.ndarray) -> pa.Array:
        # A selection of all rows is not copied.
        column = documents["text"] if len(chosen) == documents.num_rows else documents["text"].take(pa.array(chosen))
        return column.combine_chunks()

    prose_rows, code_rows, size_rows = rows(PROSE_GROUPS), rows(("code",)), rows(("size",))
    languages = documents["language"].take(pa.array(prose_rows)).combine_chunks()
    prose = spread(prose_rows, measure_prose(texts(prose_rows), languages, config))
    result = {
        "size": spread(size_rows, measure_size(texts(size_rows))),
        "code": spread(code_rows, measure_code(texts(code_rows), config.code)),
    }
    for group in PROSE_GROUPS:
        own = np.zeros(documents.num_rows, bool)
        own[rows((group,))] = True
        result[group] = {name: np.where(own, values, np.nan) for name, values in prose.items()}
    return result


def decide(metrics: dict[str, dict[str, np.ndarray]], config: Config) -> Decision:
    """Hold metrics against thresholds.

    Args:
        metrics: from `measure`, n values each.
        config: the stage's section.
    """
    n = len(metrics["size"]["characters"])
    decision = Decision(np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan), np.zeros(len(RULES), np.int64))
    for index, rule in enumerate(RULES):
        threshold = getattr(getattr(config, rule.group), rule.field)
        if threshold is None:
            continue
        value = metrics[rule.group][rule.metric]
        # Comparisons with NaN are false: what is not measured does not fail.
        fails = {"below": value < threshold, "above": value > threshold, "within": value <= threshold}[rule.fails]
        if rule.spaced:
            fails &= ~(metrics[rule.group]["character_word_share"] > UNSPACED_SHARE)
        decision.failures[index] = fails.sum()
        first = fails & (decision.rule < 0)
        decision.rule[first] = index
        decision.value[first] = value[first]
        decision.threshold[first] = threshold
    return decision


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Apply the rules to one shard.

    Args:
        documents: documents to read, with a language.

    Raises:
        SchemaError: the documents have no language.
    """
    before = read_documents(documents)
    if "language" not in before.column_names:
        raise SchemaError(
            f"{documents}: heuristics need the column 'language'; put language_id before it in `pipeline`"
        )
    decision = decide(measure(before, config), config)
    fails = decision.rule >= 0
    gone = before.filter(pa.array(fails))
    ledger = dropped_rows(
        "heuristics",
        gone,
        [RULES[index].reason for index in decision.rule[fails]],
        value=decision.value[fails],
        threshold=decision.threshold[fails],
    )
    notes = {f"fails_{rule.reason}": int(count) for rule, count in zip(RULES, decision.failures, strict=True)}
    write_outcome(
        Outputs(kept, dropped, stats), "heuristics", shard, before, before.filter(pa.array(~fails)), ledger, notes=notes
    )

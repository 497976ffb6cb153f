"""Rules of form: drop documents that no model should learn from, by counting words, lines and symbols.

Prose is held to the rules of Gopher (Rae et al. 2021: repetition, table A1, and quality, A1.1), C4 (Raffel et al.
2020, 2.2) and FineWeb (Penedo et al. 2024, 3.6); code to those of StarCoder, StarCoder2 and CodeParrot; every other
kind only to its length and to signs of damage, so maths pages keep their formulas. All thresholds, their origin and
the order of the rules are in `tamis/heuristics/rules.py`.

A document that fails is dropped; the first rule that it fails, in that order, is its reason, with the value and the
threshold. How many documents fail each rule, whichever comes first, is in the notes of the stats (`fails_<reason>`).

Defaults and counting are chosen so that ordinary prose of every language stays, by what each rule dropped of 18 real
corpora (docs/decisions/0012-thresholds-that-keep-prose.md): words are what stands between white space, as the papers
read; stop words are compared in small letters, for 41 languages; a line is of sentences when it ends one, holds the end
of one or runs on in the next; blank lines are no lines, and lines and paragraphs that hold no word repeat nothing, nor
does an n-gram that occurs once; hash signs that mark a heading are none, and a row of dots is one ellipsis; marks of
lists are no words without a letter, and one mention of lorem ipsum in a long text is none; `languages` has thresholds
by language. Five rules are ours: share of HTML tags, repeated runs of ten characters and a least number of letters
where no blanks part words, long lines of code, and those of `size`.

With `as_datatrove` the counting is that of datatrove 0.10, and with its thresholds every decision of its four filters
is reproduced, given the same words (tests/unit/heuristics/test_metrics.py runs them). It splits English with spaCy;
ours are `rule_words` in `tamis/kernels/heuristics`, which needs no spaCy. Of spaCy's words on PEPs 99.97 % are ours
too, on web pages 99.998 %, on LaTeX 99.6 %. 1,252 documents of 13 corpora (web pages, licences, mails, books, reviews,
Brown, PEPs …) were held to datatrove's filters as it ships: all were kept or dropped alike; by filter 99.4 to 100 %
agree, and what differs are Chinese texts (below) and one empty one. 24 to 38 MB a second on one core, 13,000 documents
of 2.3 kB (benchmarks/heuristics/run.py); datatrove 33 documents.

It is a selector: no text is cut. C4's line rules therefore only decide which lines count as sentences, and each rule
sees the whole text (in datatrove's pipeline C4 has cut lines before FineWeb's rules look).

Languages: stop words ask the language and skip languages without a list. In texts whose words are mostly single
characters (Chinese, Japanese, Thai …) the rules on word length, word n-grams and sentences (C4 wants lines of three
blank-separated words) say nothing and are skipped, whatever the language label says.

Steps: score (a shard) measures everything of every document, whatever its kind and whichever groups are on; with
`thresholds: fitted` fit (one job) finds thresholds for each language; apply (a shard) keeps and drops. Measuring does
not depend on thresholds, so that moving one, switching a group off or on, and other `languages` measure nothing again;
what would stay at another threshold is a question to the scores.

Writes scores (id, source, kind, language and a column a metric, float64: as float32 a share of a long text that lies
just beyond a threshold would be equal to it), thresholds.json where they are fitted, documents, dropped, stats. Memory:
a few thousand documents, the row group that is being written, and about 80 bytes a word of the longest document; fit
50 kB a language and threshold. Ties: none.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.barrier import Files, paths
from tamis.classifiers.scores import beside
from tamis.errors import SchemaError
from tamis.heuristics.decisions import NONE_FITTED, decide, select
from tamis.heuristics.fitting import fit, fitted_thresholds
from tamis.heuristics.groups import Groups
from tamis.heuristics.metrics import as_columns, measure, metrics_of
from tamis.heuristics.rules import COLUMNS, RULES
from tamis.ledger import Outputs, outcome_writer
from tamis.shards import document_batches, read_json, write_json, write_tables

log = logging.getLogger(__name__)

STAGE = "heuristics"
VERSION = 8
"""8: a zero-width space between letters that are words is none itself; a least number of letters where they are words.
7: lines with "lorem ipsum" are counted a word; lines of addresses can be left out; words of mere punctuation are not
among those of which some have a letter.
6: hash signs that mark a heading do not count, and a row of dots is one ellipsis."""
NEEDS = frozenset({"language"})


class Config(Groups):
    """Rules of form, by group; each group names the kinds that it looks at."""


def run_score(config: Config, *, documents: Path, scores: Path) -> None:
    """Measure one shard.

    Args:
        documents: documents to read, with a language.

    Raises:
        SchemaError: the documents have no language.
    """

    def measured(before: pa.Table) -> pa.Table:
        if "language" not in before.column_names:
            raise SchemaError(
                f"{documents}: heuristics need the column 'language'; put language_id before it in `pipeline`"
            )
        return as_columns(before, measure(before, config))

    write_tables(scores, map(measured, document_batches(documents)))


def run_fit(config: Config, *, barrier: Files, output: Path) -> None:
    """Fit the thresholds of each language over the scores of all shards."""
    found = fit(paths(barrier), config)
    write_json(output, found)
    log.info("%s: thresholds fitted for %s", STAGE, ", ".join(found["languages"]) or "no language")


def run_apply(
    config: Config,
    *,
    shard: int,
    documents: Path,
    scores: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
    thresholds: Path | None = None,
) -> None:
    """Apply the rules to one shard.

    Args:
        thresholds: those of `run_fit`, where they are fitted.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    fitted = NONE_FITTED if thresholds is None else fitted_thresholds(read_json(thresholds))
    failures = np.zeros(len(RULES), np.int64)
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before, rows in beside(documents, scores, COLUMNS):
            decision = decide(before, metrics_of(rows), config, fitted)
            failures += decision.failures
            writer.add(before, *select(before, decision))
        writer.notes.update({f"fails_{rule.reason}": int(count) for rule, count in zip(RULES, failures, strict=True)})

"""Identify each document's language, and keep the wanted ones.

The default model is py3langid's, which comes with its package (naive Bayes over byte n-grams, 138 languages; Lui &
Baldwin 2012), read by a kernel of our own (`tamis/kernels/language_walk.py`). A fastText file takes its place when
`model` is given: `lid.176` (Joulin et al. 2016, what FineWeb and CCNet used) or GlotLID (Kargaran et al. 2023, 2,000
languages).

Measured with the default settings on languages that the model knows: 100 % right on 736 PEPs (English), 600 German laws
and 1,033 news pages in 5 languages, 97.8 % on 5,998 tldr pages in 37 languages (four fifths of the errors Croatian for
Bosnian), 88 % on 175 translations of one declaration, some in other scripts. Labels are py3langid's own on the same
bytes but for a few neighbours, which letters tell apart (`TELLTALES`): Cantonese, Southern Kurdish, Sorbian. 5,000 to
50,000 documents/s a core, by length; py3langid itself reads whole texts at 90 to 3,200.

Single words and short lines are another matter: 43 % of words, 65 of pairs and 89 of sentences in 74 languages. With
`second` lingua is asked where the score is low: 75, 84 and 92 %, at 1,500 lines/s.

A translation catalogue says its own language (metadata `language`), which counts more than the model, with score 1.

Both read the first `max_characters` of a text's words; numbers, tags, addresses and names with underscores or dots are
stepped over, because documentation is full of them and they look like English. Source code has a programming
language, not a human one: kinds outside `applies_to` get language "und" with score 0, and are never dropped here.

Adds `language` (ISO 639-1 where there is one, else 639-3; "und" when undecided) and `language_score` (the model's
probability, 0 to 1). py3langid's probabilities are softened by the root of the length; fastText's are not, so
thresholds do not carry over from one model to the other.

A selector: reasons `language_not_kept` (value: the score) and `language_score_low`. Writes documents, dropped, stats.
Memory: a batch of documents, the row group that is being written, and 120 MB for py3langid's model; up to 1.3 GB for
lingua.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import checksums
from tamis.language_codes import UNDECIDED
from tamis.languages.declared import declared
from tamis.languages.identify import Identification, identify
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.section import Share
from tamis.shards import document_batches

VERSION = 7
"""7: in `keep_languages` a code that the model gives does not stand for its macrolanguage.
6: codes that CLDR calls an alias mean the language; Turkmen and more Azeri in Cyrillic, Uyghur in Latin letters,
short sentences in Upper Sorbian, and scripts of one language (Grantha, Mongolian, Baybayin) by what only they have.
5: Cantonese in simplified characters, Azeri in Cyrillic and Greek with all its accents by what only they have.
4: beside a second model what the first says counts by its score.
3: Cantonese, Southern Kurdish and Polish only where the letters are theirs; a catalogue's own language counts; the
packaged model's weights in 16 bits (scores differ by up to 2e-4)."""
ADDS = ("language", "language_score")


class Config(Identification):
    """Language identification."""

    min_score: Share = Field(
        0.0,
        description="Least score of a document that stays. FineWeb keeps English from 0.65 on with lid.176; 0 here, "
        "because technical pages score low in any model without being worse.",
    )


def add_languages(documents: pa.Table, config: Config) -> pa.Table:
    """Append `language` and `language_score`.

    Args:
        documents: n documents.
        config: the stage's section.
    """
    n = documents.num_rows
    looked_at = of_kinds(documents, config.applies_to)
    rows = np.flatnonzero(looked_at)
    languages = np.full(n, UNDECIDED, object)
    scores = np.zeros(n, np.float32)
    if len(rows):
        languages[rows], scores[rows] = identify(documents["text"].take(pa.array(rows)).combine_chunks(), config)
        for row, said in enumerate(declared(documents)):
            if said is not None and looked_at[row]:
                languages[row], scores[row] = said, 1.0
    for name, values in (("language", languages), ("language_score", scores)):
        documents = with_column(documents, name, pa.array(values))
    return documents


def select(documents: pa.Table, config: Config) -> tuple[pa.Table, pa.Table]:
    """Kept documents and ledger rows of documents that carry their language.

    Args:
        documents: n documents from `add_languages`.
        config: the stage's section.
    """
    looked_at = of_kinds(documents, config.applies_to)
    score = documents["language_score"].to_numpy()
    wrong = np.zeros(documents.num_rows, bool)
    if config.keep_languages:
        wanted = pa.array(sorted(config.kept_labels()))
        wrong = looked_at & ~pc.is_in(documents["language"], value_set=wanted).to_numpy()
    low = looked_at & ~wrong & (score < np.float32(config.min_score))
    gone = wrong | low
    reasons = np.where(wrong, "language_not_kept", "language_score_low")[gone]
    thresholds = np.where(wrong, np.nan, config.min_score)[gone]
    ledger = dropped_rows(
        "language_id",
        documents.filter(pa.array(gone)),
        reasons,
        value=score[gone].astype(np.float64),
        threshold=thresholds,
    )
    return documents.filter(pa.array(~gone)), ledger


def run_apply(config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, stats: Path) -> None:
    """Identify and select the documents of one shard.

    Args:
        kept: documents to write, with their language.
        stats: stats to write; the notes count documents by language.

    Raises:
        ModelError: the configured model cannot be used.
    """
    if config.model is not None and Path(config.model).is_file():
        checksums.check_given(Path(config.model), config.sha256, "language_id.sha256")
    counts: Counter[str] = Counter()
    with outcome_writer(Outputs(kept, dropped, stats), "language_id", shard) as writer:
        for before in document_batches(documents):
            named = add_languages(before, config)
            counts.update(named["language"].to_pylist())
            writer.add(before, *select(named, config))
        writer.notes.update({f"language_{code}": count for code, count in counts.items()})

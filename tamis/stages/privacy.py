"""Put typed placeholders in the place of what is private: addresses, numbers of persons and cards, keys.

What is looked for and what stays is said by the modules of `tamis/privacy`: a kernel finds suspects, check digits,
`phonenumbers`, `ipaddress` and lists of prefixes decide. Persons' names are found by a model, where `names` gives one.
Dolma (Soldaini et al. 2024) masks e-mail, IP addresses and telephones by expressions and drops documents with more than
five; datatrove replaces e-mail and IP addresses.

A placeholder says the kind and a number: the first value of a kind in a document is `[EMAIL_1]`, the next other one
`[EMAIL_2]`, and the same value has the same number wherever it stands in that document. Numbers begin anew in each
document and depend on nothing else, so that nothing links two documents and nothing can be tried against a list of
numbers, as a hash could (docs/decisions/0026-placeholders-are-numbered.md).

Where: after what judges texts (heuristics and classifiers were made for texts as they are), before anything that a
trainer reads. Texts before this stage still lie in the folders of the stages
before it; the report and `tamis why` show them with what is private blotted out, and with `names` every letter: what a
model would take for a name in those texts, nobody asked it. Cards of classifiers list mistakes with addresses and keys
blotted out, but not names: do not give away those of a run with `names` unread.

An editor: the reason of an edit is the kind, what stands in the place of a value is the replacement, and no table of
this stage holds a value. By option a document with more than `max_spans` is dropped (`too_many_spans`). Writes
documents, dropped, edits, stats. Of `url` and `metadata` it is counted how many hold an address, a key or a password
(notes `values_in_url`, `values_in_metadata`); `also_in` has them replaced there. Memory: a batch of documents.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from pydantic import AfterValidator, Field

from tamis.edits import Spans, edited
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.privacy.kinds import DEFAULT_KINDS, DEFAULT_REGIONS, PrivateKind
from tamis.schemas import of_kinds
from tamis.section import AppliesTo, FilePath, LanguageCode, Section
from tamis.shards import document_batches

VERSION = 3

STAGE = "privacy"

NAMES: dict[str, str] = {
    "secret": "SECRET",
    "url_credentials": "URL_WITH_CREDENTIALS",
    "email": "EMAIL",
    "iban": "IBAN",
    "payment_card": "CARD",
    "ip_address": "IP",
    "national_id": "NATIONAL_ID",
    "phone_number": "PHONE",
    "street_address": "ADDRESS",
    "name": "NAME",
}
"""What placeholders call the kinds."""

BESIDE = ("url", "metadata")
"""Columns that go with a text."""


def _known(regions: tuple[str, ...]) -> tuple[str, ...]:
    from tamis.privacy.phones import known_regions

    if unknown := sorted(set(regions) - known_regions()):
        raise ValueError(f"{', '.join(unknown)}: no region that has telephone numbers; ISO 3166 codes such as DE, GB")
    return regions


Regions = Annotated[tuple[str, ...], AfterValidator(_known)]


class Config(Section):
    """Replacing what is private."""

    applies_to: AppliesTo = Field(
        ("prose", "code", "maths", "licence", "catalogue"), description="Kinds of document that are looked at."
    )
    kinds: tuple[PrivateKind, ...] = Field(
        DEFAULT_KINDS,
        min_length=1,
        description="What is replaced. Reserved and example values stay (example.com, 192.0.2.0/24, 555-01xx, test "
        "cards). street_address is off: nothing but words tells one.",
    )
    phone_regions: Regions = Field(
        DEFAULT_REGIONS,
        description="Countries whose telephone numbers are known without + and the code of the country (ISO 3166).",
    )
    placeholder: Literal["numbered", "typed"] = Field(
        "numbered", description="[EMAIL_1], the same for the same value within a document; or [EMAIL] for all."
    )
    also_in: tuple[Literal["url", "metadata"], ...] = Field(
        (),
        description="Columns besides the text in which e-mail addresses, keys and URLs with a password are replaced, "
        "by [EMAIL] without a number. How many documents have such a url or metadata is counted in any case.",
    )
    max_spans: int | None = Field(
        None,
        ge=0,
        description="Documents with more private spans, names not counted, are dropped; null: none. Dolma drops those "
        "with more than 5.",
    )
    names: dict[LanguageCode, FilePath] | None = Field(
        None,
        min_length=1,
        description="Persons' names become [NAME_1], too: by language of the text a spaCy pipeline with named "
        "entities, an installed package or a folder ({en: en_core_web_lg, de: models/de}). Presidio asks it, on the "
        "CPU; a run fetches none. `pip install 'tamis[names]'`. What is found is the model's and was not measured "
        "here: it misses names, takes places and teams for some, and public persons go as well. Slow: 26 kB a CPU "
        "second with a small English pipeline.",
    )

    def check_files(self, stage: str) -> None:
        """Hold that what finds names is installed.

        Raises:
            ModelError: it is not.
        """
        if self.names:
            from tamis.privacy.names import check

            check(self.names, f"{stage}.names")

    def local_files(self) -> list[str]:
        """Files of the models that are folders, as inputs of the workflow."""
        from tamis.privacy.names import local_files

        return local_files(self.names or {})

    def versions(self) -> dict[str, str]:
        """Versions of the packages that find names."""
        from tamis.privacy.names import versions

        return versions(self.names or {})


def placeholders(values: list[tuple[int, str, bytes]], config: Config) -> list[str]:
    """What stands in the place of values.

    Args:
        values: row, kind and value of each, by row and place.
        config: the stage's section.
    """
    found: list[str] = []
    row_before, numbers = -1, {}
    for row, kind, value in values:
        if row != row_before:
            row_before, numbers = row, dict[str, dict[bytes, int]]()
        known = numbers.setdefault(kind, {})
        number = known.setdefault(value, len(known) + 1)
        found.append(f"[{NAMES[kind]}_{number}]" if config.placeholder == "numbered" else f"[{NAMES[kind]}]")
    return found


def replace(documents: pa.Table, config: Config) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Replace what is private.

    Args:
        documents: n documents.
        config: the stage's section.

    Returns:
        The documents that stay, with their new texts; rows of `schemas.EDITS` and of `schemas.LEDGER`.
    """
    from tamis.kernels.words import buffers
    from tamis.privacy.detect import private_spans
    from tamis.privacy.names import name_spans

    chosen = of_kinds(documents, config.applies_to)
    names = name_spans(documents["text"], documents["language"], chosen, config.names) if config.names else ()
    spans, kinds = private_spans(documents["text"], chosen, config.kinds, config.phone_regions, names)
    # A page about persons is none of those lists of addresses that `max_spans` is for.
    counted = np.array([kind != "name" for kind in kinds], bool)
    counts = np.bincount(spans.rows[counted], minlength=documents.num_rows)
    most = documents.num_rows and config.max_spans
    gone = (
        counts > config.max_spans if config.max_spans is not None and most is not None else np.zeros(len(counts), bool)
    )
    limit = None if config.max_spans is None else float(config.max_spans)
    ledger = dropped_rows(
        STAGE,
        documents.filter(pa.array(gone)),
        "too_many_spans",
        value=counts[gone].astype(np.float64),
        threshold=limit,
    )
    stay = ~gone[spans.rows]
    spans = Spans(*(column[stay] for column in spans))
    kinds = [kind for kind, stays in zip(kinds, stay.tolist(), strict=True) if stays]
    _, data = buffers(documents["text"])
    values = [
        (row, kind, data[start:end].tobytes())
        for row, start, end, kind in zip(*(column.tolist() for column in spans), kinds, strict=True)
    ]
    after, rows = edited(documents, spans, kinds, replacement=placeholders(values, config))
    return after.filter(pa.array(~gone)), rows, ledger


def beside(documents: pa.Table, config: Config) -> tuple[pa.Table, dict[str, int]]:
    """Look at what goes with the texts.

    Args:
        documents: those that stay.
        config: the stage's section.

    Returns:
        The documents, with private values replaced in the columns of `also_in`; and how many hold any, by note.
    """
    from tamis.privacy.columns import without

    chosen, notes = of_kinds(documents, config.applies_to), dict[str, int]()
    for name in BESIDE:
        place = documents.column_names.index(name)
        column, count = without(documents[name], chosen, config.kinds, NAMES, blank=name in config.also_in)
        documents = documents.set_column(place, documents.schema.field(name), column)
        notes[f"values_in_{name}"] = count
    return documents, notes


def run_apply(
    config: Config, *, shard: int, documents: Path, kept: Path, dropped: Path, edits: Path, stats: Path
) -> None:
    """Replace what is private in the texts of one shard."""
    with outcome_writer(Outputs(kept, dropped, stats, edits), STAGE, shard) as writer:
        for before in document_batches(documents):
            after, rows, ledger = replace(before, config)
            after, notes = beside(after, config)
            for name, count in notes.items():
                writer.notes[name] = writer.notes.get(name, 0) + count
            writer.add(before, after, ledger, edits=rows)

"""Count the entries of word lists in every document, and show whom a bound on them would drop; drop by choice.

C4 (Raffel et al. 2020, 2.2) dropped every page with a word of a list. Dodge et al. (2021, 5.3) looked at what went:
most was not offensive, and pages in African American and Hispanic-aligned English, and those about minorities, went
more often than others. So nothing is dropped here by default. Every document has its counts in `scores`, and the report
says by language and source how many have hits, and what the bounds in force and some that are only tried (`tried`) drop
or would drop.

Lists are the user's own (docs/how-to/toxicity.md says where published ones are): files of an entry a line, named by
language. A document is held against the list of its language, by `tamis.language_codes.labels_of`; one whose language
has no list has no counts, and no bound drops it. `scores` takes classifiers that stand before, which are bounded and
reported in the same way.

How entries are found (`tamis/kernels/listed_words.py`): texts and entries are folded (NFKC, `casefold`, no invisible
characters, white space of any length one blank); an entry stands where words begin and end, by `tamis.text`, so that in
Chinese, Japanese, Thai, Lao, Khmer and Myanmar, where each character is a word, it is found anywhere, but "sm" of a
Japanese list is not found in "prism"; `inside_words` names further languages. Of overlapping entries the first counts,
of those that begin together the longest. `matching: c4` finds what C4's expression finds, and with `max_hits: 0` drops
what C4 does (tests hold it to the expression and to datatrove's C4BadWordsFilter).

Steps: score (a shard) counts; apply (a shard) holds the counts against the bounds, so that another bound counts nothing
again; report (one job) adds up.

A scorer and selector: reasons `toxic_hits`, `toxic_distinct`, `toxic_share`, `score_<classifier>`. Adds `toxic_share`.
Writes scores, entries (how often each was found, by language and source), documents, dropped, stats, and for the report
retention.parquet and entries.parquet. Memory: a batch of documents, twice where they are normalised, and the lists: of
LDNOOBW's 403 English entries .4 MB. Ties: none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis.barrier import Files, paths
from tamis.classifiers.scores import beside
from tamis.errors import ConfigError
from tamis.language_codes import labels_of
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import of_kinds, with_column
from tamis.section import AppliesTo, FilePath, LanguageCode
from tamis.shards import document_batches, table_batches, write_table, write_tables
from tamis.toxicity.bounds import Bounds, ScoreName, beyond
from tamis.toxicity.measure import COLUMNS, ENTRIES, HITS, SHARE, Lists, Scheme, measure
from tamis.toxicity.retention import by_documents, count
from tamis.toxicity.word_lists import check, in_folder

VERSION = 2

STAGE = "toxicity"
NEEDS = frozenset({"language"})
ADDS = (SHARE,)

TRIED = (Bounds(max_hits=0), Bounds(max_hits=2), Bounds(max_share=0.01))

Entry = Annotated[str, Field(min_length=1, max_length=100)]


class Config(Bounds):
    """Counting the entries of word lists, and bounds on them."""

    applies_to: AppliesTo = Field(("prose",), description="Kinds of document that are looked at.")
    folders: tuple[FilePath, ...] = Field(
        (),
        description="Folders of lists, each file named by its language, as LDNOOBW has them: en, de.txt, zh.txt.gz.",
    )
    leave_out: tuple[str, ...] = Field((), description="Names of files in `folders` that are not taken.")
    lists: dict[LanguageCode, tuple[FilePath, ...]] = Field(
        {}, description="Language → files of lists, an entry a line; beside those of `folders`."
    )
    allow: dict[LanguageCode, tuple[Entry, ...]] = Field(
        {}, description="Language → entries of its lists that are not looked for, such as ass in German, which is ace."
    )
    inside_words: tuple[LanguageCode, ...] = Field(
        (),
        description="Languages of whose lists entries are found inside of words, too, such as ko. Where a script parts "
        "no words, they are found anyhow.",
    )
    matching: Literal["words", "c4"] = Field(
        "words",
        description="words: folded, where words of any script begin and end; c4: what C4's expression finds, in ja, th "
        "and zh anywhere.",
    )
    scores: tuple[ScoreName, ...] = Field(
        (), description="Classifiers that stand before in `pipeline` and are bounded and reported beside the lists."
    )
    languages: dict[LanguageCode, Bounds] = Field(
        {}, description="Language → bounds of its own, in place of those above."
    )
    tried: tuple[Bounds, ...] = Field(
        TRIED, max_length=20, description="Bounds that drop nothing; the report says what they would drop."
    )

    @property
    def all_lists(self) -> dict[str, list[str]]:
        """Language → files."""
        found = {language: list(files) for language, files in self.lists.items()}
        for folder in self.folders:
            for language, files in in_folder(folder, self.leave_out).items():
                found.setdefault(language, []).extend(files)
        return found

    @property
    def files(self) -> list[str]:
        """All files of lists."""
        return sorted({path for files in self.all_lists.values() for path in files})

    def scheme(self) -> Scheme:
        """Which entries are looked for, and how."""
        return Scheme(self.all_lists, self.allow, frozenset(self.inside_words), self.matching == "c4")

    def for_scoring(self) -> Config:
        """The section with nothing but what counting uses."""
        own: dict[str, Any] = {
            "max_hits": None,
            "max_distinct": None,
            "max_share": None,
            "max_scores": {},
            "languages": {},
        }
        return self.model_copy(update={**own, "tried": ()})

    def for_documents(self) -> Config:
        """The section without what only the report uses."""
        return self.model_copy(update={"tried": ()})

    @property
    def keeps_all(self) -> bool:
        """Whether no bound is in force."""
        return not self.any and not any(bounds.any for bounds in self.languages.values())

    def wrong_languages(self, known: frozenset[str] | None, key: str) -> list[str]:
        """What is wrong with the languages of lists.

        Args:
            known: all that language_id may give; None where that is not known.
            key: of the section.
        """
        lines = []
        lists = self.all_lists
        unknown = [] if known is None else [one for one in lists if not labels_of((one,)) & known]
        if unknown:
            files = [path for language in unknown for path in lists[language]]
            lines.append(
                f"{key}: language_id never labels a document {' or '.join(unknown)}, so {', '.join(files)} would find "
                "nothing. Leave the files of a folder out "
                f"(leave_out: [{', '.join(Path(path).name for path in files)}]), and give a file that is for another "
                f"label under that (lists: {{<language>: [{files[0]}]}})"
            )
        for name in ("allow", "inside_words", "languages"):
            # Bounds by language may be on scores alone.
            if name == "languages" and self.scores:
                continue
            lines += [
                f"{key}.{name}: {language} has no list; name one under {key}.lists, or take {language} out"
                for language in getattr(self, name)
                if not any(language in labels_of((one,)) for one in lists)
            ]
        return lines

    def wrong_scores(self, known: tuple[str, ...], key: str) -> list[str]:
        """What is wrong with the classifiers whose scores are named.

        Args:
            known: those that stand before in the pipeline.
            key: of the section.
        """
        given = ", ".join(known) or "none"
        lines = [
            f"{key}.scores: {name} is no classifier that stands before {STAGE} in pipeline; known: {given}"
            for name in self.scores
            if name not in known
        ]
        every = ((key, self), *((f"{key}.languages.{one}", bounds) for one, bounds in self.languages.items()),
                 *((f"{key}.tried[{place}]", bounds) for place, bounds in enumerate(self.tried)))  # fmt: skip
        return lines + [
            f"{where}.max_scores: {name} is not named in {key}.scores; put it there"
            for where, bounds in every
            for name in bounds.max_scores
            if name not in self.scores
        ]

    def check_files(self, stage: str) -> None:
        """Hold that there are lists, and that each can be used.

        Args:
            stage: key of the section.

        Raises:
            ConfigError: there is no list, or one is given twice.
            SourceError: a file cannot be used.
        """
        for folder in self.folders:
            if not Path(folder).is_dir():
                raise ConfigError(f"{stage}.folders: {folder} is no folder; a single file goes under {stage}.lists")
            if not in_folder(folder, self.leave_out):
                msg = f"{stage}.folders: {folder} has no list; a file is named by its language, such as en or de.txt"
                raise ConfigError(msg)
        if not self.all_lists and not self.scores:
            msg = f"{stage}: the pipeline names it, and there is neither a list nor a score; none comes with tamis. "
            raise ConfigError(f"{msg}Name {stage}.folders, {stage}.lists or {stage}.scores, or take it out of pipeline")
        check(self.all_lists, stage)


def run_score(config: Config, *, documents: Path, scores: Path, entries: Path) -> None:
    """Count the entries in the documents of one shard.

    Args:
        documents: documents to read, with a language and the scores that the section names.
        scores: `COLUMNS` of each to write, beside what identifies it.
        entries: `ENTRIES` to write.
    """
    lists = Lists(config.scheme())
    found = [ENTRIES.empty_table()]

    def counted(before: pa.Table) -> pa.Table:
        columns, entries = measure(before, of_kinds(before, config.applies_to), lists)
        found[:] = [by_documents([*found, entries])]
        known = {name: before[name].cast(pa.string()) for name in ("id", "source", "kind", "language")}
        given = {name: before[name] for name in config.scores}
        return pa.table({**known, **{name: columns[name] for name in COLUMNS}, **given})

    write_tables(scores, map(counted, document_batches(documents)))
    write_table(entries, found[0])


def run_apply(
    config: Config, *, shard: int, documents: Path, scores: Path, kept: Path, dropped: Path, stats: Path
) -> None:
    """Hold the counts of one shard against the bounds.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    notes = {"with_list": 0, "with_hits": 0, "without_list": 0}
    with outcome_writer(Outputs(kept, dropped, stats), STAGE, shard) as writer:
        for before, rows in beside(documents, scores, ["language", *COLUMNS, *config.scores]):
            asked = of_kinds(before, config.applies_to)
            found = beyond(rows, config, config.languages, asked)
            listed = int(asked.sum()) - int(pc.sum(pc.is_null(rows[HITS].filter(pa.array(asked)))).as_py() or 0)
            notes["with_list"] += listed
            notes["without_list"] += int(asked.sum()) - listed
            notes["with_hits"] += int(pc.sum(pc.greater(rows[HITS], 0)).as_py() or 0)
            gone = found.which >= 0
            ledger = dropped_rows(
                STAGE,
                before.filter(pa.array(gone)),
                [found.reasons[place] for place in found.which[gone].tolist()],
                value=found.value[gone],
                threshold=found.bound[gone],
            )
            after = with_column(before, SHARE, rows[SHARE]).filter(pa.array(~gone))
            writer.add(before, after, ledger)
        writer.notes.update(notes)


def run_report(config: Config, *, scores: Files, entries: Files, retention: Path, found: Path) -> None:
    """Add up by language and source what has hits, and what the bounds drop or would drop.

    Args:
        scores: of all shards.
        entries: of all shards.
        retention: `tamis.toxicity.retention.RETENTION` to write.
        found: `ENTRIES` of all shards to write.
    """
    columns = ["source", "kind", "language", *COLUMNS, *config.scores]
    tables = (table for path in paths(scores) for table in table_batches(path, columns))
    in_force: tuple[Bounds, Mapping[str, Bounds]] = (config, config.languages)
    write_table(retention, count(tables, config.applies_to, in_force, config.tried))
    write_table(found, by_documents(table for path in paths(entries) for table in table_batches(path)))

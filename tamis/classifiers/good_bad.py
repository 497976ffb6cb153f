"""What all classifiers of good and bad share: their labels, score files, and keeping the best."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tamis.barrier import Files, paths
from tamis.classifiers import label_files
from tamis.classifiers import labels as labels_of
from tamis.classifiers.cascade import CHEAP, SAMPLED, Cascade
from tamis.classifiers.evaluation import retention
from tamis.classifiers.judge.section import Judge, read_prompt
from tamis.classifiers.label_files import LabelFile
from tamis.classifiers.labels import Labelled, Sampling, read_labelled
from tamis.classifiers.references import Pool, Reference, Teacher, Teachers, as_selectors
from tamis.classifiers.scores import beside, check_numbers, scattered
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection, decide, find_thresholds
from tamis.errors import ConfigError, TamisError
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.schemas import KINDS, of_kinds, with_column
from tamis.section import Section
from tamis.shards import read_json, write_json, write_table

log = logging.getLogger(__name__)

GOOD, BAD = "good", "bad"
CLASSES = (BAD, GOOD)
WORTH = {BAD: 0.0, GOOD: 1.0}
"""Class → the grade that it stands for."""

WEAK_LABELS = (
    "Labels by selector are conditions on where a document stands, not judgements of single documents: the figures say "
    "how well the model recovers these conditions, not how good the chosen documents are to train on."
)
JUDGED_LABELS = (
    "Labels from files are taken as they are given: the figures say how well the model repeats them, and nothing of "
    "kinds of text that the files do not hold."
)
LIKE_A_REFERENCE = (
    "Good is what is like the reference, bad is a sample of the pool, in which there is good text too: what counts as "
    "a false positive may be as good as the reference, so the true precision is higher than the figure."
)
JUDGED_BY_MODEL = (
    "Labels by a judge are what a language model answered to one prompt about the start of each text: the figures say "
    "how well the classifier repeats it. A text can talk such a model into an answer."
)
"""What a card has to say of its labels, by where they come from."""


class Labels(Section):
    """What is good and what is bad; selectors, references and files mix. What both classes claim teaches neither."""

    good: Teachers = Field(
        (),
        description="What teaches good, any of them: selectors of documents; `{reference: …}`, texts that you like, a "
        "source or files; `{sample: pool}`, a sample of all that reach the stage.",
    )
    bad: Teachers = Field(
        (), description="The same for bad ones. Empty beside a reference and without a judge: a sample of the pool."
    )
    files: tuple[LabelFile, ...] = Field((), description="Files of labelled texts; their classes are good and bad.")
    judge: Judge | None = Field(
        None, description="A language model behind an OpenAI-compatible endpoint that grades a sample of the documents."
    )

    def for_jobs(self) -> Labels:
        """The labels without what changes none of them, for the params of jobs."""
        return self if self.judge is None else self.model_copy(update={"judge": self.judge.for_answers()})

    @property
    def against_pool(self) -> bool:
        """Whether the pool is the bad class because nobody named another."""
        return not self.bad and self.judge is None and any(isinstance(teacher, Reference) for teacher in self.good)

    def by_class(self) -> dict[str, tuple[Teacher, ...]]:
        """Class → what teaches it, apart from label files."""
        bad = (Pool(sample="pool"),) if self.against_pool else self.bad
        return {GOOD: as_selectors(self.good), BAD: as_selectors(bad)}

    def taught_by(self, kind: type) -> bool:
        """Whether a class is taught by a `Selector`, a `Reference` or the `Pool`."""
        named = (*self.good, *self.bad, *self.by_class()[BAD])
        return any(isinstance(teacher, kind) for teacher in named)

    def paths(self) -> list[str]:
        """The label files and the files of references, as inputs of the workflow."""
        references = [teacher for teacher in (*self.good, *self.bad) if isinstance(teacher, Reference)]
        return [str(entry.path) for entry in self.files] + [path for each in references for path in each.files()]

    def limits(self) -> tuple[str, ...]:
        """What a card has to say of these labels."""
        said = {
            WEAK_LABELS: self.taught_by(Selector),
            JUDGED_LABELS: bool(self.files),
            JUDGED_BY_MODEL: self.judge is not None,
            LIKE_A_REFERENCE: self.taught_by(Reference) and self.taught_by(Pool),
        }
        return tuple(sentence for sentence, holds in said.items() if holds)

    def check(self, stage: str) -> None:
        """Refuse labels that cannot train anything.

        Raises:
            ConfigError: a class has neither a selector nor a reference nor a file nor a judge, or both are the pool.
        """
        for name, teachers in self.by_class().items():
            if not teachers and not self.files and self.judge is None:
                msg = (
                    f"{stage}.labels.{name}: empty, and no {stage}.labels.files; name selectors, a reference, label "
                    f"files or a judge, or leave {stage} out of `pipeline`"
                )
                raise ConfigError(msg)
        if all(any(isinstance(teacher, Pool) for teacher in teachers) for teachers in self.by_class().values()):
            msg = f"{stage}.labels: good and bad are both a sample of the pool; name a reference or selectors for one"
            raise ConfigError(msg)

    def check_measuring(self, stage: str) -> None:
        """Read the labels of a model that is ready: it needs none, but what is there must be right.

        Args:
            stage: where the section stands, for messages.

        Raises:
            SourceError: a file or line cannot be read.
            ConfigError: a label stands for no class.
        """
        self.paths()
        if self.judge is not None:
            read_prompt(self.judge.prompt, f"{stage}.labels.judge.prompt")
        if self.files:
            label_files.read(self.files, CLASSES, 0)

    def check_files(self, stage: str, sampling: Sampling, kinds: Sequence[str] = KINDS) -> None:
        """Read the label files and the judge's prompt and find the files of references, before anything runs.

        Args:
            stage: where the section stands, for messages.
            sampling: how many labels are used.
            kinds: kinds that are looked at.

        Raises:
            SourceError: a file or line cannot be read.
            ConfigError: a label stands for no class, a class has too few texts and nothing else that teaches it, or the
                prompt is none.
        """
        self.paths()
        if self.judge is not None:
            self._check_judge(self.judge, stage, sampling, kinds)
        if not self.files:
            self._check_references(stage, sampling)
            return
        try:
            found = label_files.read(self.files, CLASSES, 0)
        except TamisError as error:
            raise type(error)(f"{stage}.labels.files: {error}") from error
        given = Counter(text.label for text in found.texts)
        for name, teachers in self.by_class().items():
            if not teachers and self.judge is None and given[name] < sampling.min_labels:
                other = GOOD if name == BAD else BAD
                msg = (
                    f"{stage}.labels.files: {given[name]} texts of class {name} and {given[other]} of class {other}; "
                    f"{sampling.min_labels} of {name} are needed, and nothing else teaches it ({dict(found.counts)}). "
                    f"Give more labels, say under `classes` what they mean, or lower {stage}.sampling.min_labels"
                )
                raise ConfigError(msg)

    def _check_references(self, stage: str, sampling: Sampling) -> None:
        """Refuse a class that files of one text each teach, and nothing else, and that are too few."""
        for name, teachers in self.by_class().items():
            if self.judge is not None or not teachers or not all(isinstance(one, Reference) for one in teachers):
                continue
            texts = [one.at_most() for one in teachers if isinstance(one, Reference)]
            if None not in texts and (given := sum(filter(None, texts))) < sampling.min_labels:
                msg = (
                    f"{stage}.labels.{name}: {given} files are {given} texts; {sampling.min_labels} of one kind are "
                    f"needed, and some hundred teach more. Give more texts, or lower {stage}.sampling.min_labels"
                )
                raise ConfigError(msg)

    def _check_judge(self, judge: Judge, stage: str, sampling: Sampling, kinds: Sequence[str]) -> None:
        read_prompt(judge.prompt, f"{stage}.labels.judge.prompt")
        alone = not self.files and not any(self.by_class().values())
        if alone and judge.documents < 2 * sampling.min_labels:
            msg = (
                f"{stage}.labels.judge.documents: {judge.documents} cannot give each of two classes the "
                f"{sampling.min_labels} labels of {stage}.sampling.min_labels; judge more documents"
            )
            raise ConfigError(msg)
        if judge.documents > 2 * sampling.cap * len(kinds):
            msg = (
                f"{stage}.labels.judge.documents: of {judge.documents} judged documents at most "
                f"{2 * sampling.cap * len(kinds)} could teach, {sampling.cap} a class and kind; raise "
                f"{stage}.sampling.cap, or judge fewer"
            )
            raise ConfigError(msg)


def gather(
    labels: Labels, sampling: Sampling, barrier: Files, max_characters: int, judged: Labelled | None = None
) -> Labelled:
    """The labelled texts of shards, files, references and a judge, capped, each once, some of them held out."""
    parts = chain(read_labelled(barrier), [] if judged is None else [judged])
    # The worse class first: a grade below the middle is the first of them.
    classes = {name: labels.by_class()[name] for name in CLASSES}
    return labels_of.gather(parts, labels.files, classes, sampling, max_characters)


def only_kinds(labelled: Labelled, kinds: tuple[str, ...]) -> Labelled:
    """Only the rows of the given kinds."""
    return Labelled(labelled.rows.filter(pa.array(of_kinds(labelled.rows, kinds))), labelled.matches)


def find_boundaries(
    stage: str,
    selection: Selection,
    barrier: Files,
    output: Path,
    retained: Path,
    retained_text: Path,
    cascade: Cascade | None = None,
) -> None:
    """Find each kind's boundary over the scores of all shards, and what would stay at others.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        barrier: over the score files.
        output: JSON to write, from `find_thresholds`, and with a cascade its report under `cascade`.
        retained: JSON to write, from `retention`.
        retained_text: the same for readers.
        cascade: by which documents are left out.
    """
    retention.write(retention.retention(paths(barrier), stage), retained, retained_text)
    found = find_thresholds(paths(barrier), stage, selection.keep_share)
    report = {} if cascade is None else {"cascade": cascade.report(paths(barrier), stage, selection, found)}
    write_json(output, found | report)
    log.info("%s: %s", stage, {kind: (row["keep"], row["documents"]) for kind, row in found.items()})


def keep_best(
    stage: str, selection: Selection, shard: int, documents: Path, scores: Path, thresholds: Path, outputs: Outputs
) -> None:
    """Keep and drop one shard's documents by their scores, which become a column of those that are kept.

    Args:
        stage: name of the stage, and of the column of its scores.
        selection: which scored documents are kept.
        shard: index of the shard.
        documents: the file to read.
        scores: the shard's score file.
        thresholds: from `find_boundaries`.
        outputs: the files to write.

    Raises:
        ShardMismatchError: the scores are of other documents.
    """
    boundaries = read_json(thresholds)
    scored = 0
    with outcome_writer(outputs, stage, shard) as writer:
        for before, rows in beside(documents, scores, [stage]):
            kept, reason, limit = decide(before, rows, stage, boundaries, selection.min_score)
            gone = pa.array(~kept)
            ledger = dropped_rows(
                stage,
                before.filter(gone),
                list(reason[~kept]),
                value=rows[stage].filter(gone),
                threshold=limit[~kept],
            )
            writer.add(before, with_column(before, stage, rows[stage]).filter(pa.array(kept)), ledger)
            scored += rows.num_rows - rows[stage].null_count
        writer.notes["scored"] = scored


def write_scores(
    stage: str,
    output: Path,
    documents: pa.Table,
    where: np.ndarray,
    score: np.ndarray,
    characters: np.ndarray,
    cascade: Cascade | None = None,
    sampled: np.ndarray | None = None,
    more: Mapping[str, pa.Array] | None = None,
) -> None:
    """Write one shard's score file.

    Args:
        stage: name of the stage, and of the column of its scores.
        output: the file.
        documents: the shard's n documents, at least id, kind and source, and what a cascade goes by.
        where: which of them are scored: n booleans.
        score: their scores, and among them those of `sampled`.
        characters: the lengths of the same documents.
        cascade: by which documents are left out.
        sampled: which of those are scored all the same; these are no scores of the stage.
        more: further columns of n rows.

    Raises:
        ModelError: a score is no number.
    """
    check_numbers(stage, score)
    asked = where if sampled is None else where | sampled
    columns = {name: documents[name] for name in ("id", "kind", "source")}
    columns["characters"] = scattered(characters, asked, pa.int64())
    if cascade is None or sampled is None:
        columns[stage] = scattered(score, where)
    else:
        own = where[asked]
        columns[stage] = scattered(score[own], where)
        columns |= {CHEAP: documents[cascade.score], SAMPLED: scattered(score[~own], sampled)}
    write_table(output, pa.table(columns | dict(more or {})))
    log.info("%s: scored %d of %d documents", stage, len(score), documents.num_rows)

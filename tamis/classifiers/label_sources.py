"""Where the labels of a classifier's classes come from, whatever the classes are.

Selectors, references and a sample of the pool teach one class each, label files and a judge any. They mix; what two
classes claim teaches neither.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Self

from pydantic import Field

from tamis.barrier import Files
from tamis.classifiers import label_files
from tamis.classifiers import labels as labels_of
from tamis.classifiers.judge.section import Judge, read_prompt
from tamis.classifiers.label_files import Judged, LabelFile
from tamis.classifiers.labels import Labelled, Sampling, read_labelled
from tamis.classifiers.references import Pool, Reference, Teacher, as_selectors
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError, TamisError
from tamis.schemas import KINDS
from tamis.section import Section

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


class LabelSources(Section):
    """What teaches each of some classes."""

    files: tuple[LabelFile, ...] = Field((), description="Files of labelled texts, which name the classes.")
    judge: Judge | None = Field(
        None, description="A language model behind an OpenAI-compatible endpoint that judges a sample of the documents."
    )

    @abstractmethod
    def teachers(self) -> dict[str, tuple[Teacher, ...]]:
        """Class → what teaches it apart from label files and a judge, as the configuration has it."""

    def by_class(self) -> dict[str, tuple[Teacher, ...]]:
        """Class → what teaches it apart from label files and a judge."""
        return {name: as_selectors(teachers) for name, teachers in self.teachers().items()}

    def for_jobs(self) -> Self:
        """The labels without what changes none of them, for the params of jobs."""
        return self if self.judge is None else self.model_copy(update={"judge": self.judge.for_answers()})

    def taught_by(self, kind: type) -> bool:
        """Whether a class is taught by a `Selector`, a `Reference` or the `Pool`."""
        return any(isinstance(teacher, kind) for teacher in chain(*self.teachers().values()))

    def paths(self) -> list[str]:
        """The label files and the files of references, as inputs of the workflow."""
        every = chain(*self.teachers().values())
        references = [path for teacher in every if isinstance(teacher, Reference) for path in teacher.files()]
        return [str(entry.path) for entry in self.files] + references

    def limits(self, weak: str = WEAK_LABELS, alike: str = LIKE_A_REFERENCE) -> tuple[str, ...]:
        """What a card has to say of these labels.

        Args:
            weak: where selectors teach.
            alike: where a reference and the pool do.
        """
        said = {
            weak: self.taught_by(Selector),
            JUDGED_LABELS: bool(self.files),
            JUDGED_BY_MODEL: self.judge is not None,
            alike: self.taught_by(Reference) and self.taught_by(Pool),
        }
        return tuple(sentence for sentence, holds in said.items() if holds)

    def check(self, stage: str) -> None:
        """Refuse labels that cannot train anything.

        Raises:
            ConfigError: a class has neither a selector nor a reference nor a file nor a judge, or two are the pool.
        """
        for name, teachers in self.by_class().items():
            if not teachers and not self.files and self.judge is None:
                msg = (
                    f"{stage}.labels.{name}: empty, and no {stage}.labels.files; name selectors, a reference, label "
                    f"files or a judge, or leave {stage} out of `pipeline`"
                )
                raise ConfigError(msg)
        pools = [n for n, teachers in self.by_class().items() if any(isinstance(one, Pool) for one in teachers)]
        if len(pools) > 1:
            msg = (
                f"{stage}.labels: {' and '.join(pools)} are both a sample of the pool; name a reference or selectors "
                "for one"
            )
            raise ConfigError(msg)

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
            found = label_files.read(self.files, self.ascending(), 0)
        except TamisError as error:
            raise type(error)(f"{stage}.labels.files: {error}") from error
        given = Counter(text.label for text in found.texts)
        for name, teachers in self.by_class().items():
            if not teachers and self.judge is None and given[name] < sampling.min_labels:
                others = ", ".join(f"{given[other]} of class {other}" for other in self.ascending() if other != name)
                counted = (
                    f"{given[name]} texts of class {name} and {others}; "
                    f"{sampling.min_labels} of {name} are needed, and nothing else teaches it ({dict(found.counts)})"
                )
                if graded := _of_grades(self.files, found.texts):
                    raise ConfigError(f"{stage}.labels.files: {graded} ({counted})")
                raise ConfigError(
                    f"{stage}.labels.files: {counted}. Give more labels, say under `classes` what they mean, or lower "
                    f"{stage}.sampling.min_labels"
                )

    def ascending(self) -> tuple[str, ...]:
        """The classes in the order that a judge's answers and grades have: of good and bad the worse first."""
        return tuple(self.by_class())

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
        number = len(self.by_class())
        alone = not self.files and not any(self.by_class().values())
        if alone and judge.documents < number * sampling.min_labels:
            msg = (
                f"{stage}.labels.judge.documents: {judge.documents} cannot give each of {_spelled(number)} classes the "
                f"{sampling.min_labels} labels of {stage}.sampling.min_labels; judge more documents"
            )
            raise ConfigError(msg)
        if judge.documents > number * sampling.cap * len(kinds):
            msg = (
                f"{stage}.labels.judge.documents: of {judge.documents} judged documents at most "
                f"{number * sampling.cap * len(kinds)} could teach, {sampling.cap} a class and kind; raise "
                f"{stage}.sampling.cap, or judge fewer"
            )
            raise ConfigError(msg)


def _of_grades(files: Sequence[LabelFile], texts: Sequence[Judged]) -> str:
    """What is to be done about grades that lie on one side of the middle; empty where they do not, or are names."""
    scales = {entry.grades for entry in files if entry.grades is not None}
    if len(scales) != 1 or any(text.grade is None for text in texts):
        return ""
    ((worst, best),) = scales
    found = [worst + (text.grade or 0.0) * (best - worst) for text in texts]
    if not found or min(found) < (worst + best) / 2 <= max(found):
        return ""
    if min(found) == max(found):
        return (
            f"All {len(found)} grades are {min(found):g}: nothing can be learnt from one grade. Add texts of other "
            "grades, or give these as `good: {reference: …}`, which sets them against a sample of the pool"
        )
    return (
        f"All grades lie from {min(found):g} to {max(found):g}, on one side of the middle of `grades` [{worst:g}, "
        f"{best:g}]: write grades: [{min(found):g}, {max(found):g}] to learn what is better among them, or add "
        "texts of the other side"
    )


def _spelled(number: int) -> str:
    return {2: "two", 4: "four"}.get(number, str(number))


def gather(
    labels: LabelSources, sampling: Sampling, barrier: Files, max_characters: int, judged: Labelled | None = None
) -> Labelled:
    """The labelled texts of shards, files, references and a judge, capped, each once, some of them held out."""
    parts: Iterable[Labelled] = chain(read_labelled(barrier), [] if judged is None else [judged])
    # The worse class first: a grade below the middle is the first of them.
    classes = {name: labels.by_class()[name] for name in labels.ascending()}
    return labels_of.gather(parts, labels.files, classes, sampling, max_characters)

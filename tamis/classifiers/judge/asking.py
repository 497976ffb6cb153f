"""All questions of a sample: many at a time, each at most once, and none that was ever answered.

An answer is kept before it is used, so that a run that is killed or an endpoint that dies costs no more than the
requests under way. What comes back is in the order of the questions, whatever the order in which they were answered.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tamis.classifiers.judge.answers import Answer, NoAnswer, meaning
from tamis.classifiers.judge.endpoint import Endpoint, Stopped
from tamis.classifiers.judge.kept import Kept, answer_key
from tamis.classifiers.judge.section import PLACE, Judge
from tamis.errors import EndpointError

log = logging.getLogger(__name__)

HOPELESS = 20
"""Answers after which, if all are malformed, no more is asked: a wrong prompt or model shows at once."""

LAST_LINES = {"yes_no": "yes or no", "grade_0_5": "a whole number from 0 to 5"}
"""What the last line of an answer is, in words; where it is a class, its name."""

EXAMPLE = 200
"""Characters of a malformed answer in a message."""


class Question(NamedTuple):
    """A text, and the seed with which it is judged."""

    text: str
    seed: int


class TooMalformedError(EndpointError):
    """More answers are malformed than may be; the same command would meet the same ones."""


@dataclass(frozen=True)
class Asked:
    """The answers to questions, and what they took this time."""

    answers: list[Answer | NoAnswer]
    """Of each question, in order: the answer, or what came in its place."""
    distinct: list[Answer | NoAnswer]
    """Each answer once: texts that are the same are judged once."""
    effort: dict[str, Any]
    """How many were asked now and how many were kept, requests and failed tries, unreadable lines."""


class Bound:
    """Stops where more answers are malformed than may be."""

    def __init__(self, judge: Judge, total: int, folder: Path, classes: Sequence[str] = ()) -> None:
        """Count from zero.

        Args:
            judge: the settings.
            total: how many answers there will be.
            folder: where answers are kept, for the message.
            classes: that answers may name, if they do.
        """
        self._judge, self._total, self._folder, self._classes = judge, total, folder, classes
        self._answered = 0
        self._problems: Counter[str] = Counter()

    def add(self, answer: Answer | NoAnswer) -> None:
        """Count an answer.

        Raises:
            TooMalformedError: too many are malformed, or all of the first ones.
        """
        self._answered += 1
        problem = meaning(self._judge.answers, answer, self._classes).problem
        if problem is None:
            return
        self._problems[problem] += 1
        most, bad = self._judge.max_malformed, self._problems.total()
        all_bad = bad == self._answered >= HOPELESS and most**bad < 1e-9
        if bad > most * self._total or all_bad:
            raise TooMalformedError(self._message(answer))

    def _message(self, answer: Answer | NoAnswer) -> str:
        # Spelled as Python spells a text, with every sign that a terminal would obey.
        if isinstance(answer, Answer):
            example = f"one ends in {answer.text[-EXAMPLE:]!r}"
        else:
            example = f"in place of one came {answer.said[:EXAMPLE]!r}"
        kinds = ", ".join(f"{name}: {number}" for name, number in sorted(self._problems.items()))
        wanted = LAST_LINES.get(self._judge.answers, " or ".join(self._classes))
        return (
            f"{self._judge.url}: {self._problems.total()} of {self._answered} answers of {self._judge.model!r} are "
            f"malformed ({kinds}), and labels.judge.max_malformed is {self._judge.max_malformed:g} of {self._total}; "
            f"{example}. Nothing is trained. The last line of an answer is to be "
            f"{wanted} and nothing else: say so in the prompt, try another model, or raise "
            f"max_answer_tokens where answers are cut. Answers are kept in {self._folder}; a changed prompt is asked "
            "anew, and without that folder the same one is"
        )


def ask_all(judge: Judge, prompt: str, questions: Sequence[Question], classes: Sequence[str] = ()) -> Asked:
    """The answers to all questions, kept ones first.

    Args:
        judge: the settings, with the ways.
        prompt: its text.
        questions: any number; equal ones are asked once.
        classes: that answers may name, if they do.

    Raises:
        EndpointError: the endpoint cannot be used, or too many answers are malformed.
        ConfigError: something must be asked and the key is not there.
    """
    keys = [answer_key(*question) for question in questions]
    first = dict(zip(reversed(keys), reversed(questions), strict=True))
    kept = Kept(Path(judge.cache), prompt, judge.settings())
    bound = Bound(judge, len(first), kept.folder, classes)
    found: dict[str, Answer | NoAnswer] = {}
    with kept.locked():
        found.update(kept.read(first.keys()))
        for key in sorted(found):
            bound.add(found[key])
        known = len(found)
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        sent: Counter[str] = Counter()
        if missing:
            log.info("%d answers are kept, %d are asked for", known, len(missing))
            sent = _Asking(judge, prompt, kept, bound).run({key: first[key] for key in missing}, found)
    effort = {
        "asked": len(missing),
        "kept": known,
        "unreadable": kept.unreadable,
        "requests": dict(sorted(sent.items())),
    }
    return Asked([found[key] for key in keys], [found[key] for key in dict.fromkeys(keys)], effort)


class _Asking:
    """Threads that ask; the one that started them collects."""

    def __init__(self, judge: Judge, prompt: str, kept: Kept, bound: Bound) -> None:
        self._stop = threading.Event()
        self._endpoint = Endpoint(judge, self._stop)
        self._before, self._after = prompt.split(PLACE)
        self._judge, self._kept, self._bound = judge, kept, bound
        self._done: queue.SimpleQueue[tuple[str, Answer | NoAnswer | Exception]] = queue.SimpleQueue()
        self._next, self._counting = threading.Lock(), threading.Lock()

    def run(self, questions: dict[str, Question], found: dict[str, Answer | NoAnswer]) -> Counter[str]:
        """Ask them all.

        Args:
            questions: by key.
            found: the answers that are there; new ones are put here.

        Returns:
            requests, and failed tries by what became of them.

        Raises:
            EndpointError: the endpoint cannot be used, or too many answers are malformed.
            OSError: an answer cannot be kept.
        """
        todo = iter(questions.items())
        number = min(self._judge.concurrency, len(questions))
        # Daemons, so that Ctrl-C ends a job at once and not when the endpoint has answered.
        threads = [threading.Thread(target=self._work, args=(todo,), daemon=True) for _ in range(number)]
        try:
            for thread in threads:
                thread.start()
            for done in range(1, len(questions) + 1):
                key, found[key] = self._answered()
                if done * 10 // len(questions) > (done - 1) * 10 // len(questions):
                    log.info("%d of %d answered", done, len(questions))
            self._keep_the_rest({key: found[key] for key in questions})
        except Exception as error:
            self._stop.set()
            log.info("waiting for the requests under way, so that their answers are kept")
            for thread in threads:
                thread.join()
            if isinstance(error, EndpointError) and not isinstance(error, TooMalformedError):
                self._collect(found)
                raise EndpointError(self._continues(error, found)) from None
            raise
        finally:
            self._stop.set()
        return self._endpoint.sent

    def _work(self, todo: Iterator[tuple[str, Question]]) -> None:
        """Ask one question after the other, until there is none or somebody has failed."""
        while not self._stop.is_set():
            with self._next:
                asked = next(todo, None)
            if asked is None:
                return
            key, question = asked
            try:
                answer = self._endpoint.ask(f"{self._before}{question.text}{self._after}", question.seed)
                if isinstance(answer, Answer):
                    self._kept.add(key, answer)
                # Here and not where answers are collected: nothing more is asked once too many are malformed.
                with self._counting:
                    self._bound.add(answer)
                self._done.put((key, answer))
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - raised again where answers are collected
                self._done.put((key, error))
                return

    def _keep_the_rest(self, found: dict[str, Answer | NoAnswer]) -> None:
        """Keep what came in place of answers, such as the page of a proxy: only of a run that may use the others.

        Another run has the same labels then; one that failed may have asked something that is no judge at all.
        """
        for key, answer in found.items():
            if isinstance(answer, NoAnswer):
                self._kept.add(key, answer)

    def _answered(self) -> tuple[str, Answer | NoAnswer]:
        """The next answer, with its key; the error that came in its place is raised."""
        key, answer = self._done.get()
        if isinstance(answer, Exception):
            raise answer
        return key, answer

    def _collect(self, found: dict[str, Answer | NoAnswer]) -> None:
        """What has been answered since somebody failed."""
        while not self._done.empty():
            key, answer = self._done.get()
            if not isinstance(answer, Exception):
                found[key] = answer

    def _continues(self, error: EndpointError, found: dict[str, Answer | NoAnswer]) -> str:
        number = sum(isinstance(answer, Answer) for answer in found.values())
        return f"{error}. {number} answers are kept in {self._kept.folder}; the same command continues from there."

"""Answers on disk, so that none is paid for twice.

    <cache>/<question>/question.json        what was asked: model, prompt, settings
    <cache>/<question>/answers-<random>.jsonl   a line an answer: key, answer, tokens, checksum

`<question>` is a hash of everything that changes an answer but the text and the seed, which make the key of a line;
where the endpoint stands is not among them. The texts themselves are not kept, and no key of an endpoint is.

A process appends to a file of its own, a line at a time and before anybody uses it: what a kill leaves is a torn last
line, which is dropped, and no line of another process is mixed with it. Whoever asks holds a lock on the folder, so
that two processes with one question do not pay for the same answers.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tamis.checksums import canonical, parse_json, with_checksum
from tamis.classifiers.judge.answers import Answer, NoAnswer
from tamis.errors import SourceError
from tamis.readers.lines import lines
from tamis.shards import write_json

log = logging.getLogger(__name__)

MAX_LINE = 64 << 20
"""Bytes of a line, at most; what an endpoint may answer is shorter (`tamis/classifiers/judge/endpoint.py`)."""

SYNC_SECONDS = 1.0
"""How often answers are forced to disk, for a machine that loses power; a killed process loses none."""


Entry = tuple[str, tuple[bool, str], Answer | NoAnswer]
"""Key, order among entries of one key, answer."""


def question_hash(prompt: str, body: Mapping[str, Any]) -> str:
    """The name of a question's folder: 16 hexadecimal digits.

    Args:
        prompt: its text.
        body: the fields of every request, and whether it has a seed.
    """
    return blake2b(canonical({"prompt": prompt, "body": body}).encode(), digest_size=8).hexdigest()


def answer_key(text: str, seed: int) -> str:
    """The key of an answer among those of a question: 32 hexadecimal digits.

    Args:
        text: what is sent of the document.
        seed: sent along.
    """
    return blake2b(f"{seed}\0{text}".encode(), digest_size=16).hexdigest()


class Kept:
    """The kept answers of one question, and where new ones go."""

    def __init__(self, cache: Path, prompt: str, body: Mapping[str, Any]) -> None:
        """Name the folder; nothing is read or written yet.

        Args:
            cache: folder of all questions.
            prompt: its text.
            body: the fields of every request but the message, and whether it has a seed.
        """
        self.folder = cache / question_hash(prompt, body)
        self.unreadable = 0
        """Lines that were dropped: torn by a kill, or damaged."""
        self._told = {"prompt": prompt, "request": dict(body)}
        self._file: int | None = None
        self._torn = False
        self._synced = time.monotonic()
        self._writing = threading.Lock()

    @property
    def empty(self) -> bool:
        """Whether no answer was ever kept, so that all there is to ask must be asked."""
        return not any(self.folder.glob("answers-*.jsonl"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that asks this question; others wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("another process asks the same question; waiting for its answers in %s", self.folder)
                fcntl.flock(handle, fcntl.LOCK_EX)
            except OSError as error:
                # Some network file systems know no locks. Without one, two processes may pay for the same answer.
                log.warning("%s cannot be locked (%s)", self.folder, error)
            yield
        finally:
            os.close(handle)
            self.close()

    def read(self, wanted: AbstractSet[str]) -> dict[str, Answer | NoAnswer]:
        """The kept answers with the wanted keys; where processes kept two for one key, the same one every time."""
        found: dict[str, tuple[tuple[bool, str], Answer | NoAnswer]] = {}
        self.unreadable = 0
        for entry in (entry for path in sorted(self.folder.glob("answers-*.jsonl")) for entry in _entries(path)):
            if entry is None:
                self.unreadable += 1
                continue
            key, order, answer = entry
            if key in wanted and (key not in found or order < found[key][0]):
                found[key] = order, answer
        if self.unreadable:
            log.warning("%s: %d lines are torn or damaged and are asked again", self.folder, self.unreadable)
        return {key: answer for key, (_, answer) in found.items()}

    def add(self, key: str, answer: Answer | NoAnswer) -> None:
        """Append an answer; from any thread.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps(with_checksum({"key": key, **answer._asdict()})).encode() + b"\n"
        with self._writing:
            if self._file is None:
                write_json(self.folder / "question.json", self._told)
                name = f"answers-{secrets.token_hex(8)}.jsonl"
                self._file = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            rest = memoryview(b"\n" + line if self._torn else line)
            self._torn = True
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._torn = False
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()

    def close(self) -> None:
        """Force what was added to disk."""
        with self._writing:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None


def _entries(path: Path) -> Iterator[Entry | None]:
    """Each line of a file; None where it is not what was written."""
    try:
        for _, line in lines(path, MAX_LINE):
            yield None if isinstance(line, int) else _parsed(path, line)
    except SourceError:
        yield None


def _parsed(path: Path, line: bytes) -> Entry | None:
    try:
        value = parse_json(path, line)
        key, spelled = value["key"], canonical(value)
        if "problem" in value:
            return key, (True, spelled), NoAnswer(value["problem"], value["said"])
        tokens = value["tokens"] and tuple(value["tokens"])
        return key, (False, spelled), Answer(value["text"], value["finish"], value["served"], tokens)
    except (SourceError, KeyError, TypeError):
        return None

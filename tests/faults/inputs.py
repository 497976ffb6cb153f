"""Inputs that are damaged, replaced, edited while they are read, or are no files of the format that they are given as."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tests.faults import corpus
from tests.faults.bench import jobs_running
from tests.faults.case import CannotBeTried, Case, NotSurvived
from tests.faults.registry import fault

NOTES = "corpus/notes.jsonl"
CRAWL = "corpus/crawl/part-1.jsonl.zst"
CODE = "corpus/code.parquet"

Edit = Callable[[Path], None]


def _with_time(path: Path, data: bytes, seconds: float) -> None:
    """Other bytes under the same name, so many seconds newer (or older) than before."""
    old = path.stat().st_mtime_ns
    path.write_bytes(data)
    when = old + int(seconds * 1e9)
    os.utime(path, ns=(when, when))


def _letter(path: Path) -> None:
    """The same size: one word in another spelling."""
    data = path.read_bytes()
    _with_time(path, data.replace(b"the ", b"teh ", 1), -86_400)


def _fewer(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    _with_time(path, b"".join(lines[:-3]), -86_400)


def _same_time(path: Path) -> None:
    data = path.read_bytes()
    _with_time(path, data.replace(b"graph", b"grahp", 1), 0)


def _crawl_replaced(path: Path) -> None:
    data = corpus.lines(corpus.records()[0][:60])
    other = path.with_name("new.tmp")
    other.write_bytes(corpus.compressed(data))
    os.utime(other, ns=(10**18, 10**18))
    other.replace(path)


EDITS: tuple[tuple[str, str, Edit], ...] = (
    ("same size, older", NOTES, _letter),
    ("smaller, older", NOTES, _fewer),
    ("same size and time to the second", NOTES, _same_time),
    ("moved into its place, older", CRAWL, _crawl_replaced),
)


def _edited(name: str, edit: Edit) -> Callable[[Path, dict[str, Any]], dict[str, Any]]:
    def change(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
        edit(folder / name)
        return config

    return change


@fault("input-replaced", 12, heavy=True)
def replaced(case: Case, number: int) -> None:
    """A finished run's input is replaced: older, of the same size, of the same second; the next run delivers the new."""
    about, name, edit = EDITS[number % len(EDITS)]
    case.finished("short")
    original = (case.folder / name).read_bytes()
    when = (case.folder / name).stat().st_mtime_ns
    edit(case.folder / name)
    if about.startswith("same size and time"):
        # A nanosecond is the least that differs where a file is written again.
        os.utime(case.folder / name, ns=(when + 1, when + 1))
    expected = case.bench.expected_after(case.chain, about, _edited(name, edit))
    case.must_succeed(case.run())
    case.must_be_same(expected)
    if number >= len(EDITS):
        # And back, with its old time.
        (case.folder / name).write_bytes(original)
        os.utime(case.folder / name, ns=(when, when))
        case.must_succeed(case.run())
        case.must_be_same()


@fault("input-touched", 3)
def touched(case: Case, number: int) -> None:
    """An input has another time and the same bytes: nothing is made again."""
    case.finished("short")
    for name in (NOTES, CRAWL, CODE)[: number + 1]:
        path = case.folder / name
        if number == 2:
            path.write_bytes(path.read_bytes())
        os.utime(path, ns=(10**18, 10**18))
    ended = case.run()
    case.must_succeed(ended)
    if made := [line for line in ended.text.splitlines() if line.startswith("rule ")]:
        raise NotSurvived(f"the same bytes were read again: {made[:5]}")
    case.must_be_same()


@fault("input-edited-while-read", 6, heavy=True)
def edited_while_read(case: Case, number: int) -> None:
    """An input is edited while its job reads it: the job fails and names it, or the next run delivers the edited one."""
    about, name, edit = EDITS[number % 3]
    case.nothing("short")
    expected = case.bench.expected_after(case.chain, about, _edited(name, edit))
    process = case.begin_run()
    stopped = None
    while process.poll() is None and stopped is None:
        # Which of the jobs reads the file is not said by its command: any of them, as the dice have it.
        for job in jobs_running(case.folder, "tamis.job ingest map"):
            if case.dice.random() < 0.3:
                time.sleep(case.dice.uniform(0, 0.5))
                with contextlib.suppress(psutil.Error):
                    job.send_signal(signal.SIGSTOP)
                    stopped = job
                    break
        time.sleep(0.02)
    edit(case.folder / name)
    if stopped is not None:
        with contextlib.suppress(psutil.Error):
            stopped.send_signal(signal.SIGCONT)
    first = case.end(process)
    if first.code:
        case.must_say(first, name)
    case.must_succeed(case.run())
    case.must_be_same(expected)


def _cut(share: float) -> Edit:
    def edit(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return edit


def _wrong(data: bytes) -> Edit:
    return lambda path: path.write_bytes(data) and None


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jsonl")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _gzipped(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes()))


DAMAGED: tuple[tuple[str, Edit], ...] = (
    (CRAWL, _cut(0.5)), (CRAWL, _cut(0.99)), (CODE, _cut(0.3)), (CODE, _cut(0.98)), (CODE, _wrong(b"")),
    (CRAWL, _wrong(b"")), (NOTES, _wrong(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< >>\nendobj\n" * 30)),
    (NOTES, _wrong(b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 2\r\n\r\nhi\r\n\r\n" * 30)),
    (NOTES, _wrong(b"<!DOCTYPE html><html><body><p>text</p></body></html>\n" * 30)), (NOTES, _gzipped),
    (NOTES, _pipe), (NOTES, _dangling), (NOTES, _folder), (CRAWL, _dangling), (CRAWL, _pipe), (NOTES, Path.unlink),
    (CRAWL, _wrong(b"\x1f\x8b\x08\x00" + bytes(200))), (CODE, _wrong(b"PAR1" + bytes(300) + b"PAR1")),
    ("corpus/remove.txt", _wrong(b"not an address at all\n")), ("corpus/remove.txt", Path.unlink),
)  # fmt: skip


@fault("input-damaged", 20, quick=10)
def damaged(case: Case, number: int) -> None:
    """An input is cut, empty, of another format, a pipe, a dangling link: an error names it, and mended it goes on."""
    name, edit = DAMAGED[number % len(DAMAGED)]
    if number % 2:
        case.nothing("short")
    else:
        case.finished("short")
    path = case.folder / name
    kept = case.folder.with_name("kept")
    shutil.copy2(path, kept)
    edit(path)
    if path.exists():
        os.utime(path, (time.time() + 5, time.time() + 5))
    if (first := case.run()).code:
        case.must_say(first, name)
    else:
        # It was read all the same, by what it holds.
        case.must_be_same()
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    shutil.move(kept, path)
    case.must_succeed(case.run(), "tamis run with the input mended")
    case.must_be_same()


GIVEN: tuple[tuple[str, str, Edit], ...] = (
    ("transformer_quality", "corpus/backbone/model.safetensors", _cut(0.7)),
    ("transformer_quality", "corpus/backbone/tokenizer.json", _cut(0.7)),
    ("transformer_quality", "corpus/backbone/config.json", _cut(0.7)),
    ("transformer_quality", "corpus/backbone/model.safetensors", _wrong(b"")),
    ("transformer_quality", "corpus/backbone/tokenizer.json", _wrong(b"")),
    ("transformer_quality", "corpus/backbone/config.json", _wrong(b"")),
    ("toxicity", "corpus/words.txt", Path.unlink),
    ("toxicity", "corpus/words.txt", _wrong("bilge rat\n".encode("utf-16"))),
    ("toxicity", "corpus/words.txt", _wrong(b"\n\n# nothing\n")),
    ("toxicity", "corpus/words.txt", _pipe),
    ("decontamination", "corpus/items.jsonl", _cut(0.5)),
    ("decontamination", "corpus/items.jsonl", _pipe),
    ("decontamination", "corpus/items.jsonl", _wrong(b"")),
    ("decontamination", "corpus/items.jsonl", _dangling),
)


@fault("given-damaged", len(GIVEN))
def given_damaged(case: Case, number: int) -> None:
    """A given encoder, list of words or benchmark is cut, empty, gone, no such file: an error names it, and mended it goes on."""
    stage, name, edit = GIVEN[number % len(GIVEN)]
    case.finished("whole")
    if stage not in case.config()["pipeline"]:
        message = "the short chain is given no encoder, list or benchmark"
        raise CannotBeTried(message)
    path = case.folder / name
    kept = case.folder.with_name("kept")
    shutil.copy2(path, kept)
    edit(path)
    if path.is_file():
        os.utime(path, (time.time() + 5, time.time() + 5))
    case.must_say(case.run(), path.name, str(path.parent.relative_to(case.folder)))
    path.unlink(missing_ok=True)
    shutil.move(kept, path)
    case.must_succeed(case.run(), "tamis run with the file mended")
    case.must_be_same()


def _record(**fields: object) -> bytes:
    return json.dumps({"url": "https://bad.example/x", **fields}).encode()


BAD_RECORDS: tuple[bytes, ...] = (
    b'{"text": "a", "\\ud800": 1}', b'{"text": ' + b"[" * 500 + b"]" * 500 + b"}", b"\xff\xfe\x00\x00", b'{"text": "cut',
    b"{}" * 1_000_000, _record(text=7), _record(text="\x00\x00\x00"), _record(text="good text", date="99999-01-01"),
    b'{"text": "one", "text": "two"}', b'{"text": "\\ud800 alone"}', b"null", b"\x00" * 5000, b'{"text": 1e999}',
    b'{"text": "x", "n": ' + b"9" * 5000 + b"}", b"[" * 100_000,
)  # fmt: skip


@fault("input-bad-records", 8, heavy=True)
def bad_records(case: Case, number: int) -> None:
    """Records that cannot be read stand between those that can: the run ends, lists each, and all others are there."""
    case.nothing("short")
    path = case.folder / NOTES
    chosen = [record for at, record in enumerate(BAD_RECORDS) if at % 8 == number or at == number]
    good = path.read_bytes().splitlines(keepends=True)
    half = len(good) // 2
    path.write_bytes(b"".join([*good[:half], *(record + b"\n" for record in chosen), *good[half:]]))
    ended = case.run("ingest")
    case.must_succeed(ended)
    case.must_succeed(case.run())
    wanted = {json.loads(line)["text"] for line in good}
    import pyarrow.parquet as pq

    texts = {
        text
        for part in (case.results / "ingest/documents").iterdir()
        for text in pq.read_table(part)["text"].to_pylist()
    }
    if lost := len({text.strip() for text in wanted} - {text.strip() for text in texts}):
        raise NotSurvived(f"{lost} good records of the file are not there")

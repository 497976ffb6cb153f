"""Damaged and odd files for every reader: each gives records and skips, or one `SourceError`, and nothing else.

    python tests/fuzz/readers.py --files 50000 --processes 2

File i of a seed is always the same one. Valid JSON Lines (plain, gzip, zstd), Parquet and text files are made from odd
values, then two of three are damaged: bits flipped, cut short, pieces taken out, doubled, or put in from another file.
What is found is printed by kind of error, with the number of a file; `--first 123 --files 1` reads that one again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import SourceError
from tamis.job import settle_without_pandas
from tamis.readers import Record, Skip, Source
from tamis.readers.jsonl import JsonlSource
from tamis.readers.parquet import ParquetSource
from tamis.readers.text import TextSource
from tamis.schemas import KINDS
from tamis.stages.ingest import ROWS, documents_of

SECONDS = 60
"""A file that takes longer hangs."""

TEXTS = (
    "A sentence.", "", " ", "\n\n", "x", "\ufeffmarked", "a\0b", "\0", "caf\u00e9", "\u5b57", "\U0001f600", "\r\n", "a\rb",
    "\u3000", "\x85", "\ud800", "a\udfffb", "\ud83d\ude00", '"', "\\", "\u2028", "x" * 3000, "word " * 400, "2020-01-01",
    "10000-01-01", "9" * 400, "1e400", "NaN", "http://a.example/x?utm_source=1#f", "http://[", "//x:99999/", "pkg:a/b",
    "import os\n\ndef f(x):\n    return x\n", "| a | b |\n" * 9, "$x^2$\n" * 9,
)  # fmt: skip
LINES = (
    b"", b" ", b"\r", b"null", b"[]", b"{}", b"1", b'""', b"{", b"}", b'{"text"}', b'{"text":}', b'{"text":"a",}', b"\xff\xfe{",
    b'{"text": "a", "text": "b"}', b'{"text": "a", "n": NaN, "i": -Infinity, "e": 1e999, "z": -0.0}',
    b'{"text": "a", "n": ' + b"9" * 4000 + b"}", b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
    b'{"text": "a", "date": ' + b"9" * 400 + b"}", b'{"text": "a", "\\ud800": 1, "?": 2}', b'{"\\ud800": 1}',
    b'{"text": "a", "x": ' + b"[" * 250 + b"]" * 250 + b"}", b'{"text": "a", "x": ' + b"[" * 400 + b"]" * 400 + b"}",
    b'{"text": "a", "x": ' + b'{"a":' * 700 + b"1" + b"}" * 700 + b"}", b"[" * 5000, b'{"text": "\\udc00"}',
    b'{"text": "a", "x": ["\\ud800", {"\\udfff": "\\ud800"}]}', b'{"text": "caf\xe9"}', b'\xef\xbb\xbf{"text": "a"}',
    '{"text": "a", "u": 1}'.encode("utf-16"), b'{"text": "a" "b"}', b"{'text': 'a'}", b'{"text": "\x01"}',
)  # fmt: skip
INTEGERS = (
    0,
    1,
    -1,
    9,
    1000,
    9999,
    10_000,
    2**31 - 1,
    -(2**31),
    2**53,
    2**62,
    -(2**63),
    253_402_300_800,
    -62_135_596_801,
)
ZONES = (None, "UTC", "Europe/Berlin", "+05:30", "Mars/Phobos", "")


def json_value(dice: random.Random, depth: int = 0) -> Any:
    """A value that Python can write as JSON."""
    match dice.randrange(9 if depth < 4 else 6):
        case 0:
            return dice.choice((None, True, False))
        case 1:
            return dice.choice(INTEGERS)
        case 2:
            return dice.choice((0.5, -0.0, 1e300, float("nan"), float("inf"), 1e-7))
        case 3 | 4 | 5:
            return dice.choice(TEXTS)
        case 6:
            return [json_value(dice, depth + 1) for _ in range(dice.randrange(4))]
        case _:
            return {dice.choice(TEXTS)[:20]: json_value(dice, depth + 1) for _ in range(dice.randrange(4))}


def json_lines(dice: random.Random) -> bytes:
    """Lines of objects, some of which are none."""
    lines = []
    for _ in range(dice.randrange(1, 8)):
        if dice.random() < 0.4:
            lines.append(dice.choice(LINES))
            continue
        row = {name: json_value(dice) for name in ("text", "url", "date", "kind", "more") if dice.random() < 0.7}
        row |= {dice.choice(TEXTS)[:9]: json_value(dice)} if dice.random() < 0.3 else {}
        if dice.random() < 0.6:
            row["text"] = dice.choice(TEXTS)
        text = json.dumps(row, ensure_ascii=dice.random() < 0.5, indent=None)
        lines.append(text.encode("utf-8", "surrogatepass"))
    return dice.choice((b"\n", b"\n", b"\r\n", b"\n\n")).join(lines)


def column_type(dice: random.Random, depth: int = 0) -> pa.DataType:
    """A type that Parquet can hold."""
    unit = dice.choice(("s", "ms", "us", "ns"))
    flat: tuple[pa.DataType, ...] = (
        pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3),
        pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.null(), pa.date32(), pa.date64(),
        pa.timestamp(unit, dice.choice(ZONES)), pa.timestamp(unit), pa.time32("ms"), pa.time64("ns"), pa.duration(unit),
        pa.decimal128(30, 5), pa.decimal256(50, 2),
    )  # fmt: skip
    if depth > 2 or dice.random() < 0.7:
        kind = dice.choice(flat)
        return pa.dictionary(pa.int32(), kind) if pa.types.is_string(kind) and dice.random() < 0.5 else kind
    inner = column_type(dice, depth + 1)
    match dice.randrange(5):
        case 0:
            return pa.list_(inner)
        case 1:
            return pa.large_list(inner)
        case 2:
            return pa.map_(column_type(dice, 3), inner)
        case 3:
            return pa.list_(inner, 2)
        case _:
            return pa.struct([(dice.choice("ab"), inner), ("b", column_type(dice, depth + 1))])


def column(dice: random.Random, kind: pa.DataType, rows: int) -> pa.Array:
    """Values of a type: as random as its bytes allow."""
    empty = pa.array([None if dice.random() < 0.2 else True for _ in range(rows)], pa.bool_()).is_null()
    if pa.types.is_dictionary(kind):
        return column(dice, kind.value_type, rows).dictionary_encode()
    if pa.types.is_struct(kind):
        children = [column(dice, kind.field(index).type, rows) for index in range(kind.num_fields)]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=empty)
    if pa.types.is_map(kind):
        offsets = pa.array([2 * row for row in range(rows + 1)], pa.int32())
        keys = column(dice, kind.key_type, 2 * rows)
        keys = keys.drop_null() if keys.null_count < len(keys) else keys
        if keys.null_count or not len(keys):
            return pa.nulls(rows, kind)
        keys = keys.take(pa.array([row % len(keys) for row in range(2 * rows)]))
        return pa.MapArray.from_arrays(offsets, keys, column(dice, kind.item_type, 2 * rows))
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(column(dice, kind.value_type, 2 * rows), 2)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        cuts = sorted(dice.randrange(2 * rows + 1) for _ in range(rows - 1))
        offsets = pa.array([0, *cuts, 2 * rows], pa.int32() if pa.types.is_list(kind) else pa.int64())
        array = pa.ListArray if pa.types.is_list(kind) else pa.LargeListArray
        return array.from_arrays(offsets, column(dice, kind.value_type, 2 * rows))
    if pa.types.is_null(kind):
        return pa.nulls(rows)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        raw = [
            dice.choice(TEXTS).encode("utf-8", "surrogatepass" if dice.random() < 0.1 else "replace")
            for _ in range(rows)
        ]
        if dice.random() < 0.1:
            raw[0] = dice.randbytes(5)
        mask = [bool(value) for value in empty.to_pylist()]
        wide = pa.array([None if gone else value for value, gone in zip(raw, mask, strict=True)], pa.binary())
        return wide.view(kind) if not pa.types.is_large_string(kind) else wide.cast(pa.large_binary()).view(kind)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind):
        return pa.array([dice.choice(TEXTS).encode("utf-8", "replace") for _ in range(rows)], pa.binary()).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array([dice.random() < 0.5 for _ in range(rows)])
    if pa.types.is_decimal(kind):
        return pa.array([dice.choice(INTEGERS) for _ in range(rows)], pa.int64()).cast(pa.decimal128(19)).cast(kind)
    if pa.types.is_float16(kind) or pa.types.is_floating(kind):
        return pa.array([dice.choice((0.5, float("nan"), float("inf"), -0.0)) for _ in range(rows)], pa.float64()).cast(
            kind
        )
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([dice.randbytes(kind.byte_width) for _ in range(rows)], kind)
    width = kind.bit_width
    whole = {8: pa.int8(), 32: pa.int32(), 64: pa.int64()}[width]
    limit = 2 ** (width - 1)
    numbers = [(dice.choice(INTEGERS) + limit) % (2 * limit) - limit for _ in range(rows)]
    if pa.types.is_date64(kind):
        numbers = [number // 86_400_000 * 86_400_000 for number in numbers]
    mask = empty.to_numpy(zero_copy_only=False)
    return pa.array(numbers, whole, mask=mask).view(kind)


def parquet(dice: random.Random) -> bytes:
    """A table of odd types, written in one of many ways."""
    rows = dice.choice((0, 1, 3, 20))
    names = ["text", "url", "date", "kind", "more", "more"]
    columns = []
    chosen = []
    for name in names[: dice.randrange(1, 7)]:
        text = name == "text" and dice.random() < 0.8
        kind = (
            dice.choice((pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())))
            if text
            else column_type(dice)
        )
        columns.append(
            column(dice, kind, rows)
            if rows
            else pa.array([], kind)
            if not pa.types.is_dictionary(kind)
            else pa.array([], pa.string())
        )
        chosen.append(name if dice.random() < 0.95 else dice.choice(("a.b", "text.x", "", "\u5b57")))
    table = pa.Table.from_arrays(columns, names=chosen)
    sink = pa.BufferOutputStream()
    options: dict[str, Any] = {
        "compression": dice.choice(("none", "snappy", "gzip", "zstd", "lz4")),
        "use_dictionary": dice.random() < 0.5,
        "data_page_version": dice.choice(("1.0", "2.0")),
        "version": dice.choice(("1.0", "2.4", "2.6")),
        "data_page_size": dice.choice((1, 100, 1 << 20)),
        "row_group_size": dice.choice((1, 7, 1 << 20)),
        "write_page_checksum": dice.random() < 0.3,
        "store_schema": dice.random() < 0.7,
        "allow_truncated_timestamps": True,
    }
    if dice.random() < 0.1:
        options["use_deprecated_int96_timestamps"] = True
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def written_parquet(dice: random.Random) -> bytes:
    """The first table that Arrow agrees to make and to write."""
    while True:
        try:
            return parquet(dice)
        except (pa.ArrowException, ValueError, OverflowError):
            continue


def damaged(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """The bytes, with something done to them."""
    if not data:
        return dice.randbytes(dice.randrange(20))
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 5))):
        # Headers and footers decide about everything else.
        at = dice.choice(
            (
                dice.randrange(len(changed) + 1),
                max(0, len(changed) - dice.randrange(1, 400)),
                dice.randrange(min(60, len(changed) + 1)),
            )
        )
        size = dice.choice((1, 2, 4, 30))
        match dice.randrange(7):
            case 0 | 1 | 2:
                for place in range(at, min(at + dice.choice((1, 1, 3)), len(changed))):
                    changed[place] ^= 1 << dice.randrange(8)
            case 3:
                changed[at : at + size] = dice.choice((b"\xff", b"\0", b"\x80", b"\x7f")) * size
            case 4:
                del changed[at : at + size]
            case 5:
                start = dice.randrange(len(other) + 1)
                changed[at:at] = other[start : start + size]
            case _:
                if dice.random() < 0.3:
                    del changed[at:]
        if not changed:
            break
    return bytes(changed)


def made(seed: int, number: int) -> tuple[str, bytes, Source]:
    """A file: its name, its bytes, and the source that reads it."""
    dice = random.Random(f"{seed} {number}")  # noqa: S311 - a test, the same every time
    what = dice.choice(("jsonl", "jsonl", "jsonl.gz", "jsonl.zst", "parquet", "parquet", "parquet", "txt"))
    source: Source
    if what == "parquet":
        data, other = written_parquet(dice), written_parquet(dice)
        options: dict[str, Any] = {}
        for name in ("url", "date", "kind"):
            if dice.random() < 0.3:
                options[f"{name}_column"] = name
        if dice.random() < 0.2:
            options["metadata_columns"] = dice.choice(((), ("date",), ("more",)))
        source = ParquetSource(name="s", paths=("x",), **options)
    elif what == "txt":
        data, other = dice.choice(TEXTS).encode("utf-8", "surrogatepass"), json_lines(dice)
        source = TextSource(name="s", paths=("x",))
    else:
        data, other = json_lines(dice), json_lines(dice)
        source = JsonlSource(name="s", paths=("x",), kind_field="kind")
        if dice.random() < 0.4:
            data = damaged(dice, data, other)
        if what.endswith(".gz"):
            data = gzip.compress(data, mtime=0)
            data += gzip.compress(other, mtime=0) if dice.random() < 0.2 else b""
        elif what.endswith(".zst"):
            data = pa.compress(data, codec="zstd", asbytes=True)
            data += pa.compress(other, codec="zstd", asbytes=True) if dice.random() < 0.2 else b""
    if dice.random() < 0.6:
        data = damaged(dice, data, other)
    return f"file-{number}.{what}", data, source


def check(items: Iterable[Record | Skip]) -> Counter[str]:
    """Read everything; what is no valid document, and no valid line of the list of skips, is an AssertionError."""
    counts: Counter[str] = Counter()
    records = []
    for item in items:
        if isinstance(item, Skip):
            assert re.fullmatch("[a-z0-9_]+", item.reason), item
            assert item.record >= 0, item
            assert item.detail.encode(), item
            assert len(item.detail) <= 200, item
            counts[f"skip {item.reason}"] += 1
            continue
        assert item.data.decode().strip("\ufeff \n") or item.data, item
        assert b"\0" not in item.data, item
        assert b"\r" not in item.data, item
        assert item.kind in KINDS, item
        assert item.url is None or item.url.encode(), item
        assert item.date is None or (item.date.tzinfo is UTC and item.date.microsecond == 0), item
        assert item.date is None or isinstance(item.date, datetime), item
        if item.fields is not None:
            fields = json.loads(item.fields.decode(), parse_constant=_refuse)
            assert fields, item
        records.append(item)
        counts["record"] += 1
    for table in documents_of(records, "s", 0):
        table.validate(full=True)
        assert table.schema.equals(ROWS)
    return counts


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} in metadata, which JSON does not have")


def read(folder: Path, seed: int, number: int) -> Counter[str]:
    """Make and read one file.

    Raises:
        Exception: whatever a reader must not let out.
    """
    name, data, source = made(seed, number)
    path = folder / name
    path.write_bytes(data)
    try:
        return check(source.read(path))
    except SourceError as error:
        assert str(path) in str(error), error
        assert len(str(error)) < 1000 + 3 * len(str(path)), error
        return Counter({"refused file": 1})
    finally:
        path.unlink()


def work(seed: int, first: int, files: int) -> int:
    """Read some files in this process; prints faults and counts as lines of JSON."""
    settle_without_pandas()
    counts: Counter[str] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + files):
            signal.alarm(SECONDS)
            print(json.dumps({"at": number}), flush=True)
            try:
                counts.update(read(Path(folder), seed, number))
            except Exception as error:  # noqa: BLE001 - that is what is looked for
                faults += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
                print(json.dumps({"fault": kind, "file": number, "message": str(error)[:300]}), flush=True)
    signal.alarm(0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"counts": counts, "peak_kb": peak}), flush=True)
    return faults


def main() -> int:
    """Read many files in several processes, so that one that brings down its process is found as well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.seed, given.first, given.files)
        return 0
    start = time.monotonic()
    waiting = list(range(given.first, given.first + given.files, 1000))
    running: list[tuple[int, int, Path, subprocess.Popen[str]]] = []
    counts: Counter[str] = Counter()
    faults: list[tuple[str, int, str]] = []
    peak = 0
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < given.processes:
                first = waiting.pop(0)
                stop = min(given.first + given.files, first + 1000)
                log = Path(folder, f"{first}.log")
                command = [sys.executable, __file__, "--worker", "--seed", str(given.seed)]
                command += ["--first", str(first), "--files", str(stop - first)]
                with log.open("w") as output:
                    running.append(
                        (first, stop, log, subprocess.Popen(command, stdout=output, stderr=output, text=True))
                    )
            first, stop, log, process = running.pop(0)
            code = process.wait()
            last = first
            for line in log.read_text(errors="replace").splitlines():
                if not line.startswith("{"):
                    continue
                said = json.loads(line)
                last = said.get("at", last)
                if "fault" in said:
                    faults.append((said["fault"], said["file"], said["message"]))
                counts.update(said.get("counts", {}))
                peak = max(peak, said.get("peak_kb", 0))
            if code:
                faults.append((f"process ended with {code}", last, log.read_text(errors="replace")[-300:]))
                if last + 1 < stop:
                    waiting.append(last + 1)
    for kind, number in Counter(fault[0] for fault in faults).most_common():
        example = next(fault for fault in faults if fault[0] == kind)
        print(f"{number} times {kind}, file {example[1]}: {example[2]}")
    print(
        f"{given.files} files, seed {given.seed}: {len(faults)} faults; {counts.pop('record', 0)} documents, "
        f"{counts.pop('refused file', 0)} files refused, skips: {dict(sorted(counts.items()))}; "
        f"largest process {peak / 1000:.0f} MB; {time.monotonic() - start:.0f} s"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

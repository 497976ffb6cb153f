"""Several jobs read one large file: what comes of its parts is what comes of the file."""

from __future__ import annotations

import bz2
import gzip
import itertools
import json
import lzma
import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tamis.errors import SourceError
from tamis.readers import Record, Skip, Source
from tamis.readers.columns import Columns
from tamis.readers.jsonl import JsonlSource
from tamis.readers.line_parts import pieces_of
from tamis.readers.parquet import ParquetSource
from tamis.readers.record import Part
from tamis.readers.remote.listing import Wanted
from tamis.readers.units import fetchers, units
from tamis.readers.warc import WarcSource
from tamis.shards import read_json
from tamis.stages.ingest import documents_of, run_map


def texts(items: list[Record | Columns]) -> list[str]:
    return [text for table in documents_of(items, "s", 0) for text in table["text"].to_pylist()]


def in_parts(source: Source, path: Path, count: int) -> tuple[list[str], list[Skip], dict[str, int]]:
    """Texts in the order in which they come, skips and counts of all parts of a file."""
    found: list[str] = []
    skips: list[Skip] = []
    counts: Counter[str] = Counter()
    for number in range(count):
        items = list(source.read_part(path, counts, Part(number, count)))
        skips += [item for item in items if isinstance(item, Skip)]
        found += texts([item for item in items if isinstance(item, Record | Columns)])
    return found, skips, dict(counts)


def whole(source: Source, path: Path) -> tuple[list[str], list[Skip], dict[str, int]]:
    counts: Counter[str] = Counter()
    items = list(source.read_and_count(path, counts))
    found = texts([item for item in items if isinstance(item, Record)])
    return found, [item for item in items if isinstance(item, Skip)], dict(counts)


def lines(dice: random.Random) -> bytes:
    """Lines of all lengths, some empty and some that are no JSON."""
    sizes = [dice.choice([0, 1, 1, 20, 60, 300, 2_000]) for _ in range(80)]
    made = [json.dumps({"text": f"{number} " + "a" * size}) if size else "" for number, size in enumerate(sizes)]
    made[40], made[71] = "no JSON", "[]"
    return "\n".join(made).encode() + b"\n" * dice.randrange(2)


LINES = JsonlSource(name="s", paths=("x",), max_document_bytes=1_500)


@pytest.mark.parametrize("seed", range(2))
def test_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same every time
    data = lines(dice)
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.zst"
    plain.write_bytes(data)
    cuts = sorted({0, len(data), *(dice.randrange(len(data)) for _ in range(25))})
    # Frames with and without content size and checksum, and a skippable one that some writers put in front.
    frames = [
        zstandard.ZstdCompressor(write_content_size=bool(cut % 2), write_checksum=bool(cut % 3)).compress(data[cut:end])
        for cut, end in itertools.pairwise(cuts)
    ]
    packed.write_bytes(b"\x50\x2a\x4d\x18\x03\0\0\0abc" + b"".join(frames))
    assert len(pieces_of(packed)) == len(cuts)
    for piece in (7, 90, 10_000):
        monkeypatch.setattr("tamis.readers.line_parts.PIECE", piece)
        for path in (plain, packed):
            expected = whole(LINES, path)
            assert [skip.reason for skip in expected[1]].count("invalid_json") == 1
            for count in (2, 13) if piece == 7 or path == plain else ():
                assert in_parts(LINES, path, min(count, LINES.most_parts(path))) == expected


@pytest.mark.parametrize("members", [1, 30])
def test_lines_of_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: int) -> None:
    """Its members say nothing of their lengths: parted by the bytes that are read of it."""
    dice = random.Random(4)  # noqa: S311 - the same every time
    made = [json.dumps({"text": f"{number} " + dice.randbytes(dice.randrange(700)).hex()}) for number in range(400)]
    made[150] = made[350] = "no JSON"
    data = "\n".join(made).encode()
    cuts = sorted({0, len(data), *(dice.randrange(len(data)) for _ in range(members - 1))})
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(b"".join(gzip.compress(data[cut:end]) for cut, end in itertools.pairwise(cuts)))
    monkeypatch.setattr("tamis.readers.line_parts.PIECE", 15_000)
    monkeypatch.setattr("tamis.readers.line_parts.BLOCK", 5_000)
    expected = whole(LINES, path)
    assert [skip.record for skip in expected[1] if skip.reason == "invalid_json"] == [151, 351]
    assert LINES.most_parts(path) > 7
    for count in (2, 7):
        assert in_parts(LINES, path, count) == expected
    sizes = [len(list(LINES.read_part(path, Counter(), Part(number, 4)))) for number in range(4)]
    assert min(sizes) > 0
    path.write_bytes(path.read_bytes()[:-10])
    list(LINES.read_part(path, Counter(), Part(0, 4)))
    with pytest.raises(SourceError, match="cut short or damaged"):
        list(LINES.read_part(path, Counter(), Part(3, 4)))


def test_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [None if number % 11 == 3 else f"Row {number}." for number in range(100)]
    pq.write_table(pa.table({"text": texts, "url": ["https://a.example/"] * 100}), path, row_group_size=13)
    source = ParquetSource(name="s", paths=("x",))
    assert source.most_parts(path) == 8
    for count in (2, 5, 8):
        assert in_parts(source, path, count) == whole(source, path)


def test_more_parts_than_there_are_frames_row_groups_or_pieces(tmp_path: Path) -> None:
    """As of a file that was not there when they were planned."""
    data = lines(random.Random(3))  # noqa: S311 - the same every time
    frame = zstandard.ZstdCompressor().compress
    half = data.index(b"\n", len(data) // 2) + 1
    files = {"a.jsonl": data, "b.jsonl.zst": frame(data[:half]) + frame(data[half:]), "c.jsonl": gzip.compress(data)}
    files |= {"d.jsonl.xz": lzma.compress(data), "e.jsonl": bz2.compress(data)}
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert in_parts(LINES, path, 5) == whole(LINES, path)
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"Row {number}." for number in range(20)]}), table, row_group_size=10)
    source = ParquetSource(name="s", paths=("x",))
    assert in_parts(source, table, 5) == whole(source, table)


REMOTE = {"b.parquet": 10**9, "c.jsonl.zst": 10**9, "d.jsonl.gz": 10**9, "e.jsonl": 10, "f.jsonl": None}
REMOTE["g.warc.gz"] = 10**9


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [16, 16, 7, 1, 1, 7]),
        ({"remote": {"parts": 3}}, [16, 16, 7, 1, 3, 7]),
        ({"remote": {"parts": 3, "keep_files": False}}, [1, 1, 1, 1, 1, 1]),
        ({"remote": {"parts": 3}, "on_bad_file": "skip"}, [1, 1, 1, 1, 1, 1]),
    ],
)
def test_parts_of_files_that_are_not_there_yet(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], expected: list[int]
) -> None:
    found = []
    for name, size in REMOTE.items():
        reader = {"parquet": ParquetSource, "warc": WarcSource}.get(name.split(".")[1], JsonlSource)
        source = reader.model_validate({"name": name[0], "paths": [f"s3://bucket/{name}"], **more})
        wanted = {Path("downloads", name): Wanted(f"s3://bucket/{name}", bytes=size)}
        monkeypatch.setattr(reader, "remote_files", lambda _, wanted=wanted: wanted)
        monkeypatch.setattr(reader, "found_files", lambda _, wanted=wanted: [*wanted])
        found.append(units([source], 64_000_000, None))
    assert [len(planned) for planned in found] == expected
    everything = [*itertools.chain(*found)]
    random.Random(5).shuffle(everything)  # noqa: S311 - numbers as they come
    by = fetchers(everything)
    for unit, number in zip(everything, by, strict=True):
        assert everything[number].files == unit.files
        assert everything[number].part in (None, Part(0, len(found["bcdefg".index(unit.source.name)])))


def test_damage_in_the_middle_fails_its_part(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(lines(random.Random(1)))  # noqa: S311
    damaged = bytearray(frame * 4)
    damaged[2 * len(frame) + len(frame) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(SourceError, match="cut short or damaged"):
        whole(LINES, path)
    list(LINES.read_part(path, Counter(), Part(0, 4)))
    with pytest.raises(SourceError, match="cut short or damaged"):
        list(LINES.read_part(path, Counter(), Part(2, 4)))
    path.write_bytes(frame * 3 + frame[:-10])
    assert LINES.most_parts(path) == 1


def test_units_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.jsonl.gz"
    for path, size in ((small, 10), (large, 4_000), (packed, 4_000)):
        path.write_bytes(b" " * size)
    source = JsonlSource(name="s", paths=(f"{tmp_path}/*",))
    assert [unit.part for unit in units([source], 1_000, None)] == [None] * 3
    monkeypatch.setattr(JsonlSource, "part_bytes", lambda *_: 500)
    monkeypatch.setattr("tamis.readers.line_parts.PIECE", 100)
    cut = units([source], 1_000, None)
    assert [unit.part for unit in cut] == [None, *(Part(number, 4) for number in range(4)), None]
    assert len({unit.key for unit in cut}) == 6
    assert cut[2].params()["part"] == (1, 4)
    assert "part" not in cut[0].params()
    careful = source.model_copy(update={"on_bad_file": "skip"})
    assert len(units([careful], 1_000, None)) == 3
    assert replace(cut[1], part=None).key == ("s", str(large))


def test_what_was_read_in_parts_is_known_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JsonlSource, "part_bytes", lambda *_: 500)
    monkeypatch.setattr("tamis.readers.line_parts.PIECE", 100)
    path, results = tmp_path / "a.jsonl", tmp_path / "results"
    path.write_bytes(b"".join(b'{"text": "Line %d of some."}\n' % number for number in range(200)))
    source = JsonlSource(name="s", paths=(str(path),))
    first = units([source], 1_000, results)
    for number, unit in enumerate(first):
        places = (results / f"ingest/{folder}/part-{number:05d}" for folder in ("map", "skipped", "read"))
        output, skipped, read = (place.with_suffix(".json") for place in places)
        run_map(**unit.params(), shards=2, output=output, skipped=skipped, read_counts=read)
    records = [read_json(read)["files"][0]["records"] for read in sorted((results / "ingest/read").iterdir())]
    assert len(records) == len(first) == 6
    assert sum(records) == 200 > max(records) > 0
    # Another time and the same bytes are the same; other bytes are not, in any part.
    os.utime(path, ns=(0, 1))
    assert [unit.token for unit in units([source], 1_000, results)] == [unit.token for unit in first]
    path.write_bytes(path.read_bytes().replace(b"Line 199", b"Line 198"))
    assert not {unit.token for unit in units([source], 1_000, results)} & {unit.token for unit in first}

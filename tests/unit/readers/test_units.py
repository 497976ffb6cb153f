"""Which files are read together, under which number, and which of them are what an earlier run has read."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
import random
import shlex
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import file_states
from tamis.checksums import canonical
from tamis.errors import ConfigError, SourceError
from tamis.readers import observed, units
from tamis.readers.jsonl import JsonlSource
from tamis.readers.observed import Reading
from tamis.readers.parquet import ParquetSource
from tamis.readers.releases import ReleasesSource
from tamis.readers.remote.listing import Wanted
from tamis.readers.text import TextSource
from tamis.shards import part_name, write_json

MEGABYTE = 10**6


@pytest.fixture(name="inputs")
def _inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in "abc":
        Path("in", f"{name}.jsonl").write_text(json.dumps({"text": f"File {name}."}) + "\n")
    return tmp_path / "in"


def source(*paths: str, **more: object) -> JsonlSource:
    return JsonlSource.model_validate({"name": "web", "paths": paths or ("in/*.jsonl",)} | more)


def planned(*sources: object, size: int = 1, results: str | None = "results") -> list[units.Unit]:
    return units.units(list(sources) or [source()], size, None if results is None else Path(results))


def run(found: list[units.Unit]) -> None:
    """What a run does: it remembers the plan, and each job writes down what it has read."""
    units.remember(found, Path("results"))
    for number, unit in enumerate(found):
        reading = Reading(unit.source, [str(path) for path in unit.files], lambda _: None, Path("in"))
        for _ in reading.tables(lambda records: iter([pa.table({"n": [len([*records])]})])):
            pass
        record = reading.record(unit.token)
        write_json(Path("results/ingest/read", f"{part_name(number)}.json"), record)


def params(found: list[units.Unit]) -> list[str]:
    return [canonical(unit.params()) for unit in found]


def rerun(before: list[units.Unit]) -> list[list[str]]:
    """The files of the units whose jobs would run again."""
    now = planned()
    old = params(before)
    return [
        [path.name for path in unit.files]
        for number, unit in enumerate(now)
        if number >= len(old) or canonical(unit.params()) != old[number]
    ]


@pytest.fixture(name="done")
def _done(inputs: Path) -> list[units.Unit]:
    assert inputs.is_dir()
    found = planned()
    assert [len(unit.files) for unit in found] == [1, 1, 1]
    run(found)
    return found


def test_what_was_read_and_is_unchanged_is_not_read_again(done: list[units.Unit]) -> None:
    assert rerun(done) == []
    assert params(planned(results=None)) == params(done)


@pytest.mark.parametrize("time", [0, 10**18, 4 * 10**18])
def test_another_time_alone_reruns_nothing_and_is_looked_into_once(
    done: list[units.Unit], time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime("in/b.jsonl", ns=(time, time))
    assert rerun(done) == []

    def unexpected(path: Path) -> str:
        pytest.fail(f"{path} was hashed again")

    with monkeypatch.context() as patched:
        patched.setattr(file_states, "sha256_of", unexpected)
        assert rerun(done) == []
    # What is remembered may be lost, or damaged.
    for text in (None, "{", "[1]", '{"in/b.jsonl": 7}'):
        path = Path("results", file_states.HASHES)
        path.unlink() if text is None else path.write_text(text)
        assert rerun(done) == []


@pytest.mark.parametrize("time", [0, 4 * 10**18])
def test_other_content_reruns_its_unit_whatever_its_time(done: list[units.Unit], time: int) -> None:
    path = Path("in/b.jsonl")
    path.write_text(path.read_text().replace("File", "Fire"))
    os.utime(path, ns=(time, time))
    assert rerun(done) == [["b.jsonl"]]
    # Until it was read; then no more.
    assert rerun(done) == [["b.jsonl"]]
    run(planned())
    assert planned()[1].token != done[1].token
    assert rerun(planned()) == []
    # The old content back again, at its old time.
    path.write_text(path.read_text().replace("Fire", "File"))
    state = json.loads(Path("results/ingest/read/part-00001.json").read_text())["files"][0]
    os.utime(path, ns=(0, state["mtime_ns"] + 1))
    assert [unit.files[0].name for unit in planned() if unit.token not in {one.token for one in done}] == ["b.jsonl"]


def test_another_size_reruns_without_a_look(done: list[units.Unit], monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("in/b.jsonl")
    path.write_text(path.read_text() * 2)
    os.utime(path, ns=(0, 0))
    monkeypatch.setattr(file_states, "sha256_of", lambda _: pytest.fail("hashed"))
    assert rerun(done) == [["b.jsonl"]]


def test_the_same_size_and_time_are_taken_for_unchanged(done: list[units.Unit]) -> None:
    """What the documentation says that it cannot notice."""
    path = Path("in/b.jsonl")
    state = path.stat()
    path.write_text(path.read_text().replace("File", "Fire"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert rerun(done) == []


def test_an_added_file_reruns_its_own_unit_only(done: list[units.Unit]) -> None:
    Path("in/aa.jsonl").write_text('{"text": "Added."}\n')
    assert rerun(done) == [["aa.jsonl"]]
    assert [unit.files[0].name for unit in planned()] == ["a.jsonl", "b.jsonl", "c.jsonl", "aa.jsonl"]
    run(planned())
    Path("in/0.jsonl").write_text('{"text": "First."}\n')
    assert [unit.files[0].name for unit in planned()] == ["a.jsonl", "b.jsonl", "c.jsonl", "aa.jsonl", "0.jsonl"]


def test_a_removed_file_moves_the_last_unit_into_its_place(done: list[units.Unit]) -> None:
    Path("in/a.jsonl").unlink()
    assert rerun(done) == [["c.jsonl"]]
    assert [unit.files[0].name for unit in planned()] == ["c.jsonl", "b.jsonl"]


def test_a_source_in_front_changes_no_number(done: list[units.Unit]) -> None:
    Path("first.jsonl").write_text('{"text": "First."}\n')
    found = planned(source("first.jsonl", name="first"), source())
    assert [unit.files for unit in found[:3]] == [unit.files for unit in done]
    assert [unit.priority for unit in found] == [1, 1, 1, 0]


def test_another_pattern_of_a_source_reruns_no_unit_of_the_same_files(done: list[units.Unit]) -> None:
    assert params(planned(source("in/a.jsonl", "in/b*", "in/c.jsonl"))) == params(done)
    assert params(planned(source(date_field="when"))) != params(done)


def test_a_lost_or_damaged_plan_only_costs_the_order(done: list[units.Unit]) -> None:
    Path("in/0.jsonl").write_text('{"text": "First."}\n')
    run(planned())
    assert planned()[0].files == done[0].files
    for text in ("", "{}", '["a"]', "[[1], 2]"):
        Path("results", units.PLAN).write_text(text)
        assert sorted(unit.files[0].name for unit in planned()) == ["0.jsonl", "a.jsonl", "b.jsonl", "c.jsonl"]


@pytest.mark.parametrize("text", ["", "{}", '{"source": "web"}', "[]", "\0"])
def test_a_damaged_record_is_written_again(done: list[units.Unit], text: str) -> None:
    path = Path("results/ingest/read/part-00001.json")
    path.write_text(text)
    assert rerun(done) == [["b.jsonl"]]
    found = planned()
    run(found)
    assert rerun(found) == []


def test_a_lost_record_leaves_the_token_to_the_files(done: list[units.Unit]) -> None:
    # Snakemake sees that the output is missing; the token is that of the files and their times.
    Path("results/ingest/read/part-00001.json").unlink()
    assert rerun(done) == []


def test_a_file_that_changes_while_it_is_looked_into_counts_as_changed(
    done: list[units.Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashed(path: Path) -> str:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        os.utime(path, ns=(0, 7))
        return digest

    os.utime("in/b.jsonl", ns=(0, 5))
    monkeypatch.setattr(file_states, "sha256_of", hashed)
    assert rerun(done) == [["b.jsonl"]]


def test_it_is_said_when_there_is_much_to_look_into(
    done: list[units.Unit], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    os.utime("in/b.jsonl", ns=(0, 5))
    monkeypatch.setattr(file_states, "SAID_BYTES", 10)
    with caplog.at_level(logging.WARNING):
        assert rerun(done) == []
    assert "1 input files" in caplog.text


def test_results_that_cannot_be_written_to_break_nothing(
    done: list[units.Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, value: object) -> None:
        del value
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(file_states, "write_json", full)
    os.utime("in/b.jsonl", ns=(0, 5))
    assert rerun(done) == []
    units.remember(done[:1], Path("results"))


@pytest.mark.usefixtures("inputs")
def test_skipping_bad_files_reads_no_good_ones_again() -> None:
    found = planned()
    run(found)
    skipping = planned(source(on_bad_file="skip"))
    assert params(skipping) == params(found)
    Path("in/b.jsonl").write_bytes(b"\x1f\x8b")
    run(planned(source(on_bad_file="skip")))
    skipping = planned(source(on_bad_file="skip"))
    assert [unit.source.on_bad_file for unit in skipping] == ["fail", "skip", "fail"]
    # A bad file that was listed fails when it is told to.
    failing = planned()
    assert [one != other for one, other in zip(params(failing), params(skipping), strict=True)] == [False, True, False]


def test_what_takes_the_place_of_no_file_is_read(inputs: Path) -> None:
    link = inputs / "link.jsonl"
    link.symlink_to("gone")
    section = source(on_bad_file="skip")
    found = planned(section)
    assert [unit.awaited() for unit in found if unit.files[0].name == "link.jsonl"] == [[]]
    run(found)
    assert params(planned(section)) == params(found)
    for content in ("", '{"text": "Here."}\n'):
        (inputs / "gone").write_text(content)
        before = {unit.token for unit in found}
        assert [unit.files[0].name for unit in planned(section) if unit.token not in before] == ["link.jsonl"]


def test_a_file_that_could_not_be_opened_is_tried_again(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> str:
        # Root may read every file.
        raise PermissionError(13, "Permission denied", str(path))

    section = source("in/a.jsonl", on_bad_file="skip")
    found = planned(section)
    assert inputs.is_dir()
    with monkeypatch.context() as patched:
        patched.setattr(observed, "sha256_of", refused)
        patched.setattr(os, "access", lambda *_: False)
        run(found)
    assert planned(section)[0].token != found[0].token


def test_a_pinned_file_counts_with_its_pin(inputs: Path) -> None:
    pins = inputs / "pins.txt"
    pins.write_text(f"thing==1.0 --hash=sha256:{'0' * 64}\n")
    section = ReleasesSource(name="things", requirements=str(pins))
    (before,) = planned(section)
    assert before.awaited() == ["downloads/thing-1.0.sdist"]
    Path("downloads").mkdir()
    Path("downloads/thing-1.0.sdist").write_bytes(b"fetched")
    assert params(planned(section)) == params([before])
    pins.write_text(f"thing==1.0 --hash=sha256:{'1' * 64}\n")
    assert params(planned(section)) != params([before])


def test_a_pinned_file_that_was_bad_is_read_when_it_was_fetched_anew(inputs: Path) -> None:
    pins = inputs / "pins.txt"
    pins.write_text(f"thing==1.0 --hash=sha256:{'0' * 64}\n")
    section = ReleasesSource(name="things", requirements=str(pins), on_bad_file="skip")
    Path("downloads").mkdir()
    path = Path("downloads/thing-1.0.sdist")
    path.write_bytes(b"not what was pinned")
    first = planned(section)
    run(first)
    assert params(planned(section)) == params(first)
    path.unlink()
    gone = planned(section)
    assert params(gone) != params(first)
    path.write_bytes(b"not that either")
    run(gone)
    assert params(planned(section)) == params(gone)
    path.write_bytes(b"nor that, which is longer")
    assert params(planned(section)) not in (params(first), params(gone))


def test_two_sources_may_read_the_same_files(done: list[units.Unit]) -> None:
    twice = planned(source(), source(name="again"))
    assert [unit.files for unit in twice[:3]] == [unit.files for unit in done]
    run(twice)
    assert params(planned(source(), source(name="again"))) == params(twice)
    assert len(planned(source(), source())) == 6


def test_a_path_that_the_workflow_cannot_carry_is_refused(inputs: Path) -> None:
    (inputs / "a{b.jsonl").write_text("")
    with pytest.raises(ConfigError, match=r"sources\[0\]\.paths \(web\)"):
        planned()
    with pytest.raises(SourceError, match="nowhere"):
        planned(source("nowhere"))


SIZES = st.lists(st.integers(0, 120), min_size=1, max_size=60)


def cut(files: dict[str, int], bound: int = 64) -> list[tuple[str, ...]]:
    inputs = [
        units._Input(Path(name), file_states.State(size, 1), None, size=size) for name, size in sorted(files.items())
    ]
    return [tuple(str(one.path) for one in group) for group in units._cut(inputs, bound)]


@given(SIZES)
def test_units_hold_every_file_once_and_not_too_much(sizes: list[int]) -> None:
    files = {f"file {number:03d}": size for number, size in enumerate(sizes)}
    groups = cut(files)
    assert [name for group in groups for name in group] == list(files)
    assert all(len(group) == 1 or sum(files[name] for name in group) <= 64 for group in groups)
    # Small units come of large neighbours only.
    for group, following in itertools.pairwise(groups):
        assert sum(files[name] for name in (*group, following[0])) * units.FULL > 64


@settings(max_examples=20)
@given(st.integers(0, 10**9), st.sampled_from([1, 5, 20, 30]))
def test_an_added_file_moves_few_cuts(seed: int, size: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test corpus
    files = {f"data/{dice.getrandbits(40):010x}.jsonl": size for _ in range(400)}
    before = set(cut(files))
    changed = [len(set(cut(files | {f"data/{dice.getrandbits(40):010x}": size})) - before) for _ in range(10)]
    assert sum(changed) / len(changed) < 0.25 * len(before)


def test_units_of_many_small_files_fit_a_command_line() -> None:
    names = {f'notes/it\'s a "file" of a long name ü {number:06d}.md': 10 for number in range(20_000)}
    (group,) = cut(names, 64 * MEGABYTE)
    unit = units.Unit(source("x"), 0, tuple(Path(name) for name in group), "0" * 16)
    assert len(shlex.quote(canonical(unit.params())).encode()) < 2_000
    # Of remote files address and hash stand in the command line of the job that fetches them.
    wanted = [Wanted(f"https://a.example/{name}", sha256="0" * 64) for name in names]
    remote = [
        units._Input(Path(name), None, one.identity, one, 10) for name, one in zip(sorted(names), wanted, strict=True)
    ]
    groups = units._cut(remote, 64 * MEGABYTE)
    assert 20_000 / 500 < len(groups) < 20_000 / 50
    assert all(
        len(shlex.quote(canonical([[str(one.path), one.pin] for one in group])).encode()) < 70_000 for group in groups
    )


def test_a_unit_has_a_bounded_number_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT_FILES", 100)
    groups = cut({f"{number:05d}.txt": 0 for number in range(1_000)}, 64 * MEGABYTE)
    assert max(map(len, groups)) <= 100
    assert 10 <= len(groups) <= 40


def test_the_settings_of_a_job_are_those_of_its_source(inputs: Path) -> None:
    assert inputs.is_dir()
    (unit, *_) = planned(source(date_field="when"))
    values = unit.params()
    assert values["fields"] == ("when",)
    assert "paths" not in values["source"]
    assert JsonlSource.model_validate({"paths": values["files"]} | values["source"]).date_field == "when"
    assert ParquetSource(name="s", paths=("x",), text_column="body").named_fields() == ("body",)


def test_many_small_files_are_few_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in range(10):
        place = tmp_path / f"a folder of some length/{folder:03d}"
        place.mkdir(parents=True)
        for number in range(300):
            (place / f"document-{folder * 300 + number:05d}.txt").touch()
    found = units.units([TextSource(name="s", paths=("a folder*/**",))], 10**6, None)
    assert len(found) == 1
    params = found[0].params()
    assert "files" not in params
    assert len(canonical(params)) < 2_000
    assert found[0].awaited() == []
    folder = tmp_path / "results" / units.NAMES
    with pytest.raises(SourceError, match="start the run again"):
        units.names_in(folder, params["names"])
    units.remember(found, tmp_path / "results")
    assert units.names_in(folder, params["names"]) == [str(path) for path in found[0].files]
    # One file more is another list, and the old one goes; a list that was written is left as it is.
    (tmp_path / "a folder of some length/000/more.txt").touch()
    again = units.units([TextSource(name="s", paths=("a folder*/**",))], 10**6, None)
    assert again[0].params()["names"] != params["names"]
    units.remember(again, tmp_path / "results")
    (written,) = folder.iterdir()
    state = written.stat()
    units.remember(again, tmp_path / "results")
    assert written.stat().st_mtime_ns == state.st_mtime_ns
    # A damaged one is written again; one that is another list is refused.
    written.write_text("{")
    with pytest.raises(SourceError, match="damaged"):
        units.names_in(folder, again[0].params()["names"])
    units.remember(again, tmp_path / "results")
    written.rename(written.with_name("0.json"))
    with pytest.raises(SourceError, match="not the list"):
        units.names_in(folder, "0")


NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=2), max_size=3)


@given(NAMES, NAMES)
def test_lists_of_files_are_told_apart(one: list[str], other: list[str]) -> None:
    assert (units.digest_of(one) == units.digest_of(other)) == (one == other)

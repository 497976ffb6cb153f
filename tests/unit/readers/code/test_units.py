"""What governs a file lies in another: its unit is read again when that changes, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from identify.vendor.licenses import LICENSES

from tamis.checksums import canonical
from tamis.errors import SourceError
from tamis.readers import units
from tamis.readers.code.source import CodeSource
from tamis.readers.observed import Reading
from tamis.shards import part_name, write_json

TEXTS = dict(LICENSES)


@pytest.fixture(name="tree")
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("one/a.py", "one/deep/b.py", "two/c.py", "{{name}}/d.py"):
        path = Path("tree", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x = '{name}'\n")
    Path("tree/one/LICENSE").write_text(TEXTS["MIT"])
    Path("tree/two/package.json").write_text('{"license": "MIT"}')
    return Path("tree")


def planned(**more: object) -> list[units.Unit]:
    source = CodeSource.model_validate({"name": "s", "paths": ["tree"], **more})
    return units.units([source], 1, Path("results"))


def run(found: list[units.Unit]) -> list[str]:
    """What a run does; the licences of all documents in order."""
    units.remember(found, Path("results"))
    licences: list[str] = []
    for number, unit in enumerate(found):
        given = unit.params()
        job = CodeSource.model_validate({"paths": given["files"]} | given["source"])
        reading = Reading(job, given["files"], lambda _: None, Path("tree"))
        for table in reading.tables(
            lambda records: iter(
                [pa.table({"n": [str(one.metadata["licence"]) for one in records if one.path.endswith(".py")]})]
            )
        ):
            licences += table["n"].to_pylist()
        write_json(Path("results/ingest/read", f"{part_name(number)}.json"), reading.record(unit.token))
    return licences


def rerun(before: list[units.Unit]) -> set[str]:
    """Names of the files whose units would be read again."""
    old = {canonical(unit.params()) for unit in before}
    return {path.name for unit in planned() if canonical(unit.params()) not in old for path in unit.files}


def test_a_changed_licence_reads_again_what_it_governs_and_nothing_else(tree: Path) -> None:
    before = planned()
    assert all(not unit.awaited() for unit in before)
    assert run(before) == ["MIT", "MIT", "MIT", "None"]
    assert rerun(before) == set()
    os.utime(tree / "one" / "LICENSE")
    assert rerun(before) == set(), "touched"
    (tree / "one" / "LICENSE").write_text(TEXTS["GPL-3.0"])
    assert rerun(before) == {"LICENSE", "a.py", "b.py"}
    assert run(planned()) == ["GPL-3.0", "GPL-3.0", "MIT", "None"]
    now = planned()
    assert run(now) == ["GPL-3.0", "GPL-3.0", "MIT", "None"]
    # One that appears, and one that goes.
    (tree / "COPYING").write_text(TEXTS["Zlib"])
    assert rerun(now) == {"COPYING", "LICENSE", "a.py", "b.py", "c.py", "d.py", "package.json"}
    assert run(planned()) == ["GPL-3.0", "GPL-3.0", "MIT", "Zlib"]
    now = planned()
    (tree / "two" / "package.json").unlink()
    assert rerun(now) == {"c.py"}
    assert run(planned()) == ["GPL-3.0", "GPL-3.0", "Zlib", "Zlib"]


def test_a_licence_that_changes_while_it_governs_fails_the_job(tree: Path) -> None:
    (unit,) = units.units([CodeSource(name="s", paths=("tree",))], 10**6, None)
    reading = Reading(unit.source, [str(path) for path in unit.files], lambda _: None, Path("tree"))

    def convert(records: object) -> object:
        for number, _ in enumerate(records):
            if number == 0:
                (tree / "one" / "LICENSE").write_text("other")
        yield pa.table({"n": [1]})

    with pytest.raises(SourceError, match="LICENSE: changed while it was read"):
        list(reading.tables(convert))


def test_links_are_not_read_again_in_every_run(tree: Path) -> None:
    (tree / "one" / "link.py").symlink_to("a.py")
    (tree / "one" / "gone.py").symlink_to("nowhere")
    before = planned()
    run(before)
    assert rerun(before) == set()
    (tree / "one" / "gone.py").unlink()
    (tree / "one" / "gone.py").write_text("y = 2\n")
    # The two were read together.
    assert rerun(before) == {"gone.py", "link.py"}


def test_files_that_are_no_text_make_no_jobs(tree: Path) -> None:
    # Installed packages are four fifths machine code by their bytes: cut by these, 48 jobs read what 7 do.
    size = 400_000
    for number in range(8):
        (tree / "one" / f"code{number}.so").write_bytes(b"\x7fELF" + bytes(size))
        (tree / "two" / f"text{number}.c").write_text("int f(void);\n" * (size // 13))
    source = CodeSource.model_validate({"name": "s", "paths": ["tree"]})
    found = units.units([source], 420_000, Path("results"))
    with_text = [unit for unit in found if any(path.suffix == ".c" for path in unit.files)]
    (binary,) = (unit for unit in found if any(path.suffix == ".so" for path in unit.files))
    assert sum(path.suffix == ".so" for path in binary.files) == 8
    # Of texts half their bytes count, so two fill a unit.
    assert 4 <= len(with_text) <= 8
    assert sorted(path for unit in found for path in unit.files) == source.input_files()

"""Which files of a folder are text, and that the patterns that come out name these and no others."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.errors import SourceError
from tamis.readers.assorted import ending_of, texts_of
from tamis.readers.patterns import matches

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
FILES = {
    "a.py": b"x = 1\n",
    "deep/er/b.py": "# \u00fc".encode(),
    "deep/__init__.py": b"",
    "README.md": b"# Read me\n",
    "notes.txt.gz": gzip.compress(b"Notes.", mtime=0),
    "logo.png": PNG,
    "deep/icon.PNG": PNG,
    "odd.pyc": b"\xa7\r\r\n" + bytes(40),
    "words.mo": b"\xde\x12\x04\x95" + bytes(40),
    "page.html": b"<!DOCTYPE html><html>",
    "package.json": b'{\n "name": "x"\n}\n',
    "setup.cfg": b"[metadata]\n",
    "Makefile": b"all:\n",
    "py.typed": b"",
    "old.rst": "Gr\u00fc\u00dfe".encode("latin-1"),
    ".hidden.png": PNG,
}


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, data in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def named(patterns: tuple[str, ...]) -> set[str]:
    return {path.relative_to("src").as_posix() for pattern in patterns for path in matches(pattern)}


TEXTS = {"a.py", "deep/er/b.py", "deep/__init__.py", "README.md", "notes.txt.gz"}


@pytest.mark.parametrize("pattern", ["src/**", "src/**/*", "./src/**"])
def test_a_folder_of_programs(pattern: str) -> None:
    found = texts_of([pattern], None, text_first=True)
    assert found is not None
    assert named(found.patterns) == TEXTS
    assert found.left == {
        ".png": (1, "a PNG picture"),
        ".PNG": (1, "a PNG picture"),
        ".pyc": (1, "no text in UTF-8"),
        ".mo": (1, "no text in UTF-8"),
        ".html": (1, "HTML"),
        ".json": (1, "JSON"),
        ".cfg": (1, "not known as text"),
        "Makefile": (1, "not known as text"),
        ".typed": (1, "empty"),
        ".rst": (1, "no text in UTF-8"),
    }
    assert "1 .html (HTML)" in found.told()


def test_all_that_can_be_text_where_the_user_says_so() -> None:
    found = texts_of(["src/**"], "text", text_first=True)
    assert found is not None
    assert named(found.patterns) == TEXTS | {"page.html", "package.json", "setup.cfg", "Makefile", "py.typed"}
    assert set(found.left) == {".png", ".PNG", ".pyc", ".mo", ".rst"}


def test_other_patterns_stay_as_they_are() -> None:
    found = texts_of(["src/**/*.md", "src/deep/*"], None, text_first=True)
    assert found is not None
    assert found.patterns == ("src/**/*.md", "src/deep/*.py")
    assert texts_of(["src/**/*.py", "src/*.md"], None, text_first=True) is None


def test_records_beside_text_want_a_source_of_their_own() -> None:
    assert texts_of(["src/**"], None, text_first=False) is None
    Path("src/package.json").unlink()
    found = texts_of(["src/**"], None, text_first=False)
    assert found is not None
    assert named(found.patterns) == TEXTS
    pq.write_table(pa.table({"text": ["x"]}), "src/x.parquet")
    assert texts_of(["src/**"], None, text_first=False) is None
    Path("only").mkdir()
    Path("only/x.jsonl").write_text(json.dumps({"text": "x"}), encoding="utf-8")
    Path("only/y.png").write_bytes(PNG)
    assert texts_of(["only/**"], None, text_first=True) is None


def test_what_no_pattern_can_leave_out_is_said() -> None:
    with pytest.raises(SourceError, match=r"src/\*\*/\[a-z\]\* names files that are no text \(.*name the others alone"):
        texts_of(["src/**/[a-z]*"], None, text_first=True)
    with pytest.raises(SourceError, match=r"src/logo\.png: a PNG picture; take it out of --source"):
        texts_of(["src/*.py", "src/logo.png"], None, text_first=True)


def test_odd_files_among_text_are_named() -> None:
    Path("src/picture.py").write_bytes(PNG)
    Path("src/wide.py").write_bytes("x = 1".encode("utf-16"))
    # A file in another charset is skipped and listed when it is read, as it is.
    Path("src/latin.py").write_bytes(b"# \xfc\n")
    for patterns in (["src/**"], ["src/**/*.py"]):
        found = texts_of(patterns, None, text_first=True)
        assert found is not None
        assert found.odd == {Path("src/picture.py"): "a PNG picture", Path("src/wide.py"): "text in UTF-16"}
        assert found.refused() == "src/picture.py (a PNG picture), src/wide.py (text in UTF-16)"
        assert {"latin.py", "a.py"} <= named(found.patterns)
    assert found.patterns == ("src/**/*.py",)
    assert found.told() == ""


def test_a_head_that_ends_inside_a_character_is_text() -> None:
    Path("src/long.py").write_bytes(b"#" * 4095 + "\u00fc".encode() * 9)
    Path("src/a.py").unlink()
    found = texts_of(["src/*"], None, text_first=True)
    assert found is not None
    assert "long.py" in named(found.patterns)


@given(st.text(st.sampled_from("a.[]*?-x"), min_size=1, max_size=8).filter(lambda name: name[0] != "."))
def test_an_ending_is_one_of_its_name(name: str) -> None:
    ending = ending_of(name)
    assert name.endswith(ending)
    assert ending == name or ending.startswith(".")
    assert ending_of(f"{name}.txt.gz") == ".txt.gz"

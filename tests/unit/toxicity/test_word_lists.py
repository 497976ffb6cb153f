"""Files of word lists: what is read of them, and what is refused in words that say what to do."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tamis.errors import ConfigError, SourceError
from tamis.toxicity.word_lists import by_name, check, in_folder, read_entries


def written(folder: Path, name: str, data: bytes | str) -> str:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def test_lines_are_entries(tmp_path: Path) -> None:
    data = "\ufeffass\r\n\r\n# a comment\n  two words \n#hashtag\nass\n"
    assert read_entries(written(tmp_path, "en", data)) == ["ass", "two words", "#hashtag"]
    assert read_entries(written(tmp_path, "en.gz", gzip.compress(b"ass\n"))) == ["ass"]


def test_files_of_a_folder_are_named_by_their_language(tmp_path: Path) -> None:
    for name in (
        "en",
        "de.txt",
        "fr",
        "fr-CA-u-sd-caqc",
        "zh.txt.gz",
        "README.md",
        "LICENSE",
        ".gitignore",
        "USERS.md",
    ):
        written(tmp_path, name, "x\n")
    (tmp_path / "build").mkdir()
    found = in_folder(str(tmp_path), ("de.txt",))
    assert {language: [Path(path).name for path in files] for language, files in found.items()} == {
        "en": ["en"],
        "fr": ["fr", "fr-CA-u-sd-caqc"],
        "zh": ["zh.txt.gz"],
    }
    assert in_folder(str(tmp_path / "none"), ()) == {}
    assert by_name("pt_BR.txt") == "pt"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty", b"", "has no entry; write one a line"),
        ("blank", b"\n  \n# nothing\n", "has no entry"),
        ("latin", "gut\nM\u00f6pse\n".encode("latin-1"), "line 2: is not UTF-8; write the list as UTF-8"),
        ("utf16", "ass\n".encode("utf-16"), "is UTF-16; write it as UTF-8"),
        ("page", b"<html>" + b"x" * 200, "line 1: has 206 characters; a list of words has an entry a line"),
        ("stop", b"ass\n.\n", "line 2: '.' has no letter, number or sign"),
        ("cut.gz", gzip.compress(b"ass\n" * 100)[:-9], "cut short or damaged"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_entries(written(tmp_path, name, data))
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_a_list_that_is_missing_or_there_twice_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("en", "pipe"):
        with pytest.raises(SourceError, match=r"cannot be opened, .*; correct the path, or take the list out"):
            check({"en": [str(tmp_path / name)]}, "toxicity")
    first, second = written(tmp_path, "en", "a1\nb1\n"), written(tmp_path, "en.txt", "b1\na1\n")
    check({"en": [first]}, "toxicity")
    for lists in ({"en": [first, first]}, {"en": [first, second]}, {"en": [first], "de": [second]}):
        with pytest.raises(ConfigError, match=r"are the same list; take one of them out"):
            check(lists, "toxicity")
    # Of texts too short to tell a language of.
    check({"en": [first], "und": [first]}, "toxicity")
    with pytest.raises(ConfigError, match=r"are the same list"):
        check({"und": [first, second]}, "toxicity")

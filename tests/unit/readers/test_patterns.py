"""Which files a pattern names; the standard library's `glob` is the oracle where nothing is odd."""

from __future__ import annotations

import glob
import os
import socket
from pathlib import Path

import pytest

from tamis.errors import SourceError
from tamis.readers import patterns
from tamis.readers.jsonl import JsonlSource

TREE = ("a.md", "b.txt", ".hidden.md", "one/a.md", "one/[x].md", "one/two/c.md", "one/two/three/d.md", ".git/e.md")


@pytest.fixture(name="tree")
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "*.md",
        "**",
        "**/*.md",
        "**/**/*.md",
        "one/**",
        "one/**/d.md",
        "*/a.md",
        "one/[[]x].md",
        "one/?wo/*",
        ".*",
        ".git/*",
        "./one/../*.md",
        "nowhere/*",
        "a.md/*",
        "o[!a]e/a.md",
    ],
)
def test_patterns_name_what_they_name_in_the_standard_library(tree: Path, pattern: str) -> None:
    for given in (pattern, str(tree / pattern)):
        expected = {Path(found) for found in glob.glob(given, recursive=True) if Path(found).is_file()}  # noqa: PTH207
        assert patterns.matches(given) == sorted(expected)


def test_a_path_that_exists_is_no_pattern(tree: Path) -> None:
    assert patterns.matches("one/[x].md") == [Path("one/[x].md")]
    assert patterns.matches("one") == []


@pytest.mark.usefixtures("tree")
def test_links_to_folders_are_followed_and_circles_end() -> None:
    Path("elsewhere").symlink_to("one/two")
    Path("one/self").symlink_to(".")
    Path("one/two/up").symlink_to("../..")
    Path("one/two/around").symlink_to("../two/around")
    # The folder above is entered once more through `up`, and everything in it found there; then it ends.
    found = {path.as_posix() for path in patterns.matches("one/**/*.md")}
    assert {"one/a.md", "one/two/c.md", "one/two/up/a.md"} <= found
    assert max(len(Path(name).parts) for name in found) < 10
    assert "elsewhere/three/d.md" in {path.as_posix() for path in patterns.matches("*/*/d.md")}
    assert patterns.irregular(Path("one/two/around")) is not None


def test_what_is_no_file_is_found_and_named(tree: Path) -> None:
    os.mkfifo("pipe.md")
    Path("link.md").symlink_to("gone")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.md")
    found = patterns.matches("*.md")
    assert {path.name: patterns.irregular(path) for path in found} == {
        "a.md": None,
        "pipe.md": "a named pipe",
        "link.md": "a link to gone, where nothing is",
        "socket.md": "a socket",
    }
    assert patterns.irregular(tree) == "a folder"
    assert patterns.matches("link.md") == [Path("link.md")]
    assert patterns.matches("pipe.md") == [Path("pipe.md")]
    assert patterns.irregular(Path("missing.md")) == "no longer there"


@pytest.mark.parametrize("pattern", ["*.md", "**/*.md", "link.md", "pipe.md"])
@pytest.mark.usefixtures("tree")
def test_a_source_refuses_what_is_no_file_or_lists_it(pattern: str) -> None:
    os.mkfifo("pipe.md")
    Path("link.md").symlink_to("gone")
    with pytest.raises(SourceError, match=r"'s'.*(link\.md is a link to gone|pipe\.md is a named pipe).*on_bad_file"):
        JsonlSource(name="s", paths=(pattern,)).input_files()
    files = JsonlSource(name="s", paths=(pattern, "link.md"), on_bad_file="skip").input_files()
    assert Path("link.md") in files


def test_a_folder_that_cannot_be_listed_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(folder: Path) -> object:
        # Root may list every folder.
        if folder.name == "two":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", refused)
    assert patterns.matches("*/a.md") == [Path("one/a.md")]
    with pytest.raises(SourceError, match=r"one/two: this folder cannot be listed \(Permission denied\)"):
        patterns.matches(f"{tree}/**/*.md")
    with pytest.raises(SourceError, match="'s': one/two"):
        JsonlSource(name="s", paths=("one/**",)).input_files()

"""Source releases: what becomes a document, its kind, address, date and metadata."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from release_archives import MOMENT, write_tar, write_zip

from tamis.errors import SourceError
from tamis.readers import Record, Skip
from tamis.readers.fetch import DOWNLOADS
from tamis.readers.releases import ReleasesSource, requirement_lines

DOCSTRING = "Explain at length what this does, so that the page of the module has something to say. " * 4
MODULE = f'"""{DOCSTRING}"""\nimport os\n\nos.abort()\n'
FILES: dict[str, str | bytes] = {
    "docs/guide.rst": "Guide\n=====\n\nA page of documentation that says something in sentences.\n",
    "docs/sum.rst": "Sums\n====\n\n.. math:: \\sum_i x_i\n\nSo :math:`x` is\n\n:math:`y` and $z$.\n",
    "docs/page.html": "<html><body><nav>menu</nav><main><h1>Head</h1><p>Body text.</p></main></body></html>",
    "docs/conf.bin": b"\x00\x01",
    "docs/picture.png": b"\x89PNG",
    "small/__init__.py": "",
    "small/core.py": MODULE,
    "small/latin.py": "# -*- coding: latin-1 -*-\nname = 'caf\xe9'\n".encode("latin-1"),
    "small/bomb.py": b"# -*- coding: zlib -*-\nx = 1\n",
    "small/broken.py": "def f(:\n",
    "small/locale/de/LC_MESSAGES/x.po": 'msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Yes"\nmsgstr "Ja"\n',
    "LICENSE": "Permission is hereby granted.\n",
    "licenses/other.txt": "Redistribution and use in source and binary forms.\n",
    "AUTHORS": "Anne <anne@example.org>\nBert <bert@example.org>\nCem <cem@example.org>\nDia <dia@x.org>\nEli <eli@x.org>\n",
    "bad.txt": b"caf\xe9",
    "white.txt": "  \n",
    "small.egg-info/SOURCES.txt": "LICENSE\n",
}


def release(path: Path, **options: object) -> ReleasesSource:
    return ReleasesSource(name="small", paths=(str(path),), **options)


def items(path: Path, **options: object) -> list[Record | Skip]:
    return list(release(path, **options).read(path))


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Path:
    return write_tar(tmp_path / "whatever.tar.gz", FILES)


def records(archive: Path, **options: object) -> dict[tuple[str, str], Record]:
    found = [item for item in items(archive, **options) if isinstance(item, Record)]
    return {(item.metadata["path"], item.metadata["part"]): item for item in found}


def test_documents_kinds_and_parts(archive: Path) -> None:
    kinds = {key: record.kind for key, record in records(archive).items()}
    assert kinds == {
        ("docs/guide.rst", "page"): "prose",
        ("docs/sum.rst", "page"): "maths",
        ("docs/page.html", "page"): "prose",
        ("small/core.py", "source"): "code",
        ("small/core.py", "docstrings"): "prose",
        ("small/latin.py", "source"): "code",
        ("small/broken.py", "source"): "code",
        ("small/locale/de/LC_MESSAGES/x.po", "catalogue"): "catalogue",
        ("LICENSE", "licence"): "licence",
        ("licenses/other.txt", "licence"): "licence",
        ("AUTHORS", "page"): "catalogue",
    }


def test_what_cannot_be_read_is_listed(archive: Path) -> None:
    skips = [item for item in items(archive) if isinstance(item, Skip)]
    assert sorted((item.reason, item.detail.split(":")[0]) for item in skips) == [
        ("empty_text", "white.txt"),
        ("invalid_utf8", "bad.txt"),
        ("invalid_utf8", "small/bomb.py"),
    ]
    assert all(item.path == str(archive) and item.record > 0 for item in skips)


def test_a_document_says_where_it_is_from(archive: Path) -> None:
    record = records(archive)["small/locale/de/LC_MESSAGES/x.po", "catalogue"]
    assert record.text == "Ja\n"
    assert record.url == "pkg:pypi/small-thing@1.0#small/locale/de/LC_MESSAGES/x.po"
    assert record.date == datetime.fromtimestamp(MOMENT, tz=UTC)
    assert record.metadata == {
        "project": "small-thing",
        "release": "1.0",
        "path": "small/locale/de/LC_MESSAGES/x.po",
        "part": "catalogue",
        "licence": "MIT License",
        "language": "de",
        "messages": 1,
    }


def test_html_gives_its_text(archive: Path) -> None:
    assert records(archive)["docs/page.html", "page"].text == "Head\n\nBody text.\n"


def test_pages_of_the_web_go_through_extraction(tmp_path: Path) -> None:
    menu = "".join(f'<li><a href="/{i}">Menu {i}</a></li>' for i in range(30))
    article = "".join(
        f"<p>Sentence {i} of the article says, at some length, what happened there.</p>" for i in range(9)
    )
    html = f"""<html lang="en"><title>What happened</title><link rel="canonical" href="https://news.example/a">
        <ul class="menu">{menu}</ul><article>{article}</article></html>"""
    files = {"tests/a.html": html, "tests/b.html": html.replace("https://", "no:"), "tests/none.html": "<p></p>"}
    archive = write_tar(tmp_path / "whatever.tar.gz", files)
    first, second, skip = items(archive, extraction={})
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.url, second.url) == ("https://news.example/a", "pkg:pypi/small-thing@1.0#tests/b.html")
    assert "Sentence 8" in first.text
    assert "Menu" not in first.text
    # Neither the day nor the licence of the release is that of a page.
    assert (first.date, first.metadata["licence"], first.kind) == (None, None, "prose")
    assert (first.metadata["part"], first.metadata["title"], first.metadata["html_lang"]) == (
        "web",
        "What happened",
        "en",
    )
    assert isinstance(skip, Skip)
    assert (skip.reason, skip.detail.split(":")[0]) == ("no_main_content", "tests/none.html")
    # Without it they are documentation, of the day and under the licence of the release.
    page = next(item for item in items(archive) if isinstance(item, Record))
    assert page.metadata["part"] == "page"
    assert page.metadata["licence"]
    assert page.date


def test_the_docstring_page_has_an_address_of_its_own(archive: Path) -> None:
    found = records(archive)
    assert found["small/core.py", "source"].url == "pkg:pypi/small-thing@1.0#small/core.py"
    page = found["small/core.py", "docstrings"]
    assert page.url == "pkg:pypi/small-thing@1.0?part=docstrings#small/core.py"
    assert page.text.startswith("small.core\n==========\n\nExplain at length")
    assert page.parent == found["small/core.py", "source"].url
    assert [record.parent for record in found.values() if record is not page] == [None] * (len(found) - 1)


def test_without_the_version_two_releases_are_captures_of_one_page(tmp_path: Path) -> None:
    new = {"PKG-INFO": "Name: small_thing\nVersion: 2.0\n", "docs/guide.rst": "A new guide with other words.\n"}
    old = records(write_tar(tmp_path / "old.tar.gz", FILES), version_in_url=False)
    newer = records(write_tar(tmp_path / "new.tar.gz", new), version_in_url=False)
    key = ("docs/guide.rst", "page")
    assert old[key].url == newer[key].url == "pkg:pypi/small-thing#docs/guide.rst"
    assert (old[key].metadata["release"], newer[key].metadata["release"]) == ("1.0", "2.0")


def test_strange_names_are_escaped_in_the_address(tmp_path: Path) -> None:
    (record,) = items(write_tar(tmp_path / "x.tar.gz", {"docs/a b#c?é.txt": "Some words.\n"}))
    assert record.url == "pkg:pypi/small-thing@1.0#docs/a%20b%23c%3F%C3%A9.txt"


def test_zip_and_tar_give_the_same_documents(tmp_path: Path) -> None:
    tar, zipped = write_tar(tmp_path / "a.tar.gz", FILES), write_zip(tmp_path / "a.zip", FILES)
    assert records(tar).keys() == records(zipped).keys()
    for key, record in records(tar).items():
        other = records(zipped)[key]
        assert (record.text, record.url, record.date, record.metadata) == (
            other.text, other.url, other.date, other.metadata,
        )  # fmt: skip


def test_the_order_of_the_members_does_not_matter(tmp_path: Path) -> None:
    one = write_tar(tmp_path / "a.tar.gz", FILES)
    first = items(one)
    assert first == items(one)
    backwards = dict(reversed(list(FILES.items())))
    two = write_tar(tmp_path / "b.tar.gz", backwards)
    two.replace(one)
    assert items(one) == first


def test_parts_include_and_exclude_choose(archive: Path) -> None:
    assert {part for _, part in records(archive, parts=("docstrings",))} == {"docstrings"}
    assert {part for _, part in records(archive, parts=("code", "licences"))} == {"source", "licence"}
    chosen = records(archive, include=("docs/*", "LIC*"), exclude=("*.html",))
    assert sorted(path for path, _ in chosen) == ["LICENSE", "docs/guide.rst", "docs/sum.rst"]


def test_a_release_without_pkg_info_is_named_by_its_file(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "Other.Name-2.5.tar.gz", {"PKG-INFO": "", "a.txt": "Some words.\n"})
    assert items(path)[0].url == "pkg:pypi/other-name@2.5#a.txt"
    path.rename(tmp_path / "unnamed")
    with pytest.raises(SourceError, match="PKG-INFO"):
        items(tmp_path / "unnamed")


def test_limits_of_the_section_are_applied(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar.gz", {"a.txt": "word " * 1000})
    (skip,) = items(path, max_document_bytes=4999)
    assert (skip.reason, skip.record) == ("too_large", 2)
    with pytest.raises(SourceError, match="max_archive_bytes"):
        items(path, max_archive_bytes=3000)


@pytest.fixture(name="pinned")
def _pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ReleasesSource, Path]:
    """A source with one pinned release, which lies where the workflow fetches it to."""
    monkeypatch.chdir(tmp_path)
    Path(DOWNLOADS).mkdir()
    path = write_tar(Path(DOWNLOADS) / "small-thing-1.0.sdist", FILES)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = ["# comment", "", f"Small.Thing==1.0 --hash=sha256:{digest}  # why", f"other==3 --hash=sha256:{'0' * 64}"]
    Path("pins.txt").write_text("\n".join(lines))
    return ReleasesSource(name="small", requirements="pins.txt", projects=("small_thing",)), path


def test_a_pinned_release_is_found_by_name_and_checked(pinned: tuple[ReleasesSource, Path]) -> None:
    source, path = pinned
    assert source.input_files() == [path]
    assert sum(isinstance(item, Record) for item in source.read(path)) == 11
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(SourceError, match="expected sha256"):
        list(source.read(path))
    path.unlink()
    assert source.input_files() == [path], "its name is known before it is fetched"
    with pytest.raises(SourceError, match="cannot be read"):
        list(source.read(path))


def test_the_lines_to_fetch_are_those_of_the_named_projects(pinned: tuple[ReleasesSource, Path]) -> None:
    source, path = pinned
    assert list(requirement_lines([source])) == [path.name]
    everything = ReleasesSource(name="all", requirements="pins.txt")
    assert list(requirement_lines([source, everything])) == [path.name, "other-3.sdist"] or sorted(
        requirement_lines([source, everything])
    ) == ["other-3.sdist", path.name]
    Path("more.txt").write_text(f"small-thing==1.0 --hash=sha256:{'1' * 64}\n")
    with pytest.raises(SourceError, match="pinned to two hashes"):
        requirement_lines([source, ReleasesSource(name="more", requirements="more.txt")])


@pytest.mark.parametrize(
    "line",
    ["small-thing", "small-thing==1.0", "small-thing>=1.0 --hash=sha256:" + "0" * 64, "-r other.txt",
     "small==1 --hash=sha256:" + "0" * 63, "../x==1 --hash=sha256:" + "0" * 64,
     "a==1 --hash=sha256:" + "0" * 64 + "\na==1 --hash=sha256:" + "0" * 64],
)  # fmt: skip
def test_a_requirements_file_that_pins_nothing_is_an_error_that_says_where(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pins.txt").write_text(line)
    with pytest.raises(SourceError, match=r"pins\.txt"):
        ReleasesSource(name="s", requirements="pins.txt").input_files()


def test_a_project_that_is_not_pinned_and_a_missing_file_are_errors(
    pinned: tuple[ReleasesSource, Path], tmp_path: Path
) -> None:
    del pinned
    with pytest.raises(SourceError, match="no release of absent"):
        ReleasesSource(name="s", requirements="pins.txt", projects=("absent",)).input_files()
    with pytest.raises(SourceError, match=r"none\.txt"):
        ReleasesSource(name="s", requirements=str(tmp_path / "none.txt")).input_files()

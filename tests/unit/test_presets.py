"""`tamis init`: what it writes, for whom, and what it refuses."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import web_archives as made

from tamis import cli, config, config_files, presets
from tamis.presets import FOLDER, PRESETS


@pytest.fixture(name="folder", autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawl").mkdir()
    for number in range(3):
        row = {"content": "A text.", "link": f"http://x/{number}", "timestamp": "2020-01-01"}
        (tmp_path / "crawl" / f"{number}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return tmp_path


def init(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["init", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def written(path: str) -> Any:
    return config.load(config_files.read(Path(path)))


def thresholds(value: Any) -> dict[str, Any]:
    """Every number of a section by its key."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= {f"{key}.{name}": other for name, other in thresholds(item).items()} if isinstance(item, dict) else {}
        if item is None or isinstance(item, int | float):
            found[key] = item
    return found


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("strictness", ["strict", "loose"])
def test_every_preset_stands_alone_with_a_source_only(
    preset: str, strictness: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = init(capsys, preset, "--source", "crawl/*.jsonl", "--strictness", strictness)
    assert code == 0
    assert f"tamis run --configfile {preset}.yaml" in out.splitlines()[-1]
    assert "3 files of jsonl, text_field content, url_field link, date_field timestamp" in out
    values = written(f"{preset}.yaml")
    (source,) = values.sources
    assert (source.name, source.paths) == ("crawl", ("crawl/*.jsonl",))
    assert (source.text_field, source.url_field, source.date_field) == ("content", "link", "timestamp")
    assert source.kind == ("code" if preset == "code" else "prose")
    # Nothing that needs labels or a model file, and an export at the end.
    assert not {"fasttext_quality", "transformer_quality", "domains"} & set(values.pipeline)
    assert values.language_id.model is None
    assert values.mixtures
    assert values.export.formats
    assert values.output_dir == f"results_{preset}"


@pytest.mark.parametrize("preset", PRESETS)
def test_loose_never_asks_more_than_strict(preset: str, capsys: pytest.CaptureFixture[str]) -> None:
    for strictness in ("strict", "loose"):
        init(capsys, preset, "--source", "crawl/*.jsonl", "--strictness", strictness, "-o", f"{strictness}.yaml")
    strict, loose = (thresholds(config_files.read(Path(f"{name}.yaml"))["heuristics"]) for name in ("strict", "loose"))
    assert strict.keys() == loose.keys()
    different = {key for key in strict if strict[key] != loose[key]}
    assert different
    for key in different:
        small, large = strict[key], loose[key]
        assert large is None or (large < small) == (".min_" in key), key


@pytest.mark.parametrize("preset", PRESETS)
def test_every_key_has_a_comment_and_no_line_is_wider_than_the_code(preset: str) -> None:
    above = ""
    commented = False
    for line in (FOLDER / f"{preset}.yaml").read_text(encoding="utf-8").splitlines():
        assert len(line) <= 122
        if not line.strip():
            commented = False
        elif line.lstrip().startswith("#"):
            commented = True
        elif re.match(r" {4}\w+: [^{]", line) and "sources" not in above:
            # A threshold: it, or the one above it in a row of the same measure, is explained.
            assert commented, line
        if re.match(r"\w+:", line):
            above = line


def test_preset_files_are_configurations_themselves() -> None:
    for preset in PRESETS:
        config.load(config_files.read(FOLDER / f"{preset}.yaml"))


def test_parquet_columns_and_several_sources(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pq.write_table(pa.table({"text": ["x"], "url": ["http://x"], "date": ["2020"]}), folder / "b.parquet")
    (folder / "notes").mkdir()
    (folder / "notes" / "a b.md").write_text("Text.", encoding="utf-8")
    code, out, _ = init(
        capsys, "prose", "--source", "b.parquet", "--source", "notes/**", "--source", "crawl/0.jsonl", "crawl/1.jsonl"
    )
    assert code == 0
    assert "b: 1 file of parquet\n" in out
    columns, notes, lines = written("prose.yaml").sources
    assert (columns.name, columns.format, columns.url_column, columns.date_column) == ("b", "parquet", "url", "date")
    assert (notes.name, notes.format) == ("notes", "text")
    assert (lines.name, lines.paths) == ("crawl", ("crawl/0.jsonl", "crawl/1.jsonl"))


def test_tables_have_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.tsv").write_text('link\tbody\tyear\nhttp://x/1\t"A text,\nof two lines."\t2020\n', encoding="utf-8")
    (folder / "b.csv").write_text("text,n\nA text.,1\n", encoding="utf-8")
    code, out, _ = init(capsys, "web", "--source", "a.tsv", "--source", "b.csv")
    assert code == 0
    assert "a: 1 file of csv, text_column body, url_column link, no date\n" in out
    first, second = written("web.yaml").sources
    assert (first.format, first.text_column, first.url_column) == ("csv", "body", "link")
    assert (second.format, second.text_column, second.url_column) == ("csv", "text", "url")
    code, _, error = init(capsys, "web", "--source", "b.csv", "--text", "body", "--output", "c.yaml")
    assert code != 0
    assert "no such column. It has text, n" in error


def test_web_archives(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        (folder / "crawl" / f"{number}.warc.gz").write_bytes(made.gz([made.warcinfo(), made.response(number)]))
    code, out, _ = init(capsys, "web", "--source", "crawl/*.warc.gz")
    assert code == 0
    assert "crawl: 2 files of warc\n" in out
    (source,) = written("web.yaml").sources
    assert (source.name, source.format, source.paths, source.kind) == ("crawl", "warc", ("crawl/*.warc.gz",), "prose")
    code, _, error = init(capsys, "web", "--source", "crawl/*.warc.gz", "--text", "body", "--output", "b.yaml")
    assert code != 0
    assert "web archives have no fields" in error
    # Beside files of text they want a source of their own.
    (folder / "crawl" / "read.txt").write_text("Text.", encoding="utf-8")
    code, _, error = init(capsys, "web", "--source", "crawl/*.txt", "crawl/*.warc.gz", "--output", "b.yaml")
    assert code != 0
    assert "of several formats" in error


def test_folders_of_html_become_a_source_that_extracts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pages/a.html", "pages/deep/b.html", "pages/deep/c.htm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("<!DOCTYPE html><title>A page</title><p>Text.", encoding="utf-8")
    code, out, _ = init(capsys, "web", "--source", "pages/**/*.html")
    assert code == 0
    assert "pages: 2 files of html\n" in out
    (source,) = written("web.yaml").sources
    assert (source.format, source.paths, source.kind) == ("html", ("pages/**/*.html",), "prose")
    assert source.extraction.extractor == "cascade"
    # Its markup stays where the user says so.
    code, _, _ = init(capsys, "web", "--source", "pages/**/*.htm*", "--format", "text", "--output", "text.yaml")
    assert code == 0
    assert written("text.yaml").sources[0].format == "text"


def test_shards_follow_the_bytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(capsys, "prose", "--source", "crawl/*.jsonl")
    assert written("prose.yaml").shards == 2
    with (folder / "crawl" / "3.jsonl").open("wb") as file:
        file.write(b'{"content": "x", "link": "y", "timestamp": 0}\n')
        file.truncate(2_000_000_000)
    init(capsys, "prose", "--source", "crawl/*.jsonl", "--output", "large.yaml")
    assert written("large.yaml").shards == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "nothing/*.jsonl"], "nothing/*.jsonl matches no file"),
        (["--source", "crawl"], "crawl is a folder; name its files, for example 'crawl/**'"),
        (["--source", "crawl/*.jsonl", "--text", "body"], "has no such field. It has content, link, timestamp"),
        (["--source", "odd.jsonl"], "no field is named text; say --text NAME. It has a, b"),
        (
            ["--source", "crawl/*.jsonl", "odd.jsonl"],
            "the field content is only in 3 of the 4 files that were looked at; what all have: none",
        ),
        (
            ["--source", "nested.jsonl"],
            "the text stands inside data (data.body), and a field of its own is read; `jq -c",
        ),
        (["--source", "nested.parquet"], "DuckDB's COPY writes it there, from nested.parquet with `data.text AS text`"),
        (["--source", "*.csv"], "2 files that were looked at have no column in common (Text in 1, body in 1)"),
        (["--source", "there.md", "--text", "body"], "files of text and HTML have no fields"),
        (["--source", "there.md", "--output", "there.md"], "exists, and is not written over"),
        (["--source", "br{ace}.md"], "braces"),
    ],
)
def test_refusals_say_what_to_do(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "odd.jsonl").write_text('{"a": 1, "b": 2}\n', encoding="utf-8")
    (folder / "there.md").write_text("Text.", encoding="utf-8")
    (folder / "br{ace}.md").write_text("Text.", encoding="utf-8")
    (folder / "nested.jsonl").write_text('{"id": {"n": 1}, "data": {"body": "A text."}}\n', encoding="utf-8")
    pq.write_table(pa.Table.from_pylist([{"id": 1, "data": {"text": "A text."}}]), folder / "nested.parquet")
    (folder / "one.csv").write_text("Text\nA\n", encoding="utf-8")
    (folder / "two.csv").write_text("body\nA\n", encoding="utf-8")
    code, _, err = init(capsys, "prose", *arguments)
    assert code == 1
    assert message in err
    assert not (folder / "prose.yaml").exists()


def test_urls_that_many_texts_share_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, address in (("shared", "http://x/data.jsonl#L{}"), ("own", "http://x/{}")):
        rows = [{"text": f"Text {n}.", "url": address.format(n)} for n in range(40)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    _, out, _ = init(
        capsys, "web", *(f"--source={name}" for name in ("shared.jsonl", "own.jsonl", "shared.parquet", "own.parquet"))
    )
    assert out.count("null (most are shared)") == 2
    shared, own, shared_columns, own_columns = written("web.yaml").sources
    assert (shared.url_field, own.url_field) == (None, "url")
    assert (shared_columns.url_column, own_columns.url_column) == (None, "url")
    # Among many that are those of single texts, too.
    for number in range(4):
        rows = [{"text": f"Text {n}.", "url": f"http://x/{number}/{n}"} for n in range(40)]
        (folder / f"more{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    init(capsys, "web", "--source", "more*.jsonl", "shared.jsonl", "--output", "among.yaml")
    assert written("among.yaml").sources[0].url_field is None


def test_a_url_or_date_that_only_some_files_have_is_taken_from_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        (folder / "crawl" / f"bare{number}.jsonl").write_text('{"content": "A text."}\n', encoding="utf-8")
        pq.write_table(
            pa.table({"text": ["A text."]} | ({"url": ["http://x/1"]} if number else {})), f"{number}.parquet"
        )
    code, out, _ = init(capsys, "web", "--source", "crawl/*.jsonl", "--source", "*.parquet")
    assert code == 0
    assert "link in 3 of the 5 files that were looked at, timestamp in 3 of the 5 files" in out
    assert "url in 1 of the 2 files that were looked at, no date" in out
    fields, columns = written("web.yaml").sources
    assert (fields.url_field, fields.date_field, columns.url_column) == ("link", "timestamp", "url")
    text = (folder / "web.yaml").read_text(encoding="utf-8")
    assert "# link: in 3 of the 5 files that were looked at; the texts of the others have none." in text
    assert "No url" not in text
    assert "# No date was found in the files." in text


@pytest.mark.parametrize(("texts", "expected"), [(5, None), (15, None), (4, "url")])
def test_a_few_texts_of_one_file_are_not_captures_of_one_page(
    folder: Path, capsys: pytest.CaptureFixture[str], texts: int, expected: str | None
) -> None:
    rows = [{"text": f"Text {n}.", "url": f"http://x/articles.txt#L{n}"} for n in range(texts)]
    (folder / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    init(capsys, "web", "--source=few.jsonl")
    assert written("web.yaml").sources[0].url_field == expected


def test_odd_names_survive_the_way_into_yaml(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "Über \"quoted\": #1 'text'.md"
    (folder / name).write_text("Text.", encoding="utf-8")
    assert init(capsys, "prose", "--source", name, "-o", "my own.yaml")[0] == 0
    values = written("my own.yaml")
    assert values.sources[0].paths == (name,)
    assert values.output_dir == "results_my_own"


def test_a_folder_of_programs_leaves_out_what_is_no_text_and_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "src" / "deep").mkdir(parents=True)
    for name, data in {
        "a.py": b"x = 1\n",
        "deep/b.py": b"",
        "README.md": b"# One\n",
        "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(9),
        "deep/page.html": b"<html>",
        "package.json": b'{\n "a": 1}',
    }.items():
        (folder / "src" / name).write_bytes(data)
    code, out, _ = init(capsys, "code", "--source", "src/**")
    assert code == 0
    assert "src: 3 files of text\n" in out
    assert "left out: 1 .html (HTML), 1 .json (JSON), 1 .png (a PNG picture)" in out
    (source,) = written("code.yaml").sources
    assert (source.name, source.paths) == ("src", ("src/**/*.md", "src/**/*.py"))
    assert "    # Left out: 1 .html (HTML)" in Path("code.yaml").read_text(encoding="utf-8")
    assert source.on_bad_file == "fail"
    (folder / "src" / "wide.py").write_bytes("x = 1".encode("utf-16"))
    code, out, _ = init(capsys, "code", "--source", "src/**", "-o", "odd.yaml")
    assert code == 0
    assert "skipped and listed: src/wide.py (text in UTF-16)" in out
    assert written("odd.yaml").sources[0].on_bad_file == "skip"
    (folder / "src" / "wide.py").unlink()
    code, out, _ = init(capsys, "code", "--source", "src/**", "--format", "text", "-o", "all.yaml")
    assert code == 0
    assert "src: 5 files of text" in out
    # Of other presets records want a source of their own.
    code, _, err = init(capsys, "prose", "--source", "src/**")
    assert code == 1
    assert "logo.png: is a PNG picture" in err
    # Without records a folder of notes is taken, too.
    (folder / "src" / "package.json").unlink()
    code, out, _ = init(capsys, "prose", "--source", "src/**")
    assert code == 0
    assert "left out: 1 .html (HTML), 1 .png (a PNG picture)" in out


@pytest.mark.parametrize("preset", PRESETS)
def test_the_first_quality_stage_that_a_preset_names_is_the_one_for_few_labels(folder: Path, preset: str) -> None:
    text = (FOLDER / f"{preset}.yaml").read_text(encoding="utf-8")
    assert re.search(r"  - heuristics\n(?:  # .*\n)+?  # - (\w+)\n", text)[1] == "linear_quality"
    (folder / "liked").mkdir()
    for number in range(40):
        suffix = "py" if preset == "code" else "txt"
        (folder / "liked" / f"{number}.{suffix}").write_text(f"A text that somebody likes, {number}.", encoding="utf-8")
    # As a user does who follows the comments.
    text = text.replace("  # - linear_quality\n", "  - linear_quality\n")
    text, found = re.subn(r"^# (linear_quality:)\n# (  labels: .*)$", r"\1\n\2", text, flags=re.MULTILINE)
    assert found == 1
    values = config.load(config_files.parse(text, Path("own.yaml")))
    # After it only what looks at what is left: a classifier is to see texts as they were.
    assert values.pipeline[-2:] == ("linear_quality", "privacy")
    values.linear_quality.check_files("linear_quality")


def test_papers_in_latex_are_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paper = b"\\documentclass{article}\\begin{document}Words.\\end{document}"
    (tmp_path / "papers" / "one").mkdir(parents=True)
    (tmp_path / "papers" / "one" / "main.tex").write_bytes(paper)
    (tmp_path / "2101.00001.gz").write_bytes(gzip.compress(paper))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(tmp_path / "papers" / "one", "x")
    (tmp_path / "2101.00002.tar.gz").write_bytes(buffer.getvalue())
    for source in (["papers"], ["2101.00001.gz"], ["2101.*"], ["papers/one/*.tex"]):
        found = presets.look(source, [], None, None)
        assert (found.format, found.files) == ("latex", 2 if source == ["2101.*"] else 1)
    path, _ = presets.write("prose", [["2101.*"]])
    section = config.load(config_files.parse(path.read_text(), path)).sources[0]
    assert (section.format, section.kind) == ("latex", "auto")


def test_parallel_corpora_and_pdfs_are_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, data in {
        "x.de": b"Eins.\n", "x.en": b"One.\n", "de-en.tsv.gz": gzip.compress(b"Eins.\tOne.\n"), "a.pdf": b"%PDF-1.4\n",
        "notes.txt": b"Words.\n", "a-b.txt": b"Words\tand words.\n",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
    for source, expected in (
        (["x.*"], "parallel"),
        (["de-en.tsv.gz"], "parallel"),
        (["*.pdf"], "pdf"),
        (["*.txt"], "text"),
    ):
        assert presets.look(source, [], None, None).format == expected
    path, _ = presets.write("multilingual", [["x.*"], ["*.pdf"]])
    first, second = config.load(config_files.parse(path.read_text(), path)).sources
    assert (first.format, first.lines, first.kind, second.format) == ("parallel", 20, "prose", "pdf")


@pytest.mark.parametrize("name", ["2024", "on", "1e5"])
def test_a_folder_whose_name_yaml_takes_for_something_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.jsonl").write_text('{"text": "one"}\n', encoding="utf-8")
    path, _ = presets.write("prose", [[f"{name}/*.jsonl"]])
    assert written(path).sources[0].name == name

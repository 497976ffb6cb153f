"""Folders and files of any name: they reach every job as they are, and nothing in them is executed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

import finished
import pytest
from running import bytes_of, changed, environment, run_workflow

pytestmark = pytest.mark.workflow

ODD = (
    """two  words, 'single' "double"; $(touch executed) `touch executed` | > < & # ! ~ * [1] %s ü Ωμέγα 日本語 مرحبا"""
)


def ask(folder, *arguments):
    """What `tamis` answers."""
    done = subprocess.run(
        [sys.executable, "-m", "tamis.cli", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def assert_nothing_ran(folder):
    assert not [path for path in folder.rglob("*") if path.name.startswith("executed")]


def test_odd_names_of_folders_and_files_change_no_result(full, make_folder, config, corpus):
    folder = make_folder("odd")
    odd = folder / ODD
    odd.mkdir()
    for number, path in enumerate(sorted(corpus.glob("web/*.zst"))):
        shutil.copy(path, odd / f"{number} {ODD}.jsonl.zst")
    shutil.copy(corpus / "papers.parquet", odd / f"{ODD} \\ ?.parquet")
    shutil.copy(corpus / "labels" / "quality.jsonl", odd / "labels.jsonl")
    (odd / "backbone").symlink_to(corpus / "backbone")
    # With another number of shards: the bytes that users receive are the same.
    named = changed(
        config,
        shards=2,
        output_dir=f"{ODD}/results",
        transformer_quality__backbone__name=f"{ODD}/backbone",
    )
    # A star or a bracket may be part of a name: each file is given by its whole name, which exists.
    named["sources"][0]["paths"] = [str(path.relative_to(folder)) for path in sorted(odd.glob("*.zst"))]
    named["sources"][2]["paths"] = [f"{ODD}/{ODD} \\ ?.parquet"]
    named["fasttext_quality"]["labels"]["files"][0]["path"] = f"{ODD}/labels.jsonl"
    run_workflow(folder, named)
    assert_nothing_ran(folder)

    sets = ("validation", "annealing", "mixtures", "export")
    expected = bytes_of(full / "results", *sets)
    assert len([name for name in expected if name.endswith(".parquet")]) > 10
    assert bytes_of(odd / "results", *sets) == expected
    for stage in config["pipeline"]:
        found, whole = (
            finished.table(results / stage / "documents") for results in (odd / "results", full / "results")
        )
        assert found.sort_by("id").equals(whole.sort_by("id")), stage

    results = ("--results", f"{ODD}/results")
    waterfall = ask(folder, "waterfall", *results)
    # Up to where the report lies; how much crosses from shard to shard depends on how many there are.
    told, expected_lines = (text.split("Report: ")[0].splitlines() for text in (waterfall, ask(full, "waterfall")))
    crossing = [at for at, line in enumerate(told) if "crossing" in line]
    assert len(crossing) == 1
    assert len(told) == len(expected_lines)
    assert all(
        line == other for at, (line, other) in enumerate(zip(told, expected_lines, strict=True)) if at not in crossing
    )
    # A command to be copied: a shell must read it as one word.
    advice = waterfall.rpartition("Ask about a document: ")[2]
    assert shlex.split(advice)[2:] == [*results, "ID_OR_URL"]
    dropped = finished.rows(odd / "results" / "minhash_dedup" / "dropped")[0]
    assert dropped["matched_id"] in ask(folder, "why", *results, dropped["id"])
    counted = ask(folder, "sql", *results, "SELECT count(*) AS documents FROM dropped WHERE stage = 'minhash_dedup'")
    assert str(finished.table(odd / "results" / "minhash_dedup" / "dropped").num_rows) in counted.split()
    assert_nothing_ran(folder)


def test_each_file_of_an_odd_name_is_read(make_folder):
    folder = make_folder("files")
    (folder / "notes").mkdir()
    names = [
        ODD,
        f"{ODD} \\",
        "-n",
        "--params=x",
        "a=b",
        " leading and trailing ",
        "tab\there",
        "$HOME",
        "%(name)s",
        "'",
        '"',
        "\\",
    ]
    texts = {f"{name}.md": f"# Number {number}\n\nOnly here.\n" for number, name in enumerate(names)}
    for name, text in texts.items():
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    small = {"sources": [{"name": "notes", "format": "text", "paths": ["notes/*"]}], "pipeline": ["url_dedup"]}
    run_workflow(folder, small | {"output_dir": "-my results"}, "url_dedup")
    documents = finished.rows(folder / "-my results" / "url_dedup" / "documents")
    assert sorted(row["text"].strip() for row in documents) == sorted(text.strip() for text in texts.values())
    assert_nothing_ran(folder)


@pytest.mark.parametrize("character", ["{", "}", "\n", "\r"])
def test_what_no_path_of_the_workflow_can_hold_is_refused_and_the_key_named(make_folder, config, character):
    folder = make_folder("refused")
    path = f"a{character}b"
    (folder / f"{path}.jsonl").write_text('{"text": "one"}\n', encoding="utf-8")
    named = changed(
        config,
        output_dir=path,
        language_id__model=path,
        tokenizer__file=path,
        remove__urls=["list", path],
        minhash_dedup__against=[path],
        transformer_quality__backbone__name=path,
        domains__labels__files=[{"path": path}],
    )
    output = run_workflow(folder, named, "--dry-run", fails=True)
    assert "Traceback" not in output
    for key in (
        "output_dir",
        "language_id.model",
        "tokenizer.file",
        "remove.urls[1]",
        "minhash_dedup.against[0]",
        "transformer_quality.backbone.name",
        "domains.labels.files[0].path",
    ):
        assert f"{key}: {path!r} holds {character!r}" in output, output
    named = changed(config)
    named["sources"][1]["paths"] = ["corpus/archive.jsonl.gz", "a*.jsonl"]
    output = run_workflow(folder, named, "--dry-run", fails=True)
    assert "Traceback" not in output
    assert f"sources[1].paths (archive): {path + '.jsonl'!r} holds {character!r}" in output, output


@pytest.mark.parametrize("character", ["\\", "?"])
def test_a_results_folder_that_could_not_be_questioned_is_refused(make_folder, config, character):
    folder = f"a{character}b"
    output = run_workflow(make_folder("questions"), changed(config, output_dir=folder), "--dry-run", fails=True)
    assert f"output_dir: {folder!r} holds {character!r}" in output


def test_braces_of_a_pattern_are_no_wildcards(make_folder, config):
    named = changed(config)
    named["transformer_quality"]["labels"]["good"][0]["density"].append({"pattern": r"\b\w{4}\b {name}", "below": 50})
    output = run_workflow(make_folder("pattern"), named, "--dry-run", "--printshellcmds")
    assert r"\\b\\w{4}\\b {name}" in output

"""A results folder against its manifest: what is named, what is taken away, and the codes that scripts see."""

from __future__ import annotations

import os
import shutil

import pytest
from fake_results import make_results

from tamis import cli
from tamis.shards import read_json, write_json
from tamis.verify import DIFFERENT, broken, quick_look, verify

PLAN = "mixtures/main/plan.parquet"
TABLE = "minhash_dedup/dropped/part-00001.parquet"


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify") / "results"
    make_results(folder)
    return folder


@pytest.fixture(name="folder")
def _folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "results")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def faults(folder, **how):
    return {fault.path: (fault.what.partition(":")[0], fault.job) for fault in verify(folder, **how).faults}


def test_a_whole_folder_wherever_it_lies(folder, capsys):
    seen = []
    verdict = verify(folder, progress=lambda done, total: seen.append((done, total)))
    assert (verdict.faults, verdict.remarks) == ([], [])
    assert seen[-1][0] == seen[-1][1] > 0
    assert cli.main(["verify", "--results", str(folder)]) == 0
    assert "all are as it says" in capsys.readouterr().out


def test_every_kind_of_fault_is_named_with_its_job(folder, capsys):
    (folder / TABLE).unlink()
    flip(folder / PLAN)
    (folder / "stats.parquet").write_bytes((folder / "stats.parquet").read_bytes()[:-9])
    (folder / "mixtures/main/documents/part-00007.parquet").write_text("left over")
    (folder / "report/waterfall.svg").write_text("<svg")
    flip(folder / "report/index.html")
    flip(folder / "tamis.duckdb")
    (folder / "report/alarms.json").write_text("[]")
    found = faults(folder)
    assert found == {
        TABLE: ("missing", "minhash_dedup shard=00001"),
        PLAN: ("differs", "write subset=mixtures/main"),
        "stats.parquet": ("differs", "report_stats"),
        "mixtures/main/documents/part-00007.parquet": ("added", ""),
        "report/waterfall.svg": ("differs", "report_page"),
        "report/index.html": ("differs", "report_page"),
        "report/alarms.json": ("differs", "report_page"),
        "tamis.duckdb": ("differs", "report_page"),
    }
    assert set(faults(folder, fast=True)) >= set(found) - {PLAN, "report/index.html", "tamis.duckdb"}
    assert cli.main(["verify", "--results", str(folder)]) == DIFFERENT
    out = capsys.readouterr().out
    assert f"{TABLE}: missing (made by minhash_dedup shard=00001)" in out
    assert "1 missing, 6 different, 1 added" in out
    assert "`tamis verify --repair`" in out.splitlines()[-1]


def test_repair_takes_away_what_is_damaged_and_nothing_else(folder, capsys):
    flip(folder / PLAN)
    added = folder / "mixtures/main/mine.txt"
    added.write_text("mine")
    assert cli.main(["verify", "--repair", "--results", str(folder)]) == DIFFERENT
    assert f"taken away: {PLAN}" in capsys.readouterr().out
    assert not (folder / PLAN).exists()
    assert added.exists()
    assert faults(folder)[PLAN][0] == "missing"


@pytest.mark.parametrize("damage", ["missing", "no JSON", "{}", "[]"])
def test_without_a_manifest_there_is_one_clear_line(folder, damage, capsys):
    if damage == "missing":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text(damage)
    assert cli.main(["verify", "--results", str(folder)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "manifest.json" in line
    assert "run" in line


def test_the_manifest_of_an_earlier_configuration_is_said_to_be(folder):
    value = read_json(folder / "layout.json")
    write_json(folder / "layout.json", value | {"mixtures": []})
    (remark,) = verify(folder).remarks
    assert "earlier run" in remark


@pytest.mark.parametrize(
    ("name", "content", "whole"),
    [
        ("a.parquet", b"PAR1 PAR1", True),
        ("a.parquet", b"PAR1 PAR", False),
        ("a.json", b'{"a": 1}\n', True),
        ("a.json", b"[1]\n", True),
        ("a.json", b'{"a": ', False),
        ("a.md", b"", False),
        ("a.md", b"text", True),
        ("a.duckdb", b"x" * 5000, False),
        ("model", b"anything", True),
    ],
)
def test_ends_of_files(tmp_path, name, content, whole):
    (tmp_path / name).write_bytes(content)
    assert (broken(tmp_path / name) is None) == whole


def test_the_quick_look_takes_away_what_was_cut_short_and_leaves_what_a_later_run_has_made(folder):
    assert quick_look(folder) == []
    os.truncate(folder / TABLE, 50)
    (folder / "export/main/data/train-00000.parquet").write_bytes(b"")
    (folder / "manifest.json").touch()
    # Written by a run that was killed before its manifest: whole, and of another size.
    later = folder / "stats.parquet"
    later.write_bytes((folder / PLAN).read_bytes())
    os.utime(later, ns=(10**19 // 4, 10**19 // 4))
    sentences = quick_look(folder)
    assert len(sentences) == 2
    assert not (folder / TABLE).exists()
    assert not (folder / "export/main/data/train-00000.parquet").exists()
    assert later.exists()


def test_a_file_older_than_the_manifest_must_have_the_size_it_had(folder):
    path = folder / "heuristics/card.json"
    path.write_text('{"metrics": {}}\n')
    os.utime(path, (1, 1))
    (sentence,) = quick_look(folder)
    assert "card.json" in sentence
    assert not path.exists()


def test_a_damaged_manifest_is_made_again(folder):
    (folder / "manifest.json").write_text("{")
    (sentence,) = quick_look(folder)
    assert "manifest.json: damaged" in sentence
    assert not (folder / "manifest.json").exists()

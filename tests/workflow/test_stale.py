"""Folders hold what this run made and nothing else, and what is lost or damaged is made again, to the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import finished
import pytest
import yaml
from running import ROOT, bytes_of, changed, environment, planned, run_workflow

from tamis.config import load
from tamis.reproduce import configuration, differences, read

pytestmark = pytest.mark.workflow

CONFIG: dict[str, Any] = {
    "shards": 2,
    "sources": [{"name": "own", "format": "jsonl", "paths": ["*.jsonl"]}],
    # A file is a unit.
    "ingest": {"unit_bytes": 1000},
    "pipeline": ["remove", "url_dedup"],
    "tokenizer": {"vocabulary_size": 300},
    "mixtures": {"all": {"files": 3}, "extra": {"files": 1}},
}
SETS = ("mixtures", "export")


@pytest.fixture(scope="module", name="done")
def _done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over three files of 30 documents, each with a line that is none."""
    folder = tmp_path_factory.mktemp("stale")
    for name in "abc":
        rows = [
            {
                "text": f"Document {number} of {name} has some words, {number * 7} of them.",
                "url": f"{name}.org/{number}",
            }
            for number in range(30)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    run_workflow(folder, CONFIG)
    return folder


@pytest.fixture(name="folder")
def _folder(done: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(done, tmp_path / "work"))


def tamis(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `tamis` answers."""
    return subprocess.run(
        [sys.executable, "-m", "tamis.cli", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_leaves_the_configuration_goes_and_comes_back_the_same(folder: Path):
    results = folder / "results"
    before = bytes_of(results, *SETS)
    outside = folder / "outside"
    outside.mkdir()
    (outside / "part-00000.parquet").write_text("theirs")
    (results / "mixtures/all/notes.txt").write_text("mine")
    (results / "mixtures/linked").symlink_to(outside)
    (folder / "c.jsonl").rename(folder / "c.away")

    config = changed(CONFIG, pipeline=["url_dedup"], mixtures={"all": {"files": 2}})
    output = run_workflow(folder, config)
    assert len(list((results / "mixtures/all/documents").iterdir())) == 2
    assert len(finished.rows(results / "export/all/parquet")) == 60
    for name in ("skipped", "map", "read"):
        assert len(list((results / f"ingest/{name}").glob("part-*"))) == 2
    assert not (results / "remove").exists()
    assert {path.name for path in (results / "mixtures").iterdir()} == {"all", "linked"}
    retired = results / "retired"
    assert len(finished.rows(retired / "mixtures/extra/documents")) == 90
    assert (retired / "export/extra/README.md").exists()
    assert len(finished.rows(retired / "remove/documents")) == 90
    assert (results / "mixtures/all/notes.txt").read_text() == "mine"
    assert (outside / "part-00000.parquet").read_text() == "theirs"
    for name in ("mixtures/extra → retired/mixtures/extra", "mixtures/all/documents/part-00002.parquet", "notes.txt"):
        assert name in output
    assert planned(folder, config) == {}

    (folder / "c.away").rename(folder / "c.jsonl")
    (results / "mixtures/all/notes.txt").unlink()
    (results / "mixtures/linked").unlink()
    run_workflow(folder, CONFIG)
    assert bytes_of(results, *SETS) == before
    assert len(finished.rows(results / "remove/documents")) == 90
    assert (retired / "mixtures/extra").exists()
    assert planned(folder, CONFIG) == {}

    assert "mixtures/extra" in tamis(folder, "clean", "--dry-run").stdout
    assert tamis(folder, "clean", "--yes").returncode == 0
    assert not retired.exists()


def test_another_number_of_shards_and_back(folder: Path):
    before = files_below(folder / "results")
    sets = bytes_of(folder / "results", *SETS)
    run_workflow(folder, changed(CONFIG, shards=3), "tokenizer")
    assert len(finished.rows(folder / "results/tokenizer/documents")) == 90
    # Half of a run with more shards, and back: the sweep of one target looks at what that target makes.
    output = run_workflow(folder, CONFIG, "url_dedup")
    assert "url_dedup/documents/part-00002.parquet" in output
    assert not (folder / "results/url_dedup/documents/part-00002.parquet").exists()
    assert (folder / "results/tokenizer/documents/part-00002.parquet").exists()
    run_workflow(folder, CONFIG)
    assert {name for name in files_below(folder / "results") - before if not name.startswith("swept/")} == set()
    assert bytes_of(folder / "results", *SETS) == sets


def test_a_mixture_that_was_begun_and_taken_back_leaves_nothing(folder: Path):
    results = folder / "results"
    before = files_below(results)
    config = changed(CONFIG, mixtures__begun={"files": 1})
    run_workflow(folder, config, "results/sampling/mixtures/begun/select/barrier.json")
    # As a job leaves them that is killed.
    (results / "mixtures/begun/documents").mkdir(parents=True)
    (results / "mixtures/begun/documents/.part-00000.parquet.ab12cd34.tmp").write_text("half")
    run_workflow(folder, CONFIG)
    new = files_below(results) - before
    assert {name.partition("/")[0] for name in new} == {"retired", "swept"}
    assert not (results / "mixtures/begun").exists()
    assert (results / "retired/mixtures/begun/plan.parquet").exists()
    assert planned(folder, CONFIG) == {}


LOST = (
    "mixtures/all/documents/part-00001.parquet", "mixtures/all/plan.parquet", "mixtures/all/stats/part-00000.json",
    "export/all/parquet/part-00000.parquet", "export/all/README.md", "export/extra/export.json", "stats.parquet",
    "notes.parquet", "layout.json", "report/waterfall.svg", "url_dedup/dropped/part-00000.parquet",
    "remove/stats/part-00001.json", "ingest/skipped/part-00001.parquet", "tokenizer/training.json",
)  # fmt: skip


def test_what_is_lost_or_damaged_is_named_and_made_again(folder: Path):
    results = folder / "results"
    assert tamis(folder, "verify").returncode == 0
    before = bytes_of(results, *SETS, "url_dedup", "remove", "ingest", "report")
    before |= {name: (results / name).read_bytes() for name in ("stats.parquet", "notes.parquet", "manifest.json")}
    # Barriers hold the times of files, and no two databases have the same bytes.
    odd = ("barrier.json", "report/database.json")
    before = {name: data for name, data in before.items() if not name.endswith(odd)}
    for name in LOST:
        if name != "layout.json":
            (results / name).unlink()
    flipped = results / "mixtures/extra/documents/part-00000.parquet"
    data = bytearray(flipped.read_bytes())
    data[len(data) // 2] ^= 1
    flipped.write_bytes(data)
    with (results / "tamis.duckdb").open("rb+") as file:
        file.truncate(5000)
    (results / "export/extra/README.md").write_text("")

    fast = tamis(folder, "verify", "--fast")
    assert fast.returncode == 2
    assert "export/extra/README.md: differs" in fast.stdout
    assert "mixtures/extra/documents" not in fast.stdout
    whole = tamis(folder, "verify")
    assert whole.returncode == 2
    assert "url_dedup/dropped/part-00000.parquet: missing (made by url_dedup_apply shard=00000)" in whole.stdout
    assert "part-00000.parquet: differs: sha256" in whole.stdout
    assert "tamis.duckdb: differs" in whole.stdout
    assert tamis(folder, "verify", "--repair").returncode == 2
    assert not flipped.exists()
    (results / "layout.json").unlink()

    # Cut short and emptied while nobody looked: seen when the next run starts.
    with (results / "export/all/parquet/part-00002.parquet").open("rb+") as file:
        file.truncate(100)
    (results / "mixtures/all/summary.json").write_text("")
    profile = ["--snakefile", str(ROOT / "Snakefile"), "--workflow-profile", str(ROOT / "profiles" / "default")]
    done = tamis(folder, "run", *profile, "--configfile", "test.yaml")
    assert done.returncode == 0, done.stderr[-5000:]
    assert "part-00002.parquet: damaged" in done.stderr
    assert "summary.json: damaged (it is empty)" in done.stderr
    assert {name: data for name, data in before.items() if (results / name).read_bytes() != data} == {}
    assert tamis(folder, "verify").returncode == 0
    assert planned(folder, CONFIG) == {}


def test_a_moved_folder_is_verified_and_its_configuration_written_again(done: Path, tmp_path: Path):
    moved = Path(shutil.copytree(done / "results", tmp_path / "moved"))
    assert tamis(tmp_path, "verify", "--results", "moved").returncode == 0
    answer = tamis(done, "reproduce", str(moved / "manifest.json"), "-o", str(tmp_path / "again.yaml"))
    assert answer.returncode == 0
    assert "commit" not in answer.stderr
    manifest = read(moved / "manifest.json")
    text = (tmp_path / "again.yaml").read_text(encoding="utf-8")
    assert text == configuration(manifest)
    assert load(yaml.safe_load(text)) == load(CONFIG)
    assert str(tmp_path) not in (moved / "manifest.json").read_text()
    manifest["lock"] = "0" * 64
    assert any("requirements.lock" in line for line in differences(manifest))

"""`tamis estimate`: two runs over samples of the real input, and what the whole will take, without a trace."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import yaml
from running import ROOT, environment

pytestmark = pytest.mark.workflow


def asked(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "tamis.cli", "estimate", "test.yaml", *arguments],
        cwd=folder,
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_jobs_of_the_whole_run_are_reckoned_and_nothing_is_left(make_folder, small):
    folder = make_folder("estimate")
    files = folder / "input"
    files.mkdir()
    for number in range(6):
        text = "".join(f"Document {number}{row} tells of {row * 17} things and no more.\n\n" for row in range(40))
        (files / f"{number}.txt").write_text(text, encoding="utf-8")
    config = small | {
        "sources": [{"name": "text", "format": "text", "paths": ["input/*.txt"]}],
        "pipeline": ["url_dedup"],
        "shards": 5,
    }
    (folder / "test.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    before = {path.name for path in folder.iterdir()}
    done = asked(folder, "--cores", "2", "--nodes", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 documents" in done.stdout
    assert "6 cores" in done.stdout
    jobs = dict(re.findall(r"^(\w+) +([\d,]+) ", done.stdout, re.MULTILINE))
    # A unit is read, then keys, ranks in one job, and the documents of each shard.
    assert jobs["ingest"] == str(1 + 5 + 1 + 5)
    assert jobs["url_dedup"] == "5"
    assert {path.name for path in folder.iterdir()} - before <= {".snakemake"}


def test_a_wrong_number_and_a_run_that_fails_are_said(make_folder, small):
    folder = make_folder("estimate_wrong")
    (folder / "test.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")
    done = asked(folder, "--sample", "0")
    assert done.returncode == 1
    assert "--sample: must be 1 or more" in done.stderr
    (folder / "corpus").unlink()
    done = asked(folder)
    assert done.returncode == 1
    assert "source 'web': corpus/web/*.jsonl.zst matches no file" in done.stderr
    assert "Traceback" not in done.stderr

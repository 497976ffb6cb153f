"""The workflow files themselves."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from running import ROOT, environment, run_workflow

pytestmark = pytest.mark.workflow


def test_snakemake_finds_nothing_to_complain_about(make_folder, config):
    output = run_workflow(make_folder("lint"), config, "--lint")
    assert "Congratulations" in output


def test_the_files_are_formatted():
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "rules"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_with_an_action_has_what_the_contract_asks():
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for name, body in re.findall(
            r"^(?:rule|localrule) (\w+):\n((?:(?:    .*)?\n)+)", path.read_text(), re.MULTILINE
        ):
            if "shell:" not in body:
                assert "run:" not in body, name
                assert "script:" not in body, name
                continue
            for part in ("log:", "benchmark:", "conda:", "threads:", "resources:", "mem_mb=", "runtime="):
                assert part in body, f"{path.name}: rule {name} lacks {part}"
            params = re.search(r"^    params:\n((?:        .*\n)+)", body, re.MULTILINE)
            if params:
                entries = re.findall(r"^        (\w+)=", params[1], re.MULTILINE)
                assert len(entries) == 1, f"{path.name}: rule {name} has {entries}; Snakemake compares them as a set"


def test_stages_know_nothing_of_snakemake():
    for path in (ROOT / "tamis").rglob("*.py"):
        if path.name not in ("launch.py", "cli.py"):
            assert not re.search(r"^\s*(import|from) snakemake", path.read_text(encoding="utf-8"), re.MULTILINE), path

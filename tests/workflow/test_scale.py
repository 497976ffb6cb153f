"""What a workflow costs before its first job grows with its shards, not with their square; and a quiet dry run is one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

import pytest
import yaml
from running import ROOT, changed, command, environment, planned_jobs, run_workflow

from tamis.barrier import FEW

pytestmark = pytest.mark.workflow


def edges(output):
    """(rule, rule that waits for it) → how many times, from the graph that Snakemake draws."""
    names = dict(re.findall(r'^\t(\d+)\[label = "(\w+)', output, re.MULTILINE))
    return Counter((names[a], names[b]) for a, b in re.findall(r"^\t(\d+) -> (\d+)$", output, re.MULTILINE))


def test_a_crossing_has_twice_as_many_edges_as_shards(make_folder, config):
    folder = make_folder("edges")
    found = []
    for shards in (FEW + 4, FEW + 14, FEW + 24):
        asked = config | {"shards": shards, "partitions": shards, "export": {"shards": 2}}
        found.append((shards, edges(run_workflow(folder, asked, "--dry-run", "--dag"))))
    for shards, graph in found:
        for before, after in (
            ("paragraph_dedup_map", "paragraph_dedup_reduce"),
            ("heuristics_score", "heuristics_fit"),
        ):
            assert (before, after) not in graph
        assert graph["paragraph_dedup_map", "barrier"] == graph["minhash_dedup_map", "barrier"] == shards
        assert graph["barrier", "minhash_dedup_pairs"] == shards
        # From a barrier a job of each shard or partition; some stages cross several times, ingest and sets beside them.
        assert graph["barrier", "paragraph_dedup_apply"] == 2 * shards
    first, second, third = (sum(graph.values()) for _, graph in found)
    assert third - second == second - first


def test_a_quiet_dry_run_counts_the_same_jobs_and_describes_none(make_folder, small):
    folder = make_folder("quiet")
    (folder / "test.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")
    command = [sys.executable, "-m", "tamis.cli", "run", "--snakefile", str(ROOT / "Snakefile"), "--dry-run"]
    printed = []
    for more in ([], ["--quiet=rules"]):
        done = subprocess.run(
            [*command, *more, "--configfile", "test.yaml"],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout + done.stderr)
    loud, quiet = printed
    assert planned_jobs(loud) == planned_jobs(quiet) != {}
    assert loud.count("rule minhash_dedup_map:") == small.get("shards", 2)
    assert "rule minhash_dedup_map:" not in quiet
    # Not reckoned from the sizes of all inputs.
    assert {int(text) for text in re.findall(r"disk_mb=(\d+)", loud)} == {1000}


def described(output):
    """Rule and all that a dry run says of a job but its number → how many times; what has no order is sorted."""
    found = Counter()
    for _, rule, lines in re.findall(r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)+)", output, re.MULTILINE):
        said = [line for line in lines.splitlines() if not line.strip().startswith("jobid")]
        found[rule, tuple(" ".join(sorted(re.split(r"[,;:]? ", line))) for line in said)] += 1
    return found


def test_tamis_plans_the_jobs_that_snakemake_plans_for_the_same_reasons(full, config):
    """Over a finished run, a part of which can stay, a part is too old and a part is not there."""
    asked = changed(config, shards=FEW + 1, partitions=FEW + 1)
    own = described(run_workflow(full, asked, "--dry-run"))
    ours = subprocess.run(
        [part if part != "snakemake" else "tamis.engine" for part in command("--dry-run")],
        cwd=full,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert described(ours.stdout + ours.stderr) == own
    reasons = " ".join(" ".join(lines) for _, lines in own)
    for reason in ("Missing", "updated", "Params"):
        assert reason in reasons

"""The profile for SLURM on a cluster of this machine: one chain from nothing, and settings that cannot be right.

What can happen to a run there is tried by `make test-slurm`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from running import ROOT

from tests.faults.bench import Bench, delivered, differences, environment
from tests.slurm.cluster import Cluster, missing, wait_until
from tests.slurm.trial import Trial, run_command, write_profile

NOT_HERE = missing() or (
    ""
    if importlib.util.find_spec("snakemake_executor_plugin_slurm")
    else "the SLURM executor plugin is not installed: pip install -e '.[slurm]'"
)
SECONDS = 600
pytestmark = pytest.mark.workflow
ALL = "TAMIS_TEST_SLURM"
"""Set by `make test-slurm`; without it the chain alone is run, for what a job on a cluster takes to start."""
seldom = pytest.mark.skipif(ALL not in os.environ, reason="only in `make test-slurm`, for its time")
on_a_cluster = pytest.mark.skipif(bool(NOT_HERE), reason=NOT_HERE or "-")


@pytest.fixture(scope="module", name="cluster")
def _cluster():
    # Not below pytest's folders: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="tamis-slurm-") as folder:
        limits = {"main": "MaxTime=INFINITE", "short": "MaxTime=5"}
        with Cluster(Path(folder), nodes=2, partitions=limits) as cluster:
            yield cluster


@pytest.fixture(scope="module", name="bench")
def _bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"), only="least")


@pytest.fixture(name="trial")
def _trial(bench, cluster, tmp_path):
    trial = Trial(bench, cluster, tmp_path / "trial", "least")
    trial.fresh()
    return trial


@on_a_cluster
def test_the_chain_gives_the_bytes_of_local_cores(trial, cluster):
    """And a second run finds nothing to do."""
    assert trial.run() == 0, trial.said[-8_000:]
    assert differences(delivered(trial.results), trial.bench.expected("least")) == []
    assert trial.left_in_queue() == []
    # SLURM's own logs are only of use after a failure.
    assert list((trial.work / ".snakemake" / "slurm_logs").rglob("*.log")) == []
    sent = cluster.sent()
    assert trial.run() == 0
    assert "Nothing to be done" in trial.said
    assert cluster.sent() == sent


REFUSED = {
    "a partition that does not exist": ({"slurm_partition": "nowhere"}, r"slurm_partition.*'nowhere'.*main, short"),
    "a GPU where there is none": ({"gpu": 1}, r"SLURM refused \w+.*gpu"),
    "more memory than a node has": ({"mem_mb": 90_000}, r"SLURM refused \w+.*mem_mb"),
}


# Accounts and qualities of service are held to nothing where there is no accounting database; tests/unit/test_cluster.py has them.
@seldom
@on_a_cluster
@pytest.mark.parametrize("case", REFUSED)
def test_what_slurm_refuses_is_said_with_the_setting(trial, case):
    resources, said = REFUSED[case]
    trial.profile = write_profile(trial.folder / "wrong", default_resources=resources, retries=0)
    assert trial.run() == 1
    assert re.search(said, trial.said), trial.said[-6_000:]
    assert str(trial.profile / "profile.yaml") in trial.said


@seldom
@on_a_cluster
def test_a_job_that_slurm_will_never_start_is_named(trial):
    trial.profile = write_profile(trial.folder / "late", default_resources={"slurm_partition": "short"})
    process = trial.begin()
    said = trial.folder / "said"
    wait_until(lambda: "SLURM will never start" in said.read_text(encoding="utf-8"), SECONDS, "the job is named")
    os.kill(process.pid, signal.SIGINT)
    assert trial.end(process) != 0
    assert re.search(r"PartitionTimeLimit, its time is above .*: lower `runtime`.*profile\.yaml", trial.said)
    assert trial.is_quiet()


@seldom
@on_a_cluster
@pytest.mark.parametrize(
    ("what", "said"), [("hog", r"OUT_OF_MEMORY.*mem_mb"), ("hold", r"SLURM ended .*TIMEOUT.*runtime")]
)
def test_a_limit_that_is_too_small_is_named(trial, cluster, what, said):
    trial.profile = write_profile(trial.folder / "small", retries=0)
    trial.mark("ingest-map", what, 2_500)
    process = trial.begin()
    number, _ = trial.begun("ingest-map", process)
    if what == "hold":
        cluster.ask("scontrol", "update", f"JobId={number}", "TimeLimit=1")
    assert trial.end(process) == 1
    assert re.search(said, trial.said), trial.said[-6_000:]


def test_where_there_is_no_slurm_it_is_said(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    (work / "test.yaml").write_text(yaml.safe_dump({"sources": [], "pipeline": []}), encoding="utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    done = subprocess.run(
        run_command(ROOT / "profiles" / "slurm"),
        cwd=work,
        env=environment() | {"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.search(r"profile\.yaml: executor: slurm, but there is no SLURM here \(sbatch.*login node", done.stderr)

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
from running import ROOT, changed

from tests.faults.bench import Bench, delivered, differences, environment, overlaid, whole_chain, write_config
from tests.slurm.cluster import Cluster, missing, wait_until
from tests.slurm.trial import Trial, hear_ctrl_c, on_nodes, run_command, with_gpu_partition, write_profile

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
    hear_ctrl_c()
    # Not below pytest's folders: a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="tamis-slurm-") as folder:
        limits = {
            "main": "MaxTime=INFINITE",
            "gpu": "Nodes=n2 MaxTime=INFINITE",
            "lab": "AllowAccounts=lab MaxTime=INFINITE",
            "short": "Nodes=n1 MaxTime=5",
        }
        with Cluster(Path(folder), nodes=2, arrays=0, partitions=limits, gpus=("n2",)) as cluster:
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
    "a partition that does not exist": (
        {"default_resources": {"slurm_partition": "nowhere"}},
        r"default-resources: slurm_partition: there is no partition 'nowhere'.*gpu, lab, main, short",
    ),
    "a GPU where there is none": (
        {"default_resources": {"gpu": 1, "slurm_partition": "short", "runtime": 5}},
        r"SLURM refused \w+.*mem_mb, cores or gpu",
    ),
    "more memory than a node has": ({"default_resources": {"mem_mb": 90_000}}, r"SLURM refused \w+.*mem_mb"),
    "job arrays where there are none": ({"slurm_array_jobs": "all"}, r"slurm-array-jobs: .*MaxArraySize is 0\); leave"),
}


# Accounts, qualities of service and limits of submitted jobs are held to nothing where there is no accounting database;
# tests/unit/test_cluster.py has what SLURM says of them.
@seldom
@on_a_cluster
@pytest.mark.parametrize("case", REFUSED)
def test_what_slurm_refuses_is_said_with_the_setting(trial, case):
    changes, said = REFUSED[case]
    trial.profile = write_profile(trial.folder / "wrong", **changes, retries=0)
    assert trial.run() == 1
    assert re.search(said, trial.said), trial.said[-6_000:]
    assert str(trial.profile / "profile.yaml") in trial.said


@seldom
@on_a_cluster
@pytest.mark.parametrize(
    ("partition", "said"),
    [
        ("short", r"PartitionTimeLimit, its time is above .*: lower `runtime`.*profile\.yaml"),
        ("lab", r"account not known.*lab allows lab.*change `slurm_account` or `slurm_partition` in .*profile\.yaml"),
    ],
    ids=["time", "account"],
)
def test_a_job_that_slurm_will_never_start_is_named(trial, partition, said):
    trial.profile = write_profile(trial.folder / "late", default_resources={"slurm_partition": partition})
    process = trial.begin()
    printed = trial.folder / "said"
    wait_until(lambda: "SLURM will never start" in printed.read_text(encoding="utf-8"), SECONDS, "the job is named")
    os.kill(process.pid, signal.SIGINT)
    assert trial.end(process) != 0
    assert re.search(said, trial.said)
    assert trial.is_quiet()


@seldom
@on_a_cluster
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("hog", r"SLURM ended ingest_map .*OUT_OF_MEMORY.*profile\.yaml: mem_mb"),
        ("hold", r"SLURM ended ingest_map .*TIMEOUT.*profile\.yaml: runtime"),
    ],
    ids=["memory", "time"],
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


@seldom
@on_a_cluster
def test_a_full_scratch_disk_of_one_node_is_named_and_left_with_space(trial, tmp_path):
    """The training of fastText writes there."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(scratch)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted, which takes root: {mounted.stderr.strip()}")
    try:
        config = yaml.safe_load((trial.work / "test.yaml").read_text(encoding="utf-8"))
        trained = {"pipeline": ["remove", "fasttext_quality"], "fasttext_quality": whole_chain()["fasttext_quality"]}
        write_config(trial.work, overlaid(config, {**trained, "line_pruning": None}))
        trial.targets = ("fasttext_quality",)
        (trial.marks / "scratch-n2").write_text(str(scratch), encoding="utf-8")
        trial.profile = write_profile(trial.folder / "one", default_resources={"slurm_partition": "gpu"}, retries=0)
        assert trial.run() == 1
        assert re.search(
            rf"fasttext_quality_\w+ failed: the disk is full: {scratch} of node n2 has .* name another TMPDIR",
            trial.said,
        ), trial.said[-6_000:]
        subprocess.run(["mount", "-o", "remount,size=64m", str(scratch)], check=True)
        assert trial.run() == 0, trial.said[-6_000:]
    finally:
        subprocess.run(["umount", "--lazy", str(scratch)], check=True)


@seldom
@on_a_cluster
def test_a_gpu_job_goes_to_the_partition_of_gpus(cluster, make_folder, config, tmp_path):
    """The first of an encoder, which waits for nothing; the node's GPU is none, so that is as far as it gets."""
    folder = make_folder("gpu")
    write_config(folder, changed(config, transformer_quality__backbone__device="cuda"))
    profile = write_profile(tmp_path / "profile", set_resources=with_gpu_partition(("backbone", "embed")), retries=0)
    (tmp_path / "marks").mkdir()
    done = subprocess.run(
        run_command(profile, "results/transformer_quality/backbone.json"),
        cwd=folder,
        env=on_nodes(cluster, tmp_path / "marks"),
        capture_output=True,
        text=True,
        check=False,
    )
    jobs = cluster.ask("scontrol", "show", "job", "--oneliner").splitlines()
    [job] = [line for line in jobs if "Comment=rule_transformer_quality_backbone" in line]
    for part in ("Partition=gpu ", "NodeList=n2 ", "TresPerJob=gres:gpu:1 "):
        assert part in f"{job} ", part
    assert done.returncode == 1
    assert "backbone.device is cuda, but torch sees no GPU here" in done.stderr


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

"""The profile for a SLURM cluster, as far as it can be tried without one."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest
import yaml
from running import ROOT, changed, environment, run_workflow

from tests.slurm.trial import with_gpu_partition, write_profile

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(
        importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
        reason="the SLURM executor plugin is not installed: pip install -e '.[slurm]'",
    ),
]

SLURM = ROOT / "profiles" / "slurm"
OWN = re.compile(r"^ *rule (\w+):\n(?:(?! *rule ).*\n)*?( *)resources:\n((?:\2 +.*\n)+)", re.MULTILINE)


@pytest.fixture(scope="module", name="profile")
def _profile():
    return yaml.safe_load((SLURM / "profile.yaml").read_text(encoding="utf-8"))


def resources(output):
    """Rule → memory in MB and minutes of its jobs, as a dry run prints them."""
    jobs = re.findall(r"^ *(?:local)?rule (\w+):\n(?:    .*\n)*? +resources: (.*)$", output, re.MULTILINE)
    found = {}
    for rule, text in jobs:
        values = dict(pair.split("=", 1) for pair in text.split(", "))
        found.setdefault(rule, set()).add((int(values["mem_mb"]), int(values["runtime"])))
    return found


def test_a_dry_run_gives_every_job_what_it_needs_and_snakemake_itself(make_folder, small):
    folder = make_folder("slurm")
    output = run_workflow(
        folder, small | {"report": {"alarms_fatal": True}}, "--workflow-profile", str(SLURM), "--dry-run"
    )
    found = resources(output)
    assert found["minhash_dedup_map"] == {(3600, 60)}
    assert found["minhash_dedup_apply"] == {(3600, 60)}
    assert found["report_manifest"] == {(3600, 120)}
    # Exchange files are temporary there.
    assert "minhash_dedup/spent.json" in output
    assert "was a dry-run" in output


def test_tamis_run_takes_it(make_folder, small):
    folder = make_folder("slurm_run")
    (folder / "test.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")
    command = [sys.executable, "-m", "tamis.cli", "run", "--snakefile", str(ROOT / "Snakefile"), "--dry-run"]
    done = subprocess.run(
        [*command, "--profile", "slurm", "--configfile", "test.yaml"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"workflow specific profile {SLURM}" in done.stdout + done.stderr
    assert "was a dry-run" in done.stdout + done.stderr
    # Neighbours of all shards are one job.
    assert re.search(r"Group job shards-\d+ ", done.stdout + done.stderr, re.MULTILINE)


def test_a_job_that_fails_gets_more_in_its_next_attempt(profile):
    """A rule that says what it needs would get just that in every attempt: the profile must say it too."""
    assert profile["retries"] >= 1
    assert all("* attempt" in profile["default-resources"][name] for name in ("mem_mb", "runtime"))
    needed = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule, _, lines in OWN.findall(path.read_text(encoding="utf-8")):
            needed[rule] = {line.split("=")[0].strip(): int(re.findall(r"\d+", line)[0]) for line in lines.splitlines()}
    assert needed.keys() == profile["set-resources"].keys()
    for rule, values in needed.items():
        for name, value in values.items():
            assert profile["set-resources"][rule][name].startswith(f"{value} * attempt"), f"{rule}: {name}"


def test_rules_whose_names_the_configuration_gives_count_the_attempts_themselves():
    text = (ROOT / "rules" / "classifiers.smk").read_text(encoding="utf-8")
    needed = re.findall(r"resources:\n((?: {12}(?:\*\*gpu,|\w+=.*)\n)+)", text)
    assert len(needed) >= 3
    assert all("attempt" in line or "**gpu" in line for lines in needed for line in lines.splitlines())


def test_no_job_arrays_and_followed_with_squeue(profile):
    """A task of an array fails where the array's first task takes longer (docs/decisions/0024)."""
    assert profile["executor"] == "slurm"
    assert "slurm-array-jobs" not in profile
    assert profile["slurm-status-command"] == "squeue"
    # Partition and account are the user's to fill in, in this one place.
    assert not {"slurm_partition", "slurm_account", "qos"} & profile["default-resources"].keys()


def test_it_differs_from_the_default_profile_only_where_it_must(profile):
    """It replaces that one as a whole, so what is settled there is repeated."""
    default = yaml.safe_load((ROOT / "profiles" / "default" / "profile.yaml").read_text(encoding="utf-8"))
    for name in default.keys() - {"default-resources", "max-jobs-per-timespan"}:
        assert profile[name] == default[name], name


LOCAL = ("all", "barrier", "report_layout", "spent")
"""Of these a dry run does not say that they are not sent."""


def test_as_many_cluster_jobs_as_stated_for_many_shards(make_folder, small):
    """The table of docs/how-to/slurm.md comes from the formula; here Snakemake's own groups are counted."""
    folder = make_folder("slurm_many")
    output = run_workflow(folder, small | {"shards": 40}, "--workflow-profile", str(SLURM), "--dry-run")
    groups = output.count("Group job ")
    alone = [name for name in re.findall(r"^rule (\w+):$", output, re.MULTILINE) if name not in LOCAL]
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "benchmarks" / "cluster" / "jobs.py"),
            "--configfile",
            "test.yaml",
            "--shards",
            "40",
        ],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    _, shards, jobs, cluster_jobs, *_ = done.stdout.splitlines()[-1].split("|")
    assert int(shards) == 40
    assert int(cluster_jobs) == groups + len(alone)
    assert int(cluster_jobs) < int(jobs)


@pytest.mark.parametrize(("train", "steps"), [("head", {"backbone", "embed"}), ("full", {"tune", "score"})])
def test_what_runs_on_a_gpu_asks_for_one_in_the_partition_named(make_folder, config, tmp_path, train, steps):
    """With the lines of the profile that are comments until somebody has GPUs."""
    cuda = changed(config, transformer_quality__backbone__device="cuda", transformer_quality__train=train)
    cuda |= {"pipeline": ["transformer_quality"], "mixtures": None, "validation": None, "annealing": None}
    profile = write_profile(tmp_path / "profile", set_resources=with_gpu_partition(steps))
    output = run_workflow(make_folder("slurm_gpu"), cuda, "--workflow-profile", str(profile), "--dry-run")
    jobs = dict(re.findall(r"^ *rule (\w+):\n(?:    .*\n)*? +resources: (.*)$", output, re.MULTILINE))
    for asked in (r"\bgpu=1\b", r"\bslurm_partition=gpu\b"):
        found = {rule for rule, resources in jobs.items() if re.search(asked, resources)}
        assert found == {f"transformer_quality_{step}" for step in steps}, asked


@pytest.mark.skipif(
    importlib.util.find_spec("snakemake_executor_plugin_cluster_generic") is None,
    reason="the executor plugin for other queues is not installed: pip install -e '.[dev]'",
)
def test_the_profile_for_another_queue_can_be_made_of_it(make_folder, small, tmp_path):
    """As docs/how-to/kubernetes.md says: its lines in the place of the executor, and no key that begins with slurm."""
    said = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text(encoding="utf-8")
    lines = re.findall(r"^ +((?:executor|cluster-generic-submit-cmd): .*)$", said, re.MULTILINE)
    assert len(lines) == 2
    kept = [
        line
        for line in (SLURM / "profile.yaml").read_text(encoding="utf-8").splitlines()
        if not line.startswith(("slurm", "executor"))
    ]
    (tmp_path / "profile.yaml").write_text("\n".join([*lines, *kept]), encoding="utf-8")
    output = run_workflow(make_folder("queue"), small, "--workflow-profile", str(tmp_path), "--dry-run")
    assert "was a dry-run" in output
    assert "Group job " in output

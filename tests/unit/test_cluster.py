"""What `tamis run` asks of SLURM and says of it, with programs that answer as SLURM's do."""

from __future__ import annotations

import os

import pytest
import yaml

from tamis import cluster, launch
from tamis.errors import ConfigError


@pytest.fixture(name="slurm")
def _slurm(tmp_path, monkeypatch):
    """A folder of programs, first and only in the PATH; `slurm(name, text)` writes one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: name)

    def write(name, text="exit 0"):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    for name in cluster.PROGRAMS:
        write(name)
    write("sinfo", "echo main; echo gpu")
    return write


def profile(tmp_path, **values):
    path = tmp_path / "profile"
    path.mkdir(exist_ok=True)
    (path / "profile.yaml").write_text(yaml.safe_dump({"executor": "slurm"} | values), encoding="utf-8")
    return cluster.read(path)


def test_a_cluster_with_the_partitions_of_the_profile_is_taken(slurm, tmp_path):
    given = {"default-resources": {"slurm_partition": "main"}, "set-resources": {"embed": {"slurm_partition": "gpu"}}}
    cluster.check(profile(tmp_path, **given))
    cluster.check(profile(tmp_path, **{"default-resources": ["slurm_partition=main", "mem_mb=3"]}))
    cluster.check(profile(tmp_path))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"default-resources": {"slurm_partition": "long"}},
            r"default-resources: slurm_partition: .*'long'.*gpu, main",
        ),
        ({"default-resources": ["slurm_partition=long"]}, r"default-resources: slurm_partition: .*'long'"),
        ({"set-resources": {"embed": {"slurm_partition": "a100"}}}, r"set-resources: embed: slurm_partition: .*'a100'"),
    ],
)
def test_a_partition_that_does_not_exist_is_named(slurm, tmp_path, given, said):
    with pytest.raises(ConfigError, match=said):
        cluster.check(profile(tmp_path, **given))


def test_a_controller_that_does_not_answer_is_said_before_the_start(slurm, tmp_path):
    slurm("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(ConfigError, match=r"does not answer .*Unable to contact slurm controller.*scontrol ping"):
        cluster.check(profile(tmp_path))


@pytest.mark.parametrize(("size", "refused"), [(0, True), (2, True), (1001, False)])
def test_arrays_where_a_cluster_takes_none_are_refused(slurm, tmp_path, size, refused):
    slurm("scontrol", f"echo 'MaxArraySize            = {size}'")
    cluster.check(profile(tmp_path))
    given = profile(tmp_path, **{"slurm-array-jobs": "all"})
    if refused:
        with pytest.raises(ConfigError, match=rf"slurm-array-jobs: .*MaxArraySize is {size}\); leave"):
            cluster.check(given)
    else:
        cluster.check(given)


def test_without_the_plugin_it_says_how_to_get_it(slurm, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[slurm\]'"):
        cluster.check(profile(tmp_path))


def test_only_jobs_of_this_results_folder_are_cancelled(slurm, tmp_path):
    mine = cluster.job_name(profile(tmp_path), tmp_path / "results")
    other = cluster.job_name(profile(tmp_path), tmp_path / "other")
    assert mine != other
    assert len(mine) <= 50
    # Gone from the queue once they are cancelled.
    queue = f"7|{mine}_3f\\n8|{other}_3f\\n9|somebody\\n10|{mine}_3f"
    slurm("squeue", f"[ -e {tmp_path}/gone ] || printf '{queue}\\n'")
    slurm("scancel", f'echo "$@" > {tmp_path}/gone')
    assert cluster.cancel_left(mine) == ["10", "7"]
    assert (tmp_path / "gone").read_text(encoding="utf-8").split() == ["10", "7"]
    assert cluster.cancel_left(mine) == []


def test_a_job_that_will_never_start_is_named_once(slurm, tmp_path):
    slurm(
        "squeue",
        "echo '12|tamis-1_u|PartitionTimeLimit|rule_a|3G|2:00:00|main'; echo '13|tamis-1_u|Priority|b|3G|1|main'",
    )
    found = cluster.waiting("tamis-1")
    assert list(found) == ["PartitionTimeLimit"]
    assert "job 12 (rule_a; 3GB, 2:00:00, partition main)" in found["PartitionTimeLimit"]
    assert "`runtime`" in found["PartitionTimeLimit"]
    assert cluster.waiting("tamis-2") == {}


@pytest.mark.parametrize(
    ("reason", "setting"),
    [
        ("Job's account not known, so it can't use this partition (main allows lab)", "`slurm_account`"),
        ("Job's account not permitted to use this partition (main allows lab not mine)", "`slurm_account`"),
        ("Job's QOS not permitted to use this partition (main allows long not normal)", "`qos`"),
    ],
)
def test_a_partition_that_is_for_others_is_named(slurm, tmp_path, reason, setting):
    """Words of SLURM 22.05, which has no short name for it in the queue."""
    slurm("squeue", f'echo "12|tamis-1_u|{reason}|rule_a|3G|2:00:00|main"')
    [sentence] = cluster.waiting("tamis-1").values()
    assert reason in sentence
    assert setting in sentence


REFUSED = """\
[Sun Nov 29 10:00:00 2026]
Error in rule ingest_map:
    message: SLURM sbatch failed. The error message was '{said}'.
    sbatch call:
        sbatch --parsable

    jobid: 4
"""


POLICY = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"


@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ("sbatch: error: invalid partition specified: nowhere", "slurm_partition"),
        (
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination",
            "slurm_account",
        ),
        ("sbatch: error: Batch job submission failed: Invalid qos specification", "qos"),
        ("sbatch: error: Memory specification can not be satisfied", "mem_mb"),
        ("sbatch: error: Batch job submission failed: Requested node configuration is not available", "mem_mb"),
        ("sbatch: error: Batch job submission failed: Requested time limit is invalid", "runtime"),
        ("sbatch: error: Batch job submission failed: Invalid job array specification", "slurm-array-limit"),
        (f"sbatch: error: Batch job submission failed: {POLICY}", "jobs: fewer"),
        ("sbatch: error: Invalid generic resource (gres) specification", "gpu"),
    ],
)
def test_what_sbatch_refuses_names_the_setting(tmp_path, said, setting):
    [line] = cluster.explained(REFUSED.format(said=said), tmp_path, profile(tmp_path))
    assert line.startswith(f"SLURM refused ingest_map: {said}. Change in {tmp_path}/profile/profile.yaml: {setting}")


def test_a_refusal_of_two_lines_names_the_setting(tmp_path):
    said = "sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: {}"
    last = "Requested node configuration is not available"
    [line] = cluster.explained(REFUSED.format(said=said.format(last)), tmp_path, profile(tmp_path))
    assert line.startswith(f"SLURM refused ingest_map: sbatch: error: Batch job submission failed: {last}. Change in ")
    assert "mem_mb" in line


def test_an_account_of_others_is_said_with_those_there_are(tmp_path):
    """The plugin's words, of a cluster with an accounting database."""
    text = """\
Exception in run_job for rule ingest_map: The given account theirs appears to be invalid. Available accounts:
root, mine
[Sun Nov 29 19:40:06 2026]
Error in rule ingest_map:
    message: Job submission failed with exception: The given account theirs appears to be invalid. Available accounts:
root, mineFor further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 9
    input: a.jsonl
Logfile results/logs/ingest/map-00000.log not found.
"""
    [line] = cluster.explained(text, tmp_path, profile(tmp_path))
    assert line == (
        "SLURM refused ingest_map: The given account theirs appears to be invalid. Available accounts: root, mine. "
        f"Change in {tmp_path}/profile/profile.yaml: slurm_account: change it to one of those"
    )


def test_an_array_that_is_refused_is_said_once(tmp_path):
    """The plugin's words of the whole stand before those of its tasks."""
    said = "allocation failure: Invalid job array specification"
    task = """\
Error in rule ingest_map:
    message: Part of failed array sbatch submission (tasks 1-2); see log for details.
    jobid: {}
"""
    text = (
        f"SLURM sbatch failed for array job submission (tasks 1-2). The error message was '{said}'.\n"
        f"    sbatch call:\n        sbatch\n\n{task.format(4)}{task.format(5)}"
    )
    [line] = cluster.explained(text, tmp_path, profile(tmp_path))
    assert line.startswith(f"SLURM refused ingest_map: {said}. Change in ")
    assert "slurm-array-limit" in line


ENDED = """\
Error in rule line_pruning_map:
    message: SLURM-job '{job}' failed, SLURM status is: '{state}'. Detailed failure reason unavailable (status command is not 'sacct').
    jobid: 7
    log: logs/map.log (check log file(s) for error details)
"""


@pytest.mark.parametrize(
    ("state", "setting"), [("TIMEOUT", "runtime"), ("OUT_OF_MEMORY", "mem_mb"), ("CANCELLED", "run again")]
)
def test_how_a_job_ended_names_the_setting(tmp_path, state, setting):
    [line] = cluster.explained(ENDED.format(job="3_1", state=state), tmp_path, profile(tmp_path))
    assert f"(job 3_1): {state}" in line
    assert setting in line


def test_a_job_that_was_killed_for_memory_is_known_by_slurms_own_log(tmp_path):
    logs = tmp_path / ".snakemake" / "slurm_logs" / "rule_line_pruning_map"
    logs.mkdir(parents=True)
    killed = "slurmstepd: error: StepId=3.batch exceeded memory limit (2100 > 1600), being killed"
    (logs / "3.log").write_text(killed, encoding="utf-8")
    [line] = cluster.explained(ENDED.format(job="3", state="FAILED"), tmp_path, profile(tmp_path))
    assert "OUT_OF_MEMORY" in line
    assert "mem_mb" in line


def test_what_a_job_says_itself_comes_first(tmp_path):
    """A disk that is full on one node: the job has written it into its log, on the shared disk."""
    (tmp_path / "logs").mkdir()
    words = "the disk is full: /scratch has 0 B left, at least 2 MB are needed. Make space, or name another TMPDIR"
    (tmp_path / "logs" / "map.log").write_text(f"2026 tamis: line_pruning map failed: {words}\n", encoding="utf-8")
    [line] = cluster.explained(ENDED.format(job="3", state="FAILED"), tmp_path, profile(tmp_path))
    assert line == f"line_pruning_map failed: {words} (its log: logs/map.log)"


def test_a_profile_is_found_by_name_and_stands_in_the_place_of_the_default(tmp_path):
    arguments, found = launch.with_profile(["--profile", "slurm", "-n", "export", "--directory", str(tmp_path)])
    own = launch.CLONE / "profiles" / "slurm"
    assert arguments == ["-n", "export", "--directory", str(tmp_path), "--workflow-profile", str(own)]
    assert found.on_slurm
    assert launch.with_profile([f"--profile={own}"])[0] == ["--workflow-profile", str(own)]


def test_another_profile_is_left_to_snakemake(tmp_path):
    arguments, found = launch.with_profile(["--profile", "of_my_home"])
    assert arguments == ["--profile", "of_my_home"]
    assert not found.on_slurm
    assert not launch.with_profile([])[1].on_slurm

"""What went wrong is said in the terminal: alarms, full disks, read-only folders, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from running import ROOT, environment, run_workflow

pytestmark = pytest.mark.workflow

ALARMS = {"alarm_lost_share": 0, "alarm_lost_minimum": 1, "alarm_skipped_share": 0}


def tamis_run(folder, config):
    """Start `tamis run` in a folder, with all that it prints in one pipe."""
    (folder / "test.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    profile = str(ROOT / "profiles" / "default")
    arguments = ["run", "--snakefile", str(ROOT / "Snakefile"), "--workflow-profile", profile, "--cores", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "tamis.cli", *arguments, "--configfile", "test.yaml"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(name="small_disk")
def _small_disk(make_folder):
    """A working directory and a file system of 1 MB in it, `disk`."""
    folder = make_folder("disk")
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted, which takes root: {mounted.stderr.strip()}")
    yield folder, disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_alarms_are_printed_at_the_end_of_a_run(make_folder, small):
    folder = make_folder("alarms")
    output = run_workflow(folder, small | {"report": ALARMS, "shards": 1})
    assert "alarms:\n  ! ingest could not read 6 of" in output
    assert "! minhash_dedup dropped" in output
    process = tamis_run(folder, small | {"report": ALARMS, "shards": 1})
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert output.count("alarms:\n  ! ingest could not read 6 of") == 1


def test_a_full_disk_is_said_and_the_run_continues_with_space(small_disk, small):
    folder, disk = small_disk
    config = small | {"shards": 1, "output_dir": "disk/results"}
    (disk / "fill").write_bytes(bytes(850 * 1024))
    output = run_workflow(folder, config, fails=True)
    assert "tamis: ingest map failed: the disk is full: disk/results/ingest/map has" in output
    assert "at least 1.0 MB more are needed" in output
    process = tamis_run(folder, config)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "tamis: ingest map failed: the disk is full: disk/results/ingest/map has" in output
    assert "Continue with: tamis run --snakefile" in output
    (disk / "fill").write_bytes(bytes(100))
    subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
    run_workflow(folder, None)
    assert (disk / "results" / "report" / "index.html").exists()


def test_a_read_only_folder_is_said_in_one_line(small_disk, small):
    folder, disk = small_disk
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    config = small | {"output_dir": "disk/results"}
    output = run_workflow(folder, config, fails=True)
    assert f"nothing can be written to disk/results: {disk} is read-only" in output
    assert "Traceback" not in output
    process = tamis_run(folder, config)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert output.startswith(f"tamis: nothing can be written to disk/results: {disk} is read-only")
    assert output.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_stopped_run_says_how_to_continue(make_folder, small, number):
    folder = make_folder("stopped")
    process = tamis_run(folder, small | {"shards": 1})
    log = folder / "results" / "logs" / "ingest" / "map-00000.log"
    deadline = time.monotonic() + 120
    # The first job runs, or has just ended: the run is in its middle either way.
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0, output
    assert "tamis: stopped by" in output
    # Where a stage was done by then, its page is named after that.
    assert "\ntamis: What is done stays. Continue with: tamis run --snakefile" in output

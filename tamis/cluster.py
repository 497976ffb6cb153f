"""What `tamis run` does about SLURM: look before the start, cancel what a killed run left, say what failed and why.

Jobs are sent and followed by the executor plugin of Snakemake; nothing here does either. Everything asked of SLURM is
asked of its own programs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tamis import config_files
from tamis.errors import ConfigError

FILE = "profile.yaml"
PLUGIN = "snakemake_executor_plugin_slurm"
PROGRAMS = ("sbatch", "squeue", "scancel", "sinfo", "scontrol")
SECONDS = 60
"""Longest that SLURM may take to answer, and that cancelled jobs may take to go."""


@dataclass(frozen=True)
class Profile:
    """A profile of Snakemake: its file, and the values in it."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def on_slurm(self) -> bool:
        """Whether it sends jobs to SLURM."""
        return self.values.get("executor") == "slurm"

    def resource(self, name: str) -> Any:
        """A default resource; None without one."""
        resources = self.values.get("default-resources") or {}
        if isinstance(resources, Mapping):
            return resources.get(name)
        pairs = dict(str(pair).split("=", 1) for pair in resources if "=" in str(pair))
        return pairs.get(name)


def find(name: str, directory: Path, clone: Path) -> Path | None:
    """The folder of a profile: a folder of that name, or one in `profiles/` here or beside the Snakefile.

    Args:
        name: as it was given.
        directory: where Snakemake starts.
        clone: the folder of the Snakefile.
    """
    places = (Path(name), directory / "profiles" / name, clone / name, clone / "profiles" / name)
    return next((place for place in places if (place / FILE).is_file()), None)


def read(folder: Path | None) -> Profile:
    """Read a profile.

    Args:
        folder: of it, or None.

    Raises:
        ConfigError: it is no YAML.
    """
    return Profile(folder / FILE, config_files.read(folder / FILE)) if folder else Profile()


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of SLURM; one that does not answer in time has failed."""
    try:
        return subprocess.run(  # noqa: S603 - no shell
            list(command), capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(command), 1, "", str(error))


def check(profile: Profile) -> None:
    """Look whether jobs can be sent at all.

    Args:
        profile: one that is `on_slurm`.

    Raises:
        ConfigError: there is no plugin, no SLURM, no such partition, or job arrays are asked for where there are none.
    """
    if importlib.util.find_spec(PLUGIN) is None:
        raise ConfigError(
            f"{profile.path}: executor: slurm, but the executor plugin is not installed: pip install -e '.[slurm]'"
        )
    if lacking := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise ConfigError(
            f"{profile.path}: executor: slurm, but there is no SLURM here ({', '.join(lacking)} not found): start the "
            "run on a login node of the cluster, load its module, or leave out --profile to run on this machine's cores"
        )
    said = ask("sinfo", "--noheader", "--format", "%R")
    if said.returncode:
        raise ConfigError(
            f"{profile.path}: executor: slurm, but SLURM does not answer ({said.stderr.strip() or 'no reason given'}): "
            "wait until its controller runs (scontrol ping), or leave out --profile to run on this machine's cores"
        )
    partitions = set(said.stdout.split())
    asked = [("default-resources", profile.values.get("default-resources") and profile.resource("slurm_partition"))]
    resources = profile.values.get("set-resources") or {}
    if isinstance(resources, Mapping):
        asked += [
            (f"set-resources: {rule}", each["slurm_partition"])
            for rule, each in resources.items()
            if isinstance(each, Mapping) and "slurm_partition" in each
        ]
    for place, value in asked:
        for name in str(value or "").split(","):
            if name and name not in partitions:
                raise ConfigError(
                    f"{profile.path}: {place}: slurm_partition: there is no partition {name!r} on this cluster; change "
                    f"it to one of {', '.join(sorted(partitions))}"
                )

    if profile.values.get("slurm-array-jobs"):
        _check_arrays(profile)


def _check_arrays(profile: Profile) -> None:
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", ask("scontrol", "show", "config").stdout, re.MULTILINE)
    # The highest number of a task is one less, and the first task is number 1.
    if found and int(found[1]) <= 2:
        raise ConfigError(
            f"{profile.path}: slurm-array-jobs: this cluster takes no job arrays (its MaxArraySize is {found[1]}); "
            "leave slurm-array-jobs out, every job is sent alone then"
        )


def job_name(profile: Profile, results: Path) -> str:
    """What the names of the jobs of a results folder begin with, so that they are known in the queue."""
    prefix = str(profile.values.get("slurm-jobname-prefix") or "tamis")[:40]
    return f"{prefix}-{hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:8]}"


def _left(name: str) -> list[str]:
    said = ask("squeue", "--me", "--noheader", "--format", "%A|%j")
    pairs = (line.strip().split("|", 1) for line in said.stdout.splitlines() if "|" in line)
    return sorted({number for number, job in pairs if job.startswith(f"{name}_")})


def cancel_left(name: str) -> list[str]:
    """Cancel the jobs that a killed run left in the queue, and wait until they are gone.

    They would write the same files beside those that are sent now, and take the place of them.

    Args:
        name: `job_name`.

    Returns:
        Their numbers.
    """
    if found := _left(name):
        ask("scancel", *found)
        end = time.monotonic() + SECONDS
        while _left(name) and time.monotonic() < end:
            time.sleep(0.5)
    return found


def clean_logs(directory: Path) -> None:
    """Take away SLURM's own logs, once a run has ended well; the plugin leaves those of array tasks.

    Args:
        directory: the working directory.
    """
    shutil.rmtree(directory / ".snakemake" / "slurm_logs", ignore_errors=True)


NEVER = {
    "PartitionTimeLimit": "its time is above the limit of the partition: lower `runtime`, or name another "
    "`slurm_partition`",
    "PartitionNodeLimit": "no node of the partition is large enough: lower `mem_mb` or `cores`, or name another "
    "`slurm_partition`",
    "PartitionDown": "the partition takes no jobs: name another `slurm_partition`",
    "PartitionInactive": "the partition starts no jobs: name another `slurm_partition`",
    "BadConstraints": "no node has what it asks for: change `mem_mb`, `cores`, `gpu` or `constraint`",
    "InvalidAccount": "the account is not valid: change `slurm_account`",
    "InvalidQOS": "the quality of service is not valid: change `qos`",
    "AccountNotAllowed": "the partition is not for this account: change `slurm_account` or `slurm_partition`",
    "QOSNotAllowed": "the partition is not for this quality of service: change `qos` or `slurm_partition`",
    "MaxMemPerLimit": "it asks for more memory than a job may have: lower `mem_mb` or `cores`",
    "AssocMaxWallDurationPerJobLimit": "its time is above the account's limit: lower `runtime`, or change `qos`",
    "QOSMaxWallDurationPerJobLimit": "its time is above the limit of the quality of service: lower `runtime`, or "
    "change `qos`",
    "QOSMaxMemoryPerJob": "it asks for more memory than a job may have: lower `mem_mb` or `cores`, or change `qos`",
    "QOSMaxCpuPerJobLimit": "it asks for more cores than a job may have: lower `cores`, or change `qos`",
}
"""Why SLURM keeps a job waiting for ever, and what to change."""

SENTENCES = (("job's account not ", "AccountNotAllowed"), ("job's qos not ", "QOSNotAllowed"))
"""Reasons that SLURM (22.05) puts into a sentence with the partition's own list: how it begins → which one it is."""


def _never(reason: str) -> str:
    """What to change; empty where SLURM will start the job some time."""
    lowered = reason.lower()
    short = next((name for start, name in SENTENCES if lowered.startswith(start)), reason)
    return NEVER.get(short, "")


def waiting(name: str) -> dict[str, str]:
    """Why jobs will never start: SLURM's reason → a sentence, for the first job of each.

    Args:
        name: `job_name`.
    """
    said = ask("squeue", "--me", "--noheader", "--states", "PENDING", "--format", "%i|%j|%r|%k|%m|%l|%P")
    found: dict[str, str] = {}
    for line in said.stdout.splitlines():
        number, job, reason, comment, memory, minutes, partition = (line.strip().split("|") + [""] * 7)[:7]
        if job.startswith(f"{name}_") and (change := _never(reason)):
            found.setdefault(
                reason,
                f"SLURM will never start job {number} ({comment}; {memory}B, {minutes}, partition {partition}): "
                f"{reason}, {change}",
            )
    return found


@contextlib.contextmanager
def watched(name: str, profile: Profile, say: Callable[[str], None], every: float = 60) -> Iterator[None]:
    """Say once, while a run goes on, which of its jobs will never start.

    Args:
        name: `job_name`.
        profile: whose settings are to be changed.
        say: takes a line.
        every: seconds between two looks.
    """
    over = threading.Event()

    def look() -> None:
        known: set[str] = set()
        pause = min(10.0, every)
        while not over.wait(pause):
            pause = every
            for reason, sentence in waiting(name).items():
                if reason not in known:
                    known.add(reason)
                    say(f"{sentence} in {profile.path}. Stop with Ctrl-C, change it, and run again")

    thread = threading.Thread(target=look, name="slurm-queue", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(SECONDS)


REFUSED = (
    # Its words hold "time limits".
    ("accounting/qos policy", "jobs: fewer may be sent (MaxSubmitJobs), or less runtime, mem_mb or cores; lower it"),
    ("invalid partition", "slurm_partition: there is no such partition"),
    ("invalid account", "slurm_account: this account may not be used, or the partition asks for one"),
    ("invalid qos", "qos: there is no such quality of service, or the account may not use it"),
    ("node configuration is not available", "mem_mb, cores or gpu: no node of the partition has as much; lower it"),
    ("memory specification", "mem_mb: no node has as much; lower it"),
    ("memory required by task is not available", "mem_mb: no node has as much; lower it"),
    ("cpu count", "cores: no node has as many; lower it"),
    ("more processors requested", "cores: no node has as many; lower it"),
    ("invalid time limit", "runtime: above the limit of the partition; lower it"),
    ("time limit", "runtime: above the limit of the partition; lower it"),
    ("invalid generic resource", "gpu: the partition has no such GPUs; name their slurm_partition in set-resources"),
    ("invalid gres", "gpu: the partition has no such GPUs; name their slurm_partition in set-resources"),
    ("job array", "slurm-array-limit: the cluster allows fewer tasks; lower it"),
    ("argument list too long", "slurm-array-limit: too many tasks for one call; lower it"),
    ("sacctmgr", "slurm_account: this cluster has no accounts; leave it out"),
    ("appears to be invalid", "slurm_account: change it to one of those"),
    ("unable to contact slurm controller", "nothing: SLURM does not answer now; wait until `scontrol ping` says UP"),
    ("socket timed out", "nothing: SLURM does not answer now; wait until `scontrol ping` says UP"),
)
"""What SLURM says when it refuses a job → the setting to change."""

ENDED = {
    "TIMEOUT": "runtime: it took longer than it may; raise it",
    "OUT_OF_MEMORY": "mem_mb: it took more than it may; raise it",
    "NODE_FAIL": "nothing: its node failed; run again",
    "BOOT_FAIL": "nothing: its node failed; run again",
    "PREEMPTED": "nothing: another job took its place; run again, or change qos",
    "CANCELLED": "nothing: somebody has cancelled it; run again",
    "DEADLINE": "runtime: it could not be done in time",
    "FORGOTTEN": "nothing: SLURM knows it no more (its controller was restarted, or did not answer for longer than its "
    "MinJobAge); run again",
}
MEMORY = re.compile(r"exceeded (?:job )?memory limit|oom[- _]kill|out of memory", re.IGNORECASE)

ERROR = re.compile(r"^Error in (?:rule|group)(?: job)? (\S+?)[:,]?\s*$", re.MULTILINE)
BODY = re.compile(r"(?:.*\n)((?:[ \t]+message: .*\n(?:[^ \t\n].*\n)*)?(?:[ \t]+.*\n?|\n)*)")
"""What is said below such a line; of a message of several lines all but the first stand at the line's beginning."""
STATUS = re.compile(r"SLURM-job '([\d_]+)' failed(?: due to a node failure)?, SLURM status is: '(\w+)'")
ARRAY = "Part of failed array sbatch submission"
SAID = re.compile(
    r"The error message was '(.*?)'\.?\s*$|failed with exception: (.*?)(?:For further error details|\n[ \t]+\w+:|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""What SLURM said, of which the last line matters; or what the plugin says of its own, all of it."""


def _newest_log(directory: Path, since: float) -> str:
    logs = directory / ".snakemake" / "log"
    found = [path for path in logs.glob("*.snakemake.log") if path.stat().st_mtime >= since] if logs.is_dir() else []
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return newest.read_text(encoding="utf-8", errors="replace") if newest else ""


def _slurm_log(directory: Path, job: str) -> str:
    place = directory / ".snakemake" / "slurm_logs"
    found = next(place.rglob(f"{job}.log"), None) if place.is_dir() else None
    return found.read_text(encoding="utf-8", errors="replace") if found else ""


def _own_words(body: str, directory: Path) -> str:
    """What the job itself wrote: the last message in its log, if it is one of tamis."""
    for match in re.finditer(r"^\s+log: (.*?)(?: \(check log file.*)?$", body, re.MULTILINE):
        for name in match[1].split(", "):
            path = directory / name.strip()
            if path.is_file():
                found = re.findall(r" failed: (.*)", path.read_text(encoding="utf-8", errors="replace")[-20_000:])
                if found:
                    return f"{found[-1].strip()} (its log: {name.strip()})"
    return ""


def explained(text: str, directory: Path, profile: Profile) -> list[str]:
    """Why jobs failed on the cluster, a line each kind, from what Snakemake wrote down.

    Args:
        text: Snakemake's log.
        directory: the working directory.
        profile: whose settings are to be changed.
    """
    found: dict[str, str] = {}
    for match in ERROR.finditer(text):
        rule = match[1]
        after = BODY.match(text, match.start())
        body = after[1] if after else ""
        lowered = body.lower()
        status = STATUS.search(body)
        said = SAID.search(body)
        if said is None and ARRAY in body:
            # What was said of the whole array stands before what is said of its tasks.
            said = next(iter(list(SAID.finditer(text, 0, match.start()))[-1:]), None)
        if said:
            words = (said[1] or " ".join((said[2] or "").split())).strip()
            setting = next((setting for key, setting in REFUSED if key in words.lower()), "")
            line = f"SLURM refused {rule}: {words.splitlines()[-1] if words else 'no reason given'}"
            found.setdefault(f"{words}", f"{line}. Change in {profile.path}: {setting}" if setting else line)
        elif own := _own_words(body, directory):
            found.setdefault(own, f"{rule} failed: {own}")
        elif status:
            job, state = status[1], status[2]
            if MEMORY.search(_slurm_log(directory, job)) or MEMORY.search(lowered):
                state = "OUT_OF_MEMORY"
            setting = ENDED.get(state, "")
            line = f"SLURM ended {rule} (job {job}): {state}"
            found.setdefault(f"{rule} {state}", f"{line}. Change in {profile.path}: {setting}" if setting else line)
    return list(found.values())


def explanation(directory: Path, profile: Profile, since: float) -> list[str]:
    """Why jobs of the run that has just ended failed on the cluster (`explained`)."""
    return explained(_newest_log(directory, since), directory, profile)


def arguments(given: Sequence[str], name: str) -> list[str]:
    """The arguments of Snakemake that say how the jobs are called, unless they are given."""
    prefix = "--slurm-jobname-prefix"
    return [] if any(each.partition("=")[0] == prefix for each in given) else [prefix, name]

"""Start the workflow as `tamis run` and `make run` do: one run at a time, and a killed run simply continues.

The lock is the kernel's (`flock` on `<output_dir>/.tamis.lock`), so it never outlives its holders, and Snakemake itself
holds it too: when only this process is killed, the workflow that still runs keeps others out. Jobs do not
hold it. Snakemake's own lock, which a killed run leaves behind, is removed once ours is held.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import IO, Any

from tamis import cluster, config_files, ending, trouble, user_cache
from tamis.errors import ConfigError, FolderError, TamisError

LOCK = ".tamis.lock"
CLONE = Path(__file__).resolve().parent.parent
SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
"""Where Snakemake looks for one, from the working directory."""


class AlreadyRunningError(TamisError):
    """Another run works on the same results folder."""


def parse_workflow(arguments: Sequence[str]) -> argparse.Namespace:
    """What `tamis run` must know of Snakemake's arguments: the folder, the config files, keys, a dry run, its file."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, action="extend", default=[])
    parser.add_argument("--config", "-C", nargs="*", action="extend", default=[])
    parser.add_argument("--dry-run", "--dryrun", "-n", action="store_true")
    parser.add_argument("--snakefile", "-s", type=Path, default=None)
    parser.add_argument("--profile", default=None)
    parser.add_argument("--workflow-profile", default=None)
    parser.add_argument("--cores", "-c", "--jobs", "-j", nargs="?", const="all", default=None)
    return parser.parse_known_args(list(arguments))[0]


def laid_over(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration laid over another one; sections are merged key by key."""
    return {
        **base,
        **{
            key: laid_over(base[key], value)
            if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
            else value
            for key, value in overlay.items()
        },
    }


def merged(arguments: Sequence[str]) -> dict[str, Any]:
    """The configuration of a run but for `--config`, as Snakemake merges it.

    Args:
        arguments: Snakemake's arguments.

    Raises:
        ConfigError: a config file is missing, no YAML or no mapping, or gives a key twice.
    """
    given = parse_workflow(arguments)
    overlay: dict[str, Any] = {}
    for path in given.configfile:
        overlay = laid_over(overlay, config_files.read(path))
    default = given.directory / "config.yaml"
    # As in the Snakefile: a config file that names its sources and its pipeline stands alone.
    base = {} if {"sources", "pipeline"} <= overlay.keys() or not default.exists() else config_files.read(default)
    return laid_over(base, overlay)


def output_folder(arguments: Sequence[str]) -> Path:
    """The results folder of a run, as Snakemake will see it: `--config`, else the last config file, else config.yaml.

    Args:
        arguments: Snakemake's arguments.

    Raises:
        ConfigError: as `merged`, or it is no name.
    """
    given = parse_workflow(arguments)
    name = merged(arguments).get("output_dir") or "results"
    for pair in given.config:
        key, separator, value = pair.partition("=")
        if separator and key == "output_dir":
            name = value
    if not isinstance(name, str) or not name:
        raise ConfigError(f"output_dir: must be the name of a folder (given: {name!r})")
    return given.directory / name


def snakefile(arguments: Sequence[str]) -> list[str]:
    """The arguments that name tamis's own Snakefile, so that a run starts anywhere; none if one is here or named.

    Profiles lie beside the Snakefile, where Snakemake looks for them too.

    Args:
        arguments: Snakemake's arguments.

    Raises:
        ConfigError: there is none, or neither a configuration is named nor a config.yaml here.
    """
    given = parse_workflow(arguments)
    if given.snakefile is not None or any(Path(name).exists() for name in SNAKEFILES):
        return []
    own = CLONE / "Snakefile"
    if not own.exists():
        msg = f"no Snakefile here ({Path.cwd()}) and none beside the package ({CLONE}): work in a clone of tamis"
        raise ConfigError(msg)
    if not given.configfile and not (given.directory / "config.yaml").exists():
        msg = (
            f"no config.yaml in {given.directory.resolve()}: name a configuration with --configfile "
            f"(`tamis init` writes one for your text), or go to {CLONE} for the default experiment"
        )
        raise ConfigError(msg)
    return ["--snakefile", str(own)]


def with_profile(arguments: Sequence[str]) -> tuple[list[str], cluster.Profile]:
    """The arguments with `--profile slurm` in the words of Snakemake, and the profile that is in force.

    A profile of tamis stands in the place of profiles/default, which Snakemake would lay over it.

    Args:
        arguments: Snakemake's arguments.

    Raises:
        ConfigError: the profile is no YAML.
    """
    given = parse_workflow(arguments)
    own = cluster.find(given.profile, given.directory, CLONE) if given.profile and not given.workflow_profile else None
    if own is None:
        name = given.workflow_profile or "default"
        return list(arguments), cluster.read(None if name == "none" else cluster.find(name, given.directory, CLONE))
    rest, skip = [], False
    for each in arguments:
        if not skip and each != "--profile" and not each.startswith("--profile="):
            rest.append(each)
        skip = each == "--profile" and not skip
    return [*rest, "--workflow-profile", str(own)], cluster.read(own)


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Say in words why a folder cannot be written to.

    Raises:
        FolderError: with the reason and what to do.
    """
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        why = trouble.refusal(error, folder) if isinstance(error, OSError) else f"{folder}: not a name ({error})"
        msg = f"nothing can be written to {folder}: {why}"
        raise FolderError(msg) from error


@contextmanager
def run_lock(folder: Path) -> Iterator[IO[str]]:
    """Hold the lock of a results folder; one that was not there goes again if the run leaves nothing in it.

    Raises:
        AlreadyRunningError: another run holds it.
        FolderError: the folder cannot be written to.
    """
    path = folder / LOCK
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    with _writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        opened = path.open("a+", encoding="utf-8")
    with opened as file:
        if not _locked(file, path):
            file.seek(0)
            holder = file.read().strip()
            msg = (
                f"{folder}: another run works there{f' (process {holder})' if holder else ''}. Wait for it or stop it "
                "with Ctrl-C in its terminal; or give this run a folder of its own with --config output_dir=…"
            )
            raise AlreadyRunningError(msg)
        with _writing_to(folder):
            # Not through the file's buffer, which would be written again, and fail again, when it is closed.
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        try:
            yield file
        finally:
            _leave_nothing(path, missing)


def _locked(file: IO[str], path: Path) -> bool:
    """Take a lock, unless another has it, or has had it and taken the file away, as a refused run does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))


def _leave_nothing(lock: Path, made: Sequence[Path]) -> None:
    """Take a lock away, and the folders that were made for it, where nothing else came to lie there."""
    if made and lock.parent.is_dir() and [each.name for each in lock.parent.iterdir()] == [lock.name]:
        lock.unlink()
        for folder in made:
            if next(folder.iterdir(), None) is not None:
                break
            folder.rmdir()


@contextmanager
def sole_run(directory: Path) -> Iterator[tuple[bool, IO[str]]]:
    """Whether no other run of ours, into another results folder, lives in this working directory.

    Snakemake keeps one folder of locks a working directory, and `--unlock` empties all of it: that must not take
    the lock of a run that lives.
    """
    folder = directory / ".snakemake"
    with _writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        opened = (folder / LOCK.removeprefix(".")).open("a", encoding="utf-8")
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False, file
        else:
            yield True, file


def environment() -> dict[str, str]:
    """The environment of the workflow: this interpreter's programs come first, and the Snakefile knows who prints.

    Jobs with an interpreter of their own (`--sdm conda apptainer`) find tamis where the Snakefile lies.
    """
    programs = str(Path(sys.executable).parent)
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    before = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    own = [str(CLONE)] if (CLONE / "Snakefile").exists() and str(CLONE) not in before else []
    found = {"PYTHONPATH": os.pathsep.join([*own, *before])} if own else {}
    return os.environ | user_cache.environment() | {"PATH": path, "TAMIS_RUN": "1"} | found


def is_locked(directory: Path) -> bool:
    """Whether a Snakemake that was killed left its lock in the working directory."""
    locks = directory / ".snakemake" / "locks"
    return locks.is_dir() and any(locks.iterdir())


def unlock(directory: Path) -> None:
    """Remove that lock, as `snakemake --unlock` does after it has parsed everything and built the whole graph.

    Where it cannot be removed, the Snakemake that is started next says so.
    """
    shutil.rmtree(directory / ".snakemake" / "locks", ignore_errors=True)


STOPPED = {
    signal.SIGINT: "stopped by Ctrl-C",
    signal.SIGTERM: "stopped by SIGTERM, after the jobs that were running",
    signal.SIGHUP: "stopped, because its terminal was closed",
}


def _follow(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait for the workflow and pass signals on; an interrupt goes to its jobs too, as Ctrl-C in a terminal would.

    Returns:
        Its exit code, 128 + the signal's number when a signal ended it; and what stopped it, empty when nothing did.
    """
    stopped: list[str] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(STOPPED[signal.Signals(number)])
        os.killpg(process.pid, signal.SIGINT)

    def terminate(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(STOPPED[signal.Signals(number)])
        # Snakemake alone: it waits for the jobs that run and starts no more.
        process.send_signal(signal.SIGTERM if number == signal.SIGTERM else signal.SIGINT)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
        signal.SIGHUP: signal.signal(signal.SIGHUP, terminate),
    }
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code, stopped[0] if stopped else ""


def _look(folder: Path) -> None:
    """Take away, and name, what was cut short since the last run."""
    from tamis.verify import quick_look

    for sentence in quick_look(folder):
        _say(sentence)


def _say(text: str) -> None:
    sys.stderr.write(f"tamis: {text}\n")
    sys.stderr.flush()


def run(arguments: Sequence[str]) -> int:
    """Run the workflow to its end, continuing where a killed one stopped; where it fails, say why at the end.

    Args:
        arguments: further arguments of Snakemake; a later one wins over ours.

    Returns:
        Snakemake's exit code.

    Raises:
        AlreadyRunningError: another run works on the same results.
        FolderError: a folder of the run cannot be written to.
        ConfigError: the configuration cannot be read.
    """
    given = parse_workflow(arguments)
    typed, (arguments, profile) = arguments, with_profile(arguments)
    folder = output_folder(arguments)
    command = [sys.executable, "-m", "tamis.engine", *snakefile(arguments)]
    # What the profile says of cores is of a cluster job; where it says nothing, this machine's are meant.
    command += [] if given.cores or "cores" in profile.values else ["--cores", "all"]
    channel = ending.open_channel()
    on_slurm = profile.on_slurm and not given.dry_run
    name = cluster.job_name(profile, folder)
    if not given.dry_run:
        ending.check_space(folder, given.directory)
    if on_slurm:
        cluster.check(profile)
        command += cluster.arguments(arguments, name)
    since = time.time()
    with run_lock(folder) as lock, sole_run(given.directory) as (alone, shared):
        if alone and is_locked(given.directory) and not given.dry_run:
            unlock(given.directory)
        if not given.dry_run:
            _look(output_folder(arguments))
        if on_slurm and (left := cluster.cancel_left(name)):
            _say(f"cancelled {len(left)} jobs that an earlier run of {folder} had left in the queue")
        fcntl.flock(shared, fcntl.LOCK_SH)
        process = subprocess.Popen(  # noqa: S603 - no shell
            [*command, "--rerun-incomplete", *arguments],
            env=environment() | channel,
            process_group=0,
            pass_fds=[lock.fileno(), shared.fileno()],
        )
        with cluster.watched(name, profile, _say) if on_slurm else nullcontext():
            code, stopped = _follow(process)
    if on_slurm and alone and not code:
        cluster.clean_logs(given.directory)
    if code and not given.dry_run:
        ending.say_failure(
            folder,
            given.directory,
            command=ending.command_line(typed),
            place=channel.get(ending.VARIABLE),
            stopped=stopped,
            config=merged(arguments).get("report"),
            more=cluster.explanation(given.directory, profile, since) if on_slurm else (),
        )
    return code

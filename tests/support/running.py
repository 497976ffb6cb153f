"""Running the workflow as a user does: Snakemake in a folder of its own, through the command line."""

from __future__ import annotations

import atexit
import copy
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from forked_jobs import Jobs
from prepared import Prepared

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
DOCUMENTS = 300
SECONDS = 600


def environment(root: Path = ROOT) -> dict[str, str]:
    """The environment of a run: this interpreter's programs and the project's package come first, no network."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"HF_HUB_OFFLINE": "1", "TERM": "dumb", "NO_COLOR": "1"}
    return os.environ | {"PATH": programs, "PYTHONPATH": str(root)} | quiet


def command(*arguments: str, cores: int = 2, root: Path = ROOT) -> list[str]:
    """The command line of Snakemake for the configuration `test.yaml`; targets come last."""
    parts = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile"), "--configfile", "test.yaml"]
    # Not the last option before the targets: it would take them for more config files.
    return [*parts, "--workflow-profile", str(root / "profiles" / "default"), "--cores", str(cores), *arguments]


@cache
def prepared() -> tuple[Prepared, Jobs]:
    """The processes that this process's runs and their jobs are forked from."""
    made = Prepared(environment(), ROOT), Jobs(environment(), ROOT)
    for one in made:
        atexit.register(one.end)
    return made


def run_workflow(
    folder: Path,
    config: dict[str, Any] | None,
    *arguments: str,
    cores: int = 2,
    fails: bool = False,
    plain: bool = False,
    root: Path = ROOT,
) -> str:
    """Run Snakemake in a folder and return what it printed.

    Args:
        folder: the working directory; `corpus` in it is the corpus.
        config: the configuration, or None for the one written by the last call.
        arguments: of Snakemake.
        cores: how many.
        fails: whether the run is expected to fail.
        plain: whether Snakemake and its jobs are started as a user starts them, not forked; every stage is, once.
        root: the project.
    """
    if config is not None:
        text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        (folder / "test.yaml").write_text(text, encoding="utf-8")
    parts = command(*arguments, cores=cores, root=root)
    if plain or root != ROOT:
        done = subprocess.run(
            parts, cwd=folder, env=environment(root), capture_output=True, text=True, timeout=SECONDS, check=False
        )
    else:
        runs, jobs = prepared()
        given = environment() | {"PATH": f"{jobs.folder}{os.pathsep}{environment()['PATH']}"}
        with tempfile.TemporaryDirectory() as printed:
            done = runs.run(parts[3:], folder, given, Path(printed), SECONDS)
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, output[-20_000:]
    return output


def planned_jobs(output: str) -> dict[str, int]:
    """Rule → number of jobs, from the table that a dry run prints."""
    counts: dict[str, int] = {}
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total +\d+$", output, re.MULTILINE | re.DOTALL)
    if table is None:
        assert "Nothing to be done" in output, output[-5_000:]
        return counts
    for line in table[1].splitlines():
        name, count = line.split()
        counts[name] = int(count)
    counts.pop("all", None)
    return counts


def planned(folder: Path, config: dict[str, Any], *arguments: str) -> dict[str, int]:
    """What a dry run would do."""
    return planned_jobs(run_workflow(folder, config, "--dry-run", "--quiet=rules", *arguments))


def bytes_of(folder: Path, *names: str) -> dict[str, bytes]:
    """Relative path → bytes of every file below the given folders of the results."""
    found = {}
    for name in names:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def changed(config: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy of a configuration with other values; keys joined by `__` go deeper, None takes a key out."""
    result = copy.deepcopy(config)
    for key, value in values.items():
        *path, last = key.split("__")
        section = result
        for name in path:
            section = section.setdefault(name, {})
        if value is None:
            section.pop(last)
        else:
            section[last] = value
    return result

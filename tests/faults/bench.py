"""Where cases are run: finished reference runs, what they delivered, and folders of a case's own."""

from __future__ import annotations

import atexit
import contextlib
import copy
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.faults import corpus
from tests.support.forked_jobs import Jobs
from tests.support.prepared import Prepared

ROOT = Path(__file__).parents[2]
SECONDS = 900
"""Longest that a reference run may take."""

DELIVERED = ("mixtures", "annealing", "validation", "export")
"""Folders that a user receives, whole."""

OF_STAGES = ("documents", "dropped", "edits", "found")
"""Folders of every stage that hold what it decided."""

OF_ALL_SHARDS = (
    "toxicity/retention.parquet", "toxicity/entries.parquet", "decontamination/contamination.json", "tokenizer/tokenizer.json",
)  # fmt: skip
"""What stages say of all shards together, and the tokenizer."""

RUN = (
    "--snakefile", str(ROOT / "Snakefile"), "--configfile", "test.yaml",
    "--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "1",
)  # fmt: skip
"""Arguments of `tamis run`; targets come before them."""

Bytes = Mapping[str, str]
"""Path below the results → sha256 of the file."""


def environment() -> dict[str, str]:
    """The environment of a run: this interpreter's programs and the project's package come first, no network."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"HF_HUB_OFFLINE": "1", "TERM": "dumb", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    return os.environ | {"PATH": programs, "PYTHONPATH": str(ROOT)} | quiet


def overlaid(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with other values; keys joined by `__` go deeper, None takes a key out."""
    result = copy.deepcopy(dict(config))
    for key, value in changes.items():
        *path, last = key.split("__")
        section = result
        for name in path:
            section = section.setdefault(name, {})
        if value is None:
            section.pop(last, None)
        else:
            section[last] = value
    return result


def whole_chain() -> dict[str, Any]:
    """The configuration with every stage and kind of set."""
    return yaml.safe_load((Path(__file__).parent / "config.yaml").read_text(encoding="utf-8"))


HYGIENE = ("toxicity", "privacy", "decontamination")


def short_chain() -> dict[str, Any]:
    """The fewest stages that still read, drop, edit, mix and export: about 45 jobs."""
    short = overlaid(
        whole_chain(),
        dict.fromkeys(
            (
                "fasttext_quality",
                "transformer_quality",
                "domains",
                "heuristics",
                "paragraph_dedup",
                "annealing",
                "validation",
                *HYGIENE,
            )
        ),
    )
    short["sources"][1] = {"name": "notes", "format": "jsonl", "paths": ["corpus/notes.jsonl"], "kind_field": "kind"}
    short["pipeline"] = ["remove", "url_dedup", "line_pruning"]
    short["mixtures"] = {"first": {"by": "kind", "weights": {"prose": 0.6, "code": 0.4}, "tokens": 0.5, "files": 2}}
    return short


def least_chain() -> dict[str, Any]:
    """The short chain with one of everything, for where minutes count: what a job costs is its start."""
    least = overlaid(short_chain(), {"shards": 1, "export__shards": 1, "mixtures__first__files": 1})
    least["sources"] = [source for source in least["sources"] if source["name"] != "licences"]
    return least


def hygiene_chain() -> dict[str, Any]:
    """The stages that look for what must not be there, in two shards, with little around them: about 50 jobs."""
    chain = overlaid(short_chain(), {"export__shards": 1, "mixtures__first__files": 1})
    chain["sources"] = [source for source in chain["sources"] if source["name"] != "licences"]
    chain["pipeline"] = ["remove", "language_id", *HYGIENE]
    chain |= {name: whole_chain()[name] for name in HYGIENE}
    chain["toxicity"] |= {"scores": [], "tried": [{"max_hits": 0}]}
    return chain


CHAINS: dict[str, Callable[[], dict[str, Any]]] = {
    "whole": whole_chain, "short": short_chain, "least": least_chain, "hygiene": hygiene_chain,
}  # fmt: skip


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """The configuration of a folder."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    (folder / "test.yaml").write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def delivered(results: Path) -> dict[str, str]:
    """The files that must have the same bytes, whatever happened on the way."""
    tops = [results / name for name in DELIVERED]
    stages = (path for path in sorted(results.iterdir()) if path.is_dir() and path.name not in {*DELIVERED, "retired"})
    tops += [stage / name for stage in stages for name in OF_STAGES]
    files = [path for top in tops if top.exists() for path in sorted(top.rglob("*")) if path.is_file()]
    files += [path for name in OF_ALL_SHARDS if (path := results / name).exists()]
    return {str(path.relative_to(results)): sha256(path) for path in files}


def differences(found: Bytes, expected: Bytes) -> list[str]:
    """What is missing, added or other, a line each."""
    missing = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    added = [f"{name} was left over" for name in sorted(found.keys() - expected.keys())]
    other = [f"{name} has other bytes" for name in sorted(found.keys() & expected) if found[name] != expected[name]]
    return missing + added + other


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
    return found


def jobs_running(folder: Path, words: str = "tamis.job") -> list[psutil.Process]:
    """The processes of jobs that work in a folder and whose command holds some words; not the shells around them."""
    found = []
    for process in processes_of(folder):
        with contextlib.suppress(psutil.Error):
            if words in " ".join(process.cmdline()) and process.name() not in ("bash", "sh"):
                found.append(process)
    return found


class Bench:
    """A folder with the corpus, the reference runs and the folders of cases.

    Args:
        root: an empty folder.
        only: None, or the only chain that may be used (a quick check has no time for the whole one).
        stages: the only ones that are broken, where the dice choose one; none: all.
    """

    def __init__(self, root: Path, *, only: str | None = None, stages: Collection[str] = ()) -> None:
        self.root = root
        self.only = only
        self.stages = stages
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self._expected: dict[str, Bytes] = {}
        self._forks: tuple[Prepared, Jobs] | None = None
        self._own = threading.local()

    @property
    def seconds(self) -> float:
        """Seconds that this thread has spent so far on what cases share, or on waiting until another has made it."""
        return float(getattr(self._own, "seconds", 0.0))

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        before, start = self.seconds, time.monotonic()
        with self._guard:
            lock = self._locks[name]
        with lock:
            try:
                yield
            finally:
                # What was spent on one thing inside of another counts once.
                self._own.seconds = before + time.monotonic() - start

    def corpus(self) -> Path:
        """The corpus, made once; `notes.jsonl` in it is the earlier crawl uncompressed."""
        folder = self.root / "corpus"
        with self._alone("corpus"):
            if not folder.exists():
                corpus.write(folder, encoder=self.only in (None, "whole"))
                _, earlier = corpus.records()
                (folder / "notes.jsonl").write_bytes(corpus.lines(earlier))
        return folder

    def fresh(self, folder: Path, chain: str) -> dict[str, Any]:
        """Lay out a folder in which nothing was run yet; its configuration."""
        shutil.copytree(self.corpus(), folder / "corpus", symlinks=True)
        config = CHAINS[chain]()
        write_config(folder, config)
        return config

    def chain(self, wanted: str) -> str:
        """The chain that a case may use."""
        return self.only or wanted

    def reference(self, chain: str, *, exchange: bool = False) -> Path:
        """The working directory of a finished run that nothing happened to.

        Args:
            chain: of `CHAINS`.
            exchange: whether the exchange files between jobs are still there.
        """
        folder = self.root / "references" / f"{chain}{'-exchange' if exchange else ''}"
        with self._alone(folder.name):
            if not folder.exists():
                making = folder.with_name(f"{folder.name}.making")
                if exchange:
                    making.mkdir(parents=True)
                    self.fresh(making, chain)
                    (self.make if self.only else self.finish)(making, "--notemp", "--cores", "2")
                else:
                    shutil.copytree(self.reference(chain, exchange=True), making, symlinks=True)
                    # As a run without --notemp leaves it.
                    command = [sys.executable, "-m", "snakemake", *RUN, "--delete-temp-output"]
                    subprocess.run(command, cwd=making, env=environment(), check=True, capture_output=True)
                making.rename(folder)
        return folder

    def finish(self, folder: Path, *arguments: str) -> None:
        """Run a folder's workflow to its end; nothing may go wrong here."""
        command = [sys.executable, "-m", "tamis.cli", "run", *RUN, *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment(), check=False, capture_output=True, text=True, timeout=SECONDS
        )
        if done.returncode:
            message = f"a run that nothing happened to failed in {folder}:\n{(done.stdout + done.stderr)[-8000:]}"
            raise RuntimeError(message)

    def make(self, folder: Path, *arguments: str) -> None:
        """Run a folder's workflow to its end where only what it delivers counts: by Snakemake alone, its jobs forked."""
        with self._alone("forks"):
            if self._forks is None:
                self._forks = Prepared(environment(), ROOT), Jobs(environment(), ROOT)
                for fork in self._forks:
                    atexit.register(fork.end)
            runs, jobs = self._forks
            given = environment() | {"PATH": f"{jobs.folder}{os.pathsep}{environment()['PATH']}"}
            with tempfile.TemporaryDirectory() as printed:
                done = runs.run([*RUN, *arguments], folder, given, Path(printed), SECONDS)
        if done.returncode:
            message = f"a run that nothing happened to failed in {folder}:\n{(done.stdout + done.stderr)[-8000:]}"
            raise RuntimeError(message)

    def expected(self, chain: str) -> Bytes:
        """What the reference run delivered."""
        with self._alone(f"expected-{chain}"):
            key = f"{chain} as it is"
            if key not in self._expected:
                self._expected[key] = delivered(self.reference(chain) / "results")
            return self._expected[key]

    def expected_after(
        self, chain: str, key: str, change: Callable[[Path, dict[str, Any]], Mapping[str, Any]]
    ) -> Bytes:
        """What a run from nothing delivers after a change of input or configuration.

        Args:
            chain: of `CHAINS`.
            key: names the change.
            change: takes the folder and its configuration and returns the new configuration.
        """
        with self._alone(f"after-{chain}-{key}"):
            name = f"{chain} after {key}"
            if name not in self._expected:
                folder = self.root / "expected" / hashlib.sha256(name.encode()).hexdigest()[:16]
                folder.mkdir(parents=True)
                config = self.fresh(folder, chain)
                config = change(folder, config)
                write_config(folder, config)
                self.make(folder, "--cores", "2")
                self._expected[name] = delivered(folder / config["output_dir"])
                shutil.rmtree(folder)
            return self._expected[name]

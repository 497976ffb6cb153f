"""The test corpus, its configuration, and one complete run that tests share."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import DATA, DOCUMENTS, environment, run_workflow

FIRST = (
    "test_slurm",
    "test_chain",
    "test_invariance",
    "test_names",
    "test_presets",
    "test_classifiers",
    "test_ready_models",
)
"""The longest go first, so that no process is left alone with one; the complete run is made while another goes on. Much of what
a cluster takes is waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, each in one process (`--dist loadfile --no-loadscope-reorder`)."""
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first process makes that asks for it; others wait, and all of them only read it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session", name="corpus")
def _corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, made once."""
    program = [sys.executable, str(DATA / "make_corpus.py")]

    def make(folder: Path) -> None:
        subprocess.run(
            [*program, str(folder / "corpus"), "--documents", str(DOCUMENTS), "--backbone"],
            check=True,
            capture_output=True,
            env=environment(),
        )

    return made_once(tmp_path_factory, "made", make) / "corpus"


@pytest.fixture(scope="session", name="config")
def _config() -> dict[str, Any]:
    return yaml.safe_load((DATA / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session", name="small")
def _small(config: dict[str, Any]) -> dict[str, Any]:
    """The least configuration: one stage and one source."""
    return {"sources": [config["sources"][0]], "pipeline": ["minhash_dedup"]}


@pytest.fixture(scope="session", name="make_folder")
def _make_folder(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Callable[..., Path]:
    """Make a working directory with the corpus in it; `own=True` copies it so that a test may change it."""

    def make(name: str, *, own: bool = False) -> Path:
        folder = tmp_path_factory.mktemp(name)
        if own:
            shutil.copytree(corpus, folder / "corpus")
        else:
            (folder / "corpus").symlink_to(corpus)
        return folder

    return make


@pytest.fixture(scope="session", name="full")
def _full(tmp_path_factory: pytest.TempPathFactory, corpus: Path, config: dict[str, Any]) -> Path:
    """The working directory of one complete run: 3 shards, 2 partitions, 2 cores. Tests only read it."""

    def make(folder: Path) -> None:
        (folder / "corpus").symlink_to(corpus)
        run_workflow(folder, config)

    return made_once(tmp_path_factory, "full", make)

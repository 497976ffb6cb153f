"""The test corpus, its configuration, and one complete run that tests share."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from running import DATA, DOCUMENTS, environment, run_workflow


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one process (`--dist loadgroup`), and all files that look at the complete run in the same."""
    own = [item for item in items if item.path.parent == Path(__file__).parent]
    looking = {item.path for item in own if "full" in getattr(item, "fixturenames", ())}
    # The largest group first: the others fill the second process meanwhile.
    items.sort(key=lambda item: item.path not in looking)
    for item in own:
        item.add_marker(pytest.mark.xdist_group("full" if item.path in looking else item.path.stem))


@pytest.fixture(scope="session", name="corpus")
def _corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, made once."""
    folder = tmp_path_factory.mktemp("made") / "corpus"
    subprocess.run(
        [sys.executable, str(DATA / "make_corpus.py"), str(folder), "--documents", str(DOCUMENTS), "--backbone"],
        check=True,
        capture_output=True,
        env=environment(),
    )
    return folder


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
def _full(make_folder: Callable[..., Path], config: dict[str, Any]) -> Path:
    """The working directory of one complete run: 3 shards, 2 partitions, 2 cores. Tests only read it."""
    folder = make_folder("full")
    run_workflow(folder, config)
    return folder

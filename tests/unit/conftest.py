"""What all unit tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from documents import make_documents
from hypothesis import settings

# Speed is measured in benchmarks/, never asserted by a test: machines are shared, and a first example imports.
# The same examples in every run: a change fails its own tests and nobody else's. Others are looked for on purpose:
# `make test ARGS=--hypothesis-profile=search`.
settings.register_profile("tamis", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("tamis")


FIRST = (
    "kernels/test_arbitrary_bytes.py", "heuristics/test_decisions.py", "dedup/test_peer_cases.py",
    "readers/test_bounds.py", "classifiers/test_finetune.py", "stages/test_substring_dedup.py",
    "classifiers/test_arithmetic.py", "test_hostile_text.py", "stages/test_minhash_dedup.py", "kernels/test_cache.py",
    "test_hostile_size.py", "stages/test_ingest.py", "test_cli.py",
)  # fmt: skip
"""Files of more than ten seconds: no process is left alone with one in the end, and two do not compile the same kernels."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, each in one process (`--dist loadfile --no-loadscope-reorder`)."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(FIRST)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name data by its argument: what gzip makes holds the second, and two processes must collect the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(name="make_documents", scope="session")
def _make_documents() -> Callable[..., pa.Table]:
    return make_documents


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files of tests need not outlive a power cut: tens of thousands of them would each wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield

"""What all unit tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest
from documents import make_documents
from hypothesis import settings

# Speed is measured in benchmarks/, never asserted by a test: machines are shared, and a first example imports.
settings.register_profile("tamis", deadline=None)
settings.load_profile("tamis")


@pytest.fixture(name="make_documents", scope="session")
def _make_documents() -> Callable[..., pa.Table]:
    return make_documents


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """Files of tests need not outlive a power cut: tens of thousands of them would each wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield

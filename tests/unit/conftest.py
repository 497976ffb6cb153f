"""What all unit tests share."""

from __future__ import annotations

from collections.abc import Callable

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

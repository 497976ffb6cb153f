"""One exported mixture."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_pool import export, lay_out, plan, pool, write_set

from tamis.export import Config
from tamis.stages import mixtures


@pytest.fixture(name="exported")
def _exported(tmp_path: Path) -> Path:
    lay_out(tmp_path, pool(), 2)
    plan(
        tmp_path,
        "mixtures/mix",
        mixtures.Config(weights={"math": 0.5, "code": 0.5}, scarcity="repeat", epoch_cap=2),
        [],
        2,
    )
    write_set(tmp_path, "mixtures/mix", 3, 2)
    return export(tmp_path, "mixtures/mix", Config(formats={"parquet": {"row_group_rows": 16}}), 3, 2)

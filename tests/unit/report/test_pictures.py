"""The waterfall as a picture."""

from __future__ import annotations

import re

import pytest
from fake_results import make_results

from tamis.report import pictures, tables
from tamis.shards import read_table


def test_pictures_are_escaped_and_agree_with_the_counts(tmp_path):
    make_results(tmp_path)
    steps = tables.steps(read_table(tmp_path / "stats.parquet"))
    picture = str(pictures.waterfall([*steps, tables.Step(4, "<script>")]))
    assert "<script>" not in picture
    widths = [
        float(value) for value in re.findall(r'width="([\d.]+)%" height="12" rx="2" fill="var\(--bar\)"/>', picture)
    ]
    assert widths == pytest.approx([100 * count / 76 for count in (76, 76, 75, 44, 0)], abs=0.001)
    alone = (tmp_path / "report/waterfall.svg").read_text(encoding="utf-8")
    assert alone.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="800"')
    assert "prefers-color-scheme: dark" in alone
    assert str(pictures.waterfall([])).endswith("</svg>")

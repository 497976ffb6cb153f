"""The list of formats in the configuration."""

from __future__ import annotations

import pytest

from tamis.config import load
from tamis.errors import ConfigError
from tamis.export import FORMATS

GIVEN = {"sources": [{"name": "web", "format": "jsonl", "paths": ["web.jsonl"]}], "pipeline": []}


def export(**section: object):
    return load(GIVEN | {"export": section}).export


def test_parquet_is_written_where_nothing_is_said():
    assert list(load(GIVEN).export.formats.chosen()) == ["parquet"]
    assert list(export(seed=3).formats.chosen()) == ["parquet"]
    assert export(formats={"parquet": {"row_group_rows": 7}}).formats.parquet.row_group_rows == 7


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"formats": {}}, r"export\.formats: name at least one format; known: parquet"),
        ({"formats": {"parquet": None}}, r"export\.formats: name at least one format"),
        ({"formats": {"tfrecord": {}}}, r"export\.formats\.tfrecord: there is no such key"),
        ({"formats": {"parquet": {"rows": 1}}}, r"export\.formats\.parquet\.rows: there is no such key"),
        ({"row_group_rows": 10}, r"export\.row_group_rows: there is no such key"),
    ],
)
def test_what_is_no_format_is_refused(section, message):
    with pytest.raises(ConfigError, match=message):
        export(**section)


def test_every_format_has_what_the_rules_and_the_card_need():
    for name, module in FORMATS.items():
        assert module.FORMAT.suffix.startswith("."), name
        assert module.VERSION >= 1
        assert callable(module.run_write)

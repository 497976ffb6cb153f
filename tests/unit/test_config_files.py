"""Configuration files that are not what they should be."""

from __future__ import annotations

import pytest

from tamis import config_files
from tamis.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shards: 1\nshards: 2\n", "line 2: the key 'shards' stands here and in line 1"),
        ("a:\n  - {b: 1}\n  - b: 1\n    c: 2\n    b: 3\n", "line 5: the key 'b' stands here and in line 3"),
        ("- a\n", "holds list, not keys with values"),
        ("a: [\nb", "line 2, column 2: not YAML"),
        ("a: \x07", "not YAML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config_files.read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_and_folders_are_refused(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        config_files.read(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="it is a folder"):
        config_files.read(tmp_path)
    with pytest.raises(ConfigError, match="there is no such file"):
        config_files.read(tmp_path / "none.yaml")


def test_anchors_and_merged_keys_are_no_repetition(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\ne: *x\n", encoding="utf-8")
    assert config_files.read(path) == {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}, "e": {"b": 1, "c": 2}}
    path.write_text("", encoding="utf-8")
    assert config_files.read(path) == {}

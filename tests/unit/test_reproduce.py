"""The configuration comes back from a manifest, and what is not as it was is said."""

from __future__ import annotations

import hashlib

import pytest
import yaml

import tamis
from tamis import cli
from tamis.config import load
from tamis.report.origin import code, lock
from tamis.reproduce import differences
from tamis.shards import write_json

CONFIG = {
    "sources": [{"name": "own", "format": "jsonl", "paths": ["data/*.jsonl"]}],
    "pipeline": ["url_dedup", "minhash_dedup"],
    "minhash_dedup": {"threshold": 0.8, "bands": 50, "rows": 8},
    "tokenizer": {"vocabulary_size": 300},
    "mixtures": {"all": {"files": 2}},
}


def manifest(**more):
    """A manifest of today's code, with other values."""
    return {
        "tamis": tamis.__version__,
        "code": code() | {"dirty": False},
        "lock": lock(),
        "configuration": load(CONFIG).model_dump(mode="json"),
        "inputs": [],
        "given": {},
    } | more


def quiet(values):
    """Differences, without that the tests may run on code that is not committed."""
    return [line for line in differences(values) if "installed code has changes" not in line]


def test_loading_what_is_written_gives_the_same_configuration(tmp_path, capsys):
    write_json(tmp_path / "manifest.json", manifest())
    assert cli.main(["reproduce", str(tmp_path / "manifest.json"), "-o", str(tmp_path / "again.yaml")]) == 0
    text = (tmp_path / "again.yaml").read_text(encoding="utf-8")
    assert load(yaml.safe_load(text)) == load(CONFIG)
    assert f"tamis {tamis.__version__}" in text.splitlines()[0]
    capsys.readouterr()
    assert cli.main(["reproduce", str(tmp_path / "manifest.json")]) == 0
    assert capsys.readouterr().out == text


def test_nothing_is_said_where_nothing_differs(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{}\n")
    same = {"path": str(path), "bytes": 3, "sha256": hashlib.sha256(b"{}\n").hexdigest()}
    assert quiet(manifest(inputs=[same])) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tamis": "0.0.0"}, "these results are from 0.0.0"),
        ({"lock": "0" * 64}, "requirements.lock"),
        ({"code": {"commit": "f" * 40, "dirty": True}}, "f" * 40),
        ({"code": {"commit": None, "dirty": True}}, "not committed"),
        ({"inputs": [{"path": "gone.jsonl", "bytes": 3, "sha256": "0"}]}, "gone.jsonl: cannot be read"),
        ({"given": {__file__: {"bytes": 3, "sha256": "0"}}}, "holds something else"),
    ],
)
def test_what_differs_is_said(values, said):
    assert any(said in line for line in quiet(manifest(**values)))


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"configuration": {}}'])
def test_something_else_is_no_manifest(tmp_path, content, capsys):
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    assert cli.main(["reproduce", str(path)]) == 1
    assert "manifest.json" in capsys.readouterr().err

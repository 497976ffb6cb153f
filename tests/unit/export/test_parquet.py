"""Parquet shards, and what `datasets` makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_datasets_loads_files_and_folder(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    rows = json.loads((exported / "export.json").read_text())["rows"]
    cache = str(tmp_path / "cache")
    files = [str(path) for path in sorted((exported / "parquet").glob("*.parquet"))]
    from_files = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    from_folder = datasets.load_dataset(str(exported), split="train", cache_dir=cache)
    assert from_files.num_rows == from_folder.num_rows == rows
    assert from_folder["id"][:] == from_files["id"][:]
    assert from_files.column_names[:2] == ["id", "text"]
    assert {"source", "url", "domain", "tokens", "epoch"} <= set(from_files.column_names)

"""Backbones: clear refusals of those that cannot be had."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from tamis.classifiers.backbone import Backbone, model_folder, weights_sha256
from tamis.errors import ModelError


def test_a_backbone_that_cannot_be_had_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"neither a local folder nor in the local cache.*minilm-package"):
        model_folder(Backbone(name="nobody/no-such-model"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"config\.json"):
        model_folder(Backbone(name=str(tmp_path / "empty")))


def test_the_hash_is_of_all_safe_weights_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(ModelError, match="can run code"):
        weights_sha256(tmp_path)
    (tmp_path / "b.safetensors").write_bytes(b"second")
    (tmp_path / "a.safetensors").write_bytes(b"first ")
    assert weights_sha256(tmp_path) == hashlib.sha256(b"first second").hexdigest()


def test_a_revision_of_the_package_is_refused() -> None:
    with pytest.raises(ValidationError, match="pinned by its package"):
        Backbone(revision="main")

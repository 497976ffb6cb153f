"""Encoders: bits that depend on the text alone, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from tiny_models import write_roberta

from tamis.classifiers import backbone as backbones
from tamis.classifiers.backbone import Backbone
from tamis.errors import ModelError

TEXTS = [
    "A short text.",
    "",
    "Because the matrix is symmetric, its eigenvalues are real. " * 20,
    "Ünïcode und 因为 и так далее",
    "def function(argument):\n    return argument + 1\n",
    "one two three four five six seven",
    "=" * 500,
    "x\0y",
    *(f"Document {index} says {'much ' * (index % 40)}." for index in range(45)),
]


def texts(values: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.large_string())])


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_roberta(tmp_path_factory.mktemp("models") / "tiny-roberta")


def settings(folder: Path, **changes: object) -> Backbone:
    return Backbone.model_validate({"name": str(folder), "max_tokens": 64, "batch": 8} | changes)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_vector_has_the_same_bits_in_any_company_and_order(folder: Path, dtype: str) -> None:
    encoder = backbones.load(settings(folder, dtype=dtype))
    whole = backbones.encode(encoder, texts(TEXTS)).vectors
    order = np.random.default_rng(7).permutation(len(TEXTS))
    shuffled = backbones.encode(encoder, texts([TEXTS[index] for index in order])).vectors
    assert np.array_equal(shuffled, whole[order])
    for row in (0, 1, 2, 20, len(TEXTS) - 1):
        assert np.array_equal(backbones.encode(encoder, texts([TEXTS[row]])).vectors[0], whole[row])


def test_the_packaged_minilm_loads_offline_and_keeps_its_bits() -> None:
    encoder = backbones.load(Backbone(batch=4))
    chosen = [TEXTS[index] for index in (0, 2, 3, 4, 5, 12, 30, 47)]
    whole = backbones.encode(encoder, texts(chosen)).vectors
    assert whole.shape == (8, 384)
    assert np.linalg.norm(whole, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(backbones.encode(encoder, texts(chosen[::-1])).vectors[::-1], whole)
    assert np.array_equal(backbones.encode(encoder, texts(chosen[3:5])).vectors, whole[3:5])
    # It is the model it says: what means the same lies closer together than what does not.
    meant = backbones.encode(
        encoder, texts(["How do I sort a list?", "Sorting an array", "The king died in battle"])
    ).vectors
    assert meant[0] @ meant[1] > meant[0] @ meant[2] + 0.3
    described = backbones.describe(encoder)
    assert described["name"] == "minilm-package"
    assert described["parameters"] > 20_000_000
    assert len(described["weights_sha256"]) == 64


def test_vectors_equal_those_of_the_plain_model(folder: Path) -> None:
    # An oracle without padding, batches or dummies: one text at a time through the library.
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = backbones.encode(backbones.load(settings(folder)), texts(TEXTS[:6])).vectors
    for row, text in enumerate(TEXTS[:6]):
        given = tokenizer(" ".join(text.split()) if text else "", truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state[0]
        expected = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy()
        # White space at the ends of a text is squeezed, not stripped; only these texts end in words.
        if text == text.strip():
            assert vectors[row] == pytest.approx(expected, abs=1e-5)


def test_a_classification_checkpoint_gives_its_own_scores(tmp_path: Path) -> None:
    encoder = backbones.load(settings(write_roberta(tmp_path / "m", classes=2)), classifies=True)
    encoded = backbones.encode(encoder, texts(TEXTS))
    assert encoded.logits is not None
    assert encoded.logits.shape == (len(TEXTS), 2)
    again = backbones.encode(encoder, texts(TEXTS[5:9]))
    assert again.logits is not None
    assert np.array_equal(again.logits, encoded.logits[5:9])
    assert len(np.unique(encoded.logits[:, 0])) > 10


def test_one_score_from_any_number_of_logits() -> None:
    assert backbones.class_score(np.array([[2.5], [-1.0]], dtype=np.float32)).tolist() == [2.5, -1.0]
    assert backbones.class_score(np.array([[0.0, 0.0]])).tolist() == [0.5]
    assert backbones.class_score(np.array([[0.0, 0.0, 0.0]])).tolist() == [1.0]


def test_rulers_do_not_use_up_the_tokens() -> None:
    text = "=" * 60 + "\nTitle\n" + "=" * 60 + "\n\nBody   of\tthe page"
    assert backbones.excerpts(texts([text]), 64) == [" Title Body of the page"]


def test_lengths_are_few_and_end_at_the_longest() -> None:
    assert backbones.lengths(128) == [16, 32, 64, 128]
    assert backbones.lengths(100) == [25, 50, 100]
    assert backbones.lengths(9) == [9]


def test_a_checkpoint_that_never_learnt_to_classify_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="would be random"):
        backbones.load(settings(folder), classifies=True)


def test_a_backbone_that_cannot_be_had_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"neither a local folder nor in the local cache.*minilm-package"):
        backbones.load(Backbone(name="nobody/no-such-model"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"config\.json"):
        backbones.load(Backbone(name=str(tmp_path / "empty")))


def test_pickled_weights_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    folder = write_roberta(tmp_path / "m")
    with pytest.raises(ModelError, match="at most 64 tokens"):
        backbones.load(settings(folder, max_tokens=65))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        backbones.load(settings(folder))
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        backbones.load(settings(folder))


def test_a_revision_of_the_package_is_refused() -> None:
    with pytest.raises(ValidationError, match="pinned by its package"):
        Backbone(revision="main")

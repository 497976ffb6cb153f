"""Encoders: bits that depend on the text alone, and clear refusals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tiny_models import write_roberta

from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import excerpts, lengths, load_encoder, stretches
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
    encoder = load_encoder(settings(folder, dtype=dtype))
    whole = encoder.encode(texts(TEXTS)).vectors
    order = np.random.default_rng(7).permutation(len(TEXTS))
    shuffled = encoder.encode(texts([TEXTS[index] for index in order])).vectors
    assert np.array_equal(shuffled, whole[order])
    for row in (0, 1, 2, 20, len(TEXTS) - 1):
        assert np.array_equal(encoder.encode(texts([TEXTS[row]])).vectors[0], whole[row])


def test_windows_are_the_mean_of_stretches_that_are_encoded_alone(folder: Path) -> None:
    long = " ".join(f"w{number}" for number in range(1_000))
    unbroken = "因为" * 900
    values = [*TEXTS, long, unbroken, " " * 3_000 + "x"]
    encoder = load_encoder(settings(folder, max_tokens=16, windows=3))
    alone = load_encoder(settings(folder, max_tokens=16))
    whole = encoder.encode(texts(values)).vectors
    parts, owner = stretches(texts(values), 16, 3)
    assert np.bincount(owner)[[0, 1, len(TEXTS), len(TEXTS) + 1]].tolist() == [1, 1, 3, 3]
    starts = [long.find(part) for part in parts.filter(pa.array(owner == len(TEXTS))).to_pylist()]
    # At the start, in the middle and at the end, each from a word on.
    assert starts[0] == 0
    assert all(long[start - 1] == " " for start in starts[1:])
    assert abs(starts[1] - len(long) / 2) < 50
    assert len(long) - 64 <= starts[2] < len(long)
    vectors = alone.encode(pa.chunked_array([parts])).vectors.astype(np.float64)
    for row in range(len(values)):
        mean = vectors[owner == row].mean(axis=0)
        np.testing.assert_allclose(whole[row], mean / np.linalg.norm(mean), atol=1e-6)
    # A short text has the bits that it has with one window, and each text those that it has alone.
    assert np.array_equal(whole[0], alone.encode(texts([values[0]])).vectors[0])
    order = np.random.default_rng(3).permutation(len(values))
    assert np.array_equal(encoder.encode(texts([values[row] for row in order])).vectors, whole[order])
    assert np.array_equal(encoder.encode(texts([long])).vectors[0], whole[len(TEXTS)])


def test_the_packaged_minilm_loads_offline_and_keeps_its_bits() -> None:
    encoder = load_encoder(Backbone(batch=4))
    chosen = [TEXTS[index] for index in (0, 2, 3, 4, 5, 12, 30, 47)]
    whole = encoder.encode(texts(chosen)).vectors
    assert whole.shape == (8, 384)
    assert np.linalg.norm(whole, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(encoder.encode(texts(chosen[::-1])).vectors[::-1], whole)
    assert np.array_equal(encoder.encode(texts(chosen[3:5])).vectors, whole[3:5])
    # It is the model it says: what means the same lies closer together than what does not.
    meant = encoder.encode(texts(["How do I sort a list?", "Sorting an array", "The king died in battle"])).vectors
    assert meant[0] @ meant[1] > meant[0] @ meant[2] + 0.3
    described = encoder.describe()
    assert described["name"] == "minilm-package"
    assert described["parameters"] > 20_000_000
    assert len(described["weights_sha256"]) == 64


def test_vectors_equal_those_of_the_plain_model(folder: Path) -> None:
    # An oracle without padding, batches or dummies: one text at a time through the library.
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = load_encoder(settings(folder)).encode(texts(TEXTS[:6])).vectors
    for row, text in enumerate(TEXTS[:6]):
        given = tokenizer(" ".join(text.split()) if text else "", truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state[0]
        expected = torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy()
        # White space at the ends of a text is squeezed, not stripped; only these texts end in words.
        if text == text.strip():
            assert vectors[row] == pytest.approx(expected, abs=1e-5)


def test_a_classification_checkpoint_gives_its_own_scores(tmp_path: Path) -> None:
    encoder = load_encoder(settings(write_roberta(tmp_path / "m", classes=2)), classifies=True)
    encoded = encoder.encode(texts(TEXTS))
    assert encoded.logits is not None
    assert encoded.logits.shape == (len(TEXTS), 2)
    again = encoder.encode(texts(TEXTS[5:9]))
    assert again.logits is not None
    assert np.array_equal(again.logits, encoded.logits[5:9])
    assert len(np.unique(encoded.logits[:, 0])) > 10


@pytest.mark.parametrize("most", [1, 20, 1000])
def test_texts_that_come_some_at_a_time_have_the_bits_of_all_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    encoder = load_encoder(settings(write_roberta(tmp_path / "m", classes=2)), classifies=True)
    whole = encoder.encode(texts(TEXTS))
    monkeypatch.setattr("tamis.classifiers.encoder.TEXTS_AT_ONCE", most)
    parts = list(encoder.encode_each(texts(TEXTS[start : start + 7]) for start in range(0, len(TEXTS), 7)))
    assert len(parts) == {1: 8, 20: 3, 1000: 1}[most]
    assert np.array_equal(np.concatenate([part.vectors for part in parts]), whole.vectors)
    assert np.array_equal(np.concatenate([part.score() for part in parts]), whole.score())
    (nothing,) = encoder.encode_each([])
    assert nothing.vectors.shape == (0, 32)


def test_long_texts_wait_for_fewer_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder(settings(folder))
    monkeypatch.setattr("tamis.classifiers.encoder.TOKENS_AT_ONCE", 64 * 20)
    assert [len(part.vectors) for part in encoder.encode_each(texts([text]) for text in TEXTS)] == [20, 20, 13]


def test_rulers_do_not_use_up_the_tokens() -> None:
    text = "=" * 60 + "\nTitle\n" + "=" * 60 + "\n\nBody   of\tthe page"
    assert excerpts(texts([text]), 64) == [" Title Body of the page"]


def test_lengths_are_few_and_end_at_the_longest() -> None:
    assert lengths(128) == [16, 32, 64, 128]
    assert lengths(100) == [25, 50, 100]
    assert lengths(9) == [9]
    assert lengths(100, between=True) == [25, 50, 75, 100]
    assert lengths(64, between=True) == [16, 24, 32, 48, 64]


def test_a_checkpoint_that_never_learnt_to_classify_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="would be random"):
        load_encoder(settings(folder), classifies=True)


def test_pickled_weights_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    folder = write_roberta(tmp_path / "m")
    with pytest.raises(ModelError, match="at most 64 tokens"):
        load_encoder(settings(folder, max_tokens=65))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_encoder(settings(folder))
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_encoder(settings(folder))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_weights_that_are_no_numbers_are_refused_before_a_text_is_encoded(
    folder: Path, tmp_path: Path, value: str
) -> None:
    from safetensors.numpy import load_file, save_file

    broken = shutil.copytree(folder, tmp_path / "broken")
    tensors = load_file(broken / "model.safetensors")
    name = next(name for name in tensors if name.endswith("layer.1.output.dense.weight"))
    tensors[name][0, 3] = float(value)
    save_file(tensors, broken / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        ModelError, match=r"in 1 tensors: .*layer\.1\.output\.dense\.weight.*fetch the checkpoint again"
    ):
        load_encoder(settings(broken))


@pytest.mark.parametrize(("able", "told"), [({}, "fp32"), ({"avx512_vnni": True}, "fp32, or int8")])
def test_bf16_without_hardware_is_said_to_be_slow(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    able: dict[str, bool],
    told: str,
) -> None:
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "x86_64"} | able)
    load_encoder(settings(folder, dtype="bf16"))
    assert f"set backbone.dtype to {told}" in [line.split("; ")[-1] for line in caplog.messages]
    caplog.clear()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    load_encoder(settings(folder, dtype="bf16"))
    assert not [line for line in caplog.messages if "bf16" in line]

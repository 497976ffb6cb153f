"""Integers in an encoder: bits that depend on the text alone, vectors near those of fp32, clear refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny_models import write_encoder, write_roberta

from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import Encoded, Encoder, load_encoder
from tamis.errors import ModelError

TEXTS = [
    "A short text.",
    "",
    "Because the matrix is symmetric, its eigenvalues are real. " * 20,
    "Ünïcode und 因为 и так далее",
    "def function(argument):\n    return argument + 1\n",
    "x\0y",
    *(f"Document {index} says {'much ' * (index % 40)}." for index in range(45)),
]


def able() -> bool:
    import torch

    from tamis.classifiers import int8

    return any(torch.cpu.get_capabilities().get(name) for name in int8.INSTRUCTIONS)


def fused() -> bool:
    import torch

    from tamis.classifiers import int8_attention

    return all(torch.cpu.get_capabilities().get(name) for name in int8_attention.NEEDED)


needs_vnni = pytest.mark.skipif(not able(), reason="the processor has neither VNNI nor AMX; there int8 is refused")


def column(values: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.large_string())])


def loaded(folder: Path, *, classifies: bool = False, **changes: object) -> Encoder:
    values = {"name": str(folder), "max_tokens": 64, "batch": 8, "dtype": "int8"} | changes
    return load_encoder(Backbone.model_validate(values), classifies=classifies)


def same(found: Encoded, expected: Encoded, rows: np.ndarray) -> bool:
    assert found.logits is not None
    assert expected.logits is not None
    return (
        found.vectors.tobytes() == expected.vectors[rows].tobytes()
        and found.logits.tobytes() == expected.logits[rows].tobytes()
    )


@needs_vnni
@pytest.mark.parametrize("family", ["roberta", "bert", "distilbert"])
def test_bits_depend_on_the_text_alone(tmp_path: Path, family: str) -> None:
    folder = write_encoder(tmp_path / family, family, classes=2)
    encoder = loaded(folder, classifies=True)
    whole = encoder.encode(column(TEXTS))
    assert len(np.unique(whole.vectors, axis=0)) > 40
    order = np.random.default_rng(7).permutation(len(TEXTS))
    assert same(encoder.encode(column([TEXTS[row] for row in order])), whole, order)
    for row in (0, 1, 2, 20, len(TEXTS) - 1):
        assert same(encoder.encode(column([TEXTS[row]])), whole, np.array([row]))
    # Other threads, another process's scales, another size of batch.
    assert same(loaded(folder, classifies=True, threads=2).encode(column(TEXTS)), whole, np.arange(len(TEXTS)))
    import torch

    torch.set_num_threads(1)


@needs_vnni
def test_the_packaged_minilm_keeps_its_bits_and_stays_near_fp32() -> None:
    import torch

    chosen = [TEXTS[row] for row in (0, 2, 3, 4, 5, 12, 30, 47)]
    plain = load_encoder(Backbone(batch=4))
    exact = plain.encode(column(chosen)).vectors
    encoder = load_encoder(Backbone(batch=4, dtype="int8"))
    whole = encoder.encode(column(chosen)).vectors
    cosine = (exact.astype(np.float64) * whole).sum(axis=1)
    assert cosine.min() > 0.99
    # And not because it is fp32.
    assert cosine.max() < 1.0 - 1e-5
    assert np.array_equal(encoder.encode(column(chosen[::-1])).vectors[::-1], whole)
    assert np.array_equal(encoder.encode(column(chosen[3:5])).vectors, whole[3:5])
    assert np.array_equal(
        load_encoder(Backbone(batch=4, dtype="int8", threads=2)).encode(column(chosen)).vectors, whole
    )
    torch.set_num_threads(1)
    # The scales are those of the weights, whatever is read.
    described = encoder.describe()["int8"]
    assert described == load_encoder(Backbone(dtype="int8", max_tokens=128)).describe()["int8"]
    assert (described["layers"], described["attention"]) == (36, 6 if fused() else 0)
    assert "int8" not in plain.describe()


@needs_vnni
@pytest.mark.parametrize("family", ["roberta", "bert", "distilbert"])
@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "relu"])
def test_vectors_and_logits_are_near_those_of_fp32(tmp_path: Path, family: str, activation: str) -> None:
    key = "activation" if family == "distilbert" else "hidden_act"
    if family == "distilbert" and activation == "gelu_new":
        activation = "gelu_pytorch_tanh"
    folder = write_encoder(tmp_path / "m", family, classes=3, **{key: activation})
    whole, exact = (loaded(folder, classifies=True, dtype=dtype).encode(column(TEXTS)) for dtype in ("int8", "fp32"))
    assert whole.logits is not None
    assert exact.logits is not None
    assert not np.array_equal(whole.vectors, exact.vectors)
    assert np.abs(whole.vectors - exact.vectors).max() < 0.02
    assert np.abs(whole.logits - exact.logits).max() < 0.02 * np.ptp(exact.logits)


@needs_vnni
def test_a_layer_is_the_sum_of_its_integers() -> None:
    # The oracle rounds and adds in float64 and knows nothing of columns or zeros.
    import torch

    from tamis.classifiers import int8

    torch.manual_seed(0)
    layer = torch.nn.Linear(96, 40)
    spread = torch.ones(96)
    spread[[3, 50]] = torch.tensor([30.0, 9.0])
    values = torch.randn(2, 60, 96) * spread
    scale = int8.scale_of(values.reshape(-1, 96).amin(dim=0).numpy(), values.reshape(-1, 96).amax(dim=0).numpy())
    with torch.inference_mode():
        found = int8._layer(layer, scale, "none")(values).numpy()
        weight = layer.weight.double().numpy()
    unit = np.abs(weight).max(axis=1, keepdims=True) / 127
    rounded = np.floor(values.double().numpy() / scale.step + 0.5) * scale.step
    expected = rounded @ (np.rint(weight / unit) * unit).T + layer.bias.detach().double().numpy()
    # Values that lie half way between two integers may go either way.
    assert np.quantile(np.abs(found - expected), 0.99) < 1e-4
    assert np.abs(found - expected).max() < 2 * scale.step * np.abs(weight).max()


@given(
    st.lists(st.tuples(st.floats(-100, 100, width=32), st.floats(0, 100, width=32)), min_size=1, max_size=100),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_integers_stand_for_their_values_in_every_channel(channels: list[tuple[float, float]], widest: int) -> None:
    from tamis.classifiers import int8
    from tamis.kernels.quantise import quantise

    low = np.array([start for start, _ in channels], np.float32)
    high = low + np.array([width for _, width in channels], np.float32)
    high[: min(widest, len(high))] += np.float32(1000)
    scale = int8.scale_of(low, high)
    assert len(channels) <= len(scale.source) <= len(channels) + len(channels) // int8.EXTRA
    assert scale.source[: len(channels)].tolist() == list(range(len(channels)))
    # The ends, the middle, and beyond the ends.
    values = np.stack([low, high, (low + high) / 2, low - 1e6, high + 1e6]).astype(np.float32)
    found = np.full((5, len(scale.source)), 7, np.uint8)
    quantise(values, np.float32(1 / scale.step), scale.zero, scale.source, found)
    total = np.zeros((5, len(channels)))
    np.add.at(total, (slice(None), scale.source), found)
    back = (total - scale.zero[: len(channels)]) * scale.step
    # Half a step, and what fp32 leaves of numbers of this size.
    assert (np.abs(back - values)[:3] <= scale.step * 0.5 + np.abs(values[:3]) * 1e-5 + 1e-6 + scale.step * 1e-3).all()
    columns = np.bincount(scale.source, minlength=len(channels))
    assert (total[3] == 0).all()
    assert (total[4] == 255 * columns).all()


def test_few_channels_with_large_values_do_not_make_the_others_coarse() -> None:
    from tamis.classifiers import int8

    low, high = np.full(384, -1, np.float32), np.full(384, 1, np.float32)
    plain = int8.scale_of(low, high).step
    high[[5, 77]] = 12.0
    scale = int8.scale_of(low, high)
    assert scale.step <= 1.3 * plain
    assert np.unique(scale.source[384:]).tolist() == [5, 77]


def test_a_processor_without_the_instructions_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    folder = write_roberta(tmp_path / "m")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "aarch64", "neon": True})
    with pytest.raises(ModelError, match=r"needs a processor with VNNI or AMX.*aarch64.*dtype: fp32"):
        loaded(folder)


@needs_vnni
def test_sums_that_overflow_are_refused() -> None:
    # As on a processor without VNNI: pairs of products are added in 16 bits.
    code = "from tamis.classifiers.int8 import check_machine; check_machine('m')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sums of 8-bit products overflow on this machine" in done.stderr


@needs_vnni
def test_a_model_without_finite_numbers_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = write_roberta(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("intermediate.dense.weight"))
    # Each weight is a number (others are refused for any dtype), and what they add up to is none.
    weights[name][:] = torch.finfo(torch.float32).max
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="computes no finite numbers"):
        loaded(folder)


def test_integers_on_a_gpu_and_portable_ones_are_refused() -> None:
    with pytest.raises(ValidationError, match="dtype int8 is for device cpu"):
        Backbone(dtype="int8", device="cuda")
    with pytest.raises(ValidationError, match="portable holds for dtype fp32"):
        Backbone(dtype="int8", portable=True)

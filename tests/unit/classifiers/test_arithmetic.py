"""Bits of scores on several processors, imitated in processes of their own by the variables that libraries read.

A variable that a machine knows nothing of, or asks for what it cannot do, leaves it as it is; what is asserted holds then
as well.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import print_bits
import pytest
from pydantic import ValidationError
from tiny_models import write_roberta

from tamis.classifiers import arithmetic
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import load_encoder
from tamis.errors import ModelError

AVX2 = {
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
NEITHER = {
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}
OLD_LIBRARY = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"}
# What a user may have set, and what makes places in a batch differ on processors with AVX2.
LOOSE = {"MKL_CBWR": "AVX2"}


@pytest.fixture(name="checkpoint", scope="module")
def _checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_roberta(tmp_path_factory.mktemp("models") / "tiny-roberta", classes=2)


def run(checkpoint: Path, way: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # Variables that this process has set for itself are none of the imitated processor's.
    clean = {name: value for name, value in os.environ.items() if name not in arithmetic.PORTABLE}
    return subprocess.run(
        [sys.executable, print_bits.__file__, str(checkpoint), way],
        env=clean | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def bits(checkpoint: Path, way: str, variables: dict[str, str]) -> dict[str, list[str]]:
    done = run(checkpoint, way, variables)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["changed"] == []
    return found["values"]


@pytest.mark.parametrize("variables", [{}, AVX2, NEITHER, LOOSE], ids=["this", "avx2", "neither", "loose"])
def test_on_every_processor_the_bits_depend_on_the_text_alone(checkpoint: Path, variables: dict[str, str]) -> None:
    values = bits(checkpoint, "fast", variables)
    assert {name: len(rows) for name, rows in values.items()} == {
        "checkpoint vectors": 10,
        "checkpoint logits": 10,
        "checkpoint scores": 10,
        "minilm vectors": 10,
        "head probabilities": 10,
        "head weights": 1,
    }
    assert len(set(values["checkpoint scores"])) > 5
    assert len(set(values["head probabilities"])) > 5


def test_portable_bits_are_those_of_every_processor(checkpoint: Path) -> None:
    if platform.machine() not in {"x86_64", "AMD64"}:
        assert "x86-64" in run(checkpoint, "portable", {}).stderr
        return
    here = bits(checkpoint, "portable", {})
    # torch's own vector code cannot be forced to more than the portable one, nor need it be.
    without = {name: value for name, value in AVX2.items() if name != "ATEN_CPU_CAPABILITY"}
    assert bits(checkpoint, "portable", without) == here
    assert bits(checkpoint, "portable", NEITHER | OLD_LIBRARY) == here


def test_portable_is_refused_where_it_comes_too_late_or_is_contradicted(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contradicted = run(checkpoint, "portable", {"MKL_CBWR": "AVX2"})
    assert contradicted.returncode == 1
    assert "needs MKL_CBWR=COMPATIBLE, the environment has MKL_CBWR=AVX2; unset it" in contradicted.stderr
    plain = Backbone(name=str(checkpoint))
    portable = plain.model_copy(update={"portable": True})
    load_encoder(plain)
    with pytest.raises(ModelError, match="already loaded a backbone with false"):
        load_encoder(portable)
    monkeypatch.setattr(arithmetic, "_settled", [])
    for name in arithmetic.PORTABLE:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelError, match=r"MKL_CBWR=COMPATIBLE before torch is loaded"):
        load_encoder(portable)


def test_places_that_differ_are_found() -> None:
    import torch

    def forward(tokens: list[list[int]], wrong: int) -> list[torch.Tensor]:
        rows = torch.tensor(tokens, dtype=torch.float32).sqrt()
        rows[wrong:] = torch.nextafter(rows[wrong:], torch.tensor(9.0))
        return [rows[:, :0], rows]

    assert arithmetic.places_are_equal(lambda tokens: forward(tokens, 4), (4, 3), 1000)
    for wrong in (1, 2, 3):
        assert not arithmetic.places_are_equal(lambda tokens, wrong=wrong: forward(tokens, wrong), (4, 3), 1000)


def test_a_length_whose_places_differ_is_encoded_text_by_text(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import pyarrow as pa

    shapes: list[tuple[int, int]] = []
    encoder = load_encoder(Backbone(name=str(checkpoint), max_tokens=64, batch=8))
    encoder.model.register_forward_pre_hook(
        lambda _, __, given: shapes.append(tuple(given["input_ids"].shape)), with_kwargs=True
    )
    monkeypatch.setattr(arithmetic, "places_are_equal", lambda _, shape, __: shape[1] != 16)
    column = pa.chunked_array([pa.array(["one", "two", "three " * 4, "four " * 90], pa.large_string())])
    alone = encoder.encode(column)
    assert shapes == [(1, 16), (1, 16), (8, 32), (8, 64)]
    assert "a text of 16 tokens has other bits at another place" in caplog.text
    assert "of 64 tokens" not in caplog.text
    monkeypatch.undo()
    together = load_encoder(encoder.settings).encode(column)
    assert alone.vectors == pytest.approx(together.vectors, abs=1e-6)


def test_vectors_of_texts_go_through_a_layer_one_by_one() -> None:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Linear(96, 2)
    given: list[int] = []
    plain = torch.nn.functional.linear

    def watched(rows: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        given.append(len(rows))
        return plain(rows, *rest)

    rows = torch.rand(5, 96)
    output = layer(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "linear", watched)
        result = arithmetic.text_by_text(5, layer, (rows,), output)
        assert given == [1] * 5
        # Tokens: a third dimension, or more rows than texts.
        assert arithmetic.text_by_text(4, layer, (rows,), output) is output
        assert arithmetic.text_by_text(5, layer, (rows[None],), output) is output
        assert given == [1] * 5
    assert np.allclose(result.detach().numpy(), output.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("changes", [{"dtype": "bf16"}, {"device": "cuda"}, {"threads": 2}])
def test_portable_is_refused_with_what_it_does_not_hold_for(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="portable holds for"):
        Backbone.model_validate({"portable": True} | changes)

"""An encoder whose linear layers multiply 8-bit integers, for processors with VNNI or AMX.

Weights are rounded to 8 bits with a scale for each output, what goes into a layer to 8 bits with a scale that is
settled beforehand (static): one that is taken from the batch at hand would give a text other bits in other company.
Sums of integers are exact, so the products have the same bits in any order, with any number of threads, at any place
in a batch; what stands between them (attention, normalisation, GELU) is computed in fp32.

Encoders have a few channels with values many times those of the others (up to 24 against 6 in MiniLM), for which one
scale must either be coarse or cut them off, and both cost much: a mean cosine distance to fp32 of .008 and .016. So
these channels are split (Zhao et al. 2019, https://arxiv.org/abs/1901.09504): a channel wider than 255 steps has
several columns, one for each 255, that are multiplied by the same weights. A thirty-second of columns more brings the
distance to .001. The ranges of channels are those on `calibration.TEXTS`.

Without VNNI, products of unsigned and signed bytes are added in pairs of 16 bits, which overflow: other results, and no
faster than fp32. Such processors are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from tamis.classifiers import int8_attention
from tamis.classifiers.calibration import TEXTS
from tamis.classifiers.loading import room_of
from tamis.errors import ModelError
from tamis.kernels.quantise import quantise

INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8")
"""Sets of instructions, one of which is needed."""

CALIBRATION_TOKENS = 128
"""Tokens read of each calibration text, at most."""

LEVELS = 255
MARGIN = 1.2
"""How much wider than on the calibration texts a channel may get before it is cut off."""

EXTRA = 32
"""One column more for so many channels."""

FUSED = (("dense", "intermediate_act_fn"), ("lin1", "activation"))
"""Names of a linear layer and the activation behind it, in BERT and its kin and in DistilBERT."""


@dataclass(frozen=True)
class Scale:
    """How what goes into a layer becomes integers; see `scale_of`.

    Attributes:
        step: what one unit stands for.
        zero: float32, the integer of zero in each of m columns.
        source: int32, the channel of each column; every channel has one, the widest have more behind them.
    """

    step: float
    zero: np.ndarray
    source: np.ndarray


def check_machine(name: str) -> None:
    """Refuse a processor on which int8 is wrong or slow.

    Args:
        name: of the backbone, for the message.

    Raises:
        ModelError: it has none of `INSTRUCTIONS`, or the library adds inexactly.
    """
    able = torch.cpu.get_capabilities()
    if not any(able.get(instruction) for instruction in INSTRUCTIONS):
        msg = (
            f"backbone {name!r}: dtype int8 needs a processor with VNNI or AMX (Intel servers since 2019, AMD since "
            f"Zen 4 of 2022); this one ({able.get('architecture')}) has neither, and would add wrongly or slowly. Set "
            "`backbone.dtype: fp32`, or run on other machines"
        )
        raise ModelError(msg)
    # The largest sums there are: they overflow where pairs are added in 16 bits.
    values = torch.full((2, 512), LEVELS, dtype=torch.uint8)
    weight = torch.full((16, 512), 127, dtype=torch.int8)
    weight[::2] = -127
    found = _product(values, 1.0, _packed(weight, torch.ones(16)), torch.zeros(16), "none")
    if not torch.equal(found, values.float() @ weight.float().T):
        msg = (
            f"backbone {name!r}: dtype int8: sums of 8-bit products overflow on this machine, though its processor has "
            "VNNI or AMX; unset ONEDNN_MAX_CPU_ISA if it is set, or set `backbone.dtype: fp32`"
        )
        raise ModelError(msg)


def convert(model: Any, tokenizer: Any, name: str) -> dict[str, Any]:
    """Let the linear layers of a model that see tokens multiply integers; the others stay as they are.

    Args:
        model: in fp32; changed.
        tokenizer: its tokenizer.
        name: of the backbone, for messages.

    Returns:
        For `backbone.json`: how many linear layers and how many of attention were changed, and a hash of all scales.

    Raises:
        ModelError: the machine cannot do it (`check_machine`), or the model has no such layers or no finite values.
    """
    check_machine(name)
    settle = int8_attention.measure(model)
    ranges = _ranges(model, tokenizer)
    steps: list[float] = []

    def step_of(largest: float) -> float:
        steps.append(_step(2.0 * largest * MARGIN, lambda width, step: width <= 254 * step))
        return steps[-1]

    attention = settle(step_of)
    digest = hashlib.sha256(repr(steps).encode())
    fused = _fused(model)
    for layer_name, layer in model.named_modules():
        if layer_name not in ranges:
            continue
        low, high = ranges[layer_name]
        if not (np.isfinite(low).all() and np.isfinite(high).all() and bool(layer.weight.isfinite().all())):
            msg = f"backbone {name!r}: {layer_name} computes no finite numbers, so it has no scale in int8; use fp32"
            raise ModelError(msg)
        scale = scale_of(low, high)
        digest.update(f"{layer_name} {scale.step!r}".encode() + scale.zero.tobytes() + scale.source.tobytes())
        layer.forward = _layer(layer, scale, "gelu" if layer_name in fused else "none")
    if not ranges:
        msg = f"backbone {name!r}: has no linear layer that sees tokens, so dtype int8 changes nothing; use fp32"
        raise ModelError(msg)
    for module, activation in fused.values():
        setattr(module, activation, torch.nn.Identity())
    return {"layers": len(ranges), "attention": attention, "scales_sha256": digest.hexdigest()}


def scale_of(low: np.ndarray, high: np.ndarray) -> Scale:
    """The finest step with which all channels fit into the columns that there may be.

    A channel as wide as c steps has ⌈c / 255⌉ columns, and there are a thirty-second more columns than channels. Steps
    have five bits and zeros are whole, so that the last bits of a processor's fp32 do not show.

    Args:
        low: float32, n: the smallest value of each channel.
        high: float32, n: the largest.
    """
    middle = (low.astype(np.float64) + high) / 2
    width = (high.astype(np.float64) - low) * MARGIN
    most = len(width) + len(width) // EXTRA
    step = _step(float(width.max()), lambda _, step: bool(_columns(width, step).sum() <= most))
    columns = _columns(width, step)
    zero = np.rint(LEVELS * columns / 2 - middle / step)
    more = np.repeat(np.arange(len(width)), columns - 1)
    # The first column holds the lowest 255 units of a channel, the next those above.
    place = np.concatenate([np.arange(1, count) for count in columns if count > 1] or [np.zeros(0)])
    source = np.concatenate([np.arange(len(width)), more]).astype(np.int32)
    return Scale(step, np.concatenate([zero, zero[more] - LEVELS * place]).astype(np.float32), source)


def _step(width: float, fits: Callable[[float, float], bool]) -> float:
    """The finest step of five bits that fits, from 1/4096 of what the width takes on; any where the width is 0."""
    exponent = int(np.floor(np.log2(max(width / LEVELS, 1e-30)))) - 12
    steps = (2.0**power * part / 16 for power in range(exponent, exponent + 15) for part in range(16, 32))
    return next(step for step in steps if fits(width, step))


def _columns(width: np.ndarray, step: float) -> np.ndarray:
    return np.maximum(np.ceil(width / (LEVELS * step)), 1).astype(np.int64)


def _ranges(model: Any, tokenizer: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Smallest and largest value of each channel that goes into a layer that sees tokens, by the layer's name."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    mask = torch.zeros(0)

    def look(name: str, _layer: Any, given: tuple[Any, ...]) -> None:
        rows = given[0]
        if rows.dim() != 3 or rows.shape[:2] != mask.shape:
            # One vector a text, or nothing of the text.
            return
        seen = rows[mask.bool()]
        low, high = seen.amin(dim=0).numpy(), seen.amax(dim=0).numpy()
        if name in found:
            low, high = np.minimum(low, found[name][0]), np.maximum(high, found[name][1])
        found[name] = low, high

    hooks = [
        layer.register_forward_pre_hook(partial(look, name))
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear)
    ]
    with torch.inference_mode():
        for text in TEXTS:
            # One at a time, without padding.
            ids = tokenizer(text, truncation=True, max_length=room_of(model.config, CALIBRATION_TOKENS))["input_ids"]
            mask = torch.ones((1, len(ids)), dtype=torch.long)
            if ids:
                model(input_ids=torch.tensor([ids]), attention_mask=mask)
    for hook in hooks:
        hook.remove()
    return found


def _fused(model: Any) -> dict[str, tuple[Any, str]]:
    """Layers whose product goes through GELU and nowhere else: their names, and where the activation stands."""
    found = {}
    for name, module in model.named_modules():
        for layer, activation in FUSED:
            behind = getattr(module, activation, None)
            plain = type(behind).__name__ == "GELUActivation" or (
                isinstance(behind, torch.nn.GELU) and behind.approximate == "none"
            )
            if plain and isinstance(getattr(module, layer, None), torch.nn.Linear):
                found[f"{name}.{layer}"] = module, activation
    return found


def _layer(layer: Any, scale: Scale, activation: str) -> Callable[[Any], Any]:
    """What a linear layer, and the activation behind it, computes from fp32 to fp32."""
    weight = layer.weight.detach()
    unit = weight.abs().amax(dim=1).clamp(min=torch.finfo(torch.float32).tiny) / 127
    integers = (weight / unit[:, None]).round()
    # Sums over the columns of a channel are x / step + zero; what zero adds is taken off with the bias.
    width = weight.shape[1]
    added = (integers.double() @ torch.from_numpy(scale.zero[:width].astype(np.float64))) * unit.double() * scale.step
    bias = (-added if layer.bias is None else layer.bias.detach().double() - added).float()
    packed = _packed(integers[:, torch.from_numpy(scale.source.astype(np.int64))].to(torch.int8), unit)
    slope = np.float32(1.0 / scale.step)

    def forward(values: Any) -> Any:
        rows = values.reshape(-1, width).contiguous()
        found = torch.empty((len(rows), len(scale.source)), dtype=torch.uint8)
        quantise(rows.numpy(), slope, scale.zero, scale.source, found.numpy())
        return _product(found, scale.step, packed, bias, activation).reshape(*values.shape[:-1], -1)

    return forward


def _packed(weight: Any, unit: Any) -> tuple[Any, Any, Any]:
    """Weights as the kernels want them, what one unit of each output stands for, and zeros."""
    return torch.ops.onednn.qlinear_prepack(weight, None), unit, torch.zeros(len(unit), dtype=torch.int64)


def _product(values: Any, step: float, packed: tuple[Any, Any, Any], bias: Any, activation: str) -> Any:
    """The product of integers as fp32, with bias and activation: n × columns, → n × outputs."""
    weight, unit, zeros = packed
    algorithm = "none" if activation == "gelu" else ""
    return torch.ops.onednn.qlinear_pointwise(
        values, step, 0, weight, unit, zeros, bias, 1.0, 0, torch.float32, activation, [], algorithm
    )

"""Attention of an encoder in integers, put where transformers asks for its attention.

Scales of queries, keys and values are static, as those of linear layers (`int8.py`): while texts are measured, the
largest of each is noted (`measure`), after that used (`settle`). What is no plain attention over all tokens of a text
(causal, over a window, with a bias for positions, grouped heads) is left to torch (`attention.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
import transformers
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from tamis.classifiers.attention import fused
from tamis.kernels.int8_attention import LANES, LOG2_E, ROWS, attend, to_bytes

NAME = "tamis_int8"
NEEDED = ("avx512_vnni", "avx512_bw", "avx512_vl")
"""Instructions of the kernel."""

SCALES = "tamis_int8_scales"
"""Attribute of an attention layer: steps of queries, keys and values."""


def measure(model: Any) -> Callable[[Callable[[float], float]], int]:
    """Let a model note the largest queries, keys and values until the returned function is called.

    Args:
        model: in fp32.

    Returns:
        A function that ends it: given how a largest value becomes a step, it says how many layers use integers now;
        none where the processor or the model has other attention.
    """
    able = torch.cpu.get_capabilities()
    if not getattr(model, "_supports_attention_backend", False) or not all(able.get(name) for name in NEEDED):
        return lambda _step: 0
    transformers.AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)

    def settle(step: Callable[[float], float]) -> int:
        count = 0
        for module in model.modules():
            largest = module.__dict__.pop(_LARGEST, None)
            if largest is not None and np.isfinite(largest).all():
                setattr(module, SCALES, tuple(step(value) for value in largest))
                count += 1
        return count

    return settle


_LARGEST = "_tamis_int8_largest"


def _attention(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[Any, None]:
    """As transformers asks for it: texts × heads × length × size, → texts × length × heads × size."""
    texts, _, length, size = query.shape
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    lengths = None
    if not causal and key.shape == query.shape == value.shape and size % LANES == 0 and not dropout:
        lengths = _lengths(attention_mask, texts, length)
    if lengths is None or any(kwargs.get(name) is not None for name in ("position_bias", "softcap", "sliding_window")):
        return fused(module, query, key, value, attention_mask, dropout, scaling, is_causal, **kwargs)
    if (scales := getattr(module, SCALES, None)) is None:
        largest = tuple(float(part.abs().max()) for part in (query, key, value))
        before = module.__dict__.get(_LARGEST, (0.0, 0.0, 0.0))
        # Of NaN and a number NaN is kept.
        module.__dict__[_LARGEST] = tuple(float(np.maximum(*pair)) for pair in zip(before, largest, strict=True))
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, is_causal=False)
    scaling = size**-0.5 if scaling is None else scaling
    return integers(query, key, value, lengths, scales, scaling), None


def _lengths(mask: Any, texts: int, length: int) -> np.ndarray | None:
    """Tokens of each text where a mask shows every token the first ones of its text, otherwise None."""
    if mask is None:
        return np.full(texts, length)
    if mask.dtype != torch.bool or mask.shape[0] != texts or mask.shape[-1] != length:
        return None
    count = mask[:, 0, 0].sum(dim=-1)
    plain = torch.arange(length) < count[:, None]
    if bool((mask == plain[:, None, None]).all()) and bool((count > 0).all()):
        return count.numpy()
    return None


def integers(
    query: Any, key: Any, value: Any, lengths: np.ndarray, scales: tuple[float, float, float], scaling: float
) -> Any:
    """Attention in integers over the first tokens of each text.

    Args:
        query: float32, texts × heads × length × size.
        key: of the same shape.
        value: of the same shape.
        lengths: tokens of each text.
        scales: steps of queries, keys and values.
        scaling: of the products of queries and keys.

    Returns:
        float32, texts × length × heads × size; zeros behind the tokens of a text.
    """
    texts, heads, length, size = query.shape
    given = []
    for part, step, zero, kind, more in zip(
        (query, key, value), scales, (128, 0, 0), (np.uint8, np.int8, np.int8), (ROWS, 0, 0), strict=True
    ):
        rows = part.transpose(1, 2).reshape(texts * length, heads * size).contiguous().numpy()
        found = np.zeros((len(rows) + more, heads * size), kind)
        to_bytes(rows, np.float32(1.0 / step), np.float32(zero), found)
        given.append(found)
    result = torch.empty((texts, length, heads, size))
    unit, scale = np.float32(scales[0] * scales[1] * scaling * LOG2_E), np.float32(scales[2])
    threads, count = torch.get_num_threads(), texts * heads
    edges = [count * part // threads for part in range(threads + 1)]

    def some(first: int, last: int) -> None:
        attend(*given, lengths.astype(np.int64), unit, scale, result.numpy(), first, last)

    if threads == 1:
        some(0, count)
    else:
        list(_pool(threads).map(some, edges[:-1], edges[1:]))
    return result


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)

"""Attention in integers: near torch's, exact where it can be checked, and left to torch where it is another attention."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.classifiers import int8_attention  # noqa: E402

needs_vnni = pytest.mark.skipif(
    not all(torch.cpu.get_capabilities().get(name) for name in int8_attention.NEEDED),
    reason="the processor has no AVX-512 VNNI; there torch computes attention",
)


def parts(texts: int, heads: int, length: int, size: int) -> list[torch.Tensor]:
    torch.manual_seed(texts + length)
    return [torch.randn(texts, length, heads, size).transpose(1, 2) for _ in range(3)]


@needs_vnni
@pytest.mark.parametrize(("length", "size"), [(1, 16), (9, 32), (25, 64), (64, 16), (130, 80)])
def test_it_is_attention_over_rounded_numbers(length: int, size: int) -> None:
    query, key, value = parts(3, 2, length, size)
    lengths = np.array([length, max(1, length // 2), 1])
    steps = (4.0 / 127, 4.0 / 127, 3.0 / 127)
    found = int8_attention.integers(query, key, value, lengths, steps, size**-0.5).numpy()
    rounded = [
        torch.floor((part / step).clamp(-127, 127) + 0.5).double() * step
        for part, step in zip((query, key, value), steps, strict=True)
    ]
    for text, count in enumerate(lengths):
        given = [part[text, :, :count] for part in rounded]
        expected = torch.nn.functional.scaled_dot_product_attention(*given).transpose(0, 1)
        # What is left is the rounding of the softmax's weights, of which the largest is 32,767.
        assert np.abs(found[text, :count] - expected.numpy()).max() < 2e-3
        assert (found[text, count:] == 0).all()


@needs_vnni
def test_bits_are_those_of_the_text_alone() -> None:
    query, key, value = parts(5, 3, 40, 32)
    lengths = np.array([40, 7, 16, 33, 1])
    steps = (0.03, 0.03, 0.02)
    whole = int8_attention.integers(query, key, value, lengths, steps, 0.2).numpy()
    for text, count in enumerate(lengths):
        some = [part[text : text + 1, :, :count] for part in (query, key, value)]
        alone = int8_attention.integers(*some, lengths[text : text + 1], steps, 0.2).numpy()
        assert alone[0].tobytes() == whole[text, :count].tobytes()
    try:
        torch.set_num_threads(2)
        assert int8_attention.integers(query, key, value, lengths, steps, 0.2).numpy().tobytes() == whole.tobytes()
    finally:
        torch.set_num_threads(1)


@needs_vnni
def test_the_largest_sums_do_not_overflow() -> None:
    # 4,096 keys alike and values at their end: all weights are as large as they may be.
    query, key = torch.ones(1, 1, 4096, 16), torch.ones(1, 1, 4096, 16)
    value = torch.full((1, 1, 4096, 16), -1.0)
    found = int8_attention.integers(query, key, value, np.array([4096]), (1 / 127, 1 / 127, 1 / 127), 1.0)
    assert torch.allclose(found, torch.full_like(found, -1.0), atol=1e-5)


class Layer(torch.nn.Module):
    """What transformers gives as module."""

    is_causal = False


@pytest.mark.parametrize("causal", [False, True])
def test_other_attention_is_torchs_whatever_the_company(causal: bool) -> None:
    # With size 8 a head does not fill a register; a mask that hides nothing may come as none.
    query, key, value = parts(2, 2, 12, 8)
    layer = Layer()
    found, _ = int8_attention._attention(layer, query, key, value, None, is_causal=causal)
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=causal).transpose(1, 2)
    assert torch.allclose(found, expected, atol=1e-6)
    if not causal:
        mask = torch.ones(2, 1, 12, 12, dtype=torch.bool)
        other, _ = int8_attention._attention(layer, query, key, value, mask, is_causal=False)
        assert torch.equal(found, other)
    assert not hasattr(layer, int8_attention.SCALES)


def test_masks_that_hide_more_than_ends_are_seen() -> None:
    plain = (torch.arange(6) < torch.tensor([[6], [2]]))[:, None, None].expand(2, 1, 6, 6)
    assert int8_attention._lengths(plain, 2, 6).tolist() == [6, 2]
    assert int8_attention._lengths(None, 2, 6).tolist() == [6, 6]
    window = plain.clone()
    window[0, 0, 0, 5] = False
    for other in (window, plain.flip(-1), plain & torch.ones(6, 6, dtype=torch.bool).tril(), torch.zeros_like(plain)):
        assert int8_attention._lengths(other, 2, 6) is None

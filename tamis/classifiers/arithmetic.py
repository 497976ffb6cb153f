"""What the bits of an encoder's arithmetic depend on: the instructions, and a text's place in its batch.

The instructions are settled before torch is loaded: torch reads its variable when it is imported, the Intel library
under it at its first call. Both are set here, once a process; a job is a process of its own. Two ways:

- as fast as the processor can, with `MKL_CBWR=AUTO,STRICT`: matrix products are then the same at every place in a batch
  on processors with AVX2 or AVX-512 (without it they differ there; seen with MKL 2024.2). Where that does not hold
  (another library, another variable of the user), `places_are_equal` finds out.
- portably, with `MKL_CBWR=COMPATIBLE`, torch's plain vector code and no oneDNN (its GELU follows the processor): the
  same bits on every x86-64 processor with FMA.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tamis.errors import ModelError

PORTABLE = {"MKL_CBWR": "COMPATIBLE", "ATEN_CPU_CAPABILITY": "default"}
FAST = {"MKL_CBWR": "AUTO,STRICT"}

_settled: list[bool] = []


def settle(*, portable: bool) -> Any:
    """Set the variables and import torch.

    Args:
        portable: whether the bits must be those of other processors.

    Returns:
        The module torch.

    Raises:
        ModelError: portable bits cannot be had here, or this process already computes in the other way.
    """
    if _settled and _settled[0] != portable:
        msg = (
            f"backbone.portable is {str(portable).lower()}, but this process has already loaded a backbone with "
            f"{str(not portable).lower()}, which cannot be undone; load it in another process"
        )
        raise ModelError(msg)
    if portable and not _settled:
        _check_variables()
    for name, value in (PORTABLE if portable else FAST).items():
        os.environ.setdefault(name, value)
    import torch

    if portable:
        _check_machine(torch)
        torch.backends.mkldnn.set_flags(False)
    if not _settled:
        _settled.append(portable)
    return torch


def describe(torch: Any) -> dict[str, str | None]:
    """What torch computes with on this machine, for `backbone.json`."""
    return {
        "torch": torch.backends.cpu.get_cpu_capability(),
        "onednn": "on" if torch.backends.mkldnn.enabled else "off",
        "MKL_CBWR": os.environ.get("MKL_CBWR"),
    }


def places_are_equal(
    forward: Callable[[list[list[int]]], Sequence[Any]], shape: tuple[int, int], vocabulary: int
) -> bool:
    """Whether a text has the same bits at each place in its batch.

    A batch of random texts is put through, and again with each text one place further on. Where kernels treat places
    differently, many of a text's thousands of sums are rounded differently, so equal bits at neighbouring places mean
    equal arithmetic. The answer depends on the machine and the settings, not on any document.

    Args:
        forward: token ids of a batch → tensors with a row a text.
        shape: texts a batch, tokens a text. None are padding: what is left over at the end of a matrix has kernels of
            its own, and would fall on it.
        vocabulary: number of token ids.
    """
    tokens = np.random.default_rng(0).integers(0, vocabulary, shape).tolist()
    first, second = forward(tokens), forward(tokens[-1:] + tokens[:-1])
    return all(
        np.roll(before.cpu().numpy(), 1, axis=0).tobytes() == after.cpu().numpy().tobytes()
        for before, after in zip(first, second, strict=True)
    )


def text_by_text(batch: int, layer: Any, given: tuple[Any, ...], output: Any) -> Any:
    """Hook of a linear layer: where its input is one vector a text (poolers, classifiers), compute each text alone.

    Products with few rows or columns have the most kernels to choose from, and cost nothing. Each row is copied, so
    that all begin at the same place of a cache line.

    Args:
        batch: texts a batch; more rows are tokens.
        layer: the layer.
        given: its input.
        output: what it computed.

    Returns:
        The output that replaces it.
    """
    import torch

    rows = given[0]
    if rows.dim() != 2 or not 1 < len(rows) <= batch:
        return output
    return torch.cat([torch.nn.functional.linear(row.clone(), layer.weight, layer.bias) for row in rows.split(1)])


def _check_variables() -> None:
    """Refuse variables of the user that contradict, and a torch that was loaded without ours."""
    for name, value in PORTABLE.items():
        given = os.environ.get(name)
        if given not in (None, value):
            msg = f"backbone.portable needs {name}={value}, the environment has {name}={given}; unset it"
            raise ModelError(msg)
        if given is None and "torch" in sys.modules:
            msg = (
                f"backbone.portable needs {name}={value} before torch is loaded, and this process has loaded it "
                "already; load the backbone in a process of its own, or set the variable before it starts"
            )
            raise ModelError(msg)


def _check_machine(torch: Any) -> None:
    machine = platform.machine()
    if machine not in {"x86_64", "AMD64"} or not torch.backends.mkl.is_available():
        msg = (
            f"backbone.portable holds for x86-64 processors and a torch built with MKL; this is {machine}. Set it to "
            "false: within one run the bits are equal all the same"
        )
        raise ModelError(msg)
    if torch.backends.cpu.get_cpu_capability() != "DEFAULT":
        msg = (
            "backbone.portable needs ATEN_CPU_CAPABILITY=default before torch is loaded, and torch uses "
            f"{torch.backends.cpu.get_cpu_capability()}; load the backbone in a process of its own"
        )
        raise ModelError(msg)

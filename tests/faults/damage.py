"""Ways to damage a file. All but deletion keep its time, as a bad disk or a torn copy does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

Damage = Callable[[Path, Random], None]


def _rewrite(path: Path, data: bytes) -> None:
    """Other bytes in place, with the old time."""
    status = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(path: Path, dice: Random) -> None:
    """One bit, anywhere."""
    data = bytearray(path.read_bytes())
    if data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    _rewrite(path, bytes(data))


def flip_end(path: Path, dice: Random) -> None:
    """One bit in the last fifth, where Parquet and Arrow files have their footers."""
    data = bytearray(path.read_bytes())
    if data:
        data[dice.randrange(len(data) * 4 // 5, len(data))] ^= 1 << dice.randrange(8)
    _rewrite(path, bytes(data))


def truncate(path: Path, dice: Random) -> None:
    """The end is gone."""
    data = path.read_bytes()
    _rewrite(path, data[: dice.randrange(len(data))] if data else data)


def empty(path: Path, dice: Random) -> None:
    """Nothing is left but the name."""
    del dice
    _rewrite(path, b"")


def zeros(path: Path, dice: Random) -> None:
    """A block of zeros, as a lost page of a disk's cache leaves one."""
    data = bytearray(path.read_bytes())
    if data:
        start = dice.randrange(len(data)) // 512 * 512
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    _rewrite(path, bytes(data))


def longer(path: Path, dice: Random) -> None:
    """Something stands behind the end."""
    _rewrite(path, path.read_bytes() + dice.randbytes(dice.randrange(1, 2000)))


def delete(path: Path, dice: Random) -> None:
    """The file is gone."""
    del dice
    path.unlink()


def swap(path: Path, dice: Random) -> None:
    """The file and another of its folder change places; with no other, it is truncated."""
    others = [other for other in sorted(path.parent.glob(f"*{path.suffix}")) if other != path]
    if not others:
        truncate(path, dice)
        return
    other = dice.choice(others)
    one, two = path.read_bytes(), other.read_bytes()
    _rewrite(path, two)
    _rewrite(other, one)


DAMAGES: dict[str, Damage] = {
    "flip": flip, "flip_end": flip_end, "truncate": truncate, "empty": empty, "zeros": zeros, "longer": longer,
    "delete": delete, "swap": swap,
}  # fmt: skip


def damaged(way: str, path: Path, dice: Random) -> None:
    """Damage a file, so that it surely is another: where zeros met zeros or a file its twin, one bit is flipped."""
    before = path.read_bytes()
    DAMAGES[way](path, dice)
    if path.exists() and path.read_bytes() == before:
        flip(path, dice)
    if path.exists() and path.read_bytes() == before:
        longer(path, dice)

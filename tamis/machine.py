"""What this machine computes with."""

from __future__ import annotations

import platform
from pathlib import Path


def processor(described: str) -> str:
    """The model of a processor out of the text of `/proc/cpuinfo`: its name and numbers; empty where it has neither.

    Virtual machines give many models one name, and scores may differ between models, so the numbers stand with it.
    """
    found: dict[str, str] = {}
    for line in described.splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    names = [found[key] for key in ("model name", "Model") if found.get(key)][:1]
    numbers = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant", "CPU revision")
    return ", ".join([*names, *(f"{key} {found[key]}" for key in numbers if found.get(key))])


def this_processor() -> str:
    """The model of this machine's processor."""
    try:
        found = processor(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = ""
    return found or platform.processor() or platform.machine()

"""Where results come from: the code, the locked dependencies, the inputs, and what made each output.

Neither clock nor host nor absolute path: the same run anywhere says the same.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import tamis
from tamis.checksums import canonical
from tamis.demand import WILDCARD, Described
from tamis.file_states import sha256_of
from tamis.inventory import Group, Inventory

LOCK = "requirements.lock"


def checkout() -> Path | None:
    """The checkout that this package lies in, if it is one."""
    folder = Path(tamis.__file__).resolve().parents[1]
    return folder if (folder / ".git").exists() else None


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - no shell
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def code() -> dict[str, Any]:
    """Version of tamis; its commit, and whether files of it differ from that; null where it lies in no checkout."""
    folder = checkout()
    commit = _git(folder, "rev-parse", "HEAD") if folder else None
    changes = None
    if folder and commit:
        changes = _git(folder, "status", "--porcelain", "--", "tamis", "rules", "Snakefile", LOCK)
    return {
        "version": tamis.__version__,
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
    }


def lock() -> str | None:
    """SHA-256 of requirements.lock, which lies beside the package in a checkout; null where it does not."""
    path = Path(tamis.__file__).resolve().parents[1] / LOCK
    return sha256_of(path) if path.is_file() else None


def collapsed(path: str) -> str:
    """A path with its number written as `*`."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + re.sub(r"(?<![0-9A-Za-z])\d{5}(?!\d)", "*", name)


def _params(rule: Described, group: Group) -> Iterator[str]:
    """The params of the first and the last job of a group, or of all where those two differ."""
    if rule.params is None:
        return
    values = [group.names | ({group.number: value} if group.number else {}) for value in group.values()]

    def text(of: dict[str, str]) -> str:
        value = rule.params(SimpleNamespace(**of)) if callable(rule.params) else rule.params
        # Ours are canonical JSON already, but those of barriers.
        return value if isinstance(value, str) and value.startswith("{") else canonical(value)

    first, last = text(values[0]), text(values[-1])
    yield from (text(of) for of in values) if first != last else (first,)


def digest(text: str) -> str:
    """16 hexadecimal digits of the SHA-256 of canonical params."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def made_by(rules: Sequence[Described], inventory: Inventory, results: str, manifest: str) -> dict[str, Any]:
    """What makes each group of outputs: the patterns that its jobs read, and the hash of their params.

    Args:
        rules: all rules of the workflow.
        inventory: what is made.
        manifest: the file that is to say it; only what is made before it is said.
        results: the results folder, as the rules name it.

    Returns:
        `jobs` (rule and names → `reads`, `given`, `params`), `params` (hash → canonical text), and `given`: the files
        that jobs read and that neither a job makes nor a source names (models, labels, lists, earlier indices).
    """
    by_name = {rule.name: rule for rule in rules}
    jobs: dict[str, Any] = {}
    params: dict[str, str] = {}
    for group in inventory.behind(manifest):
        rule = by_name[group.rule]
        if not group.outputs:
            continue
        texts = list(dict.fromkeys(_params(rule, group)))
        params |= {digest(text): text for text in texts}
        read = [
            collapsed(pattern.replace(f"{{{other.number}}}", "*"))
            for other in (inventory.groups[place] for place in group.needs)
            for pattern in (*other.outputs, *other.temporary)
        ]
        plain = [item for item in rule.inputs if isinstance(item, str) and not WILDCARD.search(item)]
        jobs[" ".join(group.key)] = {
            "reads": sorted(set(read)),
            "given": sorted({path for path in plain if not path.startswith(f"{results}/")}),
            "params": [digest(text) for text in texts],
        }
    given = sorted({path for entry in jobs.values() for path in entry["given"]})
    return {"jobs": jobs, "params": params, "given": given}

"""The peers' own environments: made with pip where they are missing, one a peer, versions pinned.

datatrove is a dependency of the project too, but its MinHash fails there: it hands strings to xxhash, which version 4
refuses, and only its extra `processing` asks for an older one. Its English words need spaCy, which no extra but
`multilingual` brings.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = {
    "datatrove": ("datatrove[io,processing]==0.10.1", "spacy>=3.8,<3.9"),
    "text-dedup": ("text-dedup==0.4.0",),
    "rensa": ("rensa==0.5.0", "pyarrow"),
    # Without these two pip goes back through hundreds of versions of them.
    "dolma": ("dolma==1.2.1", "boto3==1.26.161", "botocore==1.29.161"),
}
"""Peer → what pip installs."""

IMPORTS = {"datatrove": "datatrove, spacy", "text-dedup": "text_dedup", "rensa": "rensa, pyarrow", "dolma": "dolma"}


def interpreter(peer: str, folder: Path) -> Path | None:
    """The Python of a peer's environment; made when missing, None when that fails (the peer is then left out).

    Args:
        peer: a key of `REQUIREMENTS`.
        folder: where environments stand, one folder a peer.
    """
    python = folder / peer / "bin" / "python"
    check = [str(python), "-c", f"import {IMPORTS[peer]}"]
    if python.exists() and subprocess.run(check, capture_output=True, check=False).returncode == 0:
        return python
    subprocess.run([sys.executable, "-m", "venv", str(folder / peer)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--upgrade", "pip"], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS[peer]]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode or subprocess.run(check, capture_output=True, check=False).returncode:
        print(f"{peer} is left out, its environment could not be made: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return python


def version(python: Path, package: str) -> str:
    """The installed version of a package."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()

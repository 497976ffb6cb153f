"""How much the jobs of a stage have handed to each other, written down before it goes (`keep_exchange: false`).

`python -m tamis.spent OUTPUT NAME=COUNT …` looks at files beside OUTPUT: the first 100 parts of a folder (`map=100`) or
a single file (`ranks.npy=1`). No pyarrow: this job must start fast.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tamis.checksums import with_checksum


def volume(folder: Path, counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Files and bytes of the exchange of a stage.

    Args:
        folder: of the stage.
        counts: name of a folder of numbered files, and how many there are; or of a file.
    """
    found = {}
    for name, count in counts.items():
        files: Iterable[Path] = [folder / name]
        if (folder / name).is_dir():
            files = (path for path in (folder / name).glob("part-*") if int(path.stem[len("part-") :]) < count)
        sizes = [path.stat().st_size for path in files]
        found[name] = {"files": len(sizes), "bytes": sum(sizes)}
    return found


def write(output: Path, counts: Mapping[str, int]) -> None:
    """Write the record."""
    text = json.dumps(with_checksum({"exchange": volume(output.parent, counts)}), indent=0)
    handle, temporary = tempfile.mkstemp(prefix=f".{output.name}.", suffix=".tmp", dir=output.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).chmod(0o644)
    Path(temporary).replace(output)


if __name__ == "__main__":
    write(Path(sys.argv[1]), {name: int(count) for name, count in (pair.split("=") for pair in sys.argv[2:])})

"""Documents files that hold no texts and name the file that does (`materialize: on_edit`).

A stage that drops documents and changes no text need not write the texts again. Its documents file then has all
columns but `text`, and names in its footer the file of the last stage that wrote texts: the place below the results
folder, and the seal of its footer, which covers every byte of it. A reader (`tamis/shards.py`) joins by id; rows of
both files are in the order of ids. A file that was made anew with other texts has another seal, and is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tamis.checksums import canonical
from tamis.errors import SourceError
from tamis.parquet_seal import SealedParquet

KEY = "tamis text"
"""In the metadata of a Parquet footer."""

COLUMN = "text"


@dataclass(frozen=True)
class Holder:
    """The file that holds the texts of another."""

    of: Path
    """The file without texts."""
    path: Path
    seal: str
    """What it said of itself when the other was written."""

    @property
    def stage(self) -> str:
        """The stage whose documents they are."""
        return self.path.parent.parent.name

    def opened(self) -> SealedParquet:
        """The file, held against what the other says of it.

        Raises:
            SourceError: it is missing, damaged, or another than the one that was there.
        """
        try:
            found = SealedParquet(self.path)
        except FileNotFoundError as error:
            msg = f"{self.path}: missing; it holds the texts of {self.of}. Run the workflow again."
            raise SourceError(msg) from error
        if found.seal != self.seal:
            msg = (
                f"{self.path}: not the file whose texts {self.of} stands for (its seal is {found.seal}, not "
                f"{self.seal}); it was made again with other texts, or is that of another run. Delete {self.of} and "
                "run the workflow again."
            )
            raise SourceError(msg)
        return found

    def is_there(self) -> bool:
        """Whether the file is there as it was.

        Raises:
            SourceError: it is damaged.
        """
        return self.path.exists() and SealedParquet(self.path).seal == self.seal


def holder(path: Path, metadata: Mapping[bytes, bytes] | None) -> Holder | None:
    """Where the texts of a documents file are; None where it holds them itself.

    Args:
        path: the file, below the folder of its stage in a results folder.
        metadata: of its footer.
    """
    told = (metadata or {}).get(KEY.encode())
    if told is None:
        return None
    value = json.loads(told)
    return Holder(path, path.parent.parent.parent / value["file"], value["seal"])


def named(stage: str, path: Path) -> dict[str, str]:
    """What a documents file without texts says in its footer.

    Args:
        stage: whose documents hold the texts.
        path: the file that is written, below the folder of its own stage in a results folder.

    Raises:
        FileNotFoundError: there is no such file of that stage.
        SourceError: it is damaged.
    """
    place = f"{stage}/{path.parent.name}/{path.name}"
    found = SealedParquet(path.parent.parent.parent / place)
    return {KEY: canonical({"file": place, "seal": found.seal})}

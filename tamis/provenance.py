"""Which stage, version and settings made a table: written into its footer, and compared by the job that reads it.

An identity is the stage, the version of its code and a hash of its own settings: no paths, no number of shards, nothing
of the machine, so that equal settings give equal bytes. With it goes the file's own place
(`documents/part-00003.parquet`), by which two files that changed places are told apart. A job knows its own identity
and those of what it reads by its params (`tamis/job.py`); outside of a job nothing is written and nothing compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tamis.checksums import canonical, damaged, digest, place
from tamis.errors import ShardMismatchError

KEY = "tamis"

READS = "reads"
"""Key of the params of a job under which stand the identities of what it reads, by folder."""

TEXT_OF = "text_of"
"""Key of the params of a job whose documents hold no texts: the stage whose documents do (`tamis/texts.py`)."""

Identity = dict[str, Any]

_made_by: ContextVar[Identity | None] = ContextVar("made_by", default=None)
_expected: ContextVar[Mapping[str, Identity] | None] = ContextVar("expected", default=None)
_text_of: ContextVar[str | None] = ContextVar("text_of", default=None)


def identity(params: Mapping[str, Any]) -> Identity:
    """The identity of what a job writes.

    Args:
        params: of the job; only stage, version, section and the name of a set count.
    """
    own = {key: params.get(key) for key in ("config", "name")}
    named = {"name": params["name"]} if params.get("name") else {}
    made = {"stage": params["stage"], "version": params["version"], "settings": digest(canonical(own).encode())}
    return made | named


@contextmanager
def job(params: Mapping[str, Any]) -> Iterator[None]:
    """Write and expect identities as the params of a job say.

    Args:
        params: of the job; under `reads` the identity of each folder of tables that it reads, under `text_of` the stage
            whose documents hold the texts of those that it writes, where that is another.
    """
    made, expected = _made_by.set(identity(params)), _expected.set(params.get(READS, {}))
    text_of = _text_of.set(params.get(TEXT_OF))
    try:
        yield
    finally:
        _made_by.reset(made)
        _expected.reset(expected)
        _text_of.reset(text_of)


def stamp(path: Path) -> dict[str, str]:
    """What to put into the metadata of a table that is written; nothing outside of a job."""
    made = _made_by.get()
    return {} if made is None else {KEY: canonical(made | {"file": place(path)})}


def text_of() -> str | None:
    """The stage whose documents hold the texts of the documents that this job writes; None: these do."""
    return _text_of.get()


def compare(path: Path, metadata: Mapping[bytes, bytes]) -> None:
    """Compare what a table says of itself with what the job expects there.

    Args:
        path: the file.
        metadata: of its footer.

    Raises:
        SourceError: it is another file.
        ShardMismatchError: it was made by another stage, version or settings.
    """
    told = json.loads(metadata.get(KEY.encode(), b"null"))
    if told is not None and told["file"] != place(path):
        raise damaged(path, f"it was written as {told['file']}; files changed places")
    folder = path.parent.as_posix()
    for name, expected in (_expected.get() or {}).items():
        if folder != name and not folder.endswith(f"/{name}"):
            continue
        found = {key: told and told[key] for key in expected}
        if found != expected:
            shown = "; ".join(f"{key} {found[key]}, expected {expected[key]}" for key in expected)
            msg = (
                f"{path}: made by another stage, version or settings than this run has ({shown}). Delete the folder "
                f"{path.parent} and run the workflow again."
            )
            raise ShardMismatchError(msg)

"""What is known of a fetched file: where it came from, as what, and how it was fetched.

The record lies beside the file (`.<name>.origin.json`). It is written once the file is whole, and it alone says so: a
file without its record is fetched again, one that is not what its record says is not read. The file itself may go; it
is fetched again when it is to be read, and must then be the same. The record goes when somebody asks whether the file
has changed on its server (`tamis refresh`) and it has.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tamis.errors import TamisError
from tamis.readers.remote.addresses import beside, is_place
from tamis.readers.remote.section import Remote
from tamis.section import Section
from tamis.shards import read_json, write_json

ORIGIN = ".origin.json"
PART, PARTIAL = ".part", ".partial.json"
"""Ends of the names of what has come so far of a file, and of what it is a part of."""


class Whole(Section):
    """A file that has come whole."""

    bytes: int = Field(description="Its size.")
    sha256: str = Field(description="Its hash.")
    etag: str | None = Field(None, description="By which its server tells it from a later one, if it does.")
    last_modified: str | None = Field(None, description="Since when it has been as it is, as its server says.")
    length: int | None = Field(None, description="Bytes that were sent; other than `bytes` where it came packed.")


class Origin(Section):
    """Where a file came from: `.<name>.origin.json` beside it."""

    address: str = Field(description="Its address.")
    endpoint: str | None = Field(None, description="The server of an s3 address, where it is not Amazon's.")
    named: tuple[str, ...] = Field((), description="Hosts with ports that the configuration named.")
    remote: Remote = Field(description="How it was fetched.")
    whole: Whole | None = Field(None, description="What came; null: nothing did.")
    failed: str | None = Field(None, description="Why nothing came, or null.")

    @property
    def sha256(self) -> str | None:
        """Hash of the file, where there is one."""
        return None if self.whole is None else self.whole.sha256


def origin_of(path: Path) -> Origin | None:
    """The record of a fetched file; None where there is none that can be read: it is fetched again."""
    try:
        return Origin.model_validate(read_json(beside(path, ORIGIN)))
    except (OSError, ValueError, TamisError):
        return None


def record(origin: Origin, path: Path) -> Origin:
    """Write down where a file came from, or why it did not come."""
    write_json(beside(path, ORIGIN), origin.model_dump(mode="json"))
    return origin


def forget(path: Path) -> None:
    """Let a file be fetched again by the next run that reads it; it stays until then, and is not read.

    What has come of one that broke off stays too, and is continued if it is still a part of the same.
    """
    beside(path, ORIGIN).unlink(missing_ok=True)


def let_go(path: Path) -> None:
    """Delete a fetched file that has been read, where its source says so; its record stays."""
    origin = origin_of(path) if is_place(path) else None
    if origin is not None and not origin.remote.keep_files:
        path.unlink(missing_ok=True)


def called(path: Path) -> str:
    """What a file is called in documents: its address, or its path."""
    origin = origin_of(path) if is_place(path) else None
    return path.as_posix() if origin is None else origin.address


def page_address(path: Path) -> str | None:
    """The URL of what was fetched from the web; None for a local file and one of a bucket."""
    name = called(path)
    return name if is_place(path) and name.startswith(("http://", "https://")) else None

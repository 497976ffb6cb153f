"""The section `remote` of a source: how its files are fetched. Nothing in it changes what a document holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from tamis.errors import SourceError
from tamis.readers.remote.addresses import checked
from tamis.section import Section


def _endpoint(value: str) -> str:
    try:
        address = checked(value)
    except SourceError as error:
        raise ValueError(str(error)) from None
    if address.startswith("s3://") or "?" in address:
        raise ValueError(f"{address}: the address of a server, as https://minio.example.org, with no query")
    return address.rstrip("/")


class S3(Section):
    """Where buckets are and who asks. Keys of access come from the environment or the files of AWS' own tools."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = Field(
        default=None,
        description="Address of the server; null: the environment's AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else "
        "Amazon's. A bucket of another server is part of its path.",
    )
    region: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]{1,64}$",
        description="Region of the buckets; null: that of the environment, else what the server says.",
    )
    anonymous: bool = Field(
        default=False,
        description="Whether public buckets are read without credentials, which needs no further package; else those "
        "of the environment, of ~/.aws or of the machine are used, through botocore (`pip install 'tamis[s3]'`).",
    )


class Remote(Section):
    """How files are fetched that lie elsewhere."""

    allow_hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._:\[\]-]+$")], ...] = Field(
        default=(),
        description="Hosts (`name` or `name:port`) that may have private, loopback or link-local addresses. Those that "
        "`paths`, `manifests`, `prefix` and the endpoint name are allowed by that; others, which a redirect or a line "
        "of a manifest leads to, are refused.",
    )
    timeout: float = Field(
        default=60.0, gt=0, le=3600, description="Seconds for a connection, and without a byte of an answer."
    )
    retries: int = Field(
        default=8,
        ge=0,
        le=1000,
        description="How often a request that brought nothing is sent again, each time after a longer random wait (up "
        "to 1, 2, 4 … 60 seconds) or the one that the server asks for.",
    )
    keep_files: bool = Field(
        default=True,
        description="false: a fetched file is deleted once it has been read, so that a corpus larger than the disk "
        "goes through; it is fetched again, and held to its hash, when it must be read again.",
    )
    parts: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Jobs that read each file whose size is not known before it is fetched, where it can be parted by "
        "its name (Parquet, .jsonl, .jsonl.zst): for corpora of a few large files. A file whose size a bucket's list "
        "says is read by as many as it would be if it lay here. Not with keep_files: false, nor on_bad_file: skip.",
    )
    s3: S3 = Field(default=S3(), description="Of s3:// addresses.")

"""Small source releases made for tests, good and hostile."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

PKG_INFO = (
    "Metadata-Version: 2.1\nName: Small.Thing\nVersion: 1.0\nClassifier: License :: OSI Approved :: MIT License\n"
)
MOMENT = 1_700_000_000


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A tar member with any header fields."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(data), MOMENT
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tar_bytes(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """An uncompressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def write_tar(path: Path, files: Mapping[str, str | bytes], top: str = "small_thing-1.0/") -> Path:
    """A .tar.gz release of text files, with its PKG-INFO."""
    encoded = {"PKG-INFO": PKG_INFO, **files}
    members = [member(top + name, data if isinstance(data, bytes) else data.encode()) for name, data in encoded.items()]
    path.write_bytes(gzip.compress(tar_bytes(members), mtime=0))
    return path


def write_zip(path: Path, files: Mapping[str, str | bytes], top: str = "small_thing-1.0/") -> Path:
    """The same release as .zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"PKG-INFO": PKG_INFO, **files}.items():
            archive.writestr(zipfile.ZipInfo(top + name, (2023, 11, 14, 22, 13, 20)), data)
    return path

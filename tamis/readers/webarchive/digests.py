"""Digests as archives give them: `sha1:` and 32 letters of base 32, or hexadecimal digits."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

SIZES = {"sha1": 20, "sha256": 32, "sha512": 64, "md5": 16}


def holds(fields: Mapping[str, str], block: bytes | memoryview) -> bool:
    """Whether the digest of a block, where a record has one, is that of these bytes; False: it has none."""
    return matches(fields.get("warc-block-digest", ""), block) is True


def matches(digest: str, data: bytes | memoryview) -> bool | None:
    """Whether some bytes have a digest; None where it is none that is known."""
    name, _, value = digest.strip().partition(":")
    name = name.strip().lower().replace("-", "")
    value = value.strip()
    if (size := SIZES.get(name)) is None:
        return None
    try:
        if len(value) == 2 * size:
            wanted = bytes.fromhex(value)
        else:
            wanted = base64.b32decode(value.upper() + "=" * (-len(value) % 8))
    except (ValueError, binascii.Error):
        return None
    return hashlib.new(name, data, usedforsecurity=False).digest() == wanted if len(wanted) == size else None

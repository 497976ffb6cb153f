"""Addresses of remote files: which are taken, how they are shown, and where a file comes to lie.

A file has one place, by its address alone: `downloads/<host>/<16 hex digits>/<its own name>`. The digits stand for
scheme, host, folder and query, so that no two files meet, neighbours lie together, and no name of a server's making
becomes a path. Names are percent-encoded but for letters, digits and `._~+=,@-`; one that begins with a dot is encoded
there, so that our own files beside it, which do, are never taken for one.

Credentials never stand in an address: not before the host, and not in the query, where signed addresses have them.
What is printed of an address goes through `shown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tamis.checksums import canonical
from tamis.errors import LET_IN, SECRET, SourceError
from tamis.readers.fetch import DOWNLOADS

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
WEB = ("http", "https")
SCHEMES = (*WEB, "s3")

HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,253}[a-zA-Z0-9]")

CONTROL = re.compile(r"[\x00-\x1f\x7f]")

KNOWN = 1 << 17
"""Addresses that are remembered: a list is read several times while a workflow is parsed, and has 90,000 lines."""

PLAIN = "._~+=,@-"
"""Characters of a file's name that are kept, beside letters and digits."""

LONGEST = 8_192
NAME_CHARACTERS = 180
"""Longest address; longest name of a file, which may have 255 bytes with what we put around it."""

PLACE = re.compile(
    rf"{DOWNLOADS}/[A-Za-z0-9_%-][A-Za-z0-9._%-]*/[0-9a-f]{{16}}/[A-Za-z0-9_~+=,@%-][A-Za-z0-9._~+=,@%-]*"
)


Refuse = Callable[[str], SourceError]


def is_address(text: str) -> bool:
    """Whether a path of the configuration, or a line of a list, is an address, of whatever scheme."""
    return ADDRESS.match(text) is not None


def shown(address: str, *, query: bool = True) -> str:
    """An address for a message: without what stands before the host.

    Args:
        address: whatever is one or looks like one.
        query: whether its query is shown; those that a server redirects to often let in whoever has them.
    """
    text = SECRET.sub(r"\g<name>***", LET_IN.sub("***@", address))
    return text if query else text.partition("?")[0]


@lru_cache(KNOWN)
def checked(address: str, *, signed: bool = False) -> str:
    """An address in the one form by which it is known: scheme and host in small letters, the path encoded.

    Args:
        address: as somebody wrote it.
        signed: whether its query may let in whoever has it, as those may that a server redirects to.

    Raises:
        SourceError: it is none that is fetched.
    """

    def refused(why: str) -> SourceError:
        return SourceError(f"{shown(address)[:300]}: {why}")

    if len(address) > LONGEST:
        raise refused(f"an address of {len(address)} characters; at most {LONGEST} are taken")
    if CONTROL.search(address) or address != address.strip():
        raise refused("an address holds no control characters and no blanks at its ends")
    scheme, _, rest = address.partition("://")
    scheme = scheme.lower()
    if scheme not in SCHEMES:
        raise refused(f"files are fetched from {', '.join(f'{one}://' for one in SCHEMES)}, and not from {scheme}://")
    if "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]:
        raise refused("name and password do not belong into an address; s3 has them from the environment")
    return _bucket(rest, refused) if scheme == "s3" else _web(address, refused, signed=signed)


def _bucket(rest: str, refused: Refuse) -> str:
    bucket, _, key = rest.partition("/")
    if not BUCKET.fullmatch(bucket):
        raise refused("s3:// is followed by the name of a bucket")
    if not key:
        raise refused("names a bucket and no file in it; s3://bucket/folder/*.parquet names several")
    return f"s3://{bucket}/{key}"


def _web(address: str, refused: Refuse, *, signed: bool) -> str:
    parts = _split(address, refused)
    if parts.fragment:
        raise refused("what follows # is no part of a file's address; leave it out")
    if not signed and (found := SECRET.search(f"?{parts.query}")):
        raise refused(
            f"its query has {found['name'][1:]}, which lets in whoever reads it, and addresses stand in logs; "
            "fetch the file by other means and name the local one"
        )
    if ".." in unquote(parts.path).split("/"):
        raise refused("holds .. as a folder; write the address that is meant")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}{f'?{query}' if query else ''}"


def _split(address: str, refused: Refuse) -> SplitResult:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise refused(f"not an address ({error})") from None
    host = parts.hostname or ""
    if not HOST.fullmatch(f"[{host}]" if ":" in host else host) or port == 0:
        raise refused("not the address of a host; one with other letters than a to z is written in its xn-- form")
    return parts


@lru_cache(KNOWN)
def place_of(address: str, endpoint: str | None = None) -> Path:
    """Where the file of an address comes to lie, relative to the working directory.

    Args:
        address: as `checked` gives it.
        endpoint: of an s3 address: where another server than Amazon's has its bucket.
    """
    scheme, _, rest = address.partition("://")
    rest, _, query = rest.partition("?") if scheme in WEB else (rest, "", "")
    folder, _, name = rest.rpartition("/")
    digest = _digest(scheme, folder, query, endpoint)
    host = _name(folder.partition("/")[0])
    return Path(DOWNLOADS, f"s3-{host}" if scheme == "s3" else host, digest, _name(unquote(name)) or "index")


@lru_cache(KNOWN)
def _digest(*parts: str | None) -> str:
    return blake2b(canonical(list(parts)).encode(), digest_size=8).hexdigest()


def _name(name: str) -> str:
    """A name of a file that holds nothing but what every file system and shell takes."""
    safe = quote(name, safe=PLAIN)
    if safe.startswith("."):
        safe = f"%2E{safe[1:]}"
    if len(safe) > NAME_CHARACTERS:
        digest = blake2b(name.encode(), digest_size=8).hexdigest()
        ends = re.search(r"(?:\.[A-Za-z0-9]{1,12}){1,2}$", safe)
        safe = f"{safe[: NAME_CHARACTERS - 60]}~{digest}{ends[0] if ends else ''}"
    return safe


def is_place(path: str | Path) -> bool:
    """Whether a path is one where `place_of` puts files."""
    name = str(path)
    # Of a hundred thousand files in a folder all are told by this.
    return name.startswith(DOWNLOADS) and PLACE.fullmatch(name) is not None


def beside(path: Path, suffix: str) -> Path:
    """One of our own files beside a fetched one; what is fetched has no name that begins with a dot."""
    return path.with_name(f".{path.name}{suffix}")


def folder_of(address: str) -> str:
    """An address up to its last `/`, against which relative ones are read."""
    base, _, _ = address.partition("?") if not address.startswith("s3://") else (address, "", "")
    return base[: base.rindex("/") + 1]


def names_in(address: str) -> tuple[str, str]:
    """The names of the folder of a file and of the file, as an address has them: decoded, without query or slash."""
    scheme, _, path = address.partition("://")
    folder, name = ["", *path.partition("?" if scheme in WEB else "\0")[0].split("/")][-2:]
    return (folder, name) if scheme == "s3" else (_one(folder), _one(name))


def _one(name: str) -> str:
    return unquote(name).replace("/", "-")

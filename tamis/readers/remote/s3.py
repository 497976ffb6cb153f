"""Files in S3 buckets: the request for one, and the list of those that a pattern names.

An object is a file of the web behind a signed request (AWS Signature 4, by botocore, which also finds the credentials:
environment, ~/.aws, single sign-on, the machine's role) or, in a public bucket, an unsigned one; what holds of the web
holds here. A bucket of Amazon's has a host of its own; one of another server, or with dots in its name, is the first
part of the path. A bucket that says that it lies in another region is asked there.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from tamis.errors import ConfigError
from tamis.readers.patterns import ANY_FOLDERS
from tamis.readers.remote.section import S3

MAGIC = frozenset("*?[")
MOST_KEYS = 5_000_000
PAGE_BYTES = 16 << 20
"""Of one answer with up to 1,000 keys, at most."""

_regions: dict[str, str] = {}
"""Bucket → where it said that it is."""


def endpoint_of(settings: S3) -> str | None:
    """The server of buckets, where it is not Amazon's: of the section, else of the environment."""
    found = settings.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return found.rstrip("/") if found else None


def parts_of(address: str) -> tuple[str, str]:
    """Bucket and key of an s3 address."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


@cache
def _session() -> Any:
    """What knows credentials and region.

    Raises:
        ConfigError: botocore is not installed.
    """
    try:
        import botocore.session
    except ImportError:
        raise ConfigError(
            "s3:// with credentials needs botocore: pip install 'tamis[s3]'; or, for public buckets, set "
            "remote.s3.anonymous: true"
        ) from None
    return botocore.session.get_session()


def _signed(url: str, region: str) -> dict[str, str]:
    """The headers that sign a request.

    Raises:
        ConfigError: there are no credentials.
    """
    session = _session()
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError

    try:
        credentials = session.get_credentials()
        frozen = None if credentials is None else credentials.get_frozen_credentials()
    except BotoCoreError as error:
        raise ConfigError(f"s3: the credentials cannot be read ({type(error).__name__}); see `aws configure`") from None
    if frozen is None or not frozen.access_key:
        raise ConfigError(
            "s3: no credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE) or in "
            "~/.aws; or, for public buckets, set remote.s3.anonymous: true"
        )
    request = AWSRequest("GET", url)
    S3SigV4Auth(frozen, "s3", region).add_auth(request)
    return dict(request.headers.items())


@dataclass
class Stored:
    """An object of a bucket, or, with a query, the list of its keys."""

    address: str
    settings: S3
    query: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False

    def request(self) -> tuple[str, dict[str, str]]:
        """URL and signature of the next request.

        Raises:
            ConfigError: it cannot be signed.
        """
        bucket, key = parts_of(self.address)
        region = self._region(bucket)
        endpoint = endpoint_of(self.settings)
        path = "" if self.query else quote(key, safe="/~")
        if endpoint is None and "." not in bucket:
            url = f"https://{bucket}.s3.{region}.amazonaws.com/{path}"
        else:
            url = f"{endpoint or f'https://s3.{region}.amazonaws.com'}/{bucket}{f'/{path}' if path else ''}"
        if self.query:
            url += f"?{urlencode(sorted(self.query.items()), quote_via=quote, safe='-_.~')}"
        return url, {} if self.settings.anonymous else _signed(url, region)

    def moved(self, headers: Mapping[str, str]) -> bool:
        """Take the region that the server says."""
        bucket, _ = parts_of(self.address)
        said = headers.get("x-amz-bucket-region")
        if not said or said == self._region(bucket) or not said.replace("-", "").isalnum():
            return False
        _regions[bucket] = said
        return True

    def _region(self, bucket: str) -> str:
        named = self.settings.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if bucket in _regions:
            return _regions[bucket]
        if not named and not self.settings.anonymous:
            named = _session().get_config_variable("region")
        return named or "us-east-1"


class Key(NamedTuple):
    """An object that a list names.

    Attributes:
        key: its key.
        bytes: its size.
        etag: as the server gives it.
    """

    key: str
    bytes: int
    etag: str


def prefix_of(pattern: str) -> str:
    """The start of all keys that a pattern can name."""
    first = next((place for place, letter in enumerate(pattern) if letter in MAGIC), len(pattern))
    return pattern[:first]


def matches(pattern: str, key: str) -> bool:
    """Whether a pattern names a key, as `tamis.readers.patterns` has it for files: only `**` crosses folders.

    Args:
        pattern: parts with `*`, `?` and `[…]`, or `**`.
        key: a key.
    """
    return _match(pattern.split("/"), key.split("/"))


def _match(pattern: list[str], parts: list[str]) -> bool:
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == ANY_FOLDERS:
        hidden = next((place for place, part in enumerate(parts) if part.startswith(".")), len(parts))
        if not rest:
            return bool(parts) and hidden == len(parts)
        return any(_match(rest, parts[start:]) for start in range(min(hidden, len(parts) - 1) + 1))
    if not parts or (parts[0].startswith(".") and not first.startswith(".")):
        return False
    return fnmatchcase(parts[0], first) and _match(rest, parts[1:])


def page(body: bytes) -> tuple[list[Key], str | None]:
    """The keys of one page of a list, and what continues it.

    Raises:
        ValueError: it is no such page.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("markup with declarations")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without declarations there is nothing to expand
    except ET.ParseError as error:
        raise ValueError(f"no markup ({error})") from None
    if root.tag.rpartition("}")[2] != "ListBucketResult":
        raise ValueError(f"{root.tag.rpartition('}')[2]} instead of ListBucketResult")
    found, more = [], None
    for child in root:
        match child.tag.rpartition("}")[2]:
            case "Contents":
                values = {item.tag.rpartition("}")[2]: item.text or "" for item in child}
                found.append(Key(unquote(values["Key"].replace("+", " ")), int(values["Size"]), values.get("ETag", "")))
            case "NextContinuationToken":
                more = child.text
    return found, more


def query_of(prefix: str, token: str | None) -> dict[str, str]:
    """What asks for one page of keys."""
    more = {} if token is None else {"continuation-token": token}
    return {"list-type": "2", "encoding-type": "url", "prefix": prefix} | more


def chosen(pattern: str, keys: Iterator[Key]) -> list[Key]:
    """The keys that a pattern names, sorted; those that stand for folders are none."""
    return sorted(key for key in keys if not key.key.endswith("/") and matches(pattern, key.key))

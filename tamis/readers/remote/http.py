"""One request for a file: connection, redirects, and what an answer that is no file means.

Nothing is decoded here: a body is what was sent, byte by byte. A redirect is followed up to `REDIRECTS` times, never
from https to http, never with what let us in at the first server, and only to machines that the guard lets pass.
Proxies are those that the environment names; what lies behind one is looked at by its name alone, because the proxy
resolves it.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from tamis import __version__
from tamis.backoff import retry_after
from tamis.errors import SourceError
from tamis.readers.remote import tls
from tamis.readers.remote.addresses import checked, shown
from tamis.readers.remote.guard import Guard, HostRefusedError, port_of

REDIRECTS = 10
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed."""

MOVED = frozenset({301, 302, 303, 307, 308})
SAID = 300
"""Bytes of what a server says of a failure that are shown."""

ADVICE = {
    401: "it wants a password; only public files and s3 buckets are fetched, so fetch it by other means and name the "
    "local file",
    403: "it refuses access; fetch it by other means and name the local file, or, of an s3 bucket, see that the "
    "credentials in the environment may read it",
    404: "there is no such file; correct the address or the list that names it",
    410: "the file is gone; take it out of the list",
    451: "it may not be given out; take it out of the list",
}


class AgainError(Exception):
    """A request has failed and another may do better.

    Attributes:
        wait: seconds that the server asks to wait, or None.
    """

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class UnfetchedError(SourceError):
    """A file cannot be fetched, for a reason of its own; the message names the address."""


class Target(Protocol):
    """What is asked for: an address of the web, or a request that somebody else makes of one."""

    address: str
    follows: bool
    """Whether redirects are followed."""

    def request(self) -> tuple[str, dict[str, str]]:
        """URL and headers of the next request."""
        ...

    def moved(self, headers: Mapping[str, str]) -> bool:
        """Take notice of an answer that says where to ask instead; whether another request is worth its while."""
        ...


@dataclass
class Web:
    """A plain file of the web."""

    address: str
    follows: bool = True

    def request(self) -> tuple[str, dict[str, str]]:
        """The address itself."""
        return self.address, {}

    def moved(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - a plain file has one place
        """Never."""
        return False


class Response:
    """An answer whose body is yet to be read."""

    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, url: str) -> None:
        self._connection, self._answer = connection, answer
        self.status = answer.status
        self.headers: Mapping[str, str] = {name.lower(): value.strip() for name, value in answer.getheaders()}
        self.url = url
        """Where it came from, after redirects; only for messages, and through `shown`."""

    @property
    def length(self) -> int | None:
        """Bytes of the body, as it was announced; None where it was not."""
        return whole_number(self.headers.get("content-length")) if not self.is_chunked else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body says itself where it ends."""
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def read(self, size: int) -> bytes:
        """The next bytes of the body, at most so many, as they come; none at its end.

        Raises:
            AgainError: the connection was lost.
        """
        try:
            return self._answer.read1(size)
        except TimeoutError:
            raise AgainError("nothing came any more") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AgainError(f"the connection broke off ({_reason(error)})") from None

    def said(self) -> str:
        """What a failed answer says, on one line."""
        with suppress(AgainError):
            return " ".join(self.read(SAID).decode("utf-8", "replace").split())
        return ""

    def close(self) -> None:
        """End the connection."""
        self._answer.close()
        self._connection.close()


def whole_number(text: str | None) -> int | None:
    """A number of bytes out of a header; None where it says none, or several that differ."""
    values = {value.strip() for value in (text or "").split(",")}
    value = values.pop()
    return int(value) if not values and value.isascii() and value.isdigit() and len(value) < 19 else None


@dataclass
class _Way:
    """A connection that is yet to be made, what to ask for there, headers for a proxy, and whether there is none."""

    connection: http.client.HTTPConnection
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    direct: bool = True


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Client:
    """Sends requests, one at a time."""

    def __init__(self, guard: Guard, timeout: float) -> None:
        """Prepare; nothing is sent yet.

        Args:
            guard: says which machines may be connected to.
            timeout: seconds for a connection, and without a byte.
        """
        self._guard, self._timeout = guard, timeout

    def get(self, target: Target, headers: Mapping[str, str]) -> Response:
        """Ask for a file; the answer has a status below 300, or 304 or 416.

        Raises:
            AgainError: it may be asked for again.
            UnfetchedError: it may not.
        """
        for _ in range(2):
            response = self._follow(target, headers)
            status = response.status
            if status < 300 or status in (304, 416):
                return response
            try:
                if target.moved(response.headers):
                    continue
                said = response.said()
            finally:
                response.close()
            told = f"answers {status}" + (f" ({said})" if said else "")
            if status in AGAIN:
                raise AgainError(told, retry_after(response.headers.get("retry-after")))
            advice = ADVICE.get(status, "see whether its address is right")
            raise self._refused(target, response.url, f"{told}: {advice}")
        raise self._refused(target, target.address, "sends from one region to another; set remote.s3.region")

    def _follow(self, target: Target, headers: Mapping[str, str]) -> Response:
        url, own = target.request()
        seen = {url}
        while True:
            response = self._once(target, url, {**headers, **own})
            location = response.headers.get("location")
            if response.status not in MOVED or not target.follows or location is None:
                return response
            response.close()
            own = {}
            try:
                following = checked(urljoin(url, location).partition("#")[0], signed=True)
            except (SourceError, ValueError) as error:
                raise self._refused(target, url, f"redirects to what is not followed: {error}") from None
            told = shown(following, query=False)
            if not following.startswith("http"):
                raise self._refused(target, url, f"redirects to {told}, which is not followed")
            if url.startswith("https:") and following.startswith("http:"):
                raise self._refused(
                    target,
                    url,
                    f"redirects from https to {told}, where others could write along; name that if it is meant",
                )
            if following in seen or len(seen) > REDIRECTS:
                what = "in a circle" if following in seen else f"more than {REDIRECTS} times"
                raise self._refused(target, url, f"redirects {what}, at last to {told}; correct the address")
            seen.add(following)
            url = following

    def _once(self, target: Target, url: str, headers: Mapping[str, str]) -> Response:
        """One request to one server."""
        way = self._way(target, url)
        # As it lies there: what a server packs on its way would have another length and hash.
        sent = {"Accept-Encoding": "identity", "User-Agent": f"tamis/{__version__}", **way.headers, **headers}
        try:
            way.connection.connect()
            if way.direct:
                self._guard.connected(*port_of(url), way.connection.sock)
            way.connection.request("GET", way.path, headers=sent)
            return Response(way.connection, way.connection.getresponse(), url)
        except BaseException as error:
            way.connection.close()
            if isinstance(error, HostRefusedError):
                raise self._refused(target, url, str(error)) from None
            if isinstance(error, TimeoutError):
                raise AgainError(f"no answer within {self._timeout:g} seconds") from None
            if isinstance(error, ssl.SSLError) and (why := tls.refusal(error, port_of(url)[0])):
                raise self._refused(target, url, why) from None
            if isinstance(error, OSError | http.client.HTTPException | ValueError):
                raise AgainError(f"no connection ({_reason(error)})") from None
            raise

    def _way(self, target: Target, url: str) -> _Way:
        """How to reach the server of an address, after a look at that."""
        parts = urlsplit(url)
        host, port = port_of(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
        try:
            if proxy is None:
                self._guard.resolve(host, port)
            else:
                self._guard.named(host, port)
        except HostRefusedError as error:
            raise self._refused(target, url, str(error)) from None
        except (OSError, UnicodeError) as error:
            raise AgainError(f"{host} cannot be found ({_reason(error)}); is there a network?") from None
        try:
            trusted = tls.context() if parts.scheme == "https" else None
        except SourceError as error:
            raise self._refused(target, url, str(error)) from None
        if proxy is None:
            return _Way(self._new(host, port, trusted), path)
        through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if through.scheme != "http" or not through.hostname:
            raise self._refused(target, url, "the environment names a proxy that is none of http://; unset it")
        word = f"{unquote(through.username)}:{unquote(through.password or '')}" if through.username else ""
        let_in = {"Proxy-Authorization": f"Basic {base64.b64encode(word.encode()).decode()}"} if word else {}
        connection = self._new(through.hostname, through.port or 80, trusted)
        if parts.scheme == "http":
            return _Way(connection, url, let_in, direct=False)
        connection.set_tunnel(host, port, let_in)
        return _Way(connection, path, direct=False)

    def _new(self, host: str, port: int, trusted: ssl.SSLContext | None) -> http.client.HTTPConnection:
        if trusted is not None:
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=trusted)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _refused(self, target: Target, url: str, why: str) -> UnfetchedError:
        where = shown(target.address)
        there = shown(url, query=False)
        through = "" if url == target.address or target.address.startswith("s3://") else f" (through {there})"
        return UnfetchedError(f"{where}: cannot be fetched{through}: {why}")

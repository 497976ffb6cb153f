"""A local web server of files that sends them as a test wants: well, by halves, elsewhere, late, or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch
from urllib.parse import unquote


@dataclass
class Sent:
    """What a server sends for one request."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes of the body after which the connection ends."""
    length: int | bool | None = True
    """What is announced: True for what it is, None for nothing."""
    chunked: bool = False
    reset: bool = False
    """Whether the connection ends before a word is said."""
    hold: threading.Event | None = None
    """For what is waited when the body has been sent, before the connection ends."""


@dataclass
class Asked:
    """A request."""

    path: str
    headers: dict[str, str]
    number: int
    """How many came for this path before it."""

    @property
    def start(self) -> int | None:
        """Where the range begins that is asked for."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(found[1]) if found else None


def whole(body: bytes, asked: Asked, etag: str | None = '"v1"', **more: str) -> Sent:
    """A file as a good server sends it: all of it, or the rest that is asked for if it is still the same."""
    headers = {**({"ETag": etag} if etag else {}), **{name.replace("_", "-"): value for name, value in more.items()}}
    if etag and asked.headers.get("if-none-match") == etag:
        return Sent(b"", 304, headers, length=None)
    if asked.start is None or asked.headers.get("if-range") not in (None, etag):
        return Sent(body, headers=headers)
    if asked.start >= len(body):
        return Sent(b"", 416, {**headers, "Content-Range": f"bytes */{len(body)}"})
    rest = body[asked.start :]
    return Sent(rest, 206, {**headers, "Content-Range": f"bytes {asked.start}-{len(body) - 1}/{len(body)}"})


class FileServer:
    """Records what it was asked, and answers by a function of the request."""

    def __init__(self, behaviour: Callable[[Asked], Sent], secured: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if secured is not None:
            # The handshake is made in the thread of a connection: a client that refuses it stops nobody else.
            self._server.socket = secured.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
            self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http{'' if secured is None else 's'}://{self.host}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: dict[str, str]) -> Sent:
        with self._lock:
            asked = Asked(path, headers, sum(one.path == path for one in self.asked))
            self.asked.append(asked)
        return self.behaviour(asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                sent = outer.take(unquote(self.path), {name.lower(): value for name, value in self.headers.items()})
                self.close_connection = True
                with contextlib.suppress(OSError):
                    if sent.reset:
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    self.send_response(sent.status)
                    for name, value in sent.headers.items():
                        self.send_header(name, value)
                    length = len(sent.body) if sent.length is True else sent.length
                    if sent.chunked:
                        self.send_header("Transfer-Encoding", "chunked")
                    elif length is not None:
                        self.send_header("Content-Length", str(length))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    body = sent.body[: sent.cut]
                    if sent.chunked:
                        ends = b"" if sent.cut is not None else b"0\r\n\r\n"
                        body = b"".join((b"%x\r\n%b\r\n" % (len(part), part)) for part in [body] if part) + ends
                    self.wfile.write(body)
                    if sent.hold is not None:
                        sent.hold.wait(60)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
                pass

        return Handler


@contextlib.contextmanager
def file_server(behaviour: Callable[[Asked], Sent], secured: ssl.SSLContext | None = None) -> Iterator[FileServer]:
    """A server for the time of a test; with a certificate, of https."""
    server = FileServer(behaviour, secured)
    # No proxy of the machine stands between a test and its server.
    with patch.dict(os.environ, {"no_proxy": "*"}):
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                server.stop()


def serving(files: dict[str, bytes]) -> Callable[[Asked], Sent]:
    """The behaviour of a good server with some files; their ETags are their contents' lengths and first bytes."""

    def behaviour(asked: Asked) -> Sent:
        path = asked.path.partition("?")[0]
        if path not in files:
            return Sent(b"no such file", 404)
        return whole(files[path], asked, f'"{len(files[path])}-{files[path][:8].hex()}"')

    return behaviour

"""A local endpoint that answers as a test wants: well, badly, slowly, or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from unittest.mock import patch


class Reply(NamedTuple):
    """What the server sends."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    """Seconds before anything is sent."""
    whole: int | None = None
    """Bytes that are announced, where they are not all sent: the connection is closed in the middle."""
    drip: float = 0.0
    """Seconds between any two bytes."""


def says(text: str | None, finish: str = "stop", tokens: tuple[int, int] | None = (100, 10), **more: Any) -> Reply:
    """A chat completion with this text."""
    value: dict[str, Any] = {
        "object": "chat.completion",
        "model": "served-model",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
    }
    if tokens is not None:
        value["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return Reply(body=json.dumps(value).encode(), **more)


def fails(status: int, message: str = "no", **headers: str) -> Reply:
    """An error as OpenAI-compatible endpoints put it."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), named)


class JudgeServer:
    """Records what it was asked, and answers by a function of the request and its number, from 0."""

    def __init__(self, behaviour: Callable[[dict[str, Any], int], Reply | None]) -> None:
        self.behaviour = behaviour
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.most_at_a_time = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def texts(self) -> list[str]:
        """The messages that came, in order."""
        return [request["messages"][0]["content"] for request in self.requests]

    def stop(self) -> None:
        """Answer nobody any more: the next connection is refused."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: dict[str, str], body: dict[str, Any]) -> Reply | None:
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
            self.times.append(time.monotonic())
            self._now += 1
            self.most_at_a_time = max(self.most_at_a_time, self._now)
        try:
            reply = self.behaviour(body, number)
            if reply is not None:
                time.sleep(reply.delay)
            return reply
        finally:
            with self._lock:
                self._now -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body are two packets; without this the second waits for the client's word, 40 ms.
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = outer.take(dict(self.headers), {"path": self.path, **body})
                if reply is None:
                    # As a process that is killed: nothing, not even a head.
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                with contextlib.suppress(OSError):
                    self._send(reply)

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body) if reply.whole is None else reply.whole))
                self.end_headers()
                if reply.drip:
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(reply.drip)
                else:
                    self.wfile.write(reply.body)
                if reply.whole is not None:
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its base names it
                pass

        return Handler


@contextlib.contextmanager
def judge_server(behaviour: Callable[[dict[str, Any], int], Reply | None]) -> Iterator[JudgeServer]:
    """A server for the time of a test."""
    server = JudgeServer(behaviour)
    # No proxy of the machine stands between a test and its server.
    with patch.dict(os.environ, {"no_proxy": "*"}):
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                server.stop()

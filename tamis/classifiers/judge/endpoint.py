"""One question to an OpenAI-compatible chat endpoint: pace, back-off, and what it may answer.

Tried again are time-outs, lost connections, 408, 409, 425, 429 and 5xx: after a random wait of up to 1, 2, 4 … 60
seconds ("full jitter", Brooker 2015, which spreads clients best), or as long as the endpoint asks for in `Retry-After`,
which holds back all requests. What else is no answer is a matter of this one text (400, 413, 422) or ends everything.

What comes back is as untrusted as the corpus: bounded in bytes and time, strictly UTF-8 and JSON, no redirect is
followed, and where the key is echoed it is blotted out before anything is kept or shown.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from tamis import __version__
from tamis.backoff import PATIENCE, jitter, retry_after
from tamis.classifiers.judge.answers import Answer, NoAnswer
from tamis.classifiers.judge.section import Judge, key_of
from tamis.errors import EndpointError, safe

MAX_BYTES = 4 << 20
"""Of a response; a longer one is no answer."""

AGAIN = frozenset({408, 409, 425, 429})
OF_THIS_TEXT = frozenset({400, 413, 422})
"""Statuses after which the same question may be asked again; and those that refuse one text, as too long, say."""

SHOWN = 300
"""Characters of what an endpoint says, in a message."""


class Stopped(Exception):  # noqa: N818 - no error: somebody else has failed, and this request need not go on
    """Asking has ended before this question was answered."""


class Pace:
    """When the next request may be sent: so many a minute, and none while the endpoint asks to wait."""

    def __init__(self, per_minute: float | None, stop: threading.Event) -> None:
        """Set the pace.

        Args:
            per_minute: requests; None: any number.
            stop: ends every wait.
        """
        self._between = 0.0 if per_minute is None else 60.0 / per_minute
        self._next = self._held = 0.0
        self._lock = threading.Lock()
        self._stop = stop

    def wait(self) -> None:
        """Wait for the turn of one request.

        Raises:
            Stopped: asking has ended.
        """
        with self._lock:
            turn = max(time.monotonic(), self._next, self._held)
            self._next = turn + self._between
        while True:
            self.sleep(turn - time.monotonic())
            if self._held <= time.monotonic():
                return
            turn = self._held

    def hold(self, seconds: float) -> None:
        """Send nothing for a while."""
        with self._lock:
            self._held = max(self._held, time.monotonic() + seconds)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: asking has ended.
        """
        if self._stop.wait(max(seconds, 0.0)):
            raise Stopped


class _Again(Exception):  # noqa: N818 - caught where it is raised for
    """This try has failed and another may do better; `wait` is what the endpoint asks for, in seconds."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class _NoAnswerError(Exception):
    """A response holds no answer; its message says what it is."""


class Endpoint:
    """Asks one question at a time, from any thread."""

    def __init__(self, judge: Judge, stop: threading.Event) -> None:
        """Prepare; nothing is sent yet.

        Args:
            judge: the settings, with the ways.
            stop: ends every wait.

        Raises:
            ConfigError: the environment variable of the key is not set.
        """
        self._judge = judge
        self._url = f"{judge.url}/chat/completions"
        self._key = key_of(judge)
        self._pace = Pace(judge.requests_per_minute, stop)
        self._stop = stop
        self._pool = _pool(judge)
        self._counting = threading.Lock()
        self.sent: Counter[str] = Counter()
        """Requests, and tries that failed, by what became of them."""

    def ask(self, message: str, seed: int) -> Answer | NoAnswer:
        """Ask until there is an answer.

        Args:
            message: the prompt with the text in it.
            seed: of sampling.

        Returns:
            the answer, or what came in its place.

        Raises:
            EndpointError: the endpoint cannot be used, or not any more.
            Stopped: somebody else has met such an error.
        """
        body: dict[str, Any] = {**self._judge.body(), "messages": [{"role": "user", "content": message}]}
        if self._judge.sends_seed:
            body["seed"] = seed
        data = json.dumps(body).encode()
        tries = 0
        while True:
            self._pace.wait()
            try:
                return self._once(data)
            except _Again as failure:
                tries += 1
                self._count(str(failure))
                if tries > self._judge.retries:
                    msg = f"no answer to one question, asked {tries} times; the last time: {failure}"
                    raise self._error(msg) from None
                if failure.wait is not None and failure.wait > PATIENCE:
                    msg = f"asks to wait {failure.wait:.0f} seconds ({failure}), and at most {PATIENCE:.0f} are waited"
                    raise self._error(msg) from None
                if failure.wait is not None:
                    self._pace.hold(failure.wait)
                self._pace.sleep(jitter(tries) + (failure.wait or 0.0))

    def _once(self, data: bytes) -> Answer | NoAnswer:
        """One request.

        Raises:
            _Again: it failed and may be tried again.
            EndpointError: it failed for good.
        """
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"tamis/{__version__}",
        }
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        until = time.monotonic() + self._judge.timeout
        self._count("requests")
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=data,
                headers=headers,
                timeout=urllib3.Timeout(total=self._judge.timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # A refused connection is a time-out to urllib3 too.
            slow = isinstance(error, urllib3.exceptions.TimeoutError)
            if slow and not isinstance(error, urllib3.exceptions.NewConnectionError):
                raise _Again(f"nothing within {self._judge.timeout:g} seconds") from None
            raise _Again(f"no connection ({_reason(error)})") from None
        content = self._content(response, until)
        status = response.status
        if status == 200:
            return self._answer(response.headers, content)
        said = self._said(content)
        if status in AGAIN or status >= 500:
            raise _Again(f"{status} {said}".strip(), retry_after(response.headers.get("Retry-After")))
        if status in OF_THIS_TEXT:
            return NoAnswer(f"refused ({status})", said)
        raise self._error(self._advice(status, said, response.headers.get("Location")))

    def _content(self, response: urllib3.BaseHTTPResponse, until: float) -> bytes:
        """What a response holds, at most one byte more than it may.

        Raises:
            _Again: it broke off, or came too slowly.
        """
        content = b""
        try:
            # As it comes, so that one that sends a byte now and then does not hold a thread for ever.
            while len(content) <= MAX_BYTES and (some := response.read1(1 << 16, decode_content=False)):
                content += some
                if time.monotonic() > until:
                    raise _Again(f"nothing whole within {self._judge.timeout:g} seconds")
        except urllib3.exceptions.TimeoutError:
            raise _Again(f"nothing whole within {self._judge.timeout:g} seconds") from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise _Again(f"the connection broke off ({_reason(error)})") from None
        else:
            if len(content) <= MAX_BYTES:
                response.release_conn()
            return content
        finally:
            # Of one that was not read to its end nothing more is wanted.
            response.close()

    def _answer(self, headers: Mapping[str, str], content: bytes) -> Answer | NoAnswer:
        """What a good response answers."""
        try:
            return self._read(headers, content)
        except _NoAnswerError as error:
            return NoAnswer(str(error), self._said(content))

    def _read(self, headers: Mapping[str, str], content: bytes) -> Answer:
        """The answer in a good response.

        Raises:
            _NoAnswerError: there is none; its message is the kind of what came.
        """
        if len(content) > MAX_BYTES:
            raise _NoAnswerError("too long")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _NoAnswerError("compressed")
        try:
            value = json.loads(content.decode("utf-8"))
            choice = value["choices"][0]
            text, finish = choice["message"]["content"], choice.get("finish_reason")
        except UnicodeDecodeError:
            raise _NoAnswerError("not UTF-8") from None
        except (ValueError, RecursionError):
            raise _NoAnswerError("not JSON") from None
        except (LookupError, TypeError, AttributeError):
            raise _NoAnswerError("wrong JSON") from None
        # Null where a model only thought, or a filter spoke.
        text = "" if text is None else text
        if not isinstance(text, str):
            raise _NoAnswerError("wrong JSON")
        finish, served = (
            safe(self._blotted(each))[:200] if isinstance(each, str) else "" for each in (finish, value.get("model"))
        )
        return Answer(self._blotted(text), finish, served, _tokens(value.get("usage")))

    def _advice(self, status: int, said: str, location: str | None) -> str:
        """What to do about a response that ends everything."""
        key = self._judge.api_key_env
        told = f"answers {status}" + (f" ({said})" if said else "")
        if status in (401, 403):
            if key is None:
                return f"{told}: it wants a key; put it into an environment variable and name that under `api_key_env`"
            return (
                f"{told}: it refuses the key in the environment variable {key} (`api_key_env`); correct what it holds"
            )
        if 300 <= status < 400:
            return f"{told}, a redirect to {self._blotted(str(location))[:SHOWN]}, which is not followed; correct `url`"
        if status in (404, 405):
            model = self._judge.model
            return f"{told}: `url` ends before /chat/completions (mostly in /v1), and it must know the model {model!r}"
        return told

    def _said(self, content: bytes) -> str:
        """What a failed response says, on one line."""
        text = content[: 1 << 16].decode("utf-8", "replace")
        try:
            value = json.loads(text)
            error = value.get("error", value)
            message = error.get("message", error) if isinstance(error, dict) else error
            text = message if isinstance(message, str) else text
        except (ValueError, RecursionError, AttributeError):
            pass
        text = safe(" ".join(self._blotted(text).split()))
        return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"

    def _blotted(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _error(self, what: str) -> EndpointError:
        return EndpointError(f"{self._judge.url}: {what}")

    def _count(self, what: str) -> None:
        with self._counting:
            # Hostile endpoints could say something else each time.
            self.sent[what if what in self.sent or len(self.sent) < 50 else "something else"] += 1


def _pool(judge: Judge) -> urllib3.PoolManager:
    """Connections, through the proxy that the environment names, if it does."""
    parts = urlsplit(judge.url)
    proxy = None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)
    if not proxy:
        return urllib3.PoolManager(maxsize=judge.concurrency, retries=False)
    auth = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(proxy, maxsize=judge.concurrency, retries=False, proxy_headers=headers)


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom, without addresses of objects."""
    while True:
        below = [*error.args, getattr(error, "reason", None), error.__cause__]
        inner = next((each for each in below if isinstance(each, BaseException)), None)
        if inner is None:
            return getattr(error, "strerror", None) or str(error) or type(error).__name__
        error = inner


def _tokens(usage: Any) -> tuple[int, int] | None:
    """Tokens read and written, where the endpoint counts them."""
    if not isinstance(usage, dict):
        return None
    read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if all(type(each) is int and 0 <= each < 10**9 for each in (read, written)):
        return read, written  # type: ignore[return-value]
    return None

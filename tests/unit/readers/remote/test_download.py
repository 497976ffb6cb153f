"""One file from a server that has faults: whole and as it is, or an error that names the address and what to do."""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from file_server import Asked, Sent, file_server, serving, whole

from tamis import trouble
from tamis.errors import FolderError, SourceError
from tamis.readers.remote import download, fetched, guard
from tamis.readers.remote.addresses import is_place, place_of
from tamis.readers.remote.download import Waits
from tamis.readers.remote.fetched import fetch, hosts_of
from tamis.readers.remote.http import UnfetchedError
from tamis.readers.remote.origin import Origin, origin_of
from tamis.readers.remote.section import Remote

BODY = bytes(range(256)) * 1000
HALF = len(BODY) // 2


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def waits(self) -> Waits:
        return Waits(self.sleep, lambda: self.now, lambda tries: 2.0 ** (tries - 1))


@pytest.fixture(name="clock")
def _clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.chdir(tmp_path)
    return Clock()


def origin(address: str, *, named: tuple[str, ...] | None = None, **remote: Any) -> Origin:
    hosts = hosts_of([address]) if named is None else named
    return Origin(address=address, named=hosts, remote=Remote(**{"timeout": 5.0, "retries": 3} | remote))


def have(address: str, clock: Clock, sha256: str | None = None, **more: Any) -> bytes:
    """What lies there after it was fetched; the record says what it is."""
    path = place_of(address)
    assert is_place(path)
    found = fetch(origin(address, **more), path, sha256, clock.waits())
    data = path.read_bytes()
    assert found == origin_of(path)
    assert (found.whole.bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert {one.name for one in path.parent.glob(f"*{path.name}*")} == {path.name, f".{path.name}.origin.json"}
    return data


def refused(address: str, clock: Clock, sha256: str | None = None, **more: Any) -> str:
    """The message of a file that cannot be had; nothing lies there then that would be read."""
    path = place_of(address)
    with pytest.raises(UnfetchedError) as error:
        fetch(origin(address, **more), path, sha256, clock.waits())
    assert not path.exists()
    assert origin_of(path) is None
    return str(error.value)


def test_a_file_comes_whole_and_is_not_asked_for_again(clock: Clock) -> None:
    def behaviour(asked: Asked) -> Sent:
        assert asked.headers["accept-encoding"] == "identity"
        return whole(BODY, asked, Last_Modified="Sat, 28 Nov 2026 10:00:00 GMT")

    with file_server(behaviour) as server:
        address = f"{server.url}/a/b.bin"
        assert have(address, clock) == BODY
        found = origin_of(place_of(address)).whole
        assert (found.etag, found.last_modified) == ('"v1"', "Sat, 28 Nov 2026 10:00:00 GMT")
        assert have(address, clock) == BODY
        assert len(server.asked) == 1
        # What lies there is not what came: it comes again; an empty file is whole, too.
        place_of(address).write_bytes(BODY[:-1])
        assert have(address, clock) == BODY
        assert len(server.asked) == 2
        server.behaviour = serving({"/empty": b""})
        assert have(f"{server.url}/empty", clock) == b""
    assert clock.slept == []


def drops(asked: Asked) -> Sent:
    return Sent(reset=True) if asked.number < 2 else whole(BODY, asked)


def breaks_off(asked: Asked) -> Sent:
    sent = whole(BODY, asked)
    sent.cut = 100_000 if asked.number < 2 else None
    return sent


def ignores_ranges(asked: Asked) -> Sent:
    return Sent(BODY, headers={"ETag": '"v1"'}, cut=HALF if asked.number == 0 else None)


def changes(asked: Asked) -> Sent:
    if asked.number == 0:
        return Sent(b"old" * 70_000, headers={"ETag": '"old"'}, cut=HALF // 2)
    return whole(BODY, asked)


def changes_without_a_word(asked: Asked) -> Sent:
    """Sends the rest of another file, as a server does that does not know `If-Range`."""
    if asked.number == 0:
        return Sent(bytes(len(BODY)), headers={"ETag": '"old"'}, cut=HALF // 2)
    return whole(BODY, Asked(asked.path, {"range": asked.headers.get("range", "")}, asked.number))


def wrong_range(asked: Asked) -> Sent:
    sent = whole(BODY, asked)
    if asked.number == 0:
        sent.cut = HALF
    elif asked.start is not None:
        sent.headers["Content-Range"] = f"bytes 0-{HALF - 1}/{len(BODY)}"
        sent.body = BODY[:HALF]
    return sent


def shrinks(asked: Asked) -> Sent:
    if asked.number == 0:
        return Sent(BODY * 2, headers={"ETag": '"v1"'}, cut=len(BODY) + 10)
    return whole(BODY, asked)


def has_no_version(asked: Asked) -> Sent:
    return Sent(BODY, cut=HALF if asked.number == 0 else None)


def chunked(asked: Asked) -> Sent:
    return Sent(BODY, chunked=True, cut=HALF if asked.number == 0 else None)


def busy(asked: Asked) -> Sent:
    statuses = {
        0: (503, {"Retry-After": "7"}),
        1: (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        2: (500, {}),
    }
    return Sent(b"slow down", *statuses[asked.number]) if asked.number < 3 else whole(BODY, asked)


@pytest.mark.parametrize(
    ("behaviour", "ranges", "slept"),
    [
        (drops, [None] * 3, [1, 2]),
        (breaks_off, [None, 100_000, 200_000], [1, 1]),
        (ignores_ranges, [None, HALF], [1]),
        (changes, [None, HALF // 2], [1]),
        (changes_without_a_word, [None, HALF // 2, None], [1, 2]),
        (wrong_range, [None, HALF, None], [1, 1]),
        (shrinks, [None, len(BODY) + 10, None], [1, 1]),
        (has_no_version, [None, None], [1]),
        (chunked, [None, None], [1]),
        (busy, [None] * 4, [1 + 7, 2, 4]),
    ],
)
def test_a_server_with_faults_gives_the_whole_file(
    clock: Clock, behaviour: Callable[[Asked], Sent], ranges: list[int | None], slept: list[float]
) -> None:
    with file_server(behaviour) as server:
        assert have(f"{server.url}/a.bin", clock) == BODY
        assert [asked.start for asked in server.asked] == ranges
    assert clock.slept == slept


def test_what_has_come_of_a_file_is_continued_by_the_next_run(clock: Clock) -> None:
    with file_server(lambda asked: Sent(reset=True) if asked.number else breaks_off(asked)) as server:
        address = f"{server.url}/a.bin"
        message = refused(address, clock, retries=0)
        assert f"{address}: could not be fetched in 1 tries, the last time: no connection" in message
        assert "What has come of it is kept; run again later, or raise remote.retries" in message
        server.behaviour = lambda asked: whole(BODY, asked)
        assert have(address, clock) == BODY
        assert [asked.start for asked in server.asked] == [None, 100_000, 100_000]


def test_tries_end(clock: Clock) -> None:
    def announces_more(asked: Asked) -> Sent:
        sent = whole(BODY, asked)
        sent.length = len(sent.body) + 5
        if "Content-Range" in sent.headers:
            sent.headers["Content-Range"] = f"bytes {asked.start}-{len(BODY) + 4}/{len(BODY) + 5}"
        return sent

    with file_server(announces_more) as server:
        message = refused(f"{server.url}/a.bin", clock)
        assert "it broke off after 256000 of 256005 bytes" in message or "less of it now" in message
        server.behaviour = lambda _: Sent(reset=True)
        assert "in 4 tries, the last time: no connection" in refused(f"{server.url}/b.bin", clock)
        server.behaviour = lambda _: Sent(b"", 503, {"Retry-After": "3600"})
        assert "asks to wait 3600 seconds" in refused(f"{server.url}/c.bin", clock)
        # An end without a length: nobody can tell whether it is one, but by its hash.
        server.behaviour = lambda _: Sent(BODY, length=None)
        assert "does not say how long it is" in refused(f"{server.url}/d.bin", clock)
        assert have(f"{server.url}/d.bin", clock, hashlib.sha256(BODY).hexdigest()) == BODY
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/a"
        assert "no connection (Connection refused)" in refused(closed, clock, retries=1)


def test_a_server_that_says_nothing_or_trickles_is_given_up(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        assert "no answer within 0.05 seconds" in refused(address, clock, timeout=0.05, retries=0)
    monkeypatch.setattr(download, "BLOCK", 1_000)
    with file_server(lambda asked: whole(BODY, asked)) as server:
        slow = Waits(clock.sleep, iter(range(0, 10**9, 200)).__next__, lambda _: 1.0)
        with pytest.raises(UnfetchedError, match="bytes came in"):
            fetch(origin(f"{server.url}/a.bin", retries=0), place_of(f"{server.url}/a.bin"), None, slow)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "no such file; correct the address or the list"),
        (403, "refuses access"),
        (401, "password"),
        (204, "no file"),
    ],
)
def test_what_is_not_there_is_not_asked_for_again(clock: Clock, status: int, says: str) -> None:
    with file_server(lambda _: Sent(b"" if status == 204 else b"<p>no\x1b[2Jthing</p>", status)) as server:
        message = refused(f"{server.url}/a.bin", clock)
        assert says in message
        assert f"{server.url}/a.bin" in message
        assert "\x1b" not in message
        assert len(server.asked) == 1


def test_redirects_are_followed_as_far_as_they_are_safe(clock: Clock) -> None:
    with file_server(serving({})) as elsewhere, file_server(serving({})) as server:
        ways = {
            "/good": Sent(status=302, headers={"Location": "next"}),
            "/next": Sent(status=307, headers={"Location": f"{server.url}/last?X-Amz-Signature=secret#part"}),
            "/circle": Sent(status=301, headers={"Location": "/circle2"}),
            "/circle2": Sent(status=301, headers={"Location": "/circle"}),
            "/file": Sent(status=302, headers={"Location": "file:///etc/passwd"}),
            "/user": Sent(status=302, headers={"Location": "http://me:word@example.org/"}),
            "/private": Sent(
                status=302, headers={"Location": f"http://localhost:{elsewhere.host.partition(':')[2]}/x?sig=s1"}
            ),
            "/cloud": Sent(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
            "/number": Sent(status=302, headers={"Location": "http://2130706433:1/"}),
            "/broken": Sent(status=302, headers={"Location": "http://[::1"}),
        }
        ways |= {f"/long{i}": Sent(status=302, headers={"Location": f"/long{i + 1}"}) for i in range(20)}

        def behaviour(asked: Asked) -> Sent:
            path = asked.path.partition("?")[0]
            return whole(BODY, asked) if path == "/last" else ways[path]

        server.behaviour = behaviour
        assert have(f"{server.url}/good", clock) == BODY
        assert "secret" not in "".join(path.read_text("latin-1") for path in Path().rglob("*.json"))
        asked = ("/circle", "/long0", "/file", "/user", "/private", "/cloud", "/number", "/broken")
        messages = {name: refused(f"{server.url}{name}", clock) for name in asked}
        assert "in a circle" in messages["/circle"]
        assert "more than 10 times" in messages["/long0"]
        assert "not from file://" in messages["/file"]
        assert ":word" not in messages["/user"]
        port = elsewhere.host.partition(":")[2]
        assert f"add localhost:{port} to remote.allow_hosts" in messages["/private"]
        assert "s1" not in messages["/private"]
        for name in ("/cloud", "/number"):
            assert "not an address of the public internet" in messages[name]
        assert elsewhere.asked == []
        # Named by the configuration, it is meant.
        elsewhere.behaviour = serving({"/x": BODY})
        hosts = (server.host,)
        assert have(f"{server.url}/private", clock, named=hosts, allow_hosts=("localhost",)) == BODY


def test_an_address_that_the_configuration_does_not_name_is_not_connected_to(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with file_server(serving({"/x": BODY})) as server:
        assert "not an address of the public internet" in refused(f"{server.url}/x", clock, named=())
        # A name that looks public when it is looked at, and is another machine a moment later.
        port = int(server.host.partition(":")[2])
        real = socket.getaddrinfo
        answers = iter([("93.184.216.34", port)])

        def rebinding(host: str, *given: Any, **more: Any) -> Any:
            if host != "rebinding.example":
                return real(host, *given, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", next(answers, ("127.0.0.1", port)))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        message = refused(f"http://rebinding.example:{port}/x", clock, named=())
        assert "rebinding.example, which is 127.0.0.1" in message
        assert server.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",  # noqa: S104 - nobody listens there
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not guard.is_public(address)
    assert guard.is_public("93.184.216.34")
    assert guard.is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_https_is_never_left_for_http(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server speaks no TLS; what is looked at is what is done with its answer."""
    from tamis.readers.remote import http

    moved = SimpleNamespace(status=302, headers={"location": "http://example.org/x?sig=1"}, close=lambda: None)
    monkeypatch.setattr(http.Client, "_once", lambda *_: moved)
    message = refused("https://example.org/x", clock)
    assert "redirects from https to http://example.org/x, where others" in message


PACKED = gzip.compress(BODY, mtime=0)


@pytest.mark.parametrize(
    ("name", "sent", "encoding", "expected"),
    [
        ("a.txt.gz", PACKED, "gzip", PACKED),
        ("a.txt.gz", gzip.compress(PACKED), "gzip", PACKED),
        ("a.txt.gz", BODY, "gzip", BODY),
        ("a.txt", PACKED, "gzip", BODY),
        ("a.txt", PACKED + PACKED, "x-gzip", BODY + BODY),
        ("a.txt", BODY, "identity", BODY),
        ("a.zst", BODY, "zstd", BODY),
    ],
)
def test_a_file_is_what_its_name_promises_whatever_is_said_of_its_encoding(
    clock: Clock, name: str, sent: bytes, encoding: str, expected: bytes
) -> None:
    with file_server(lambda asked: whole(sent, asked, Content_Encoding=encoding)) as server:
        assert have(f"{server.url}/{name}", clock) == expected


def test_an_encoding_that_is_none_is_refused(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    with file_server(lambda asked: whole(BODY, asked, Content_Encoding="br")) as server:
        assert "comes as Content-Encoding br" in refused(f"{server.url}/a.txt", clock)
        server.behaviour = lambda asked: whole(PACKED[:-9], asked, Content_Encoding="gzip")
        assert "cannot be decompressed" in refused(f"{server.url}/a.txt", clock)
        monkeypatch.setattr(download, "SPARE", 1000)
        bomb = gzip.compress(bytes(10_000_000))
        server.behaviour = lambda asked: whole(bomb, asked, Content_Encoding="gzip")
        assert "more than 100 times as large" in refused(f"{server.url}/a.txt", clock)


def test_a_pinned_hash_is_held(clock: Clock) -> None:
    right = hashlib.sha256(BODY).hexdigest()
    with file_server(lambda asked: whole(BODY, asked)) as server:
        assert have(f"{server.url}/a", clock, right) == BODY
        message = refused(f"{server.url}/b", clock, "0" * 64)
        assert f"its sha256 is {right}, and {'0' * 64} was expected" in message
        assert len([asked for asked in server.asked if asked.path == "/b"]) == 1
        # Put together from two files that call themselves the same: once more from its beginning.
        other = bytes(len(BODY))
        server.asked.clear()
        server.behaviour = lambda asked: (
            breaks_off(asked) if asked.number else Sent(other, headers={"ETag": '"v1"'}, cut=HALF)
        )
        assert have(f"{server.url}/c", clock, right) == BODY


def test_a_disk_that_is_too_small_is_said_before_anything_is_fetched(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with file_server(lambda asked: whole(BODY, asked)) as server:
        monkeypatch.setattr(trouble, "free", lambda _: 50_000_000)
        with pytest.raises(FolderError, match=r"remote\.keep_files"):
            fetch(origin(f"{server.url}/a"), place_of(f"{server.url}/a"), None, clock.waits())


def test_a_file_that_was_deleted_is_had_again_and_must_be_the_same(clock: Clock) -> None:
    with file_server(lambda asked: whole(BODY, asked)) as server:
        address = f"{server.url}/a.bin"
        have(address, clock)
        path = place_of(address)
        path.unlink()
        assert fetched.had(path).sha256 == hashlib.sha256(BODY).hexdigest()
        assert path.read_bytes() == BODY
        path.unlink()
        server.behaviour = lambda asked: whole(b"other", asked, '"v2"')
        with pytest.raises(SourceError, match="was deleted, and cannot be had again"):
            fetched.had(path)
    assert fetched.had(Path("in/a.bin")) is None


def test_two_processes_do_not_mix_their_bytes(clock: Clock) -> None:
    """The second waits for the first, and finds the file there."""
    with file_server(lambda asked: whole(BODY, asked)) as server:
        address = f"{server.url}/a.bin"
        path = place_of(address)
        with download.part_of(path) as part, ThreadPoolExecutor(2) as threads:
            others = [threads.submit(fetch, origin(address), path, None, clock.waits()) for _ in range(2)]
            part.write(b"half of something")
            assert not any(other.done() for other in others)
            part.close()
            assert others[0].result(10) == others[1].result(10)
        assert have(address, clock) == BODY
        assert len(server.asked) == 1

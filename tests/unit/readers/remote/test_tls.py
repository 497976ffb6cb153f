"""Encrypted connections: whom they trust, and that whoever is refused is told what helps, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from authorities import Authority
from file_server import file_server, serving

from tamis.readers.remote.addresses import place_of
from tamis.readers.remote.download import Waits
from tamis.readers.remote.fetched import fetch, hosts_of
from tamis.readers.remote.http import UnfetchedError
from tamis.readers.remote.origin import Origin
from tamis.readers.remote.section import Remote

BODY = b"What an https server has.\n" * 1000


def _no_wait(seconds: float) -> None:
    pytest.fail(f"it is tried again after {seconds} seconds")


def have(address: str) -> bytes:
    """What was fetched, in one try."""
    path = place_of(address)
    waits = Waits(_no_wait, lambda: 0.0, lambda _: 1.0)
    fetch(Origin(address=address, named=hosts_of([address]), remote=Remote(timeout=10.0)), path, waits=waits)
    return path.read_bytes()


@pytest.fixture(name="refused")
def _refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Gives the message of what cannot be had."""
    monkeypatch.chdir(tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)

    def refused(address: str) -> str:
        with pytest.raises(UnfetchedError) as error:
            have(address)
        assert not place_of(address).exists()
        return str(error.value)

    return refused


def test_a_server_is_trusted_by_whom_the_environment_names(
    refused: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with file_server(serving({"/a.txt": BODY}), authority.server("127.0.0.1")) as server:
        address = f"{server.url}/a.txt"
        assert "not trusted" in refused(address)
        assert "set SSL_CERT_FILE to a file in PEM" in refused(address)
        another = Authority(tmp_path, "Another")
        monkeypatch.setenv("SSL_CERT_FILE", str(another.file))
        assert f"it is {another.file} now, which does not hold that" in refused(address)
        assert not server.asked
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert have(address) == BODY
        assert len(server.asked) == 1


def test_trust_is_not_recommended_where_it_would_not_help(
    refused: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    files = serving({"/a.txt": BODY})
    for names in (["elsewhere.example"], ["127.0.0.2"]):
        with file_server(files, authority.server(*names)) as server:
            message = refused(f"{server.url}/a.txt")
            assert "its certificate is for another name than 127.0.0.1" in message
            assert "SSL_CERT_FILE" not in message
    with file_server(files, authority.server("127.0.0.1", ended=2)) as server:
        message = refused(f"{server.url}/a.txt")
        assert "out of date" in message
        assert "clock" in message
        assert "SSL_CERT_FILE" not in message
    with file_server(files) as server:
        message = refused(f"https://{server.host}/a.txt")
        assert "see whether http:// or another port is meant" in message


def test_what_the_environment_names_and_is_none_is_named(
    refused: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL passes over a file that is not there, and the server would be blamed."""
    authority = Authority(tmp_path)
    with file_server(serving({"/a.txt": BODY}), authority.server("127.0.0.1")) as server:
        address = f"{server.url}/a.txt"
        monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
        assert "SSL_CERT_FILE names nowhere.pem, which is not there" in refused(address)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
        assert "which is no file" in refused(address)
        Path("text.pem").write_text("no certificate")
        monkeypatch.setenv("SSL_CERT_FILE", "text.pem")
        assert "SSL_CERT_FILE names text.pem, which holds no certificates in PEM" in refused(address)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        monkeypatch.setenv("SSL_CERT_DIR", "nowhere")
        assert "SSL_CERT_DIR names nowhere, which is no folder" in refused(address)
        assert not server.asked

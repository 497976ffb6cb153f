"""Buckets: of a server that somebody else wrote (moto), and of one that fails as a test wants."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import Asked, Sent, file_server, whole

from tamis.errors import ConfigError, SourceError
from tamis.readers.remote import s3
from tamis.readers.remote.addresses import place_of
from tamis.readers.remote.download import Waits
from tamis.readers.remote.fetched import fetch
from tamis.readers.remote.http import UnfetchedError
from tamis.readers.remote.listing import Named, listed
from tamis.readers.remote.origin import Origin
from tamis.readers.remote.section import Remote

KEYS = (
    "crawl/a.warc.gz",
    "crawl/b c+d%é.warc.gz",
    "crawl/deep/er/c.warc.gz",
    "crawl/.hidden/d.warc.gz",
    "crawl/e.txt",
    "crawl/",
)
NO_WAIT = Waits(lambda _: None, lambda: 0.0, lambda _: 0.0)
SECRET = "wJalrXUtnFEMI-K7MDENG-SECRET"  # noqa: S105 - of nobody


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials, regions or servers of this machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("no_proxy", "*")
    s3._session.cache_clear()
    s3._regions.clear()


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[str]:
    for name in ("moto", "flask", "flask_cors", "botocore"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket="corpus")
    for key in KEYS:
        client.put_object(Bucket="corpus", Key=key, Body=key.encode() * 100)
    client.create_bucket(Bucket="public", ACL="public-read")
    client.put_object(Bucket="public", Key="e.txt", Body=b"e", ACL="public-read")
    yield f"http://{host}:{port}"
    server.stop()


def named(*addresses: str, **s3_keys: Any) -> Named:
    return Named("web", addresses, (), None, Remote(retries=2, s3=s3_keys))


def have(found: Named) -> dict[str, bytes]:
    """Everything that is named, by address."""
    every = {}
    for place, wanted in listed(found, NO_WAIT).remote.items():
        origin = Origin(address=wanted.address, endpoint=wanted.endpoint, named=found.hosts, remote=found.remote)
        fetch(origin, place, wanted.sha256, NO_WAIT)
        every[wanted.address] = place.read_bytes()
        assert wanted.bytes in (None, len(every[wanted.address]))
    return every


def test_files_of_a_bucket_are_listed_and_fetched_with_the_credentials_of_the_environment(
    server: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "tamis")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    found = have(named("s3://corpus/crawl/**/*.warc.gz"))
    assert found == {f"s3://corpus/{key}": key.encode() * 100 for key in KEYS[:3]}
    assert have(named("s3://corpus/crawl/b c+d%é.warc.gz")) == {f"s3://corpus/{KEYS[1]}": KEYS[1].encode() * 100}
    # Neither asks for anything again, without a server or credentials.
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    assert have(named("s3://corpus/crawl/**/*.warc.gz")) == found
    assert SECRET not in caplog.text
    kept = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
    assert b"Signature" not in kept


def test_without_credentials_it_is_said_what_to_do(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"AWS_ACCESS_KEY_ID.*anonymous: true"):
        have(named("s3://public/e.txt", endpoint=server))
    assert have(named("s3://public/*.txt", endpoint=server, anonymous=True)) == {"s3://public/e.txt": b"e"}
    with pytest.raises(UnfetchedError, match="answers 403: it refuses access"):
        have(named("s3://corpus/crawl/e.txt", endpoint=server, anonymous=True))
    with pytest.raises(UnfetchedError, match=r"s3://public/gone: cannot be fetched: answers 404"):
        have(named("s3://public/gone", endpoint=server, anonymous=True))
    with pytest.raises(SourceError, match="matches nothing in its bucket"):
        have(named("s3://public/*.parquet", endpoint=server, anonymous=True))
    with pytest.raises(SourceError, match="NoSuchBucket"):
        have(named("s3://nobody/*", endpoint=server, anonymous=True))
    s3._session.cache_clear()
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(ConfigError, match=r"pip install 'tamis\[s3\]'"):
        have(named("s3://public/f.txt", endpoint=f"{server}/"))


def page(keys: list[str], more: str | None) -> Sent:
    contents = "".join(f"<Contents><Key>{key}</Key><Size>3</Size><ETag>&quot;x&quot;</ETag></Contents>" for key in keys)
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return Sent(
        f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{contents}{token}'
        "</ListBucketResult>".encode()
    )


def test_a_list_has_pages_and_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    def behaviour(asked: Asked) -> Sent:
        if asked.number in (0, 2):
            return (
                Sent(b"<Error><Code>SlowDown</Code></Error>", 503, {"Retry-After": "1"})
                if asked.number
                else Sent(b"<List")
            )
        return (
            page(["in/b", "in/a"], None)
            if "continuation-token" in asked.path
            else page(["in/x+y%2Bz", "in/d/e"], "a/b=")
        )

    with file_server(lambda asked: behaviour(Asked(asked.path, asked.headers, len(server.asked) - 1))) as server:
        found = named("s3://corpus/in/*", endpoint=server.url, anonymous=True)
        addresses = [wanted.address for wanted in listed(found, NO_WAIT).remote.values()]
        assert sorted(addresses) == ["s3://corpus/in/a", "s3://corpus/in/b", "s3://corpus/in/x y+z"]
        assert "prefix=in/" in server.asked[0].path
        assert "continuation-token=a/b=" in server.asked[-1].path
        again = named("s3://corpus/other/*", endpoint=server.url, anonymous=True)
        for body, says in (
            (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "declarations"),
            (b"<html></html>", "html instead of ListBucketResult"),
            (b"x" * 2_000, "answer without end"),
        ):
            server.behaviour = lambda _, body=body: Sent(body)
            monkeypatch.setattr(s3, "PAGE_BYTES", 1_000)
            with pytest.raises(SourceError, match=rf"not listed in 3 tries, the last time: .*{says}"):
                listed(again, NO_WAIT)


def test_a_bucket_says_in_which_region_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = s3.Stored("s3://corpus/a b/c?.gz", s3.S3(anonymous=True))
    assert asked.request() == ("https://corpus.s3.us-east-1.amazonaws.com/a%20b/c%3F.gz", {})
    assert asked.moved({"x-amz-bucket-region": "eu-west-1"})
    assert asked.request()[0] == "https://corpus.s3.eu-west-1.amazonaws.com/a%20b/c%3F.gz"
    assert not asked.moved({"x-amz-bucket-region": "eu-west-1"})
    assert not asked.moved({"x-amz-bucket-region": "evil.example/"})
    dotted = s3.Stored("s3://my.corpus/a", s3.S3(anonymous=True, region="eu-north-1"))
    assert dotted.request()[0] == "https://s3.eu-north-1.amazonaws.com/my.corpus/a"

    def behaviour(asked: Asked) -> Sent:
        return whole(b"x", asked) if asked.number else Sent(b"", 301, {"x-amz-bucket-region": "eu-west-1"})

    with file_server(behaviour) as server:
        assert have(named("s3://corpus3/a", endpoint=server.url, anonymous=True)) == {"s3://corpus3/a": b"x"}


@pytest.mark.parametrize(
    ("pattern", "key", "is_named"),
    [
        ("a/*.gz", "a/b.gz", True),
        ("a/*.gz", "a/b/c.gz", False),
        ("a/**/*.gz", "a/b.gz", True),
        ("a/**/*.gz", "a/b/c/d.gz", True),
        ("a/**/*.gz", "a/.b/c.gz", False),
        ("a/*", "a/.b", False),
        ("a/.*", "a/.b", True),
        ("a/**", "a/b/c", True),
        ("a/**", "a", False),
        ("**/c", "a/b/c", True),
        ("a/[bc]?", "a/bd", True),
        ("a/[*]", "a/*", True),
        ("a/[*]", "a/b", False),
    ],
)
def test_a_pattern_names_of_keys_what_it_names_of_files(pattern: str, key: str, is_named: bool, tmp_path: Path) -> None:
    from tamis.readers.patterns import matches

    assert s3.matches(pattern, key) == is_named
    (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / key).write_bytes(b"")
    assert (Path(key) in matches(pattern)) == is_named


def test_files_of_two_servers_do_not_meet() -> None:
    one, other = place_of("s3://corpus/a.gz"), place_of("s3://corpus/a.gz", "https://minio.example")
    assert one != other
    assert {one.name, other.name} == {"a.gz"}

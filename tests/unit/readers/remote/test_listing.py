"""Which files a source names: addresses, lists of them, samples; and what a list must not name."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
from file_server import file_server, serving
from pdf_files import pdf
from pydantic import ValidationError

from tamis import presets
from tamis.classifiers.references import Reference
from tamis.config import load
from tamis.errors import ConfigError, SourceError
from tamis.readers.code.source import CodeSource
from tamis.readers.html import HtmlSource
from tamis.readers.jsonl import JsonlSource
from tamis.readers.latex.source import LatexSource
from tamis.readers.pdf import PdfSource
from tamis.readers.record import Source
from tamis.readers.releases import ReleasesSource
from tamis.readers.remote import origin
from tamis.readers.remote.addresses import checked, is_place, place_of, shown
from tamis.readers.selection import selected
from tamis.readers.text import TextSource

HASH = "ab" * 32


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def source(kind: type[Source] = JsonlSource, **more: Any) -> Source:
    return kind.model_validate({"name": "web"} | more)


def addresses(given: Source) -> list[str]:
    """What a source names, in the order of its places."""
    remote = given.remote_files()
    return [remote[path].address if path in remote else str(path) for path in given.input_files()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("HTTPS://Example.ORG/A/b.gz", "https://example.org/A/b.gz"),
        ("https://example.org", "https://example.org/"),
        ("https://example.org/a b/é.gz?x=1 2", "https://example.org/a%20b/%C3%A9.gz?x=1%202"),
        ("https://example.org/a%20b", "https://example.org/a%20b"),
        ("http://[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("s3://Bucket.x/a b?c", "s3://Bucket.x/a b?c"),
    ],
)
def test_an_address_has_one_form(given: str, expected: str) -> None:
    assert checked(given) == expected
    assert checked(expected) == expected
    assert is_place(place_of(expected))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("https://me:word@example.org/a", "name and password do not belong into an address"),
        ("https://word@example.org/a", "name and password"),
        ("s3://key:word@bucket/a", "name and password"),
        ("https://example.org/a?X-Amz-Signature=word", "X-Amz-Signature="),
        ("https://example.org/a?b=1&token=word", "token="),
        ("ftp://example.org/a", "not from ftp://"),
        ("file:///etc/passwd", "not from file://"),
        ("https:///a", "not the address of a host"),
        ("https://example.org:99999/a", "not an address"),
        ("https://exämple.org/a", "xn--"),
        ("https://example.org/a/../../b", ".. as a folder"),
        ("https://example.org/a/%2e%2E/b", ".. as a folder"),
        ("https://example.org/a#b", "what follows #"),
        ("https://example.org/a\nb", "control characters"),
        ("s3://bucket", "names a bucket and no file"),
        ("s3://b/a", "name of a bucket"),
    ],
)
def test_an_address_that_is_not_fetched_is_refused_and_tells_no_password(given: str, says: str) -> None:
    config = {"sources": [{"name": "web", "format": "jsonl", "paths": [given]}], "pipeline": []}
    with pytest.raises(ConfigError) as error:
        load(config)
    assert says in str(error.value)
    assert "sources[0]" in str(error.value)
    assert ":word" not in str(error.value)
    assert "=word" not in str(error.value)
    # Not in another complaint that quotes the whole section, either.
    with pytest.raises(ConfigError) as error:
        load(config | {"sources": [{"name": "web", "paths": [given], "format": "jsonlines"}]})
    assert ":word@" not in str(error.value)
    assert "word@example" not in str(error.value)


def test_no_name_of_a_server_becomes_a_path() -> None:
    names = [".hidden", "..", "%2e%2e", "a b", "{x}", "a'b;rm", "-rf", "x" * 500, "é" * 300 + ".jsonl.gz", "", "a%2Fb"]
    places = [place_of(checked(f"https://example.org:8080/f/{name}")) for name in names if name not in ("..", "%2e%2e")]
    places += [place_of(f"s3://bucket/{name}") for name in ("../../etc/passwd", "..", "a/..", "a\n{b}")]
    assert len(set(places)) == len(places)
    for place in places:
        assert is_place(place), place
        assert place.parts[0] == "downloads"
        assert not {"..", "."} & set(place.parts)
        assert all(len(part) <= 200 and not part.startswith(".") for part in place.parts)
        assert not set("{}\n<>'; ") & set(str(place))
    assert place_of("https://example.org/" + "é" * 300 + ".jsonl.gz").name.endswith(".jsonl.gz")
    # Neighbours lie together; another query, scheme or port is another file.
    assert place_of("https://a.b/c/1").parent == place_of("https://a.b/c/2").parent
    others = [
        "https://a.b/c/1",
        "http://a.b/c/1",
        "https://a.b/c/1?2",
        "https://a.b:8/c/1",
        "https://a.b/d/1",
        "s3://a.b/c/1",
    ]
    assert len({place_of(other) for other in others}) == len(others)
    assert shown("https://x/a?sig=1", query=False) == "https://x/a"


def test_a_list_names_files_beside_it_below_a_prefix_and_elsewhere() -> None:
    lines = [
        "# a comment",
        "",
        "one.jsonl",
        f"  deep/two.jsonl\tsha256:{HASH.upper()} ",
        "https://other.org/three",
        "s3://bucket/four",
        "one.jsonl",
    ]
    data = gzip.compress("\r\n".join(lines).encode("utf-8-sig"))
    with file_server(serving({"/lists/paths.gz": data})) as server:
        given = source(manifests=[f"{server.url}/lists/paths.gz"])
        expected = {
            f"{server.url}/lists/one.jsonl",
            f"{server.url}/lists/deep/two.jsonl",
            "https://other.org/three",
            "s3://bucket/four",
        }
        assert set(addresses(given)) == expected
        pinned = {one.address: one.sha256 for one in given.remote_files().values()}
        assert pinned[f"{server.url}/lists/deep/two.jsonl"] == HASH
        assert pinned[f"{server.url}/lists/one.jsonl"] is None
        below = source(manifests=[f"{server.url}/lists/paths.gz"], prefix="https://data.org/")
        assert "https://data.org/deep/two.jsonl" in addresses(below)
        # It is fetched once, and with a local one every format has the same.
        assert len(server.asked) == 1
    Path("in").mkdir()
    Path("in/paths").write_bytes(gzip.decompress(data))
    Path("in/one.jsonl").touch()
    Path("own.jsonl").touch()
    local = source(manifests=["in/paths"], prefix="https://data.org", paths=["own.jsonl", "https://more.org/x"])
    assert set(addresses(local)) == {
        "own.jsonl",
        "https://more.org/x",
        "https://data.org/one.jsonl",
        "https://data.org/deep/two.jsonl",
        "https://other.org/three",
        "s3://bucket/four",
    }
    Path("in/paths").write_text("one.jsonl\n")
    assert addresses(source(manifests=["in/paths"])) == ["in/one.jsonl"]
    assert addresses(source(manifests=["in/paths"], prefix="in")) == ["in/one.jsonl"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/etc/passwd", "passwd"),
        ("../secret.jsonl", "leads out of"),
        ("file:///etc/passwd", "not from file://"),
        ("http://me:word@data.org/a", "name and password"),
        ("https://data.org/a?token=word", "token="),
    ],
)
def test_a_list_that_came_from_elsewhere_does_not_reach_this_machine(line: str, says: str) -> None:
    with file_server(serving({"/paths": f"good.jsonl\n{line}\n".encode()})) as server:
        given = source(manifests=[f"{server.url}/paths"])
        if line.startswith("/"):
            # Below its own server, whatever it looks like.
            assert all(address.startswith(f"{server.url}/") for address in addresses(given))
        else:
            with pytest.raises(SourceError) as error:
                addresses(given)
            assert f"source 'web': {server.url}/paths, line 2: " in str(error.value)
            assert says in str(error.value)
            assert "word@" not in str(error.value)
        local = source(manifests=[f"{server.url}/paths"], prefix="in")
        with pytest.raises(SourceError, match=r"which a list must not name|not from|name and password|token="):
            addresses(local)


def test_lists_that_name_nothing_or_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from tamis.readers.remote import listing

    Path("empty").write_text("# nothing\n\n")
    Path("cut.gz").write_bytes(gzip.compress(b"one.jsonl\n" * 1000)[:-9])
    Path("twice").write_text(f"https://a.org/x sha256:{HASH}\nhttps://a.org/x sha256:{'cd' * 32}\n")
    Path("gone").write_text("nothing.jsonl\n")
    for name, says in (
        ("empty", "names no file"),
        ("cut.gz", "cut short"),
        ("twice", "two hashes"),
        ("gone", "is not there"),
        ("none", "none"),
    ):
        with pytest.raises(SourceError, match=rf"source 'web'.*{says}"):
            addresses(source(manifests=[name]))
    monkeypatch.setattr(listing, "LIST_BYTES", 100)
    Path("bomb.gz").write_bytes(gzip.compress(b"one.jsonl\n" * 1000))
    with pytest.raises(SourceError, match="a list of addresses has at most 100"):
        addresses(source(manifests=["bomb.gz"]))
    with pytest.raises(SourceError, match="a web server lists no files"):
        addresses(source(paths=["https://a.org/*.gz"]))
    with pytest.raises(ValidationError, match="prefix is for the lines of manifests"):
        source(paths=["a"], prefix="https://a.org/")
    with pytest.raises(SourceError, match="paths is empty"):
        addresses(source())


def test_every_reader_that_has_files_may_have_them_elsewhere() -> None:
    Path("tree").mkdir()
    Path("tree/a.py").write_text("a = 1\n")
    code = source(CodeSource, paths=["tree", "https://a.org/b.tar.gz"])
    assert sorted(addresses(code)) == ["https://a.org/b.tar.gz", "tree/a.py"]
    (place,) = code.remote_files()
    assert code.paths_of([place]) == (str(place),)
    assert code.unread(str(place)) is None
    assert addresses(source(ReleasesSource, paths=["https://a.org/b-1.0.tar.gz"])) == ["https://a.org/b-1.0.tar.gz"]
    Path("list").write_text("https://a.org/b-1.0.tar.gz\n")
    assert addresses(source(ReleasesSource, manifests=["list"])) == ["https://a.org/b-1.0.tar.gz"]


def test_a_fetched_file_of_text_is_called_by_its_address() -> None:
    place = place_of("https://a.org/b.txt")
    place.parent.mkdir(parents=True)
    place.write_text("Some text.\n")
    origin.record(origin.Origin(address="https://a.org/b.txt", remote={}), place)
    (record,) = source(TextSource, paths=["x"]).read(place)
    assert record.metadata["path"] == "https://a.org/b.txt"
    assert record.url is None
    page = place_of("https://a.org/c.html")
    page.write_text(f"<html><body><p>{'A sentence of a page that says something. ' * 20}</p></body></html>")
    origin.record(origin.Origin(address="https://a.org/c.html", remote={}), page)
    (record,) = source(HtmlSource, paths=["x"], extraction={"extractor": "resiliparse"}).read(page)
    assert (record.url, record.metadata["path"]) == ("https://a.org/c.html", "https://a.org/c.html")


def fetched(address: str, data: bytes) -> Any:
    place = place_of(address)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    origin.record(origin.Origin(address=address, remote={}), place)
    return place


@pytest.mark.parametrize(
    ("address", "name", "paper"),
    [
        ("https://arxiv.org/e-print/2101.00001v2", "2101.00001v2", "2101.00001"),
        ("https://arxiv.org/src/2101.00001", "2101.00001", "2101.00001"),
        ("https://arxiv.org/e-print/hep-th/9901001v3", "hep-th9901001v3", "hep-th/9901001"),
        ("https://mirror.org/hep-th%2F9901001.tar.gz", "hep-th-9901001.tar.gz", "hep-th/9901001"),
        ("https://mirror.org/2101.00001.tar.gz?download=1", "2101.00001.tar.gz", "2101.00001"),
        ("s3://papers/src/2101/2101.00001.gz", "2101.00001.gz", "2101.00001"),
        ("https://example.org/a%20paper.tar.gz", "a paper.tar.gz", None),
        ("https://example.org/papers/", "index", None),
    ],
)
def test_a_fetched_paper_is_called_as_its_address_says(address: str, name: str, paper: str | None) -> None:
    """And not as it lies in `downloads/`; whether it is one file or an archive."""
    text = rb"\documentclass{article}\begin{document}" + b"A paper says something. " * 9 + rb"\end{document}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("ms.tex")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    forms = [(packed.getvalue(), f"{name}/ms.tex")]
    # What is called a tar and is none is damaged.
    forms += [] if ".tar" in address else [(gzip.compress(text), name)]
    for data, called in forms:
        (record,) = source(LatexSource, paths=[address]).read(fetched(address, data))
        assert record.metadata["path"] == called
        assert record.url == (None if paper is None else f"https://arxiv.org/abs/{paper}")
        assert record.metadata.get("arxiv_id") == paper
        assert record.metadata.get("arxiv_version") == (name[-2:] if name[-2] == "v" else None)


def test_a_fetched_pdf_has_its_address_as_url() -> None:
    lines = [(72, 700 - 14 * line, 12, f"Line {line} of a page that says something.") for line in range(20)]
    given = source(PdfSource, paths=["x"])
    for address in ("https://arxiv.org/pdf/2101.00001v2", "https://a.org/a%20b.pdf?x=1", "s3://bucket/a b.pdf"):
        (record,) = given.read(fetched(address, pdf([lines])))
        assert record.metadata["path"] == address
        assert record.url == (address if address.startswith("https") else None)
    Path("local.pdf").write_bytes(pdf([lines]))
    (record,) = given.read(Path("local.pdf"))
    assert (record.metadata["path"], record.url) == ("local.pdf", None)


def test_where_a_local_file_is_needed_an_address_is_refused() -> None:
    with pytest.raises(SourceError, match="fetch one, name that, and write the address into paths"):
        presets.look(["https://a.org/b.jsonl"], [], None, None)
    with pytest.raises(SourceError, match="a local file, or the name of a source"):
        Reference(reference="https://a.org/b.jsonl").files()


def test_a_sample_does_not_depend_on_order_and_lies_in_a_larger_one() -> None:
    files = [Path(f"in/{number:04}.gz") for number in range(2000)]

    def some(share: float, limit: int | None = None, among: list[Path] = files) -> set[Path]:
        found = selected(among, [str(path) for path in among], share, limit)
        chosen = set(found)
        assert found == [path for path in among if path in chosen]
        return chosen

    mixed = random.Random(1).sample(files, len(files))  # noqa: S311 - an order
    for share in (0.001, 0.01, 0.1, 0.5):
        assert some(share) == some(share, among=mixed)
        assert abs(len(some(share)) - share * 2000) < 4 * (share * 2000) ** 0.5 + 2
        assert some(share) <= some(min(1.0, share * 1.7)) < some(1.0)
    assert some(1.0, 7) == some(0.5, 7) < some(1.0, 20)
    assert len(some(1.0, 7)) == 7
    assert len(some(1e-9)) == 1
    # Of a sample the part is a part of the whole.
    within = sorted(some(0.1))
    assert some(0.05, among=within) == some(0.05)
    # Another file leaves those that were chosen.
    assert some(0.1) <= some(0.1, among=[*files, Path("in/more.gz")])


def test_sample_and_limit_choose_among_local_files_and_addresses_alike() -> None:
    Path("in").mkdir()
    for number in range(40):
        Path(f"in/{number}.jsonl").touch()
    remote = [f"https://a.org/{number}.jsonl" for number in range(40)]
    every = addresses(source(paths=["in/*", *remote]))
    assert len(every) == 80
    some = addresses(source(paths=["in/*", *reversed(remote)], limit=20))
    assert len(some) == 20
    assert set(addresses(source(paths=["in/*", *remote], sample=0.1))) < set(
        addresses(source(paths=["in/*", *remote], sample=0.6))
    )
    assert {address.startswith("https:") for address in some} == {True, False}
    assert set(addresses(source(paths=remote, limit=5))) < set(some)

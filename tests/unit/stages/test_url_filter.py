"""Block lists: what goes by which list, against definitions in plain Python; forms of lists, and files that are none."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import in_batches
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import ConfigError, SourceError
from tamis.shards import read_json, write_table
from tamis.stages import url_filter
from tamis.stages.url_filter import Config, blocked, read_lists


def listed(folder: Path, **lists: dict[str, list[str]]) -> Config:
    """A section of lists whose files hold these lines."""
    given: dict[str, dict[str, list[str]]] = {"block": {}}
    for name, forms in lists.items():
        section = {}
        for form, lines in forms.items():
            path = folder / f"{name}.{form}"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            section[form] = [str(path)]
        if name == "allow":
            given["allow"] = section
        else:
            given["block"][name] = section
    return Config(**given)


def reasons(config: Config, *urls: str | None) -> list[str | None]:
    return blocked(pa.chunked_array([pa.array(urls, pa.string())]), read_lists(config)).to_pylist()


def test_domains_hold_for_all_below_them(tmp_path: Path) -> None:
    config = listed(
        tmp_path, adult={"domains": ["# a comment", "", "Bad.example", "*.worse.example", "xn--80ak6aa92e.example"]}
    )
    assert (
        reasons(
            config,
            "https://bad.example/",
            "HTTP://Deep.Sub.BAD.example:8080/a?b#c",
            "https://user:word@bad.example./x",
            "bad.example/page",
            "https://notbad.example/",
            "https://bad.example.org/",
            "https://www.worse.example",
            "https://xn--80ak6aa92e.example/a",
            "https://other.example/bad.example",
            "pkg:pypi/bad.example@1.0",
            "mailto:a@bad.example",
            "",
            None,
        )
        == ["adult"] * 4 + [None] * 2 + ["adult"] * 2 + [None] * 5
    )


def test_addresses_hold_for_all_that_their_paths_begin(tmp_path: Path) -> None:
    config = listed(tmp_path, some={"urls": ["https://www.host.example/~me/", "other.example/a?id=7", "whole.example"]})
    assert reasons(
        config,
        "http://host.example/~me",
        "https://www.host.example/~ME/page.html",
        "https://host.example/~me?x=1",
        "https://host.example/~meg",
        "https://sub.host.example/~me",
        "https://other.example/a?id=7&more=1",
        "https://other.example/a?id=77",
        "https://www.whole.example/any/page",
        "https://sub.whole.example/",
    ) == ["some"] * 3 + [None] * 2 + ["some", None, "some", None]


def test_words_stand_alone_soft_ones_in_company_parts_anywhere(tmp_path: Path) -> None:
    config = listed(
        tmp_path,
        hard={"words": ["Casino"]},
        soft={"soft_words": ["bet", "win", "free"]},
        parts={"subwords": ["slot machine"]},
    )
    assert reasons(
        config,
        "https://example.org/the-CASINO-page",
        "https://casinos.example.org/",
        "https://example.org/bet/page",
        "https://example.org/bet/bet-bet",
        "https://bet.example.org/free",
        "https://example.org/myslot-machines",
        "https://example.org/s/l/o/t_machine",
        "https://example.org/slots-machine",
    ) == ["hard", None, None, None, "soft", "parts", "parts", None]


def test_the_first_list_is_the_reason_and_what_is_allowed_stays(tmp_path: Path) -> None:
    config = listed(
        tmp_path,
        first={"words": ["poker"]},
        second={"domains": ["games.example"]},
        allow={"domains": ["school.games.example"], "urls": ["games.example/rules"]},
    )
    assert reasons(
        config,
        "https://games.example/poker",
        "https://games.example/chess",
        "https://school.games.example/poker",
        "https://games.example/rules/poker",
    ) == ["first", "second", None, None]


def test_published_forms_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "blacklists" / "gambling"
    folder.mkdir(parents=True)
    (folder / "domains").write_text("one.example\r\n10.0.0.1\n", encoding="utf-8")
    (folder / "urls").write_text("two.example/bets\n", encoding="utf-8")
    hosts = tmp_path / "hosts.txt.gz"
    hosts.write_bytes(gzip.compress(b"# hosts\n127.0.0.1 localhost\n0.0.0.0\tthree.example # ads\n"))
    rules = tmp_path / "easylist.txt"
    rules.write_text(
        "[Adblock Plus 2.0]\n! comment\n||four.example^\n||five.example^$third-party\n/banner/*\nsix.example##.ad\n",
        encoding="utf-8",
    )
    config = Config(
        block={
            "gambling": {"folders": [str(folder)]},
            "ads": {"hosts": [str(hosts)], "adblock": [str(rules)]},
        }
    )
    assert sorted(config.files) == sorted(map(str, (folder / "domains", folder / "urls", hosts, rules)))
    urls = [f"https://{name}.example/bets" for name in ("one", "two", "three", "four", "five", "six")]
    assert reasons(config, *urls, "http://10.0.0.1/") == [*["gambling"] * 2, *["ads"] * 2, None, None, "gambling"]


def by_definition(url: str | None, config: Config) -> str | None:
    """The decision in plain Python, for lists in small letters and addresses with a scheme."""
    if url is None:
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    whole = (host + path).lower()
    words = set(re.findall("[a-z0-9]+", whole))
    letters = "".join(re.findall("[a-z0-9]", whole))

    def entries(section: object, form: str) -> list[str]:
        return [line for path in getattr(section, form, ()) for line in Path(path).read_text().split("\n") if line]

    for name, section in (("", config.allow), *config.block.items()):
        above = (host == entry or host.endswith(f".{entry}") for entry in entries(section, "domains"))
        bare = whole.removeprefix("www.")
        begun = (
            bare == entry or (bare.startswith(entry) and bare[len(entry)] in "/?&;")
            for entry in (line.removeprefix("www.") for line in entries(section, "urls"))
        )
        soft = sum(word in words for word in set(entries(section, "soft_words")))
        if (
            any(above)
            or any(begun)
            or not words.isdisjoint(entries(section, "words"))
            or soft >= getattr(section, "soft_words_least", 1)
            or any(part in letters for part in entries(section, "subwords"))
        ):
            return name or None
    return None


NAMES = st.sampled_from(["a", "bb", "www", "example", "ab", "b", "abc", "c"])
HOSTS = st.lists(NAMES, min_size=1, max_size=4).map(".".join)
PATHS = st.lists(st.sampled_from(["", "a", "bb", "abc", "a-b", "b?a=abc", "x;y"]), max_size=4).map("/".join)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_decision_is_that_of_the_definition(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    some = st.lists(NAMES, min_size=1, max_size=3)
    config = listed(
        tmp_path_factory.mktemp("lists"),
        one={"domains": data.draw(st.lists(HOSTS, min_size=1, max_size=3)), "words": data.draw(some)},
        two={"soft_words": data.draw(some), "subwords": data.draw(st.lists(st.sampled_from(["aba", "bca", "exa"]), min_size=1))},
        three={"urls": [f"{host}/{path}".rstrip("/").removeprefix("www.") for host, path in data.draw(st.lists(st.tuples(HOSTS, PATHS), min_size=1))]},
        allow={"domains": data.draw(st.lists(HOSTS, max_size=2))},
    )  # fmt: skip
    urls = [f"https://{host}/{path}" for host, path in data.draw(st.lists(st.tuples(HOSTS, PATHS), min_size=1))]
    assert reasons(config, *urls) == [by_definition(url, config) for url in urls]


@given(st.lists(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "replace")), max_size=5))
@settings(max_examples=60, deadline=None)
def test_no_address_stops_it(tmp_path_factory: pytest.TempPathFactory, urls: list[str]) -> None:
    config = listed(
        tmp_path_factory.mktemp("any"), one={"domains": ["a.b"], "urls": ["a.b/c"], "words": ["a"], "subwords": ["abc"]}
    )
    assert len(reasons(config, *urls, "https://a.b" + "/" * 100_000, "x" * 100_000)) == len(urls) + 2


def test_a_run_drops_with_the_list_as_reason(make_documents, tmp_path: Path) -> None:
    documents = make_documents(
        ["one", "two", "three", "four"],
        url=["https://bad.example/", None, "https://good.example/", "https://x.example/casino"],
    )
    config = listed(
        tmp_path, sites={"domains": ["bad.example"] * 20 + ["no host at all/"]}, words={"words": ["casino"]}
    )
    write_table(tmp_path / "in.parquet", documents)

    def apply(folder: Path) -> tuple[bytes, ...]:
        folder.mkdir()
        names = {name: folder / name for name in ("kept", "dropped", "stats")}
        url_filter.run_apply(config, shard=0, documents=tmp_path / "in.parquet", **names)
        return tuple(path.read_bytes() for path in names.values())

    whole = apply(tmp_path / "whole")
    with in_batches(documents):
        assert apply(tmp_path / "batches") == whole
    dropped = pq.read_table(tmp_path / "whole" / "dropped").to_pylist()
    assert {(row["url"], row["reason"]) for row in dropped} == {
        ("https://bad.example/", "sites"),
        ("https://x.example/casino", "words"),
    }
    assert pq.read_table(tmp_path / "whole" / "kept").num_rows == 2
    notes = read_json(tmp_path / "whole" / "stats")["notes"]
    assert notes == {"without_url": 1, "entries_sites": 20, "entries_words": 1, "passed_over_sites": 1}


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names no file; give it one of folders, domains"):
        Config(block={"adult": {}})
    with pytest.raises(ConfigError, match=r"url_filter\.block: the pipeline names url_filter, and there is no list"):
        Config().check_files("url_filter")
    (tmp_path / "blacklists").mkdir()
    with pytest.raises(ConfigError, match=r"blacklists has no file `domains` or `urls`; name one category"):
        Config(block={"a": {"folders": [str(tmp_path / "blacklists")]}}).check_files("url_filter")
    wrong = listed(tmp_path, a={"domains": ["https://a.example/page", "b.example"]})
    with pytest.raises(
        SourceError, match=r"1 of 2 lines are no entries of url_filter\.block\.a\.domains; name it under"
    ):
        read_lists(wrong)
    with pytest.raises(SourceError, match=r"none\.txt"):
        read_lists(Config(block={"a": {"domains": [str(tmp_path / "none.txt")]}}))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a.example\n" * 100)[:-8])
    with pytest.raises(SourceError, match="cut short or damaged"):
        read_lists(Config(block={"a": {"domains": [str(tmp_path / "cut.gz")]}}))

"""Values become placeholders and stand in no table; what only looks like one stays; time is in proportion to the text."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from documents import in_batches, make_documents
from hypothesis import given
from hypothesis import strategies as st

from tamis.edits import read_edits
from tamis.shards import read_documents, read_json, read_table, write_table
from tamis.stages import privacy
from tamis.stages.privacy import Config, replace

PAIRS = (
    # As people write them, and what becomes of it.
    ("Write to anna.huber@web.de or ben@gmx.net, not to anna.huber@web.de.", "Write to [EMAIL_1] or [EMAIL_2], not to [EMAIL_1]."),
    ("anna [at] posteo [dot] de, ben (at) gmx.net", "[EMAIL_1], [EMAIL_2]"),
    ("anna@web.de---- ben@gmx.net--", "[EMAIL_1]---- [EMAIL_2]--"),
    ("邮箱：anna@web.de，", "邮箱：[EMAIL_1]，"),
    ("Failed password for root from 81.2.69.142 port 22", "Failed password for root from [IP_1] port 22"),
    ("[2a02:8071:b81:6c00::17]:443", "[[IP_1]]:443"),
    ("Call (212) 664-7665 or +49 30 2345678.", "Call [PHONE_1] or [PHONE_2]."),
    ("1 (212) 664-7665, +1 (212) 664-7665", "[PHONE_1], [PHONE_2]"),
    ("Tél. : 01 42 68 53 00", "Tél. : [PHONE_1]"),
    ("Text me: 212-664-7665; (030) 2345678 or (0)30 2345678", "Text me: [PHONE_1]; [PHONE_2] or [PHONE_3]"),
    ("1 808 923-0476 fax", "[PHONE_1] fax"),
    ("https://wa.me/4915123456789 https://x.de/?a=1&phone=4915123456789", "https://wa.me/[PHONE_1] https://x.de/?a=1&phone=[PHONE_1]"),
    ("https://x.de/?api_token=f3a9c1d27b60e84512cd&lang=de#rd", "https://x.de/?api_token=[SECRET_1]&lang=de#rd"),
    ("card 4539 1488 0343 6467 exp 12/27", "card [CARD_1] exp 12/27"),
    ("IBAN DE71 3005 0110 0012 3456 78, BIC", "IBAN [IBAN_1], BIC"),
    ("SSN 536-22-8145", "SSN [NATIONAL_ID_1]"),
    ("CPF 529.982.247-25", "CPF [NATIONAL_ID_1]"),
    ("身份证号：11010519491231002X", "身份证号：[NATIONAL_ID_1]"),
    ("TOKEN=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", "TOKEN=[SECRET_1]"),
    ('api_key = "f3a9c1d27b60e84512cd9be07a41f6d8"', 'api_key = "[SECRET_1]"'),
    ("postgres://app:S3cretPw9@db.posteo.de:5432/x", "[URL_WITH_CREDENTIALS_1]"),
)  # fmt: skip
STAY = (
    "user@example.com, a@b.test, git@github.com:a/b.git, logo@2x.png, pkg@1.2.3, (A@B.T)",
    "version 10.20.30.41, v1.2.3.4, 1.2.3.4.5, 192.0.2.7, 198.51.100.1, 203.0.113.9, 127.0.0.1, 10.0.0.1, 8.8.8.8",
    "2001:db8::1, fe80::1, ::1, std::vector, a[::2], 10:20:30, 00:1a:2b:3c:4d:5e; in Python 3000::",
    "05-13 07:13:04.142 2682-2682/com.app; zstd (1.5.0.3), ``3.3.9.45``",
    "call (212) 555-0123; ISBN 978-3-16-148410-0; 2020-10-12 10:11:12; order 4837261950; lines 1200-1350",
    "POINT (1.7128 -2.0060), LINESTRING (151.2607 -33.887, 144.963), (2-1)/(7-1)  0.1666, SDK (10.0.18362.0)",
    'type="text" value="31.12.2009 06:00", type="text" name="day" value="1940-10-9", write_text("0123456789")',
    "https://support.posteo.de/answer/6283677, [a](https://posteo.de/2023/08/21/x), call 016.016.016.016",
    "Boston, MA 02110-1301 USA, DFARS 252.227-7013, # '05. 01. 2006 04.30', https://x.de/?token=916043564&lang=de#rd",
    "card 4111 1111 1111 1111, 4539 1488 0343 6468, IMEI 490154203237518, x = 0.4539148803436467",
    "DE89 3704 0044 0532 0130 00, DE72 3005 0110 0012 3456 78, SSN 078-05-1120, 000-12-3456",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b, AKIAIOSFODNN7EXAMPLE, api_key='YOUR_API_KEY_HERE_1'",
    "postgresql://scott:tiger@localhost/test, https://user:password@example.com/, https://medium.com/@a/b",
    "Commun. 6(9), (1988) 1617--1622. Software 4 (1978) 237-249, 86, pp 473-490. (1999) 30(4): 532-563 (2007). 18 (2001) 116-140",
    'phone="555-1212", a@a.com, IP address 7.6.5.4, 66.66.66.66, message-id/4D2F2C71.8080805%40dndg.it, Message-ID: <200912.ab@mx.posteo.de>',
    "ssl:port=443:privateKey=/etc/ssl/server.pem:extraCertChain=/etc/ssl/chain.pem:sslmethod=SSLv3, ssh_key='~/.ssh/id_2048_rsa.pub'",
    "-----BEGIN CERTIFICATE-----\n" + "MIIBfzCCASWgAwIBAgIUZ" * 4 + "\n-----END CERTIFICATE-----",
)


def run(folder: Path, documents: pa.Table, config: Config) -> Path:
    folder.mkdir()
    write_table(folder / "in", documents)
    paths = {name: folder / name for name in ("kept", "dropped", "edits", "stats")}
    privacy.run_apply(config, shard=0, documents=folder / "in", **paths)
    return folder


def after(*texts: str, **settings: object) -> list[str]:
    return replace(make_documents(texts), Config(**settings))[0]["text"].to_pylist()


@pytest.mark.parametrize(("text", "expected"), PAIRS)
def test_what_is_private_becomes_a_placeholder(text: str, expected: str) -> None:
    assert after(text) == [expected]
    assert after(expected) == [expected]


@pytest.mark.parametrize("text", STAY)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert after(text) == [text]


def test_a_private_key_goes_whole() -> None:
    body = "\n".join(["MIIEowIBAAKCAQEA7bq1Zt0cX9wKk3mVYhJp5sLd2RfGuNe8aTqWvBx4yCzHoP6S"] * 3)
    armoured = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    assert after(f"a\n{armoured}\nb") == ["a\n[SECRET_1]\nb"]


def test_settings() -> None:
    text = "anna@web.de, ben@gmx.net, 81.2.69.142, 12 Long Street"
    assert after(text, placeholder="typed") == ["[EMAIL], [EMAIL], [IP], 12 Long Street"]
    assert after(text, kinds=["ip_address"]) == ["anna@web.de, ben@gmx.net, [IP_1], 12 Long Street"]
    assert after(text, kinds=["street_address"]) == ["anna@web.de, ben@gmx.net, 81.2.69.142, [ADDRESS_1]"]
    assert after("tel 044 668 18 00", phone_regions=["US"]) == ["tel 044 668 18 00"]
    with pytest.raises(ValueError, match="no region that has telephone numbers"):
        Config(phone_regions=["XX"])


def test_names_overlap_as_other_kinds_do_and_are_no_list_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Änne Huber <anna.huber@web.de> and Ben; Änne Huber"
    places = [(0, 11), (13, 23), (36, 39), (41, 52)]
    assert [text.encode()[start:end] for start, end in places] == [
        "Änne Huber".encode(),
        b"anna.huber",
        b"Ben",
        "Änne Huber".encode(),
    ]
    monkeypatch.setattr("tamis.privacy.names.name_spans", lambda *_: iter([(0, *place) for place in places]))
    documents, edits, dropped = replace(make_documents([text], language=["en"]), Config(names={"en": "x"}, max_spans=1))
    assert documents["text"].to_pylist() == ["[NAME_1] <[EMAIL_1]> and [NAME_2]; [NAME_1]"]
    assert edits["reason"].to_pylist() == ["name", "email", "name", "name"]
    assert dropped.num_rows == 0


def test_no_table_holds_a_value_and_rows_are_the_whole_difference(tmp_path: Path) -> None:
    texts = [
        "anna@web.de 語 ben@gmx.net anna@web.de",
        "nothing",
        "",
        "a@web.de b@web.de c@web.de d@web.de",
        "anna@web.de",
    ]
    documents = make_documents(texts, kind=["prose"] * 4 + ["code"])
    config = Config(max_spans=3, applies_to=["prose"])
    done = run(tmp_path / "whole", documents, config)
    ids = documents["id"].to_pylist()
    kept = read_documents(done / "kept")
    assert dict(zip(kept["id"].to_pylist(), kept["text"].to_pylist(), strict=True)) == {
        ids[0]: "[EMAIL_1] 語 [EMAIL_2] [EMAIL_1]",
        ids[1]: "nothing",
        ids[2]: "",
        ids[4]: "anna@web.de",
    }
    (row,) = read_table(done / "dropped").to_pylist()
    assert (row["id"], row["reason"], row["value"], row["threshold"]) == (ids[3], "too_many_spans", 4.0, 3.0)
    edits = read_edits(done / "edits").to_pylist()
    assert [(row["id"], row["start"], row["end"], row["replacement"], row["reason"]) for row in edits] == [
        (ids[0], 0, 11, "[EMAIL_1]", "email"),
        (ids[0], 14, 25, "[EMAIL_2]", "email"),
        (ids[0], 26, 37, "[EMAIL_1]", "email"),
    ]
    for name in ("dropped", "edits", "stats"):
        assert b"web.de" not in (done / name).read_bytes()
    outcomes = {(one["outcome"], one["reason"]): one for one in read_json(done / "stats")["counts"]}
    assert outcomes["cut", "email"]["characters"] == 11 + 11 + 11
    assert outcomes["added", "email"]["characters"] == 27
    with in_batches(documents):
        again = run(tmp_path / "batches", documents, config)
    for name in ("kept", "dropped", "edits", "stats"):
        assert (again / name).read_bytes() == (done / name).read_bytes()


def test_what_goes_with_a_text(tmp_path: Path) -> None:
    urls = ["https://x.de/?mail=anna@web.de&a=1", "https://u:S3cretPw9@db.posteo.de/x", None, "https://x.de/2125551234"]
    fields = [
        {"author": "Anna <anna@web.de>", "n": 2125551234, "to": [{"ben@gmx.net": None}]},
        {"a": "x"},
        None,
        "anna@web.de",
    ]
    metadata = [None if one is None else json.dumps(one) for one in fields]
    documents = make_documents(["a", "b", "c", "d"], url=urls, metadata=metadata, kind=["prose"] * 4)
    for also_in, expected in (
        ((), (urls, metadata)),
        (
            ("url", "metadata"),
            (
                ["https://x.de/?mail=[EMAIL]&a=1", "[URL_WITH_CREDENTIALS]", None, urls[3]],
                [
                    '{"author": "Anna <[EMAIL]>", "n": 2125551234, "to": [{"[EMAIL]": null}]}',
                    metadata[1],
                    None,
                    '"[EMAIL]"',
                ],
            ),
        ),
    ):
        done = run(tmp_path / f"{len(also_in)}", documents, Config(also_in=also_in))
        kept = read_documents(done / "kept").sort_by("text")
        assert (kept["url"].to_pylist(), kept["metadata"].to_pylist()) == expected
        assert read_json(done / "stats")["notes"] == {"values_in_url": 2, "values_in_metadata": 2}


@pytest.mark.parametrize("shards", [1, 3, 5])
def test_documents_do_not_know_their_company(shards: int) -> None:
    texts = [text for text, _ in PAIRS] + list(STAY)
    documents = make_documents(texts)
    whole = dict(zip(documents["id"].to_pylist(), after(*texts), strict=True))
    for shard in range(shards):
        rows = list(range(shard, len(texts), shards))
        some = replace(documents.take(pa.array(rows)), Config())[0]
        assert dict(zip(some["id"].to_pylist(), some["text"].to_pylist(), strict=True)).items() <= whole.items()


PIECES = st.sampled_from(
    ["anna@web.de", "81.2.69.142", "+1 212-664-7665", "4539 1488 0343 6467", " ", "\n", ".", "-", "@", "語", "é", "1", "22",
     "key=", "://a:b@", "2a02::1", "-----BEGIN PRIVATE KEY-----", "(at)", "DE71", "\xa0", "x", "%40", "dot "]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=4))
def test_rows_account_for_every_change(texts: list[str]) -> None:
    documents = make_documents(texts)
    stay, rows, dropped = replace(documents, Config())
    assert dropped.num_rows == 0
    for name, before, now in zip(stay["id"].to_pylist(), texts, stay["text"].to_pylist(), strict=True):
        own = [row for row in rows.to_pylist() if row["id"] == name]
        pieces, at = [], 0
        for row in own:
            pieces += [before[at : row["start"]], row["replacement"]]
            at = row["end"]
        assert "".join(pieces) + before[at:] == now
        # Equal values have one placeholder, others another.
        seen = {(before[row["start"] : row["end"]], row["reason"]): row["replacement"] for row in own}
        assert len(set(seen.values())) == len(seen)
        assert all(seen[before[row["start"] : row["end"]], row["reason"]] == row["replacement"] for row in own)


@pytest.mark.parametrize(
    "piece",
    ["1", "1 ", "12.", "1-", "a@", "a@b.c ", "@", "a@b.de ", "://a:", "a:b@", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
     "key=", "password: ", "::", "2001:", "(at)", " dot ", "%40", "DE12 ", "0123 456 789 ", "+", "tel 030 123 4567 ", "sk-", "ghp_",
     "abcdef12", "eyJa.", "4539 ", "[at] a dot "],
)  # fmt: skip
def test_a_text_of_signs_and_nothing_else_takes_time_in_proportion(piece: str) -> None:
    # Quadratic, the shortest of these would take hours.
    text = piece * (400_000 // len(piece))
    (now,) = after(text)
    assert (now == text) == ("[" not in now.replace("[at]", ""))

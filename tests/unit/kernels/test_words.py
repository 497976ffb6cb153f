"""Words: the definition, and the kernel against it."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis import hashing, text
from tamis.kernels import hashes
from tamis.kernels.folded_characters import character_table
from tamis.kernels.words import WORD_KEY, buffers, word_hashes, word_spans

MIXED = st.text(
    st.one_of(
        st.sampled_from("abcdefgXYZ019_'- .\n\té"),
        st.sampled_from("ßİŉﬃΐᾷΣςǅⅧ½²"),
        st.sampled_from("日本語ーｶﾞ々〇ひらㄅ中。、"),
        st.sampled_from("ไทยภาษานี้ກຂກ່ក្ខេមြန်មာ"),
        st.sampled_from("한국어 هِندِي עברית"),
        st.sampled_from("\u0301\u0308\u200d\u00ad\ufe0f😀\U00020000\U000e0100\U00010400\x00"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=80,
)


def hashed(word: str) -> int:
    data = np.frombuffer(word.encode(), dtype=np.uint8)
    return int(hashes.hash64(data, 0, len(data), WORD_KEY))


def column(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", []),
        ("...\n --", []),
        ("Don't STOP, 3.14!", ["don", "t", "stop", "3", "14"]),
        ("snake_case e-mail", ["snake", "case", "e", "mail"]),
        ("Straße STRASSE ﬁn FIN", ["strasse", "strasse", "fin", "fin"]),
        ("naïve nai\u0308ve", ["naïve", "nai\u0308ve"]),
        ("ΣΊΣΥΦΟΣ σίσυφος", ["σίσυφοσ", "σίσυφοσ"]),
        ("日本語です", ["日", "本", "語", "で", "す"]),
        ("abc中文def", ["abc", "中", "文", "def"]),
        ("カ\u3099キ", ["カ\u3099", "キ"]),
        ("ภาษาไทย", ["ภ", "า", "ษ", "า", "ไ", "ท", "ย"]),
        ("ที่", ["ที่"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("\u0301a \u0301 b", ["a", "b"]),
        ("a\u200bb\u00adc", ["a", "b", "c"]),
        ("x😀y", ["x", "y"]),
    ],
)
def test_words_by_hand(written: str, expected: list[str]) -> None:
    assert text.words(written) == expected


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_words_are_what_a_regular_expression_finds(written: str) -> None:
    assert text.words(written) == re.findall(r"[a-z0-9]+", written.lower())


@settings(max_examples=300, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=4))
@example(["abcdefg", "h"])
@example(["abcdefgh", "abcdefghi", "a" * 15, "a" * 16, "ﬃ" * 5, "éabcdefgh"])
def test_kernel_gives_the_hashes_of_the_words(texts: list[str]) -> None:
    offsets, found = word_hashes(*buffers(column(texts)))
    for row, written in enumerate(texts):
        assert found[offsets[row] : offsets[row + 1]].tolist() == [hashed(word) for word in text.words(written)]


@settings(max_examples=200, deadline=None)
@given(st.lists(MIXED, min_size=1, max_size=4))
def test_spans_are_the_words_as_written(texts: list[str]) -> None:
    bounds, data = buffers(column(texts))
    offsets, found, starts, ends = word_spans(bounds, data)
    assert np.array_equal(found, word_hashes(bounds, data)[1])
    for row, written in enumerate(texts):
        spans = [bytes(data[starts[j] : ends[j]]).decode() for j in range(offsets[row], offsets[row + 1])]
        assert [span.casefold() for span in spans] == text.words(written)
        assert all(span in written for span in spans)


def test_a_word_has_the_same_hash_at_any_place() -> None:
    """The eight-byte fast path begins and ends anywhere; the hash must not know."""
    for length in range(1, 20):
        word = "Abcdefghijklmnopqrstuvwxyz"[:length]
        texts = [
            "é" * before + " " * gap + word + tail
            for before in range(3)
            for gap in range(1, 9)
            for tail in ("", ".", "é.", " x")
        ]
        offsets, found = word_hashes(*buffers(column(texts)))
        for row, written in enumerate(texts):
            assert found[offsets[row] : offsets[row + 1]].tolist() == [hashed(w) for w in text.words(written)], written


def test_table_holds_every_character() -> None:
    table = character_table()
    for code_point in [*range(0x33500), *range(0xE0000, 0xE0200), 0x10FFFF]:
        kind = text.character_class(code_point)
        entry = int(table[code_point])
        assert entry >> 60 == kind, hex(code_point)
        if kind != text.SEPARATOR:
            folded = chr(code_point).casefold().encode()
            assert (entry >> 56) & 15 == len(folded) <= 7
            assert (entry & (1 << 56) - 1).to_bytes(7, "little")[: len(folded)] == folded, hex(code_point)


def test_slices_chunks_and_plain_strings_read_alike() -> None:
    texts = ["one two", "", "drei vier fünf", "六七", "eight"]
    whole = word_hashes(*buffers(column(texts)))
    inner = word_hashes(*buffers(column(["x", *texts, "y"]).slice(1, len(texts))))
    chunked = word_hashes(*buffers(pa.chunked_array([texts[:2], texts[2:]], pa.large_string())))
    plain = word_hashes(*buffers(pa.array(texts, pa.string())))
    for other in (inner, chunked, plain):
        assert np.array_equal(whole[0], other[0])
        assert np.array_equal(whole[1], other[1])
    assert whole[0].tolist() == [0, 2, 2, 5, 7, 8]


@pytest.mark.parametrize(
    "array",
    [pa.array([], pa.large_string()), pa.chunked_array([], pa.large_string()), pa.array([""], pa.large_string())],
)
def test_nothing_in_nothing_out(array: pa.Array) -> None:
    offsets, data = buffers(array)
    assert len(offsets) == len(array) + 1
    assert word_spans(offsets, data)[1].tolist() == []


def test_nulls_are_refused() -> None:
    with pytest.raises(ValueError, match="1 nulls"):
        buffers(pa.array(["a", None], pa.large_string()))


@settings(deadline=None)
@given(st.binary(max_size=40))
@example(b"abc\xe4\xb8")
@example(b"\xf4\x90\x80\x80 a")
@example(b"\x80\xbfab")
def test_damaged_utf8_is_read_without_harm(data: bytes) -> None:
    """Arrow does not check what it is given; the kernel may not read past the document or crash."""
    ends_at = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    padded = pa.LargeStringArray.from_buffers(1, ends_at, pa.py_buffer(data + b"\x80zzzzzzzz"))
    exact = pa.LargeStringArray.from_buffers(1, ends_at, pa.py_buffer(data))
    _, found, starts, ends = word_spans(*buffers(padded))
    assert np.array_equal(found, word_hashes(*buffers(exact))[1])
    assert (ends <= len(data)).all()
    assert (starts < ends).all()


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ],
)
def test_siphash_128_gives_the_published_vectors(length: int, expected: str) -> None:
    key_0, key_1 = np.frombuffer(bytes(range(16)), dtype="<u8")
    data = np.frombuffer(bytes(range(length)), dtype=np.uint8)
    low, high = hashes.siphash128(data, 0, length, key_0, key_1)
    assert (int(low).to_bytes(8, "little") + int(high).to_bytes(8, "little")).hex() == expected
    if length % 8 == 0:
        values = data.view(np.uint64)
        assert hashes.siphash128_values(values, 0, len(values), key_0, key_1) == (low, high)


def test_siphash_reads_only_its_range() -> None:
    data = np.arange(100, dtype=np.uint8)
    inner = np.ascontiguousarray(data[7:30])
    key = np.uint64(5)
    assert hashes.siphash128(data, 7, 30, key, key) == hashes.siphash128(inner, 0, 23, key, key)


def test_hash64_tells_lengths_and_keys_apart() -> None:
    data = np.zeros(40, dtype=np.uint8)
    found = {int(hashes.hash64(data, 0, length, np.uint64(key))) for length in range(40) for key in range(3)}
    assert len(found) == 120


def test_keyed_numbers_depend_on_key_and_id_only() -> None:
    ids = [f"{i:032x}" for i in range(1000)]
    numbers = hashing.keyed_uint64("sample", ids)
    assert numbers.dtype == np.uint64
    assert np.array_equal(hashing.keyed_uint64("sample", ids[::-1])[::-1], numbers)
    assert not np.intersect1d(numbers, hashing.keyed_uint64("shuffle", ids)).size
    share = (numbers < np.uint64(1 << 62)).mean()
    assert 0.2 < share < 0.3
    assert hashing.keys("a", 3).tolist() == hashing.keys("a", 5).tolist()[:3]
    assert hashing.keys("a", 1, seed=1) != hashing.keys("a", 1)

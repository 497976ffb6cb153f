"""Counting entries of word lists: worked examples, a definition in plain Python, C4's expression, datatrove's filter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.text import words
from tamis.toxicity.measure import ENTRIES, Lists, Scheme, measure
from tamis.toxicity.word_lists import folded

INVISIBLE = "\u00ad\u034f\u200b\u200c\u200d\u200e\u2060\ufe0f\ufeff"


def documents(texts: Sequence[str], language: str = "en", source: str = "web") -> pa.Table:
    return pa.table(
        {
            "text": pa.array(texts, pa.large_string()),
            "language": [language] * len(texts),
            "source": [source] * len(texts),
        }
    )


def lists(folder: Path, entries: Sequence[str], language: str = "en", **more: Any) -> Lists:
    path = folder / language
    path.write_text("\n".join(entries) + "\n", encoding="utf-8")
    scheme = {"allow": {}, "inside_words": frozenset(), "c4": False} | more
    return Lists(Scheme({language: [str(path)]}, **scheme))


def counts(found: Lists, texts: Sequence[str], language: str = "en") -> list[tuple[int, int, int, str | None]]:
    """Hits, different entries, words in hits, first entry of each text."""
    table, _ = measure(documents(texts, language), np.ones(len(texts), bool), found)
    names = ("toxic_hits", "toxic_distinct", "toxic_words", "toxic_first")
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def hits(found: Lists, *texts: str, language: str = "en") -> list[int]:
    return [row[0] for row in counts(found, texts, language)]


def test_entries_stand_where_words_begin_and_end(tmp_path: Path) -> None:
    found = lists(tmp_path, ["ass", "ass hat", "s&m", "2g1c", "don't", "\U0001f595", "über"])
    texts = ["An ASS.", "a pass, an assassin, class", "ass_hat (ass)", "Ass\n\t Hat of an ass hat", "ass-hat"]
    assert counts(found, texts) == [
        (1, 1, 1, "ass"),
        (0, 0, 0, None),
        (2, 1, 2, "ass"),
        (2, 1, 4, "ass hat"),
        (1, 1, 1, "ass"),
    ]
    assert hits(found, "S&M", "s & m", "2G1C!", "2g1c2", "DON'T", "no\U0001f595no \U0001f595\ufe0f") == [
        1,
        0,
        1,
        0,
        1,
        2,
    ]
    # Composed or not, in capitals, full width, with a soft hyphen.
    assert hits(found, "ÜBER", "u\u0308ber", "\uff41\uff53\uff53", "a\u00adss", "ass\u200b", "as\u0301s") == [
        1,
        1,
        1,
        1,
        1,
        0,
    ]


def test_scripts_without_spaces_are_searched_anywhere_but_latin_in_them_is_not(tmp_path: Path) -> None:
    found = lists(tmp_path, ["sm", "痴女", "アナル"], "ja")
    assert hits(found, "これは痴女です", "\uff33\uff2dとは", "プリズムprismの", "ｱﾅﾙが", language="ja") == [1, 1, 0, 1]
    thai = lists(tmp_path, ["กู"], "th")
    assert hits(thai, "ของกูครับ", "กูเกิล", "ก\u0e38", language="th") == [1, 1, 0]
    korean = lists(tmp_path, ["새끼"], "ko")
    assert hits(korean, "새끼 고양이", "개새끼야", language="ko") == [1, 0]
    inside = lists(tmp_path, ["새끼"], "ko", inside_words=frozenset({"ko"}))
    assert hits(inside, "새끼 고양이", "개새끼야", language="ko") == [1, 1]


def test_a_list_is_for_all_that_its_language_may_be_called_and_no_others(tmp_path: Path) -> None:
    found = lists(tmp_path, ["faen"], "no")
    assert hits(found, "Faen!", language="nb") == [1]
    assert hits(found, "Faen!", language="nn") == [1]
    table, entries = measure(documents(["Faen!"], "da"), np.ones(1, bool), found)
    assert all(table[name].null_count == 1 for name in table.column_names)
    assert entries.num_rows == 0


def test_what_is_allowed_is_not_looked_for(tmp_path: Path) -> None:
    found = lists(tmp_path, ["ass", "Arsch"], "de", allow={"de": ("ASS",)})
    assert hits(found, "Herz-Ass", "Arsch", language="de") == [0, 1]


def test_entries_are_counted_by_language_and_source(tmp_path: Path) -> None:
    found = lists(tmp_path, ["damn", "hell"])
    table = pa.concat_tables(
        [documents(["damn damn hell", "hell", "fine"], source="a"), documents(["Hell"], source="b")]
    )
    asked = np.array([True, True, True, True])
    measured, entries = measure(table, asked, found)
    assert entries.schema == ENTRIES
    assert sorted(map(tuple, (row.values() for row in entries.to_pylist()))) == [
        ("en", "a", "damn", 1, 2),
        ("en", "a", "hell", 2, 2),
        ("en", "b", "hell", 1, 1),
    ]
    assert measured["toxic_share"].to_pylist() == [1.0, 1.0, 0.0, 1.0]
    assert measured["toxic_distinct"].to_pylist() == [2, 1, 0, 1]
    measured, entries = measure(table, ~asked, found)
    assert measured["toxic_hits"].null_count == 4
    assert not entries.num_rows


def by_definition(text: str, entries: Sequence[str]) -> tuple[int, int, int, str | None, int]:
    """Hits, different entries, words in hits, first entry, words: as the stage's docstring says it, a string at a time."""
    shown = unicodedata.normalize("NFKC", text).casefold()
    for character in INVISIBLE:
        shown = shown.replace(character, "")
    shown = re.sub(r"\s+", " ", shown)
    names: dict[str, str] = {}
    for entry in map(folded, entries):
        names.setdefault("".join(c for c in entry.casefold() if c not in INVISIBLE), entry)
    every = words(shown)
    border = [words(shown[:i]) + words(shown[i:]) == every for i in range(len(shown) + 1)]
    found: list[str] = []
    at = inside = 0
    while at < len(shown):
        ends = [at + len(name) for name in names if name and shown.startswith(name, at) and border[at + len(name)]]
        if not border[at] or not ends:
            at += 1
            continue
        found.append(names[shown[at : max(ends)]])
        inside += len(words(shown[at : max(ends)]))
        at = max(ends)
    return len(found), len(set(found)), inside, found[0] if found else None, len(every)


ALPHABET = "aAbsSß &-_'\n\u00a0\u00ad\u200d\u0301\u0308äÄｱア日ก\u0e38\U0001f595ς\u03a3İ1"
TEXTS = st.text(ALPHABET, max_size=24)
SIGNS = st.text(ALPHABET, min_size=1, max_size=4).filter(
    lambda entry: (
        entry.strip() == entry
        and not entry.startswith("#")
        and len(entry.splitlines()) == 1
        and any(unicodedata.category(c)[0] not in "PZC" for c in entry)
        and any(c not in INVISIBLE for c in folded(entry))
        and not unicodedata.category(folded(entry)[0]).startswith("M")
    )
)


@settings(max_examples=120, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), entries=st.lists(SIGNS, min_size=1, max_size=5))
def test_the_kernel_is_the_definition(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], entries: list[str]
) -> None:
    found = lists(tmp_path_factory.mktemp("lists"), entries)
    expected = [by_definition(text, entries) for text in texts]
    assert counts(found, texts) == [row[:4] for row in expected]
    table, _ = measure(documents(texts), np.ones(len(texts), bool), found)
    assert table["toxic_share"].to_pylist() == [row[2] / row[4] if row[4] else 0.0 for row in expected]


def c4(entries: Sequence[str], language: str) -> re.Pattern[str]:
    """The expression of C4 (tensorflow_datasets, c4_utils.get_badwords_filter_fn)."""
    joined = "|".join(map(re.escape, entries))
    return re.compile(joined if language in ("ja", "th", "zh") else rf"(?:\W|^)({joined})(?:\W|$)")


@settings(max_examples=120, deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    entries=st.lists(SIGNS, min_size=1, max_size=5),
    language=st.sampled_from(["en", "ja"]),
)
def test_c4_finds_what_its_expression_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], entries: list[str], language: str
) -> None:
    found = lists(tmp_path_factory.mktemp("lists"), entries, language, c4=True)
    expression = c4([entry.strip() for entry in entries], language)
    expected = [expression.search(text.lower()) is not None for text in texts]
    assert [number > 0 for number in hits(found, *texts, language=language)] == expected


def test_c4_drops_what_datatrove_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datatrove.data import Document
    from datatrove.pipeline.filters import c4_filters

    entries = {
        "en": ["ass", "s&m", "2 girls 1 cup", "\U0001f595", "Bitch", "g-spot"],
        "de": ["arsch", "möpse"],
        "hi": ["चूत"],
        "zh": ["13.", "性交"],
    }
    for language, own in entries.items():
        (tmp_path / language).write_text("\n".join(own) + "\n", encoding="utf-8")
    monkeypatch.setattr(
        c4_filters, "cached_asset_path_or_download", lambda url, **_: str(tmp_path / url.rpartition("/")[2])
    )
    theirs = c4_filters.C4BadWordsFilter()
    texts = [
        "an ass", "ASS_", "pass", "x\u00a0ass", "S&M!", "2 girls\n1 cup", "2 girls 1 cup", "hi \U0001f595", "hi\U0001f595",
        "bitch", "G-Spot", "der Arsch", "Arsche", "Möpse", "Mo\u0308pse", "चूत है", "चूतिया", "约13.5", "性交易", "ΑΣΣ",
    ]  # fmt: skip
    ours = Scheme({language: [str(tmp_path / language)] for language in entries}, {}, frozenset(), c4=True)
    for language in entries:
        kept = [theirs.filter(Document(text=text, id="", metadata={"language": language})) is True for text in texts]
        assert [number == 0 for number in hits(Lists(ours), *texts, language=language)] == kept
        assert 0 < sum(kept) < len(texts)


def test_the_table_folds_every_character_as_python_does() -> None:
    from tamis.kernels.folded_characters import LENGTH_SHIFT
    from tamis.kernels.listed_words import MARKED, folding

    table = folding(c4=False)
    marked = (table >> np.uint64(MARKED)) & np.uint64(1)
    wrong = []
    for code_point in [*range(0xD800), *range(0xE000, 0x30000)]:
        entry = int(table[code_point])
        data = (entry & (1 << LENGTH_SHIFT) - 1).to_bytes(8, "little")[: entry >> LENGTH_SHIFT & 7]
        folds = unicodedata.normalize("NFKC", chr(code_point)).casefold()
        # What is left to Python, white space, and what is not shown.
        if not marked[code_point] and data != folds.encode() and not folds.isspace() and data:
            wrong.append(hex(code_point))
    assert wrong == []
    assert marked.mean() < 0.02


def test_hostile_texts_are_counted_in_linear_time(tmp_path: Path) -> None:
    """Sizes are those at which a quadratic step would take hours; the counts are what is asserted."""
    longest = "a" * 100
    found = lists(tmp_path, [longest, "a b", "ass", "\u0e01" * 50 + "\u0e02"])
    size = 10**6
    texts = [
        "a" * size,
        "a " * (size // 2),
        " " * size + "ass",
        "a" + " " * size + "b",
        "ass " * (size // 4),
        "\u0e01" * (size // 4),
        "a" + "\u0301\u0323" * (size // 4) + " ass",
        "\u00ad" * (size // 4) + "ass",
        "\U0001f595" * (size // 4),
    ]
    assert hits(found, *texts) == [0, 0, 1, 1, size // 4, 0, 1, 1, 0]


def test_a_text_of_many_marks_in_a_row_is_not_normalised(tmp_path: Path) -> None:
    found = lists(tmp_path, ["über"])
    assert hits(found, "u\u0308ber " + "a" + "\u0301" * 30, "u\u0308ber " + "a" + "\u0301" * 31) == [1, 0]

"""Lines are repaired as ftfy repairs them, what carries a meaning stays, and no line that needs repair is passed over."""

from __future__ import annotations

import random
import unicodedata

import ftfy
import numpy as np
import pyarrow as pa
import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tamis.edits import changed
from tamis.kernels.damage import FORM, LINE_BYTES, MOJIBAKE, damaged
from tamis.kernels.words import buffers
from tamis.repair.lines import Steps, repaired
from tamis.repair.marks import _categories, tables

STEPS = Steps()


def fixed(line: str, steps: Steps = STEPS, *, tagged: bool = False) -> str:
    return changed(line, repaired(line, 0xFFFF, steps, tagged=tagged))


def bits(lines: list[str], wanted: int = 0xFFFF, form: str | None = "NFC") -> np.ndarray:
    """The bits of each text, which is a line."""
    found, _ = damaged(
        *buffers(pa.array(lines, pa.large_string())), np.ones(len(lines), np.bool_), *tables(form), wanted
    )
    all_bits = np.zeros(len(lines), np.uint16)
    np.bitwise_or.at(all_bits, found[:, 0], found[:, 3].astype(np.uint16))
    return all_bits


@pytest.mark.parametrize(
    ("damaged_line", "expected", "reasons"),
    [
        ("schÃ¶n, sagte er", "schön, sagte er", ["mojibake"]),
        ("â€œquotedâ€\x9d, itâ€™s", "“quoted”, it’s", ["mojibake"] * 2),
        ("P&eacute;rez &amp;amp; S&ouml;hne", "Pérez & Söhne", ["html_entity"] * 3),
        ("&amp;amp;amp;lt;b&amp;gt;", "<b>", ["html_entity"] * 2),
        ("caf&Atilde;&copy;", "café", ["html_entity"]),
        ("it&#146;s &#xe9;", "it’s é", ["html_entity"] * 2),
        ("one\r\n", "one\n", ["line_break"]),
        ("one\rtwo\u2028three\vfour", "one\ntwo\nthree\nfour", ["line_break"] * 3),
        ("\ufeffTitle\x00 \x1b[31mred\x1b[0m\x7f", "Title red", ["control_character"] * 5),
        ("so\xadft hy\xad\nphens\xad", "soft hy-\nphens-", ["soft_hyphen"] * 3),
        ("zero\u200b width\u2060 join\u200der\u200c", "zero width joiner", ["zero_width"] * 4),
        ("left \u200eto\u202c right", "left to right", ["bidi_mark"] * 2),
        ("e\u0301te\u0301 Åland \u212bngström", "été Åland Ångström", ["normal_form"] * 2),
        ("A\u200b\u0301", "Á", ["zero_width"]),
    ],
)
def test_worked_examples(damaged_line: str, expected: str, reasons: list[str]) -> None:
    assert fixed(damaged_line) == expected
    assert [change.reason for change in repaired(damaged_line, 0xFFFF, STEPS, tagged=False)] == reasons
    assert bits([damaged_line])[0] & Steps().wanted


@pytest.mark.parametrize(
    "line",
    [
        "می‌خواهم به خانه‌ها بروم، کتاب‌های",  # Persian: non-joiners part stems and endings
        "क्‍ष र्‍य শ্রীযুক্‌ত",  # Devanagari and Bengali: joiners choose a shape
        "👩‍💻 👨‍👩‍👧‍👦 ❤️‍🔥 🏳️‍🌈 👍🏽 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "ភាសា\u200bខ្មែរ ภาษา\u200bไทย",  # Khmer and Thai: words parted by zero-width spaces
        "שלום \u200f(hello)\u200f עולם \u2067אב\u2069",
        "ᠮᠣᠩᠭᠣᠯ᠎ᠠ",
        "L’été à la mer ; « café » — l’œuvre “naïve”, ça coûte 5 €, 20 °C, ±3 µm × 2²",
        "Übergröße, Straße, „Zitat“ und ‚eins‘ … § 5 ¶ 2",
        "ПРИВЕТ! «В Москве» — №5, Відомий Іван: „так“",
        "Ελλάδα: «ναι» · όχι; 5€",
        "Việt Nam: Ở đâu? ĐÂY LÀ NƯỚC TÔI",
        "AT&T; R&D &c. a & b; Q&A",
        "中文「引用」……，日本語のテキスト。한국어 ñandú Ærø ÅÄÖ",
        "tab\there\x0cpage",
        "ação, São João, MANHÃ, às três; coração",
        "a × b ÷ c ≤ d ≠ e √2 ∞ ≈ 3 ½ ¼",
    ],
)
def test_what_is_no_damage_stays(line: str) -> None:
    line = unicodedata.normalize("NFC", line)
    assert repaired(line, 0xFFFF, STEPS, tagged=False) == []


def test_a_letter_before_a_blank_is_mojibake_among_other_mojibake_only() -> None:
    line = "Ã la mode, voilÃ le travail"
    assert repaired(line, 0xFFFF, STEPS, tagged=False, sure=False) == []
    assert fixed(line) == "à la mode, voilà le travail"
    line += ": trÃ¨s bien"
    assert (
        changed(line, repaired(line, 0xFFFF, STEPS, tagged=False, sure=False))
        == "à la mode, voilà le travail: très bien"
    )


def test_each_step_can_be_off() -> None:
    off = Steps(False, "never", False, False, False, False, False, None)
    line = "schÃ¶n &eacute; \x00 so\xadft z\u200bw \u200e e\u0301 \r\n"
    assert off.wanted == 0
    assert fixed(line, off) == line
    assert fixed("ﬁve² \u00bd", off._replace(normal_form="NFKC")) == "five2 1⁄2"
    # A page about markup holds some.
    assert fixed("write &lt;b&gt;", tagged=True) == "write &lt;b&gt;"
    assert fixed("write &lt;b&gt;", Steps(html_entities="always"), tagged=True) == "write <b>"


SENTENCES = (
    "Der schöne Größenwahn kostet 5 €.", "L’été dernier, à Noël, déjà vu…", "¿Dónde está el niño?", "Zażółć gęślą jaźń",
    "Привет, мир!", "Καλημέρα κόσμε", "中文字符", "Ça coûte “trop” cher—vraiment", "naïve café ½ × ²", "plain English",
)  # fmt: skip
ENCODINGS = ("latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "macroman", "cp437")


@given(
    st.lists(st.tuples(st.sampled_from(SENTENCES), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(ENCODINGS),
    st.sampled_from(("", "&eacute;", " &amp; ", "\x00", "\r", "<i>")),
)
@settings(max_examples=60)
def test_repairs_are_those_of_ftfy(parts: list[tuple[str, bool]], way: str, more: str) -> None:
    line = more.join(text.encode().decode(way, "replace") if wrong else text for text, wrong in parts)
    config = ftfy.TextFixerConfig(
        explain=False, uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False
    )
    steps = Steps(soft_hyphens=False, zero_width=False, bidi_marks=False)
    tagged = "<" in line
    theirs = ftfy.fix_text(line.replace("\r", "\n"), config)
    # Where it leaves controls of C1 these are cut, and more may be seen after that.
    assume(not any("\x7f" <= one < "\xa0" for one in theirs))
    assert fixed(line, steps, tagged=tagged) == theirs
    assert theirs == line or bits([line])[0] & steps.wanted


def test_no_line_that_ftfy_calls_bad_is_passed_over() -> None:
    dice = random.Random(0)
    # By category, so that what takes three of them is met, too.
    categories = [*_categories().values(), "aZ", " .,", "°´", "ÂÃÎÐ", "ØÙà×²√≈‚", "ВГРС", "ΒΓΞΟ", "вЂўβ€ā"]
    assert set(MOJIBAKE_CATEGORIES) == set(_categories())
    strings = [
        "".join(dice.choice(letters) for letters in dice.choices(categories, k=dice.randrange(2, 6)))
        for _ in range(60_000)
    ]
    # And what takes certain letters.
    strings += [
        "ГўВЂВ a",
        "‚Äì",
        "‚âà",
        "вЂ",
        "ā€",
        "β€™",
        "√±",
        "≈°",
        "à²",
        "Ã¡",
        "×²",
        "aÂ ",
        "œ ",
        "Ù\xad®x",
        "ØŸ°",
        "ВЂ°В",
        "Β°Β",
    ]
    bad = np.array([is_bad(one) for one in strings])
    assert 0.1 < bad.mean() < 0.95
    passed_over = np.flatnonzero(bad & (bits(strings) & MOJIBAKE == 0))
    assert [strings[place] for place in passed_over] == []


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_lines_in_another_form_are_found_and_no_others(form: str) -> None:
    dice = random.Random(0)
    alphabet = [chr(code) for code in range(0x300, 0x30000) if unicodedata.decomposition(chr(code))]
    alphabet += [chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code))]
    alphabet += ["a", "e", " ", "\u1100", "\u1161", "\u11a8", "\uac00", "\u0915", "\u09c7", "\u09be"] * 200
    strings = ["".join(dice.choices(alphabet, k=dice.randrange(1, 5))) for _ in range(30_000)]
    other = np.array([not unicodedata.is_normalized(form, one) for one in strings])
    assert 0.1 < other.mean() < 0.95
    found = bits(strings, form=form) & FORM != 0
    assert not (other & ~found).any()
    # And hardly one in it is looked at: where marks combine, nearly every line has some that might.
    assert (found & ~other).mean() < 0.01


def test_many_words_of_a_line_are_one_change() -> None:
    word = "tie\u0302\u0301ng"
    few = f"{word} a " * 8
    many = f"a {word} " * 9 + "end"
    found = [repaired(line, int(bits([line])[0]), Steps(), tagged=False) for line in (few, many)]
    assert [len(changes) for changes in found] == [8, 1]
    assert [fixed(line) for line in (few, many)] == [unicodedata.normalize("NFC", line) for line in (few, many)]
    ((change,),) = found[1:]
    assert (many[: change.start], many[change.end :]) == ("a ti", "ng end")


PIECES = st.sampled_from(
    ["a", "Ã", "©", "â", "€", "\x9d", "&amp;", "eacute;", "&", "\r", "\n", "\x00", "\xad", "\u200b", "\u200d", "\u200e",
     "e", "\u0301", "\u05d0", "ไ", "का", "👩", " ", "<", "\ufeff", "Å", "\u0327", "í\xa0\x80"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=100)
def test_what_was_repaired_needs_no_repair(line: str) -> None:
    once = fixed(line)
    once.encode()
    assert "".join(map(fixed, once.splitlines(keepends=True))) == once


def test_lines_are_parted_by_line_feeds_and_long_ones_at_blanks() -> None:
    text = "x" * 30 + "\r\n" + "é\xad" * LINE_BYTES + "\n" + "word \xad" * 10_000 + "\r\n" + "end\x00"
    found, _ = damaged(*buffers(pa.array([text], pa.large_string())), np.ones(1, np.bool_), *tables("NFC"), 0xFFFF)
    raw = text.encode()
    starts, ends = found[:, 1], found[:, 2]
    assert {raw[end:start] for end, start in zip([0, *ends[:-1]], starts, strict=True)} <= {b"", b"\n"}
    assert ends[-1] == len(raw)
    assert max(ends - starts) <= 4 * LINE_BYTES + 4
    for start, end in zip(starts, ends, strict=True):
        raw[start:end].decode()
        assert not (raw[end - 1 : end] == b"\r" and raw[end : end + 1] == b"\n")

"""The rules of form: a worked example a rule, properties, odd input. The oracle is in test_metrics.py."""

# ruff: noqa: RUF001 - texts in other scripts

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from well_formed import CODE, GOOD, documents_of

from tamis.heuristics.decisions import decide
from tamis.heuristics.metrics import measure
from tamis.heuristics.rules import RULES
from tamis.schemas import KINDS
from tamis.stages.heuristics import Config


def outcome(text: str, kind: str = "prose", language: str = "en", **changes: Any) -> tuple[str, float, float] | None:
    """Reason, value and threshold of one document; None when it stays."""
    config = Config.model_validate(changes)
    decision = decide(measure(documents_of([text], kind, language), config), config)
    if decision.rule[0] < 0:
        return None
    return RULES[decision.rule[0]].reason, float(decision.value[0]), float(decision.threshold[0])


def only(group: str, field: str, **more: Any) -> dict[str, Any]:
    """A configuration in which one rule alone is on, at its default threshold."""
    default = Config()
    sections: dict[str, dict[str, Any]] = {}
    for rule in RULES:
        section = sections.setdefault(rule.group, {})
        if (rule.group, rule.field) != (group, field):
            section[rule.field] = None
    assert getattr(getattr(default, group), field) is not None
    sections[group] |= more
    return sections


def test_good_text_of_every_kind_stays() -> None:
    assert outcome(GOOD) is None
    for kind in KINDS:
        assert outcome(CODE if kind == "code" else GOOD, kind) is None


# Field → group, text, value. Each value is counted by hand from the text.
EXAMPLES: dict[str, tuple[str, str, float]] = {
    "min_characters": ("size", "short", 5),
    "max_replacement_share": ("size", "ab\ufffdc", 1 / 4),
    "max_control_share": ("size", "a\x00b\x1bc\x85\n\t", 2 / 8),
    "max_duplicate_paragraphs": ("gopher_repetition", "a b\n\nc\n\na b\n\n\na b", 2 / 4),
    # 3 + 3 repeated characters of 17.
    "max_duplicate_paragraph_characters": ("gopher_repetition", "a b\n\nc\n\na b\n\n\na b", 6 / 17),
    # Line feeds in a row separate once; the trailing one leaves an empty line.
    "max_duplicate_lines": ("gopher_repetition", "one\ntwo\n\none\none\n", 2 / 5),
    "max_duplicate_line_characters": ("gopher_repetition", "one\ntwo\n\none\none\n", 6 / 17),
    # "to be" occurs 3 times, 5 characters each.
    "max_top_2_gram": ("gopher_repetition", "to be or to be and to be", 15 / 24),
    # All 3-grams occur once; the first one counts.
    "max_top_3_gram": ("gopher_repetition", "aa bb cc d", 8 / 10),
    "max_top_4_gram": ("gopher_repetition", "a b c d a b c d", 14 / 15),
    # "abcde" again: its 5 letters, each counted once.
    "max_duplicate_5_grams": ("gopher_repetition", "a b c d e a b c d e f", 5 / 21),
    "max_duplicate_6_grams": ("gopher_repetition", "a b c d e f a b c d e f", 6 / 23),
    "max_duplicate_7_grams": ("gopher_repetition", " ".join("abcdefg" * 2), 7 / 27),
    "max_duplicate_8_grams": ("gopher_repetition", " ".join("abcdefgh" * 2), 8 / 31),
    "max_duplicate_9_grams": ("gopher_repetition", " ".join("abcdefghi" * 2), 9 / 35),
    "max_duplicate_10_grams": ("gopher_repetition", " ".join("abcdefghij" * 2), 10 / 39),
    "min_words": ("gopher_quality", "Two words, (no more).", 4),
    "max_words": ("gopher_quality", "word " * 100_001, 100_001),
    # Punctuation is no word: 1 + 2 + 3 characters over 3 words.
    "min_mean_word_length": ("gopher_quality", "a, bb; ccc!", 2),
    "max_mean_word_length": ("gopher_quality", "abcdefghijkl !", 12),
    "max_hashes": ("gopher_quality", "# one # two", 2 / 4),
    "max_ellipses": ("gopher_quality", "one... two\u2026", 2 / 4),
    "max_bullet_lines": ("gopher_quality", "- a\n \u2022 b\r\n-c", 1),
    "max_ellipsis_lines": ("gopher_quality", "a...\nb \u2026 \nc\nd", 2 / 4),
    "min_alphabetic_words": ("gopher_quality", "a 1 2 , b2", 2 / 5),
    # "The" is no stop word of the list: it is compared as written.
    "min_stop_words": ("gopher_quality", "The cat and and and the-", 1),
    "max_lorem_ipsum_lines": ("c4", "Some Lorem Ipsum here\nand no more lines", 1),
    "max_curly_bracket_lines": ("c4", "a line with {\nanother line with {}\nthe last line", 2),
    # Two words; javascript; cookies; then two sentences, of which [1] is left out.
    "min_sentences": (
        "c4",
        "two words.\nuse JavaScript now.\nThis site uses cookies. Yes.\nOne two [1]. Three four!",
        2,
    ),
    "min_terminal_lines": ("fineweb", "a\n \nb\n" + "c\n" * 8, 0),
    "max_short_lines": ("fineweb", "x" * 30 + "\n" + "y" * 31 + "\n\nz\nz", 3 / 4),
    # One repeated "z" of 3 characters that are no line feeds.
    "max_duplicate_line_characters ": ("fineweb", "z\ny\n\nz", 1 / 3),
    "max_newlines": ("fineweb", "a\nb\nc", 2 / 3),
    "max_line": ("code", "x\n" + "y" * 1001, 1001),
    "max_mean_line": ("code", "y" * 300 + "\n\nz\n", 301 / 3),
    "min_alphanumeric": ("code", "a1------", 2 / 8),
    "max_encoded_share": ("code", "x='" + "0123456789abcdef" * 4 + "'", 64 / 68),
    "max_encoded_run": ("code", "0123456789abcdef" * 65 + " " + "# words " * 200, 1040),
    "generated_lines": ("code", "import os\n# This file was Auto-Generated\nx = 1", 2),
    # Brackets do not count; the last line is a program.
    "max_data_lines": ("code", "[\n 1, 0x2F, 3.5e7,\n b'x', \"it's\",\n]\n", 1),
}


@pytest.mark.parametrize("field", EXAMPLES)
def test_worked_example_of_each_rule(field: str) -> None:
    group, text, value = EXAMPLES[field]
    field = field.strip()
    rule = next(rule for rule in RULES if (rule.group, rule.field) == (group, field))
    config = only(group, field)
    if field == "min_alphanumeric":
        config["code"]["min_alphanumeric"] = 0.26
    reason, measured, threshold = outcome(text, "code" if group == "code" else "prose", **config)
    assert reason == rule.reason
    assert measured == pytest.approx(value, abs=1e-15)
    assert threshold == getattr(getattr(Config.model_validate(config), group), field)


def test_every_rule_but_the_upper_size_has_an_example() -> None:
    examples = {(group, field.strip()) for field, (group, _, _) in EXAMPLES.items()}
    assert {(rule.group, rule.field) for rule in RULES} - examples == {("size", "max_characters")}
    assert outcome("a" * 20, size={"min_characters": None, "max_characters": 19}, kind="maths") == (
        "too_many_characters",
        20,
        19,
    )


def test_null_switches_a_rule_off_and_first_in_order_is_the_reason() -> None:
    text = "a\na\na\na"
    assert outcome(text)[0] == "too_few_characters"
    assert outcome(text, size={"min_characters": None})[0] == "gopher_duplicate_lines"
    config = Config(size={"min_characters": None})
    failures = decide(measure(documents_of([text]), config), config).failures
    failing = {rule.reason for rule, count in zip(RULES, failures, strict=True) if count}
    assert failing >= {
        "gopher_duplicate_lines",
        "gopher_duplicate_line_characters",
        "gopher_too_few_words",
        "fineweb_newlines",
    }


def test_a_group_looks_at_its_kinds_only() -> None:
    bad = "a\n" * 100
    for kind in ("maths", "licence", "catalogue", "code"):
        assert outcome(bad, kind) is None
        assert outcome(bad, kind, fineweb={"applies_to": [kind]})[0].startswith("fineweb_")
    assert outcome("z" * 2000, "licence") is None
    assert outcome("short", "licence")[0] == "too_few_characters"


def test_marks_of_generated_files_are_whole_words_near_the_top() -> None:
    rule = only("code", "generated_lines")
    assert outcome("x = 1\n" * 4 + "# DO NOT EDIT\n", "code", **rule) == ("code_generated", 5, 5)
    assert outcome("x = 1\n" * 5 + "# DO NOT EDIT\n", "code", **rule) is None
    assert outcome("from .errors import AutogenerateDiffsDetected, not_autogenerated\n", "code", **rule) is None


def test_maths_keeps_its_formulas() -> None:
    formulas = r"\begin{align} x_1 &= \frac{a}{b} \\ y &= \{1, 2\} \end{align}" + "\n"
    assert outcome(formulas * 5, "maths") is None


def test_stop_words_are_asked_for_in_listed_languages_only() -> None:
    german = "Das Sieb hält zurück, was nicht hindurch passt. " * 4
    rule = only("gopher_quality", "min_stop_words")
    assert outcome(german, language="en", **rule)[0] == "gopher_stop_words"
    assert outcome(german, language="de", **rule) is None
    rule["gopher_quality"]["stop_words"] = {"de": ["das", "was", "der"], "en": ["the"]}
    assert outcome(german, language="de", **rule) == ("gopher_stop_words", 1.0, 2.0)


@pytest.mark.parametrize(
    "text",
    [
        (
            "筛子让细小的颗粒通过，把粗大的颗粒留下。磨坊主再把它们磨一遍！你见过吗？没有见过。那就来看看吧。"
            "从前有一位老人，住在河边的小屋里，每天清晨都去山上砍柴，傍晚才回家。"
        ),
        (
            "むかしむかし、あるところに、おじいさんとおばあさんがいました。おじいさんは山へしばかりに、おばあさんは川へせんたくに"
            "行きました。ある日のことです。大きな桃が流れてきました。おばあさんは桃をひろいました。二人はおどろきました。"
        ),
        "ตะแกรงปล่อยให้เมล็ดละเอียดผ่านไปและเก็บเมล็ดหยาบไว้ให้คนโม่บดอีกครั้ง กาลครั้งหนึ่งนานมาแล้วมีชายชราอาศัยอยู่ริมแม่น้ำ",
    ],
    ids=["zh", "ja", "th"],
)
def test_scripts_without_spaces_are_not_held_to_rules_on_words_and_lines(text: str) -> None:
    assert outcome(text, language="zh", size={"min_characters": 50}) is None


ODD = [
    "",
    " ",
    "\n\n\n",
    "\x00" * 500,
    "." * 500,
    "!?" * 300,
    "a" * 100_000,
    "筛" * 3000,
    "\u202e" * 200 + "שלום " * 100,
    "e\u0301" * 500,
    "=" * 5000,
    "(" * 3000,
    "\r\n" * 300,
    "\ufeff",
    "😀 " * 200,
    "{" * 200,
    "\u2028" * 300,
    "- \n" * 100,
    "'" * 999,
]


@pytest.mark.parametrize("kind", ["prose", "code", "maths"])
def test_odd_input_is_decided_without_trouble(kind: str) -> None:
    documents = documents_of(ODD, kind)
    decision = decide(measure(documents, Config()), Config())
    assert decision.rule[0] >= 0
    assert len(decision.rule) == len(ODD)
    dropped = decision.rule >= 0
    assert np.isfinite(decision.value[dropped]).all()
    assert np.isnan(decision.value[~dropped]).all()


def test_one_word_a_million_times_is_repetition() -> None:
    reason, value, _ = outcome("word " * 1_000_000)
    assert reason == "gopher_top_2_gram"
    assert value == pytest.approx(9 * 999_999 / 5_000_000)


def test_pieces_take_a_heading_s_underline_for_one_word() -> None:
    text = GOOD + "\n\nHeading\n" + "=" * 60 + "\n"
    assert outcome(text, **only("gopher_quality", "min_alphabetic_words"))[0] == "gopher_alphabetic_words"
    assert outcome(text, words="pieces", **only("gopher_quality", "min_alphabetic_words")) is None


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ODD) + 2)))
def test_neighbours_and_order_do_not_matter(order: list[int]) -> None:
    texts = [*ODD, GOOD, GOOD.replace("cat", "cat\n\ncat")]
    alone = decide(measure(documents_of(texts), Config()), Config())
    mixed = decide(measure(documents_of([texts[i] for i in order]), Config()), Config())
    np.testing.assert_array_equal(mixed.rule, alone.rule[list(order)])
    np.testing.assert_array_equal(mixed.value, alone.value[list(order)])
    np.testing.assert_array_equal(mixed.failures, alone.failures)


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("ab .\n{-#'"), max_size=200), st.sampled_from(["prose", "code", "maths"]))
def test_looser_thresholds_never_drop_more(text: str, kind: str) -> None:
    loose = {"size": {"min_characters": 5}, "gopher_quality": {"min_words": 3}, "c4": {"min_sentences": 1}}
    if outcome(text, kind) is None:
        assert outcome(text, kind, **loose) is None

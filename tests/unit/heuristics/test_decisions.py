"""The rules of form: a worked example a rule, properties, odd input. The oracle is in test_metrics.py."""

# ruff: noqa: RUF001 - texts in other scripts

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from well_formed import CODE, GOOD, documents_of

from tamis.heuristics.decisions import Decision, decide
from tamis.heuristics.metrics import measure
from tamis.heuristics.rules import RULES
from tamis.schemas import KINDS
from tamis.stages.heuristics import Config


def decided(texts: list[str], config: Config, kind: str = "prose", language: str = "en") -> Decision:
    documents = documents_of(texts, kind, language)
    return decide(documents, measure(documents, config), config)


def outcome(text: str, kind: str = "prose", language: str = "en", **changes: Any) -> tuple[str, float, float] | None:
    """Reason, value and threshold of one document; None when it stays."""
    config = Config.model_validate(changes)
    decision = decided([text], config, kind, language)
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
    # C4's own figure for the rule that is off by default.
    given = {"max_curly_bracket_lines": 0}.get(field, getattr(getattr(default, group), field))
    assert given is not None
    sections[group] |= {field: given} | more
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
    "max_duplicate_paragraphs": ("gopher_repetition", "an ox\n\nso\n\nan ox\n\n\nan ox", 2 / 4),
    # 5 + 5 repeated characters of 24.
    "max_duplicate_paragraph_characters": ("gopher_repetition", "an ox\n\nso\n\nan ox\n\n\nan ox", 10 / 24),
    # Line feeds in a row separate once; behind the trailing one there is no line that holds a word.
    "max_duplicate_lines": ("gopher_repetition", "one\ntwo\n\none\none\n", 2 / 4),
    "max_duplicate_line_characters": ("gopher_repetition", "one\ntwo\n\none\none\n", 6 / 17),
    # "to be" occurs 3 times, 5 characters each.
    "max_top_2_gram": ("gopher_repetition", "to be or to be and to be", 15 / 24),
    # Twice "aa bb cc", 8 characters each.
    "max_top_3_gram": ("gopher_repetition", "aa bb cc aa bb cc d", 16 / 19),
    "max_top_4_gram": ("gopher_repetition", "a b c d a b c d", 14 / 15),
    # "abcde" again: its 5 letters, each counted once.
    "max_duplicate_5_grams": ("gopher_repetition", "a b c d e a b c d e f", 5 / 21),
    "max_duplicate_6_grams": ("gopher_repetition", "a b c d e f a b c d e f", 6 / 23),
    "max_duplicate_7_grams": ("gopher_repetition", " ".join("abcdefg" * 2), 7 / 27),
    "max_duplicate_8_grams": ("gopher_repetition", " ".join("abcdefgh" * 2), 8 / 31),
    "max_duplicate_9_grams": ("gopher_repetition", " ".join("abcdefghi" * 2), 9 / 35),
    "max_duplicate_10_grams": ("gopher_repetition", " ".join("abcdefghij" * 2), 10 / 39),
    # Ten characters again, of twenty and a line feed.
    "max_duplicate_10_grams_unspaced": ("gopher_repetition", "细小的颗粒通过细小的\n" * 2, 10 / 22),
    "min_words": ("gopher_quality", "Two words, (no more).", 4),
    "min_words_unspaced": ("gopher_quality", "筛子让细小的颗粒通过。", 10),
    "max_words": ("gopher_quality", "word " * 100_001, 100_001),
    # Punctuation is no word: 1 + 2 + 3 characters over 3 words.
    "min_mean_word_length": ("gopher_quality", "a, bb; ccc!", 2),
    "max_mean_word_length": ("gopher_quality", "abcdefghijkl !", 12),
    # The marks of headings do not count; seven are none, nor is one without a blank behind it. Each is a word here.
    "max_hashes": ("gopher_quality", "# one #\n\n### two\n##\n #x\n####### y", 9 / 19),
    # A row is one, in a form and in Chinese.
    "max_ellipses": ("gopher_quality", "one... two\u2026 ........ \u2026\u2026\u2026 x..", 4 / 10),
    "max_bullet_lines": ("gopher_quality", "- a\n \u2022 b\r\n-c", 1),
    "max_ellipsis_lines": ("gopher_quality", "a...\nb \u2026 \nc\nd", 2 / 4),
    # The comma is no word.
    "min_alphabetic_words": ("gopher_quality", "a 1 2 , b2", 2 / 4),
    # Capitals do not matter: three times the same word. "or" is not in the list.
    "min_stop_words": ("gopher_quality", "The cat or THE hat or the bat", 1),
    # Two lines of twelve words.
    "max_lorem_ipsum": ("c4", "Some Lorem Ipsum here\nlorem ipsum lorem ipsum\nand no more lines", 2 / 12),
    # 4 + 4 characters of 9.
    "max_tag_share": ("c4", "<em>a</a>", 8 / 9),
    "max_curly_bracket_lines": ("c4", "a line with {\nanother line with {}\nthe last line", 2),
    # Two words; javascript; cookies; then two sentences, of which [1] is left out.
    "min_sentences": (
        "c4",
        "two words.\nuse JavaScript now.\nThis site uses cookies. Yes.\nOne two [1]. Three four!",
        2,
    ),
    "min_terminal_lines": ("fineweb", "a\n \nb\n" + "c\n" * 8, 0),
    "max_short_lines": ("fineweb", "x" * 30 + "\n" + "y" * 31 + "\n\nz\nz", 3 / 4),
    # One repeated "zu" of 5 characters that are no line feeds.
    "max_duplicate_line_characters ": ("fineweb", "zu\ny\n\nzu", 2 / 5),
    "max_newlines": ("fineweb", "a\nb\nc", 2 / 3),
    "max_line": ("code", "x\n" + "y" * 100_001, 100_001),
    # Of 2,404 characters 2,002 stand in lines of more than 1,000.
    "max_long_lines": ("code", "y" * 1001 + "\n" + "z" * 400 + "\n" + "y" * 1001, 2002 / 2404),
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
    # Counted by tokens, as the examples are.
    reason, measured, threshold = outcome(text, "code" if group == "code" else "prose", words="tokens", **config)
    assert reason == rule.reason
    assert measured == pytest.approx(value, abs=1e-15)
    assert threshold == getattr(getattr(Config.model_validate(config), group), field)


# What stands between paragraphs and holds no word.
WORDLESS = {
    "blanks": "    \t",
    "rule": "* * *",
    "dashes": "-" * 70,
    "border": "+------+-----+",
    "empty cells": "|      |     |",
    "number": "250,00",
    "list mark": "    a)",
    "bullet": "•",
    "devanagari digits": "१२३",
}


@pytest.mark.parametrize("between", WORDLESS)
def test_lines_and_paragraphs_without_a_word_repeat_nothing(between: str) -> None:
    different = [f"Paragraph number {number} says something of its own." for number in range(20)]
    joined = f"\n\n{WORDLESS[between]}\n\n"
    text = joined.join(different) + "\n\t\n \n\t\n"
    rules = [
        ("gopher_repetition", "max_duplicate_paragraphs"),
        ("gopher_repetition", "max_duplicate_lines"),
        ("fineweb", "max_duplicate_line_characters"),
    ]
    for group, field in rules[:2]:
        rule = only(group, field)
        assert outcome(text, **rule) is None
        # So does datatrove count: 18 of 39 paragraphs, and of the lines those between them and at the end.
        assert outcome(text, as_datatrove=True, **rule)[1] > 0.4
        again = outcome(joined.join(different + different[:15]), **rule)
        assert again is not None
        assert again[1] == pytest.approx(15 / 35)
    for group, field in (*rules, ("gopher_repetition", "max_duplicate_line_characters")):
        assert outcome(joined.join(different[:3]), **only(group, field, **{field: 0.0})) is None
    assert outcome(" \n \n\n \n", size={"min_characters": None})[0] != "gopher_duplicate_lines"


@pytest.mark.parametrize("word", ["is", "Él", "и он", "筛", "कि", "สวัสดี", "x2 of 3"])
def test_a_line_of_one_word_repeats_another(word: str) -> None:
    assert outcome(f"{word}\n" * 9, **only("gopher_repetition", "max_duplicate_lines"))[1] == pytest.approx(8 / 9)


def test_an_n_gram_that_occurs_once_is_no_frequent_one() -> None:
    text = "Only five words stand here."
    for size in (2, 3, 4):
        rule = only("gopher_repetition", f"max_top_{size}_gram")
        assert outcome(text, **rule) is None
        assert outcome(text, as_datatrove=True, **rule)[0] == f"gopher_top_{size}_gram"
        again = " ".join([text[:21]] * 4)
        assert outcome(again, **rule)[0] == f"gopher_top_{size}_gram"


def test_every_rule_but_the_upper_size_has_an_example() -> None:
    examples = {(group, field.strip()) for field, (group, _, _) in EXAMPLES.items()}
    assert {(rule.group, rule.field) for rule in RULES} - examples == {("size", "max_characters")}
    assert outcome("a" * 20, size={"min_characters": None, "max_characters": 19}, kind="maths") == (
        "too_many_characters",
        20,
        19,
    )


def test_null_switches_a_rule_off_and_first_in_order_is_the_reason() -> None:
    text = "ah\nah\nah\nah"
    assert outcome(text)[0] == "too_few_characters"
    assert outcome(text, size={"min_characters": None})[0] == "gopher_duplicate_lines"
    config = Config(size={"min_characters": None})
    failures = decided([text], config).failures
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


@pytest.mark.parametrize(
    ("line", "generated"),
    [
        ("# Generated by Django 4.2 on 2023-01-01", True),
        ("  //  GENERATED BY a tool", True),
        ("/* Code generated by protoc-gen-go. */", True),
        ('"""Generated by a script."""', True),
        ("# This file was generated by a script.", True),
        ("# Lists of what was generated by the parser", False),
        ('"""Read tables generated by other programs."""', False),
        ('MARK = "generated by"', False),
        ("x = 1  # generated by hand", False),
        ("# regenerated by hand", False),
    ],
)
def test_generated_by_counts_where_a_line_begins_with_it(line: str, generated: bool) -> None:
    found = outcome(f"import os\n{line}\nx = 1\n", "code", **only("code", "generated_lines"))
    assert found == (("code_generated", 2, 5) if generated else None)


def test_one_long_line_takes_no_file_away() -> None:
    whole = CODE * 100
    for length in (1_571, 20_000):
        assert outcome(f'{whole}DATA = "{"word " * (length // 5)}"\n' + whole, "code") is None
    assert outcome(f'DATA = "{"word " * 2_000}"\n' + CODE, "code")[0] == "code_long_lines"
    strict = {"code": {"max_line": 1000}}
    assert outcome(f'{whole}DATA = "{"word " * 320}"\n' + whole, "code", **strict)[0] == "code_long_line"


def test_maths_keeps_its_formulas() -> None:
    formulas = r"\begin{align} x_1 &= \frac{a}{b} \\ y &= \{1, 2\} \end{align}" + "\n"
    assert outcome(formulas * 5, "maths") is None


def test_stop_words_are_asked_for_in_listed_languages_only() -> None:
    german = "Das Sieb hält zurück, was nicht hindurch passt. " * 4
    rule = only("gopher_quality", "min_stop_words")
    assert outcome(german, language="en", **rule)[0] == "gopher_stop_words"
    assert outcome(german, language="de", **rule) is None
    assert outcome(german, language="xh", **rule) is None
    rule["gopher_quality"]["stop_words"] = {"de": ["Das", "der"], "en": ["the"]}
    assert outcome(german, language="de", **rule) == ("gopher_stop_words", 1.0, 2.0)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "zh",
            (
                "筛子让细小的颗粒通过，把粗大的颗粒留下。磨坊主再把它们磨一遍！你见过吗？没有见过。那就来看看吧。"
                "从前有一位老人，住在河边的小屋里，每天清晨都去山上砍柴，傍晚才回家。他的孙子常常跟着他一起去。"
            ),
        ),
        (
            "ja",
            (
                "むかしむかし、あるところに、おじいさんとおばあさんがいました。おじいさんは山へしばかりに、おばあさんは川へせんたくに"
                "行きました。ある日のことです。大きな桃が流れてきました。おばあさんは桃をひろいました。二人はおどろきました。"
            ),
        ),
        (
            "th",
            "ตะแกรงปล่อยให้เมล็ดละเอียดผ่านไปและเก็บเมล็ดหยาบไว้ให้คนโม่บดอีกครั้ง กาลครั้งหนึ่งนานมาแล้วมีชายชราอาศัยอยู่ริมแม่น้ำ",
        ),
        (
            "km",
            (
                "មនុស្ស\u200bទាំងអស់\u200bកើត\u200bមក\u200bមាន\u200bសេរីភាព\u200bនិង\u200bសមភាព\u200bក្នុង\u200bសិទ្ធិ\u200bនិង\u200bសេចក្ដី\u200bថ្លៃ\u200bថ្នូរ។ "
                "មនុស្ស\u200bមាន\u200bវិចារណ\u200bញ្ញាណ\u200bនិង\u200bសតិ\u200bសម្បជញ្ញៈ\u200bជាប់\u200bពី\u200bកំណើត\u200bហើយ\u200bគប្បី\u200bប្រព្រឹត្ត\u200bចំពោះ\u200bគ្នា"
            ),
        ),
    ],
    ids=["zh", "ja", "th", "km"],
)
def test_scripts_without_spaces_are_not_held_to_rules_on_words(language: str, text: str) -> None:
    assert outcome(text, language=language, size={"min_characters": 50}) is None


def test_repetition_and_menus_in_scripts_without_spaces_are_dropped() -> None:
    sentence = "筛子让细小的颗粒通过，把粗大的颗粒留下，磨坊主再把它们磨一遍。"
    found = outcome(sentence * 60, language="zh")
    assert found is not None
    assert found[0] == "gopher_duplicate_10_grams_unspaced"
    assert found[1] > 0.95
    menu = "\n".join(f"{name}的{other}是" for name in "天地玄黄宇宙洪荒日月" for other in "春夏秋冬东西南北")
    assert outcome(menu, language="zh")[0] == "fineweb_terminal_lines"
    # The same lines say nothing in Thai, which has no full stop.
    assert outcome(menu, language="th")[0] == "fineweb_short_lines"


@pytest.mark.parametrize("off", [None, False])
def test_a_whole_group_can_be_switched_off(off: bool | None) -> None:
    text = "- ah\n" * 40
    assert outcome(text)[0] == "gopher_duplicate_lines"
    assert outcome(text, gopher_repetition=off)[0] == "gopher_too_few_words"
    assert outcome(text, gopher_repetition=off, gopher_quality=off, c4=off, fineweb=off) is None
    groups = ("size", "gopher_repetition", "gopher_quality", "c4", "fineweb", "code")
    for kind in KINDS:
        assert outcome("x", kind, **dict.fromkeys(groups, off)) is None


def test_a_language_may_have_thresholds_of_its_own() -> None:
    rule = only("gopher_quality", "min_words")
    own = {"languages": {"de": {"gopher_quality": {"min_words": 3}}, "fi": {"gopher_quality": {"min_words": None}}}}
    text = "vier Wörter sind es"
    assert outcome(text, language="en", **rule, **own) == ("gopher_too_few_words", 4.0, 50.0)
    assert outcome("zwei Wörter", language="de", **rule, **own) == ("gopher_too_few_words", 2.0, 3.0)
    assert outcome(text, language="de", **rule, **own) is None
    assert outcome("yksi", language="fi", **rule, **own) is None
    # A rule that is off may hold for one language.
    rule["gopher_quality"]["min_words"] = None
    assert outcome("zwei Wörter", language="de", **rule, **own)[0] == "gopher_too_few_words"
    assert outcome("zwei Wörter", language="en", **rule, **own) is None


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ({"de": {"gopher": {}}}, "languages.de.gopher: no group"),
        ({"de": {"c4": {"terminal_lines_only": True}}}, "languages.de.c4.terminal_lines_only: no threshold"),
        ({"de": {"c4": {"min_sentences": -1}}}, "languages.de.c4.min_sentences: Input should be greater"),
        ({"German": {}}, "String should match pattern"),
    ],
)
def test_what_is_no_threshold_of_a_language_is_refused(languages: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Config.model_validate({"languages": languages})


# Line → whether it is of sentences, with what follows it.
LINE_ENDS = {
    "A full stop behind which a blank stands. ": True,
    "“Quoted,” she said, “and closed.”": True,
    "(An aside in brackets.)": True,
    "**Bold to the end!**": True,
    "It trails off…": True,
    "One sentence ends here. And the article is one line, that ends with a heading": True,
    "A line that is wrapped at about seventy characters, as mails are, with\nsmall letters after it.": True,
    "Home": False,
    "Products | Services | About our company | Contact": False,
    "Model No. 5 of the St. Petersburg works, 1850 to 1917": False,
    "1. Introduction 2. Methods 3. Results 4. Discussion": False,
    "Monday to Friday, from nine in the morning to five\nSaturday": False,
}


@pytest.mark.parametrize("text", LINE_ENDS)
def test_a_line_of_sentences_is_one_however_it_ends(text: str) -> None:
    rule = only("fineweb", "min_terminal_lines", min_terminal_lines=0.5)
    expected = LINE_ENDS[text]
    # Lines that are none, so that the first line decides.
    others = "" if expected else "\nHome\nAbout"
    assert (outcome(text + others, **rule) is None) == expected
    if expected and not text.rstrip().endswith((".", "!")):
        assert outcome(text, as_datatrove=True, **rule)[0] == "fineweb_terminal_lines"


def test_blank_lines_make_no_list() -> None:
    rule = only("fineweb", "max_newlines")
    text = "one two three four five\n\n\n\nsix seven eight nine ten"
    assert outcome(text, **rule) is None
    assert outcome(text, as_datatrove=True, **rule) == ("fineweb_newlines", 0.4, 0.3)


@pytest.mark.parametrize("bullet", "-*•‣◦●■▪")
def test_all_usual_bullets_are_bullets(bullet: str) -> None:
    text = f"{bullet} one\n  {bullet} two\n{bullet}three"
    rule = only("gopher_quality", "max_bullet_lines")
    assert outcome(text, **rule) == ("gopher_bullet_lines", 1.0, 0.9)
    found = outcome(text, as_datatrove=True, **rule)
    assert (found is None) == (bullet not in "•-")


def test_tags_are_counted_and_addresses_are_none() -> None:
    rule = only("c4", "max_tag_share")
    assert outcome("<p class='x'>One</p><br/>\n<!DOCTYPE html>", **rule) == ("c4_tags", 37 / 41, 0.2)
    for text in ("see <https://example.org/a/b>", "<name@example.org> wrote", "a < b and c > d", "x <- y", "<" * 99):
        assert outcome(text, **rule) is None


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
    decision = decided(ODD, Config(), kind)
    assert decision.rule[0] >= 0
    assert len(decision.rule) == len(ODD)
    dropped = decision.rule >= 0
    assert np.isfinite(decision.value[dropped]).all()
    assert np.isnan(decision.value[~dropped]).all()


def test_one_word_a_million_times_is_repetition() -> None:
    reason, value, _ = outcome("word " * 1_000_000)
    assert reason == "gopher_top_2_gram"
    assert value == pytest.approx(9 * 999_999 / 5_000_000)


@pytest.mark.parametrize("marks", ["\n\nHeading\n" + "=" * 60, "\n*    *\n    *   -" * 30])
def test_marks_are_no_words_without_a_letter(marks: str) -> None:
    rule = only("gopher_quality", "min_alphabetic_words")
    assert outcome(GOOD + marks, as_datatrove=True, **rule)[0] == "gopher_alphabetic_words"
    assert outcome(GOOD + marks, words="tokens", **rule) is None
    assert outcome(GOOD + marks, words="pieces", **rule) is None
    numbers = GOOD + "\n*    * 12\n    *   -" * 60
    assert outcome(numbers, **rule)[0] == "gopher_alphabetic_words"


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ODD) + 2)))
def test_neighbours_and_order_do_not_matter(order: list[int]) -> None:
    texts = [*ODD, GOOD, GOOD.replace("cat", "cat\n\ncat")]
    alone = decided(texts, Config())
    mixed = decided([texts[i] for i in order], Config())
    np.testing.assert_array_equal(mixed.rule, alone.rule[list(order)])
    np.testing.assert_array_equal(mixed.value, alone.value[list(order)])
    np.testing.assert_array_equal(mixed.failures, alone.failures)


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from("ab .\n{-#'"), max_size=200), st.sampled_from(["prose", "code", "maths"]))
def test_looser_thresholds_never_drop_more(text: str, kind: str) -> None:
    loose = {"size": {"min_characters": 5}, "gopher_quality": {"min_words": 3}, "c4": {"min_sentences": 1}}
    if outcome(text, kind) is None:
        assert outcome(text, kind, **loose) is None

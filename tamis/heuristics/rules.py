"""Which rules there are: their sections of the configuration, their order, and what each is held against.

A rule is a row of `RULES`: its name (the ledger's reason), the group and field with its threshold, the metric that it
reads (`METRICS` of the group's kernel) and the direction. Null switches a rule off. The order of `RULES` is the order
in which a document's first failing rule becomes its reason: cheap and general before particular, and within a
group the order in which datatrove asks.

The defaults keep ordinary prose of every language; what each costs is in
docs/decisions/0012-thresholds-that-keep-prose.md. `as_datatrove`, with the thresholds of that program, gives its
decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from tamis.heuristics.stop_words import STOP_WORDS
from tamis.section import AppliesTo, Section, Share

Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0.0)]

PROSE: AppliesTo = ("prose",)


ByGroup = dict[str, dict[str, float | None]]

_LONG_WORDS: ByGroup = {"gopher_quality": {"max_mean_word_length": 20.0}}
_NO_FULL_STOPS: ByGroup = {"fineweb": {"min_terminal_lines": None}}
_NO_BLANKS: ByGroup = {
    "gopher_quality": {"max_mean_word_length": None},
    "fineweb": {"min_terminal_lines": None, "max_newlines": None},
}
LANGUAGES: dict[str, ByGroup] = {
    **dict.fromkeys(("kn", "ml", "ta", "te"), _LONG_WORDS),
    "fi": {"gopher_quality": {"max_mean_word_length": 13.0}},
    "kl": {"gopher_quality": {"max_mean_word_length": 16.0}},
    "ko": {"gopher_quality": {"min_mean_word_length": 2.0}},
    **dict.fromkeys(("lo", "th"), _NO_FULL_STOPS),
    # Syllables and sentences are parted by signs of their own.
    **dict.fromkeys(("am", "bo", "dz", "ti"), _NO_BLANKS),
}
"""Thresholds that are known to differ by language."""


class Size(Section):
    """Length and damage: the only rules that look at every kind, maths, licences and catalogues included."""

    applies_to: AppliesTo = Field(("prose", "code", "maths", "licence", "catalogue"), description="Kinds looked at.")
    min_characters: Count | None = Field(
        100,
        description="Least characters. Below it there is nothing to learn and language and quality are guesses; own.",
    )
    max_characters: Count | None = Field(None, description="Most characters; off.")
    max_replacement_share: Share | None = Field(
        0.01, description="Largest share of U+FFFD among the characters: text decoded with the wrong charset; own."
    )
    max_control_share: Share | None = Field(
        0.01, description="Largest share of control characters that are no white space: binary data; own."
    )


class GopherRepetition(Section):
    """Repeated paragraphs, lines and n-grams: Rae et al. 2021 (Gopher), table A1."""

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    max_duplicate_paragraphs: Share | None = Field(
        0.30, description="Largest share of paragraphs that repeat an earlier one. Table A1."
    )
    max_duplicate_paragraph_characters: Share | None = Field(
        0.20, description="Largest share of characters in such paragraphs. Table A1."
    )
    max_duplicate_lines: Share | None = Field(
        0.30, description="Largest share of lines that repeat an earlier one. Table A1."
    )
    max_duplicate_line_characters: Share | None = Field(
        0.20, description="Largest share of characters in such lines. Table A1."
    )
    max_top_2_gram: Share | None = Field(
        0.20, description="Largest share of characters in the most frequent word 2-gram. Table A1."
    )
    max_top_3_gram: Share | None = Field(0.18, description="Likewise, 3-gram. Table A1.")
    max_top_4_gram: Share | None = Field(0.16, description="Likewise, 4-gram. Table A1.")
    max_duplicate_5_grams: Share | None = Field(
        0.15, description="Largest share of characters in word 5-grams that occurred before. Table A1."
    )
    max_duplicate_6_grams: Share | None = Field(0.14, description="Likewise, 6-grams. Table A1.")
    max_duplicate_7_grams: Share | None = Field(0.13, description="Likewise, 7-grams. Table A1.")
    max_duplicate_8_grams: Share | None = Field(0.12, description="Likewise, 8-grams. Table A1.")
    max_duplicate_9_grams: Share | None = Field(0.11, description="Likewise, 9-grams. Table A1.")
    max_duplicate_10_grams: Share | None = Field(0.10, description="Likewise, 10-grams. Table A1.")
    max_duplicate_10_grams_unspaced: Share | None = Field(
        0.40,
        description="Likewise, runs of ten characters in scripts without spaces, where a character is a word and none "
        "of the rules on n-grams holds. 289 Chinese news pages reach 0.38, 150 issues of a newsletter 0.02; one "
        "sentence sixty times has 0.98: own.",
    )


class GopherQuality(Section):
    """Word and symbol counts: Rae et al. 2021 (Gopher), section A1.1."""

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    min_words: Count | None = Field(50, description="Least words that are not mere punctuation. Gopher A1.1.")
    max_words: Count | None = Field(100_000, description="Most words that are not mere punctuation. Gopher A1.1.")
    min_mean_word_length: Ratio | None = Field(3.0, description="Least mean characters a word. Gopher A1.1.")
    max_mean_word_length: Ratio | None = Field(10.0, description="Largest mean characters a word. Gopher A1.1.")
    max_hashes: Ratio | None = Field(0.1, description="Most hash signs a word. Gopher A1.1.")
    max_ellipses: Ratio | None = Field(0.1, description="Most ellipses (... or …) a word. Gopher A1.1.")
    max_bullet_lines: Share | None = Field(
        0.9,
        description="Largest share of lines that start with a bullet: - * • and the signs that NeMo Curator and "
        "RedPajama-V2 count. Gopher A1.1.",
    )
    max_ellipsis_lines: Share | None = Field(
        0.3, description="Largest share of lines that end in an ellipsis. Gopher A1.1."
    )
    min_alphabetic_words: Share | None = Field(
        0.8,
        description="Least share of words, punctuation included, with a letter in them. Gopher A1.1; its paper "
        "counts words without punctuation, the oracle with, which is stricter.",
    )
    min_stop_words: Count | None = Field(
        2, description="Least different stop words; only for languages with a list. Gopher A1.1."
    )
    stop_words: dict[str, tuple[str, ...]] = Field(
        STOP_WORDS,
        description="Language → stop words; capitals do not matter. Gopher's eight for English; for 40 more languages "
        "lists made alike. Languages without a list pass.",
    )


class C4(Section):
    """Sentences, placeholders, braces, tags: Raffel et al. 2020 (C4), section 2.2, judged by document.

    C4 cuts lines. This stage cuts nothing: it counts the sentences of the lines that C4 would keep.
    """

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    max_lorem_ipsum_lines: Count | None = Field(0, description='Most lines with "lorem ipsum". C4 2.2.')
    max_curly_bracket_lines: Count | None = Field(
        None,
        description="Most lines with an opening curly bracket. C4 2.2 has 0 and wants no code; off, because nothing "
        "else is wrong with 27 of 757 web pages and 248 of 736 PEPs that show some.",
    )
    max_tag_share: Share | None = Field(
        0.2,
        description="Largest share of characters in HTML tags: pages whose text nobody has extracted. 1,181 of 1,242 "
        "HTML mails have more, no web page of 757 and no manual, not even of a parser of HTML (0.18); own.",
    )
    min_sentences: Count | None = Field(
        3, description="Least sentences in the lines that C4 would keep. C4 2.2; its code, and datatrove, have 5."
    )
    terminal_lines_only: bool = Field(
        False,
        description="Whether only lines that end in . ? ! \" or ' count. C4 2.2 says yes; FineWeb (3.5) left it "
        "out: this rule alone removes about 30 % of all tokens.",
    )
    min_line_words: Count | None = Field(3, description="Least words of a line that counts. C4 2.2.")
    max_word_length: Count | None = Field(
        1000, description="Longest word, in characters, of a line that counts. The code of C4."
    )
    ignore_citations: bool = Field(True, description="Leave out [1], [edit], [citation needed]. C4 2.2.")
    ignore_javascript_lines: bool = Field(True, description='Leave out lines with "javascript". C4 2.2.')
    policy_phrases: tuple[str, ...] = Field(
        ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"),
        description="Leave out lines with one of these, in small ASCII letters. The code of C4.",
    )


class FineWeb(Section):
    """Line shapes: Penedo et al. 2024 (FineWeb), section 3.6; together they removed 22 % of tokens there."""

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    min_terminal_lines: Share | None = Field(
        0.12, description="Least share of lines that end in punctuation that ends a sentence. FineWeb 3.6."
    )
    max_short_lines: Share | None = Field(
        0.67, description="Largest share of lines of at most `short_line` characters. FineWeb 3.6."
    )
    short_line: Count = Field(30, description="Characters of the longest short line. FineWeb 3.6.")
    max_duplicate_line_characters: Share | None = Field(
        0.1,
        description="Largest share of characters in repeated lines. FineWeb 3.6, and FineWeb2; the code that made "
        "FineWeb (datatrove) has 0.01.",
    )
    max_newlines: Ratio | None = Field(
        0.3, description="Most line breaks a word: lists. The code that made FineWeb (datatrove)."
    )


class Code(Section):
    """Shape of source files: The Stack and StarCoder (Li et al. 2023), StarCoder2 (Lozhkov et al. 2024), CodeParrot."""

    applies_to: AppliesTo = Field(("code",), description="Kinds looked at.")
    max_line: Count | None = Field(1000, description="Longest line, characters. StarCoder 3.1, CodeParrot.")
    max_mean_line: Ratio | None = Field(
        100.0, description="Largest mean line length, characters. StarCoder 3.1, CodeParrot."
    )
    min_alphanumeric: Share | None = Field(
        0.25, description="Least share of letters and digits among characters. CodeParrot; StarCoder 3.1: letters."
    )
    max_encoded_share: Share | None = Field(
        0.5,
        description="Largest share of characters in encoded runs (64 or more of base64, hexadecimal or escapes "
        "without a break). StarCoder2 2.4.",
    )
    max_encoded_run: Count | None = Field(1024, description="Longest encoded run, characters. StarCoder2 2.4.")
    generated_lines: Count | None = Field(
        5, description="Lines from the top in which a mark of a generated file drops it. CodeParrot."
    )
    generated_marks: tuple[str, ...] = Field(
        ("auto-generated", "autogenerated", "automatically generated", "generated by", "do not edit"),
        description="Marks of generated files, in small ASCII letters. CodeParrot has the first three.",
    )
    max_data_lines: Share | None = Field(
        0.8,
        description="Largest share of lines that hold nothing but numbers and quoted strings, among those that hold "
        "more than brackets: tables, not programs; own.",
    )


SECTIONS: Mapping[str, type[Section]] = {
    "size": Size,
    "gopher_repetition": GopherRepetition,
    "gopher_quality": GopherQuality,
    "c4": C4,
    "fineweb": FineWeb,
}
"""Groups that may have thresholds by language."""


def _switched_off(value: Any) -> Any:
    return None if value is False else value


Off = BeforeValidator(_switched_off)
"""A group that null or false switches off."""

Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]


class Groups(Section):
    """All groups of rules, and what they take for a word."""

    words: Literal["pieces", "tokens"] = Field(
        "pieces",
        description="What Gopher's and FineWeb's rules count. pieces: whatever stands between white space, as the "
        "papers read. tokens: words and punctuation apart; then fewer words have a letter in them, so that the papers' "
        "thresholds drop more.",
    )
    as_datatrove: bool = Field(
        False,
        description="Count all as datatrove 0.10 does, to reproduce its decisions: tokens, stop words with the "
        "capitals that they have, • and - as the only bullets, blank lines among the line feeds, and the very last "
        "character of a line as its end, though it be a blank or a quote.",
    )
    size: Annotated[Size | None, Off] = Field(
        Size(), description="Length and damage. null or false switches a whole group off."
    )
    gopher_repetition: Annotated[GopherRepetition | None, Off] = Field(
        GopherRepetition(), description="Gopher's repetition rules."
    )
    gopher_quality: Annotated[GopherQuality | None, Off] = Field(GopherQuality(), description="Gopher's quality rules.")
    c4: Annotated[C4 | None, Off] = Field(C4(), description="C4's rules.")
    fineweb: Annotated[FineWeb | None, Off] = Field(FineWeb(), description="FineWeb's rules.")
    code: Annotated[Code | None, Off] = Field(Code(), description="Rules for source code.")
    languages: dict[Language, ByGroup] = Field(
        LANGUAGES,
        description="Language → group → thresholds that hold for documents of that language, instead of those above: "
        "`de: {gopher_quality: {min_alphabetic_words: 0.77}}`. Laid over what is known of languages with long words "
        "or without blanks between words (FineWeb2's figures for Finnish and Greenlandic); `fi: {}` forgets it.",
    )

    @field_validator("languages", mode="before")
    @classmethod
    def _over_what_is_known(cls, given: Any) -> Any:
        return LANGUAGES | given if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _languages_have_thresholds(self) -> Groups:
        for language, groups in self.languages.items():
            for group, thresholds in groups.items():
                _check_thresholds(f"languages.{language}.{group}", group, thresholds)
        return self


def _check_thresholds(where: str, group: str, thresholds: Mapping[str, float | None]) -> None:
    """Refuse what is no threshold of a group that looks at prose, or out of its range.

    Raises:
        ValueError: with the key.
    """
    if group not in SECTIONS:
        raise ValueError(f"{where}: no group with thresholds by language; there are {', '.join(SECTIONS)}")
    known = [rule.field for rule in RULES if rule.group == group]
    for field in thresholds:
        if field not in known:
            raise ValueError(f"{where}.{field}: no threshold; there are {', '.join(known)}")
    try:
        SECTIONS[group].model_validate(dict(thresholds))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{where}.{first['loc'][0]}: {first['msg']} (given: {first['input']!r})") from error


Group = Literal["size", "gopher_repetition", "gopher_quality", "c4", "fineweb", "code"]


PROSE_GROUPS: tuple[Group, ...] = ("gopher_repetition", "gopher_quality", "c4", "fineweb")
"""Groups whose metrics come from one walk through the text."""


@dataclass(frozen=True)
class Rule:
    """One rule: a document fails when its metric lies beyond the threshold; a metric of NaN never fails.

    Attributes:
        reason: name in the ledger.
        group: section of the configuration.
        field: the threshold's name in that section.
        metric: column of the group's metrics.
        fails: "below" or "above" the threshold, or "within" it (at most the threshold, for a position).
        spaced: whether the rule means something only in scripts that put spaces between words.
        unspaced: whether it does so only in scripts that put none.
    """

    reason: str
    group: Group
    field: str
    metric: str
    fails: Literal["below", "above", "within"] = "above"
    spaced: bool = False
    unspaced: bool = False


RULES: tuple[Rule, ...] = (
    Rule("too_few_characters", "size", "min_characters", "characters", "below"),
    Rule("too_many_characters", "size", "max_characters", "characters"),
    Rule("replacement_characters", "size", "max_replacement_share", "replacement_share"),
    Rule("control_characters", "size", "max_control_share", "control_share"),
    *(
        Rule(f"gopher_{name}", "gopher_repetition", f"max_{name}", metric)
        for name, metric in (
            ("duplicate_paragraphs", "duplicate_paragraph_share"),
            ("duplicate_paragraph_characters", "duplicate_paragraph_characters"),
            ("duplicate_lines", "duplicate_line_share"),
            ("duplicate_line_characters", "duplicate_line_characters"),
        )
    ),
    *(
        Rule(f"gopher_{name}", "gopher_repetition", f"max_{name}", name, spaced=True)
        for name in (*(f"top_{n}_gram" for n in (2, 3, 4)), *(f"duplicate_{n}_grams" for n in range(5, 11)))
    ),
    Rule(
        "gopher_duplicate_10_grams_unspaced",
        "gopher_repetition",
        "max_duplicate_10_grams_unspaced",
        "duplicate_10_grams",
        unspaced=True,
    ),
    Rule("gopher_too_few_words", "gopher_quality", "min_words", "words", "below"),
    Rule("gopher_too_many_words", "gopher_quality", "max_words", "words"),
    Rule("gopher_short_words", "gopher_quality", "min_mean_word_length", "mean_word_length", "below", spaced=True),
    Rule("gopher_long_words", "gopher_quality", "max_mean_word_length", "mean_word_length", spaced=True),
    Rule("gopher_hashes", "gopher_quality", "max_hashes", "hash_ratio"),
    Rule("gopher_ellipses", "gopher_quality", "max_ellipses", "ellipsis_ratio"),
    Rule("gopher_bullet_lines", "gopher_quality", "max_bullet_lines", "bullet_line_share"),
    Rule("gopher_ellipsis_lines", "gopher_quality", "max_ellipsis_lines", "ellipsis_line_share"),
    Rule("gopher_alphabetic_words", "gopher_quality", "min_alphabetic_words", "alphabetic_word_share", "below"),
    Rule("gopher_stop_words", "gopher_quality", "min_stop_words", "stop_words", "below"),
    Rule("c4_lorem_ipsum", "c4", "max_lorem_ipsum_lines", "lorem_ipsum_lines"),
    Rule("c4_curly_brackets", "c4", "max_curly_bracket_lines", "curly_bracket_lines"),
    Rule("c4_tags", "c4", "max_tag_share", "tag_share"),
    Rule("c4_too_few_sentences", "c4", "min_sentences", "sentences", "below", spaced=True),
    Rule("fineweb_terminal_lines", "fineweb", "min_terminal_lines", "terminal_line_share", "below"),
    Rule("fineweb_short_lines", "fineweb", "max_short_lines", "short_line_share"),
    Rule(
        "fineweb_duplicate_line_characters",
        "fineweb",
        "max_duplicate_line_characters",
        "nonblank_duplicate_line_characters",
    ),
    Rule("fineweb_newlines", "fineweb", "max_newlines", "newline_ratio"),
    Rule("code_long_line", "code", "max_line", "longest_line"),
    Rule("code_mean_line_length", "code", "max_mean_line", "mean_line_length"),
    Rule("code_alphanumeric", "code", "min_alphanumeric", "alphanumeric_share", "below"),
    Rule("code_encoded", "code", "max_encoded_share", "encoded_share"),
    Rule("code_encoded_run", "code", "max_encoded_run", "longest_encoded"),
    Rule("code_generated", "code", "generated_lines", "generated_mark_line", "within"),
    Rule("code_data_lines", "code", "max_data_lines", "data_line_share"),
)

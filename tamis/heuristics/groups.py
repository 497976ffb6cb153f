"""All groups of rules together: the section `heuristics` of the configuration, but for its name.

What a group measures with (`MEASURING`) and what it decides with are kept apart, so that moving a threshold, switching
a group off or giving a language its own thresholds measures nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from tamis.heuristics.rules import RULES, Group
from tamis.heuristics.sections import C4, Code, FineWeb, GopherQuality, GopherRepetition, Size
from tamis.section import LanguageCode, Section

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


MEASURING: Mapping[Group, tuple[str, ...]] = {
    "size": (),
    "gopher_repetition": (),
    "gopher_quality": ("stop_words", "ignore_addresses"),
    "c4": (
        "terminal_lines_only",
        "min_line_words",
        "max_word_length",
        "ignore_citations",
        "ignore_javascript_lines",
        "policy_phrases",
    ),
    "fineweb": ("short_line",),
    "code": ("long_line", "generated_marks"),
}
"""Group → its fields that say how something is counted; all others only decide."""


Fittable = Literal[
    "min_mean_word_length",
    "max_mean_word_length",
    "min_alphabetic_words",
    "min_terminal_lines",
    "max_newlines",
    "max_duplicate_lines",
    "max_top_2_gram",
    "max_top_3_gram",
    "max_top_4_gram",
    "max_duplicate_5_grams",
    "max_duplicate_6_grams",
    "max_duplicate_7_grams",
    "max_duplicate_8_grams",
    "max_duplicate_9_grams",
    "max_duplicate_10_grams",
]
"""The thresholds that FineWeb2 has by language (huggingface/fineweb-2, configs/)."""


class Fitting(Section):
    """Thresholds of a language from its own documents, with another language as the yardstick."""

    min_documents: int = Field(
        1000,
        ge=1,
        description="Least documents of a language from which its thresholds are fitted; others keep those that are "
        "given.",
    )
    yardstick: LanguageCode = Field(
        "en",
        description="Language for which the given thresholds were made. A threshold is to the median of its language "
        "as the given one to the median of this one.",
    )
    thresholds: tuple[Fittable, ...] = Field(
        ("min_mean_word_length", "max_mean_word_length", "min_alphabetic_words"),
        min_length=1,
        description="Which are fitted. FineWeb2 fits all that may stand here. On news pages and a declaration in 471 "
        "languages those of the default bring what is to be won; line ends and breaks let menus pass besides, and of "
        "repeated n-grams the median is near 0 in most languages, so that it says little.",
    )


class Groups(Section):
    """All groups of rules, and what they take for a word."""

    words: Literal["pieces", "tokens"] = Field(
        "pieces",
        description="What Gopher's and FineWeb's rules count. pieces: whatever stands between white space, as the "
        "papers read. tokens: words and punctuation apart.",
    )
    as_datatrove: bool = Field(
        False,
        description="Count all as datatrove 0.10 does, to reproduce its decisions: tokens, punctuation among the words "
        "of which some have a letter, stop words with the capitals that they have, • and - as the only bullets, blank "
        "lines among the line feeds, lines without a word among those that repeat, an n-gram that occurs once as a "
        "frequent one, and the very last character of a line as its end, though it be a blank or a quote.",
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
    languages: dict[LanguageCode, ByGroup] = Field(
        LANGUAGES,
        description="Language → group → thresholds that hold for documents of that language, instead of those above: "
        "`de: {gopher_quality: {min_alphabetic_words: 0.77}}`. Laid over what is known of languages with long words "
        "or without blanks between words (FineWeb2's figures for Finnish and Greenlandic); `fi: {}` forgets it.",
    )

    thresholds: Literal["given", "fitted"] = Field(
        "given",
        description="given: those of the groups and of `languages`. fitted: those that depend on the language are "
        "found for each one that has enough documents, by the scores of all shards; what stands under `languages` "
        "goes before.",
    )
    fitting: Fitting = Field(Fitting(), description="How thresholds are fitted.")

    @field_validator("languages", mode="before")
    @classmethod
    def _over_what_is_known(cls, given: Any) -> Any:
        return LANGUAGES | given if isinstance(given, dict) else given

    def for_scoring(self) -> Self:
        """The section with nothing but what measuring uses, for the params of the step up to the scores."""
        changes: dict[str, Any] = {"languages": LANGUAGES, "thresholds": "given", "fitting": Fitting()}
        for group, fields in MEASURING.items():
            default, given = type(self).model_fields[group].default, getattr(self, group)
            # What is off is measured by the defaults.
            changes[group] = default.model_copy(update={name: getattr(given or default, name) for name in fields})
        return self.model_copy(update=changes)

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

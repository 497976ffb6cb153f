"""The groups of rules as sections of the configuration: their thresholds, and how their metrics are counted.

Null switches a rule off. The defaults keep ordinary prose of every language; what each costs is in
docs/decisions/0012-thresholds-that-keep-prose.md.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tamis.heuristics.stop_words import STOP_WORDS
from tamis.readers.code.origins import GENERATED_LINES, GENERATED_MARKS
from tamis.section import AppliesTo, Section, Share

Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0.0)]

PROSE: AppliesTo = ("prose",)


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
    """Repeated paragraphs, lines and n-grams: Rae et al. 2021 (Gopher), table A1.

    Paragraphs and lines count that hold a word: two letters in a row, or one that is a word by itself. Rules, numbers,
    list marks and empty cells of tables repeat in every long text.
    """

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    max_duplicate_paragraphs: Share | None = Field(
        0.30, description="Largest share of paragraphs with a word that repeat an earlier one. Table A1."
    )
    max_duplicate_paragraph_characters: Share | None = Field(
        0.20, description="Largest share of characters in such paragraphs. Table A1."
    )
    max_duplicate_lines: Share | None = Field(
        0.30, description="Largest share of lines with a word that repeat an earlier one. Table A1."
    )
    max_duplicate_line_characters: Share | None = Field(
        0.20, description="Largest share of characters in such lines. Table A1."
    )
    max_top_2_gram: Share | None = Field(
        0.20,
        description="Largest share of characters in the most frequent word 2-gram, where it occurs twice. Table A1; as "
        "RedPajama-V2 counts.",
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
    min_words_unspaced: Count | None = Field(
        80,
        description="Likewise, in scripts without spaces, where a letter is a word: 80 are about 50 Chinese words, and "
        "twenty Thai ones. Of 30 texts of 50 to 99 that were read 28 are stubs or parts of a sentence; own.",
    )
    max_words: Count | None = Field(100_000, description="Most words that are not mere punctuation. Gopher A1.1.")
    min_mean_word_length: Ratio | None = Field(3.0, description="Least mean characters a word. Gopher A1.1.")
    max_mean_word_length: Ratio | None = Field(10.0, description="Largest mean characters a word. Gopher A1.1.")
    max_hashes: Ratio | None = Field(
        0.1, description="Most hash signs a word, without those that mark a heading (`## Title`). Gopher A1.1."
    )
    max_ellipses: Ratio | None = Field(
        0.1,
        description="Most ellipses (... or …) a word; a row of dots, as in the blanks of a form, is one. Gopher A1.1.",
    )
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
        description="Least share of words that are not mere punctuation with a letter in them: marks of lists and "
        "empty cells of tables are no words. Gopher A1.1; datatrove counts them.",
    )
    min_stop_words: Count | None = Field(
        2, description="Least different stop words; only for languages with a list. Gopher A1.1."
    )
    stop_words: dict[str, tuple[str, ...]] = Field(
        STOP_WORDS,
        description="Language → stop words; capitals do not matter. Gopher's eight for English; for 40 more languages "
        "lists made alike. Languages without a list pass.",
    )
    ignore_addresses: bool = Field(
        False,
        description="Whether lines that hold nothing but addresses (URLs, mail addresses, paths of files; a mark, a "
        "number or a link's name before them) are left out where the length of words, hash signs and ellipses are "
        "counted: sources under an article, link targets of a change log. Gopher has no such rule.",
    )


class C4(Section):
    """Sentences, placeholders, braces, tags: Raffel et al. 2020 (C4), section 2.2, judged by document.

    C4 cuts lines. This stage cuts nothing: it counts the sentences of the lines that C4 would keep.
    """

    applies_to: AppliesTo = Field(PROSE, description="Kinds looked at.")
    max_lorem_ipsum: Ratio | None = Field(
        0.005,
        description='Most lines with "lorem ipsum" a word. C4 2.2 has 0: one mention drops the page, though it be a '
        "manual of 4,000 words; what is filled with it has a line of it in every few dozen words.",
    )
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
        description="Largest share of characters in repeated lines that hold a word. FineWeb 3.6, and FineWeb2; the "
        "code that made FineWeb (datatrove) has 0.01.",
    )
    max_newlines: Ratio | None = Field(
        0.3, description="Most line breaks a word: lists. The code that made FineWeb (datatrove)."
    )


class Code(Section):
    """Shape of source files: The Stack and StarCoder (Li et al. 2023), StarCoder2 (Lozhkov et al. 2024), CodeParrot."""

    applies_to: AppliesTo = Field(("code",), description="Kinds looked at.")
    max_line: Count | None = Field(
        100_000,
        description="Longest line, characters. StarCoder 3.1 and CodeParrot have 1,000, StarCoder2 2.4 has 100,000 for "
        "languages with long lines: one line is no reason to drop a file.",
    )
    long_line: Count = Field(1000, description="Characters of the longest line that is not long. StarCoder 3.1.")
    max_long_lines: Share | None = Field(
        0.5, description="Largest share of characters in long lines: minified code and data; own."
    )
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
        GENERATED_LINES, description="Lines from the top in which a mark of a generated file drops it. CodeParrot."
    )
    generated_marks: tuple[str, ...] = Field(
        GENERATED_MARKS,
        description="Marks of generated files, in small ASCII letters; one that begins with ^ counts only as the first "
        "words of a line, comment signs aside. The first four are StarCoder2's (2.4), of which CodeParrot has three.",
    )
    max_data_lines: Share | None = Field(
        0.8,
        description="Largest share of lines that hold nothing but numbers and quoted strings, among those that hold "
        "more than brackets: tables, not programs; own.",
    )

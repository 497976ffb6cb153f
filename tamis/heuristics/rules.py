"""Which rules there are, in their order, what each is held against, and the metrics that they read.

A rule is a row of `RULES`: its name (the ledger's reason), the group and field with its threshold, the metric that it
reads (of its group in `METRICS`) and the direction. The order of `RULES` is the order in which a document's first
failing rule becomes its reason: cheap and general before particular, and within a group the order in which datatrove
asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["size", "gopher_repetition", "gopher_quality", "c4", "fineweb", "code"]

METRICS: Mapping[Group, tuple[str, ...]] = {
    "size": ("characters", "replacement_share", "control_share"),
    "gopher_repetition": (
        "duplicate_paragraph_share",
        "duplicate_paragraph_characters",
        "duplicate_line_share",
        "duplicate_line_characters",
        *(f"top_{n}_gram" for n in (2, 3, 4)),
        *(f"duplicate_{n}_grams" for n in range(5, 11)),
    ),
    "gopher_quality": (
        "words",
        "all_words",
        "mean_word_length",
        "hash_ratio",
        "ellipsis_ratio",
        "bullet_line_share",
        "ellipsis_line_share",
        "alphabetic_word_share",
        "stop_words",
        "character_word_share",
    ),
    "c4": ("lorem_ipsum_ratio", "curly_bracket_lines", "tag_share", "sentences"),
    "fineweb": (
        "terminal_line_share",
        "short_line_share",
        "nonblank_duplicate_line_characters",
        "newline_ratio",
    ),
    "code": (
        "longest_line",
        "long_line_share",
        "mean_line_length",
        "alphanumeric_share",
        "encoded_share",
        "longest_encoded",
        "data_line_share",
        "generated_mark_line",
    ),
}
"""Group → what is measured for it, of every document. Each is a column `<group>_<metric>` of the scores."""


def column(group: Group, metric: str) -> str:
    """The column of the scores that holds a metric."""
    return f"{group}_{metric}"


COLUMNS = tuple(column(group, metric) for group, metrics in METRICS.items() for metric in metrics)
"""All of them, in the order of the scores."""

CHARACTER_WORDS = column("gopher_quality", "character_word_share")

# More than this share of one-character words: a script without spaces.
UNSPACED_SHARE = 0.5


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

    @property
    def column(self) -> str:
        """Where the scores hold what it reads."""
        return column(self.group, self.metric)


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
    Rule("gopher_too_few_words_unspaced", "gopher_quality", "min_words_unspaced", "words", "below", unspaced=True),
    Rule("gopher_too_many_words", "gopher_quality", "max_words", "words"),
    Rule("gopher_short_words", "gopher_quality", "min_mean_word_length", "mean_word_length", "below", spaced=True),
    Rule("gopher_long_words", "gopher_quality", "max_mean_word_length", "mean_word_length", spaced=True),
    Rule("gopher_hashes", "gopher_quality", "max_hashes", "hash_ratio"),
    Rule("gopher_ellipses", "gopher_quality", "max_ellipses", "ellipsis_ratio"),
    Rule("gopher_bullet_lines", "gopher_quality", "max_bullet_lines", "bullet_line_share"),
    Rule("gopher_ellipsis_lines", "gopher_quality", "max_ellipsis_lines", "ellipsis_line_share"),
    Rule("gopher_alphabetic_words", "gopher_quality", "min_alphabetic_words", "alphabetic_word_share", "below"),
    Rule("gopher_stop_words", "gopher_quality", "min_stop_words", "stop_words", "below"),
    Rule("c4_lorem_ipsum", "c4", "max_lorem_ipsum", "lorem_ipsum_ratio"),
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
    Rule("code_long_lines", "code", "max_long_lines", "long_line_share"),
    Rule("code_mean_line_length", "code", "max_mean_line", "mean_line_length"),
    Rule("code_alphanumeric", "code", "min_alphanumeric", "alphanumeric_share", "below"),
    Rule("code_encoded", "code", "max_encoded_share", "encoded_share"),
    Rule("code_encoded_run", "code", "max_encoded_run", "longest_encoded"),
    Rule("code_generated", "code", "generated_lines", "generated_mark_line", "within"),
    Rule("code_data_lines", "code", "max_data_lines", "data_line_share"),
)

"""Lines of nothing but addresses, which `ignore_addresses` leaves out of three counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.heuristics.metrics import measure_prose
from tamis.stages.heuristics import Config

PROSE = "Three millers went to the fair # with a sieve of fine horsehair ... and came home late."
ADDRESSES = (
    "https://example.org/mill/issues/12#note-3",
    "  - <https://example.org/a/very/long/path/of/one/page.html>,",
    "ftp://example.org/pub/sieve-1.2.tar.gz ftp://mirror.example.org/pub/sieve-1.2.tar.gz",
    "www.example.org/sieves",
    "miller@example.org",
    "> 12. mailto://miller@example.org",
    "/usr/local/share/sieve/fine.conf",
    "~/sieves/coarse/mesh.txt",
    r"C:\Programs\Sieve\fine.dll",
    "[12] https://example.org/12",
    "[Guide]: https://example.org/guide",
    "[A longer guide]: https://example.org/guide...",
    ".. _12: https://example.org/12",
    ".. _`Sieve.shake()`: https://example.org/sieve#shake",
    ".. _The long way home: https://example.org/way",
    "## https://example.org/#top",
    "\u2026 https://example.org/\u2026",
    "1) \u300chttps://example.org/\u7b5b\u300d",
)
OTHERS = (
    "see https://example.org/mill/issues/12",
    "twisted.internet.defer.Deferred",
    "example.org",
    "[Guide] to all sieves",
    "[Guide](https://example.org/guide)",
    "[Guide of the mill",
    ".. _a name without an end https://example.org",
    "and/or/not",
    "://",
    "https://",
    "a@b",
    "@decorator",
    "12 34 56",
    "/",
    "\u7b5b\u5b50 https://example.org/",
    "",
)
NAMES = ("mean_word_length", "hash_ratio", "ellipsis_ratio")


def counts(text: str, ignore: bool, **more: object) -> dict[str, float]:
    config = Config.model_validate({"gopher_quality": {"ignore_addresses": ignore}, **more})
    return {name: float(values[0]) for name, values in measured(text, config).items()}


def measured(text: str, config: Config) -> dict[str, np.ndarray]:
    return measure_prose(pa.array([text], pa.large_string()), pa.array(["en"]), config)


@pytest.mark.parametrize("words", ["pieces", "tokens"])
@pytest.mark.parametrize("line", ADDRESSES)
def test_a_line_of_addresses_does_not_count(line: str, words: str) -> None:
    with_line, plain = (
        counts(f"{PROSE}\n{line}\n{PROSE}", True, words=words),
        counts(f"{PROSE}\n{PROSE}", True, words=words),
    )
    assert [with_line[name] for name in NAMES] == [plain[name] for name in NAMES]
    # Everything else does.
    counted = counts(f"{PROSE}\n{line}\n{PROSE}", False, words=words)
    assert {name for name in counted if counted[name] != with_line[name]} <= set(NAMES)
    assert counted["mean_word_length"] != plain["mean_word_length"]


@pytest.mark.parametrize("line", OTHERS)
def test_a_line_with_anything_else_counts(line: str) -> None:
    text = f"{PROSE}\n{line}\n{PROSE}"
    np.testing.assert_equal(counts(text, True), counts(text, False))


def test_a_text_of_nothing_else_is_judged_by_what_it_has() -> None:
    text = "\n".join(ADDRESSES)
    np.testing.assert_equal(counts(text, True), counts(text, False))


def test_datatrove_counts_all() -> None:
    text = f"{PROSE}\n{ADDRESSES[0]}"
    np.testing.assert_equal(counts(text, True, as_datatrove=True), counts(text, False, as_datatrove=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from((*ADDRESSES, *OTHERS, PROSE)), max_size=8), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_it_is_as_if_they_were_not_there(lines: list[str], between: str) -> None:
    text = between.join(lines)
    kept = [line for line in lines if line not in ADDRESSES]
    left = counts(between.join(kept), True)
    if not np.isnan(left["mean_word_length"]):
        got = counts(text, True)
        assert [got[name] for name in NAMES] == [left[name] for name in NAMES]

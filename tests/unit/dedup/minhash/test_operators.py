"""Code and maths that differ in their operators are no copies."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from documents import batched
from hypothesis import given, settings
from hypothesis import strategies as st
from near_duplicates import (
    CERTAIN,
    jaccard,
    ngrams,
    sentence,
    spread,
)
from stage_jobs import minhash_dedup

from tamis.dedup.minhash.operators import Operators
from tamis.stages.minhash_dedup import Config

run = batched(minhash_dedup)


def folder() -> Path:
    return Path(tempfile.mkdtemp())


LESS = "def clamp(x, lo):\n    if x < lo:\n        return x\n    return lo\n"
MORE = "def clamp(x, lo):\n    if x > lo:\n        return -x\n    return lo\n"


@pytest.mark.parametrize("threshold", [0.7, 1.0])
@pytest.mark.parametrize("grouping", ["greedy", "components"])
def test_code_and_maths_that_differ_in_operators_alone_are_no_copies(
    tmp_path: Path, make_documents, threshold: float, grouping: str
) -> None:
    pairs = [(LESS, MORE), ("Solve x + 3 = 5 for x.", "Solve x - 3 = 5 for x."), ("a ≤ b → c", "a ≥ b → c")]
    pairs += [("1 2 3 4 5", "1, 2, 3, 4, 5"), ("if (a == b) go", "if (a != b) go"), ("x ** 2", "x * 2")]
    texts = [text for pair in pairs for text in pair]
    config = Config(threshold=threshold, recall=0.0, grouping=grouping)
    # Another layout is a copy; so is the fourth pair, which differs in commas.
    texts.append(LESS.replace("    ", "\t"))
    for kind in ("code", "maths"):
        documents = make_documents(texts, kind=[kind] * len(texts))
        outcome = run(tmp_path / kind, documents, config, shards=3, partitions=2)
        assert outcome.matches() == {7: ("exact_ngram_set", 6, 1.0), 12: ("exact_ngram_set", 0, 1.0)}
        assert outcome.notes["pairs_told_apart"] == 5
    outcome = run(tmp_path / "prose", make_documents(texts), config, shards=3)
    assert outcome.matches() == {i: ("exact_ngram_set", 0 if i == 12 else i - 1, 1.0) for i in (1, 3, 5, 7, 9, 11, 12)}
    documents = make_documents(texts, kind=["code"] * len(texts))
    words_alone = run(tmp_path / "words", documents, config.model_copy(update={"operators_in": ()}))
    assert words_alone.matches() == outcome.matches()


def test_a_long_file_with_another_operator_is_a_near_copy_and_no_exact_one(tmp_path: Path, make_documents) -> None:
    body = "\n".join(f"    total = {name} + total" for name in sentence(5, 60))
    texts = [f"{LESS}{body}", f"{MORE}{body}", f"{LESS}{body}\n"]
    documents = make_documents(texts, kind=["code"] * 3)
    assert run(tmp_path / "a", documents).matches() == {1: ("near_duplicate", 0, 1.0), 2: ("exact_ngram_set", 0, 1.0)}
    for name, config in (("b", Config(threshold=1.0)), ("c", Config(operators_below=len(texts[0]) + 1))):
        outcome = run(tmp_path / name, documents, config)
        assert outcome.matches() == {2: ("exact_ngram_set", 0, 1.0)}
        assert outcome.notes["pairs_told_apart"] == 1
    # Only one of the two is prose: its operators are not looked at.
    documents = make_documents(texts, kind=["prose", "code", "code"])
    assert run(tmp_path / "d", documents).matches() == {1: ("near_duplicate", 0, 1.0), 2: ("near_duplicate", 0, 1.0)}


OPERATORS = re.compile(
    r"[0-9+\-*/%=<>!&|^~¬±×÷\u2044\u207a-\u207c\u208a-\u208c\u2190-\u22ff\u27c0-\u27ef\u2900-\u2aff]"
)
SIGNS = st.lists(
    st.sampled_from(["a", "b", " ", "<", ">", "1", "é", "≤", "×", "語", "₊", "ß", ".", "(", "\u2043"]), max_size=9
)


@given(st.lists(SIGNS.map("".join), min_size=1, max_size=6), st.integers(0, 9))
@settings(deadline=None)
def test_operators_are_those_of_a_regular_expression(texts: list[str], below: int) -> None:
    from documents import make_documents

    operators = Operators(("code",), below)
    kinds = ["prose" if number == 3 else "code" for number in range(len(texts))]
    found = operators.hashes(make_documents(texts, kind=kinds))
    for one, text in enumerate(texts):
        for other, its in enumerate(texts):
            differ = OPERATORS.findall(text) != OPERATORS.findall(its) and 3 not in (one, other)
            pair = found[one : one + 1], found[other : other + 1]
            assert Operators(always=True).apart(*pair)[0] == differ
            assert operators.apart(*pair)[0] == (differ and min(len(text), len(its)) < below)


SHORT_CODE = st.lists(st.sampled_from(["a", "b", "C", "<", ">", "1"]), max_size=7).map(" ".join)


@given(st.lists(SHORT_CODE, min_size=1, max_size=8), st.integers(0, 16), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_greedy_equals_brute_force_with_operators(texts: list[str], below: int, seed: int) -> None:
    from documents import make_documents

    config = Config(ngram=2, operators_below=below, audit_sample=100, **CERTAIN)
    kinds = ["prose" if number % 4 == 3 else "code" for number in range(len(texts))]
    documents = make_documents(texts, id=spread(len(texts), seed), kind=kinds)
    outcome = run(folder(), documents, config, shards=1 + seed % 3, partitions=1 + seed % 2)

    def looked_at(number: int) -> list[str] | None:
        return None if kinds[number] == "prose" else OPERATORS.findall(texts[number])

    def similarity(one: int, other: int) -> float:
        short = min(len(texts[one]), len(texts[other])) < below
        differ = None not in (looked_at(one), looked_at(other)) and looked_at(one) != looked_at(other)
        return 0.0 if short and differ else jaccard(sets[one], sets[other])

    sets = [ngrams(text, 2) for text in texts]
    kept: list[int] = []
    for number in range(len(texts)):
        # What has the words and the operators of an earlier document follows its fate.
        first = next(k for k in range(number + 1) if (sets[k], looked_at(k)) == (sets[number], looked_at(number)))
        if not sets[number] or (first == number and all(similarity(number, k) < 0.5 for k in kept)):
            kept.append(number)
    assert outcome.kept_numbers() == kept
    assert outcome.notes["audit_missed"] == 0

"""A second model is asked where the first is unsure, and only there; without its package nothing begins."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tamis.errors import ModelError
from tamis.language_codes import language_code
from tamis.languages import packaged, second
from tamis.languages.identify import identify
from tamis.languages.packaged import PACKAGED
from tamis.stages.language_id import Config

needs_lingua = pytest.mark.skipif(
    importlib.util.find_spec("lingua") is None, reason="lingua-language-detector is an extra of 96 MB: tamis[lingua]"
)
TEXTS = pa.array(
    [
        "The sieve lets the fine grains through and keeps the coarse ones.",
        "Getreidemühle",
        "grueso",
        "1234",
        "",
        "Strumień",
    ],
    pa.large_string(),
)


def test_only_what_the_first_model_is_unsure_of_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    first, score = identify(TEXTS, Config(undecided_below=0))
    asked = []

    def answer(sample: str, first: str, score: float) -> tuple[str, float] | None:
        assert 0 <= score < bound
        asked.append(sample)
        return ("tn", 0.25) if sample.strip() else None

    monkeypatch.setattr(second, "identify", answer)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    bound = float(sorted(score[1:3])[1])
    section = {"second": {"below": bound, "unknown_below": bound}}
    found, scores = identify(TEXTS, Config(**section))
    unsure = [0 < one < bound for one in score.tolist()]
    assert sum(unsure) >= 1
    assert not unsure[0]
    assert [sample for sample in asked if sample.strip()] == [TEXTS[row].as_py() for row in range(6) if unsure[row]]
    # Its answer and its score are taken as they are, whatever the cut of the first model.
    for row in range(6):
        if unsure[row]:
            assert (found[row], scores[row]) == ("tn", 0.25)
        else:
            assert found[row] == (first[row] if score[row] >= 0.4 else "und")
    # A code that only the second gives can be kept.
    assert "tn" not in PACKAGED
    Config(second={}, keep_languages=("tn",))
    with pytest.raises(ValidationError, match="never gives tn"):
        Config(keep_languages=("tn",))


def test_without_its_package_a_run_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"language_id.second: .*pip install 'tamis\[lingua\]'.*or take `second` out"):
        Config(second={}).check_files("language_id")
    with pytest.raises(ValidationError, match="second: stands beside the packaged model only"):
        Config(second={}, model="lid.bin")


def test_what_the_first_model_says_counts_by_how_sure_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [("CS", 0.5), ("SK", 0.3), ("NB", 0.2)]
    values = [
        SimpleNamespace(language=SimpleNamespace(iso_code_639_1=SimpleNamespace(name=name)), value=value)
        for name, value in said
    ]
    lingua = SimpleNamespace(compute_language_confidence_values=lambda _: values)
    monkeypatch.setattr(second, "_lingua", lambda: lingua)
    assert second.identify("slovo") == ("cs", 0.5)
    # .3 times 1 + 2 * .33 is less than .5, and 1 + 2 * .34 is more.
    assert second.identify("slovo", "sk", 0.33) == ("cs", 0.5)
    assert second.identify("slovo", "sk", 0.34) == ("sk", 0.34)
    assert second.identify("ord", "no", 0.8) == ("no", 0.8)
    assert second.identify("ord", "sv", 0.89) == ("cs", 0.5)
    values[:] = [SimpleNamespace(language=values[0].language, value=0.0)]
    assert second.identify("1234", "sk", 0.34) is None


@needs_lingua
def test_lingua_tells_words_apart_the_same_every_time() -> None:
    from lingua import Language

    codes = {language_code(one.iso_code_639_1.name.lower()) for one in Language.all()}
    assert codes - {"nb"} | {"no"} == second.KNOWN
    found, scores = identify(TEXTS, Config(second={"below": 1.0, "unknown_below": 1.0}))
    assert [found[row] for row in (0, 1, 2, 5)] == ["en", "de", "es", "pl"]
    assert found[3:5] == ["und", "und"]
    again, same = identify(TEXTS, Config(second={"below": 1.0, "unknown_below": 1.0}))
    assert again == found
    assert (same == scores).all()


def test_a_language_that_only_the_first_knows_is_outvoted_by_more_than_half(monkeypatch: pytest.MonkeyPatch) -> None:
    known, unknown = "de", next(code for code in sorted(PACKAGED) if code not in second.KNOWN)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    answers = {"sure": ("tn", 0.51), "unsure": ("tn", 0.49)}
    monkeypatch.setattr(second, "identify", lambda sample, _first, _score: answers[sample])
    for first, score, expected in (
        (unknown, 0.8, ["tn", unknown]),
        (known, 0.8, ["tn", "tn"]),
        # What would be undecided has no vote.
        (unknown, 0.3, ["tn", "tn"]),
        (unknown, 0.95, [unknown, unknown]),
    ):
        told = ([first] * 2, np.full(2, score, np.float32))
        monkeypatch.setattr(packaged, "identify", lambda _bounds, _data, told=told: (list(told[0]), told[1].copy()))
        assert identify(pa.array(list(answers), pa.large_string()), Config(second={}))[0] == expected

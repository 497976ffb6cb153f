"""The lists of stop words: held against spaCy's, and against prose of their languages."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from tamis.heuristics.metrics import measure_prose
from tamis.heuristics.stop_words import STOP_WORDS
from tamis.stages.heuristics import Config

DATA = Path(__file__).parents[4] / "shared" / "data"
# Frequent words that spaCy's list of the language leaves out; it has no Serbian in Latin letters.
BESIDE = {
    "bg": "не",
    "et": "või ka",
    "lt": "yra",
    "lv": "kas",
    "sr": "i u je na se da za od su",
    "sv": "är",
    "tr": "bir",
    "ur": "میں کو سے کا نے",
    "zh": "為",
}


def test_each_list_has_at_least_eight_words_in_small_letters() -> None:
    for language, words in STOP_WORDS.items():
        assert len(set(words)) >= 8, language
        assert [word.lower() for word in words] == list(words)
        assert language == language.lower()


@pytest.mark.parametrize("language", sorted(STOP_WORDS))
def test_the_words_are_stop_words_to_spacy(language: str) -> None:
    pytest.importorskip("spacy")
    try:
        listed = importlib.import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS
    except ModuleNotFoundError:
        pytest.skip("spaCy has no list of this language")
    assert set(STOP_WORDS[language]) - listed == set(BESIDE.get(language, "").split())


def texts_of(name: str) -> list[dict[str, str]]:
    path = DATA / f"{name}.jsonl.zst"
    if not path.exists():
        pytest.skip(f"{path} is not here: real documents are checked only where the shared test data lie")
    with pa.input_stream(str(path), compression="zstd") as file:
        return [json.loads(line) for line in file.read().decode().splitlines() if line]


def test_a_declaration_in_each_language_has_them() -> None:
    rows = [row for row in texts_of("text/udhr") if row["lang"] in STOP_WORDS]
    assert len({row["lang"] for row in rows}) >= 30
    found = measure_prose(
        pa.array([row["text"] for row in rows], pa.large_string()), pa.array([row["lang"] for row in rows]), Config()
    )
    few = [row["id"] for row, count in zip(rows, found["stop_words"], strict=True) if count < 6]
    # 068 is no French, and of one more language half of the words stand in other forms.
    assert "fra" not in few
    assert len(few) <= 2, few

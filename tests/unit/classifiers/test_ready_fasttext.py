"""Ready fastText files: the score is what the library gives, for texts prepared as their makers did."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from tiny_models import write_tokenizer

from tamis.classifiers import fasttext, fasttext_file
from tamis.classifiers.ready_fasttext import Ready, ReadyModel, line_of, tokens_of
from tamis.errors import ConfigError, ModelError, SourceError

TEXTS = [
    "A page that explains Why the sky is blue, because light scatters.",
    "  buy cheap\r\nwatches now\n\nclick here\u2028today\x85only \x0b ",
    "",
    " \n ",
    "Zahlen und Wörter 因为 because",
    "cut </s> because explains",
    "__label__hq because",
    "nul\0inside because",
    "because " * 5000,
]


def trained(folder: Path, *, quantise: bool = False, labels: int = 2, **options: Any) -> Path:
    """A model of DCLM's labels on a few made lines."""
    import fasttext as library

    good = "because light explains why the sky scatters"
    bad = "buy cheap watches now click here today only"
    names = ["__label__hq", "__label__cc", *(f"__label__{n}" for n in range(labels - 2))]
    texts = [good, bad, *(f"word{n}" for n in range(labels - 2))]
    rows = [f"{name} {text} {text[: 7 + n % 20]}\n" for n in range(60) for name, text in zip(names, texts, strict=True)]
    (folder / "lines").write_text("".join(rows), encoding="utf-8")
    settings = {
        "dim": 8,
        "wordNgrams": 2,
        "bucket": 10_000,
        "epoch": 25,
        "lr": 0.5,
        "thread": 1,
        "verbose": 0,
    } | options
    with fasttext._zeroed_allocations():
        model = library.train_supervised(str(folder / "lines"), **settings)
    if quantise:
        model.quantize()
    path = folder / ("model.ftz" if quantise else "model.bin")
    model.save_model(str(path))
    return path


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("ready"))


def scores(path: Path, texts: list[str], **settings: Any) -> np.ndarray:
    ready = Ready(path=str(path), label=settings.pop("label", "__label__hq"), **settings)
    ready.check_files("stage")
    return ReadyModel(ready).score([pa.chunked_array([pa.array(texts, pa.large_string())])])


def by_dclm(path: Path, text: str) -> float:
    """As DCLM's enricher scores: the best label, turned round where it is the bad one."""
    import fasttext as library

    model = library.FastText._FastText(model_path=str(path))
    labels, probabilities = model.predict(" ".join(text.strip().splitlines()))
    return float(probabilities[0] if labels[0] == "__label__hq" else 1.0 - probabilities[0])


def test_scores_are_those_of_dclms_own_code(model: Path) -> None:
    found = scores(model, TEXTS)
    for text, score in zip(TEXTS, found, strict=True):
        if text.strip():
            assert score == pytest.approx(by_dclm(model, text), abs=3e-5)
    assert found[0] > 0.9
    assert found[1] < 0.1
    # Another label of the same file is the rest.
    assert scores(model, TEXTS, label="__label__cc")[:2] == pytest.approx(1.0 - found[:2], abs=3e-5)


def test_texts_that_hold_nothing_score_without_an_error(model: Path) -> None:
    assert ((scores(model, ["", " \n ", "\0", "unheard"]) >= 0.0) & (scores(model, ["", "", "", ""]) <= 1.0)).all()
    assert scores(model, []).shape == (0,)


def test_scores_do_not_depend_on_company_or_order(model: Path) -> None:
    whole = scores(model, TEXTS)
    assert np.array_equal(scores(model, TEXTS[::-1])[::-1], whole)
    assert np.array_equal(np.concatenate([scores(model, [text]) for text in TEXTS]), whole)


def test_quantised_files_score_too(tmp_path: Path) -> None:
    path = trained(tmp_path, quantise=True)
    found = scores(path, TEXTS)
    for text, score in zip(TEXTS, found, strict=True):
        if text.strip():
            assert score == pytest.approx(by_dclm(path, text), abs=3e-5)


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova"])
def test_any_loss_and_many_labels(tmp_path: Path, loss: str) -> None:
    import fasttext as library

    path = trained(tmp_path, labels=30, loss=loss)
    found = scores(path, TEXTS[:2])
    model = library.FastText._FastText(model_path=str(path))
    for text, score in zip(TEXTS[:2], found, strict=True):
        told = dict(zip(*model.predict(line_of(text), k=30), strict=True))
        assert score == pytest.approx(min(told.get("__label__hq", 0.0), 1.0), abs=1e-6)


def test_only_the_start_and_lower_case_are_read_where_it_is_said(model: Path) -> None:
    long = "x" * 200 + " because light explains"
    assert scores(model, [long], max_characters=200)[0] == scores(model, ["x" * 200])[0]
    assert scores(model, [long])[0] > scores(model, ["x" * 200])[0]
    loud = "BECAUSE LIGHT EXPLAINS WHY THE SKY SCATTERS"
    assert scores(model, [loud], lowercase=True)[0] == scores(model, [loud.lower()])[0]
    assert scores(model, [loud])[0] < scores(model, [loud], lowercase=True)[0]


def by_ultra_fineweb(content: str, tokenizer: Any) -> str:
    """The steps that the model card of Ultra-FineWeb's classifier lists, through transformers' tokenizer."""
    content = re.sub(r"\n{3,}", "\n\n", content).lower()
    content = "".join(c for c in unicodedata.normalize("NFKD", content) if unicodedata.category(c) != "Mn")
    words = [tokenizer.decode([token]) for token in tokenizer.encode(content, add_special_tokens=False)]
    content = " ".join(words)
    for letter, spelled in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        content = content.replace(letter, spelled)
    return re.sub(r" +", " ", content).strip()


def test_texts_are_cut_into_tokens_as_ultra_fineweb_does(tmp_path: Path, model: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    # Saved again, so that its special tokens stand in tokenizer.json, as they do in that of DeepSeek-V2.
    folder = tmp_path / "tokenizer"
    AutoTokenizer.from_pretrained(write_tokenizer(tmp_path / "plain")).save_pretrained(folder)
    theirs = AutoTokenizer.from_pretrained(folder)
    ours = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in [*TEXTS[:8], "Ünïcode\n\n\n\n\ttabs <s> here"]:
        assert tokens_of(text, ours) == by_ultra_fineweb(text, theirs)
    settings = {"prepare": "tokens", "tokenizer": str(folder / "tokenizer.json")}
    ready = Ready(path=str(model), label="__label__hq", **settings)
    assert ReadyModel(ready).line("Sky, Blä") == "s k y , b l a"
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ConfigError, match="is no tokenizer"):
        ReadyModel(Ready(path=str(model), label="x", prepare="tokens", tokenizer=str(tmp_path / "broken.json")))


def test_the_header_names_the_labels_as_the_library_does(tmp_path: Path) -> None:
    import fasttext as library

    path = trained(tmp_path, labels=300, epoch=1)
    told = library.FastText._FastText(model_path=str(path)).get_labels()
    header = fasttext_file.check(path)
    assert list(header.labels) == told
    assert header.supervised


def test_what_cannot_score_is_refused_before_anything_runs(tmp_path: Path, model: Path) -> None:
    def refused(said: str, error: type[Exception] = ConfigError, **settings: Any) -> None:
        with pytest.raises(error, match=said):
            Ready.model_validate({"path": str(model), "label": "__label__hq"} | settings).check_files("quality")

    refused(r"quality\.ready\.label: .* no label 'hq'; it has __label__(hq|cc), __label__(hq|cc)$", label="hq")
    refused(r"quality\.ready\.path: .* does not exist", path=str(tmp_path / "no.bin"))
    refused(r"quality\.ready\.tokenizer: .* does not exist", prepare="tokens", tokenizer=str(tmp_path / "no.json"))
    cut = tmp_path / "cut.bin"
    cut.write_bytes(model.read_bytes()[:-100])
    refused("was cut off", ModelError, path=str(cut))
    (tmp_path / "page.bin").write_text(json.dumps({"a": "page that a server sent instead"}) * 9)
    refused("not a fastText model", ModelError, path=str(tmp_path / "page.bin"))
    many = trained(tmp_path, labels=40, epoch=1)
    refused(r"… \(40 in all\)", path=str(many), label="no")
    import fasttext as library

    options = {"dim": 4, "epoch": 1, "thread": 1, "minCount": 1, "bucket": 100, "verbose": 0}
    with fasttext._zeroed_allocations():
        vectors = library.train_unsupervised(str(tmp_path / "lines"), **options)
    vectors.save_model(str(tmp_path / "vectors.bin"))
    refused("word vectors and no classifier", path=str(tmp_path / "vectors.bin"))


def test_a_hash_is_held_to(model: Path) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    Ready(path=str(model), label="__label__hq", sha256=digest.upper()).check_content("quality")
    with pytest.raises(SourceError, match=r"quality\.ready\.sha256"):
        Ready(path=str(model), label="__label__hq", sha256="0" * 64).check_content("quality")
    described = Ready(path=str(model), label="__label__hq").describe()
    assert described["model_sha256"] == digest
    assert described["file"] == "model.bin"


@pytest.mark.parametrize(
    "settings",
    [{"prepare": "tokens"}, {"tokenizer": "t.json"}, {"prepare": "words"}, {"max_characters": 5}, {"sha256": "1"}],
)
def test_settings_that_contradict_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Ready.model_validate({"path": "m.bin", "label": "x"} | settings)

"""A fastText file of another length than its header says is refused; the library itself would load it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis.classifiers import fasttext, fasttext_file
from tamis.errors import ModelError

FORMS = {
    "supervised": {"wordNgrams": 2, "bucket": 5_000, "dim": 8},
    "characters": {"minn": 2, "maxn": 4, "bucket": 3_000, "dim": 6},
    "no buckets": {"wordNgrams": 1, "dim": 5},
    "quantised": {"bucket": 5_000, "wordNgrams": 2, "dim": 8, "quantise": {}},
    "quantised, norms": {"bucket": 5_000, "wordNgrams": 2, "dim": 8, "quantise": {"qnorm": True}},
    "quantised, output too": {"bucket": 5_000, "dim": 8, "quantise": {"qout": True, "qnorm": True}},
    "quantised, pruned": {"bucket": 5_000, "dim": 8, "quantise": {"cutoff": 300, "retrain": False, "qnorm": True}},
}


@pytest.fixture(name="model", scope="module", params=FORMS)
def _model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import fasttext as library

    folder = tmp_path_factory.mktemp("model")
    lines = [f"__label__{n % 300} wort{n % 700} höher{n % 13} text{n}\n" for n in range(3_000)]
    (folder / "lines").write_text("".join(lines), encoding="utf-8")
    options = dict(FORMS[request.param])
    quantise = options.pop("quantise", None)
    # Without zeroed memory the library may fail with "Encountered NaN" (tamis/classifiers/fasttext.py).
    with fasttext._zeroed_allocations():
        model = library.train_supervised(str(folder / "lines"), epoch=1, thread=1, verbose=0, **options)
    if quantise is not None:
        model.quantize(**quantise)
    model.save_model(str(folder / "model"))
    return folder / "model"


def test_a_whole_model_passes(model: Path) -> None:
    fasttext_file.check(model)
    fasttext.load(model)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.998, 0.999, 0.9999])
def test_a_cut_model_is_refused_wherever_it_was_cut(model: Path, tmp_path: Path, share: float) -> None:
    content = model.read_bytes()
    cut = tmp_path / "cut.bin"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match=r"cut\.bin: a fastText model that was cut off"):
        fasttext.load(cut)


@pytest.mark.parametrize("change", [-1, 1])
def test_one_byte_counts(model: Path, tmp_path: Path, change: int) -> None:
    content = model.read_bytes()
    other = tmp_path / "other.bin"
    other.write_bytes(content[:-1] if change < 0 else content + b"\0")
    with pytest.raises(ModelError, match=r"other\.bin: .* its header says"):
        fasttext.load(other)


def test_another_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"PAR1" * 100)
    with pytest.raises(ModelError, match=r"a\.bin: not a fastText model"):
        fasttext.load(tmp_path / "a.bin")
    with pytest.raises(ModelError, match=r"missing\.bin: cannot be read"):
        fasttext.load(tmp_path / "missing.bin")

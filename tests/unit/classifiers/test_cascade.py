"""A cascade sees what lies between two bounds, and its report says what the rest loses by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from stage_jobs import classify

from tamis.classifiers.cascade import Cascade
from tamis.classifiers.good_bad import Labels
from tamis.classifiers.kinds import Linear
from tamis.classifiers.labels import Sampling
from tamis.classifiers.selectors import Selector
from tamis.classifiers.thresholds import Selection
from tamis.schemas import with_column
from tamis.shards import read_json

Make = Callable[..., pa.Table]


def test_bounds_are_inside_a_missing_score_is_seen_and_the_sample_does_not_know_the_rows() -> None:
    ids = [f"{number:032x}" for number in range(2000)]
    score = pa.array([None, 0.2, 0.8, *np.linspace(0.0, 1.0, 1997)], pa.float32())
    rows = pa.table({"id": ids, "cheap": score})
    cascade = Cascade(score="cheap", above=np.float32(0.2).item(), below=np.float32(0.8).item(), audit=0.1)
    inside, sampled = cascade.seen(rows)
    assert inside[:3].all()
    values = score.to_numpy(zero_copy_only=False)[3:]
    assert (inside[3:] == ((values >= np.float32(0.2)) & (values <= np.float32(0.8)))).all()
    assert not (inside & sampled).any()
    assert 50 < sampled.sum() < 120
    backwards = cascade.seen(rows.take(pa.array(range(1999, -1, -1))))
    assert (backwards[1][::-1] == sampled).all()
    assert (
        Cascade(score="cheap", above=0.2, audit=1.0).seen(rows)[1].sum()
        == (~Cascade(score="cheap", above=0.2).seen(rows)[0]).sum()
    )


@pytest.mark.parametrize(("bounds", "message"), [({}, "neither"), ({"above": 0.5, "below": 0.4}, "nothing between")])
def test_bounds_that_leave_nothing_are_refused(bounds: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Cascade(score="cheap", **bounds)


def _documents(make_documents: Make) -> pa.Table:
    """400 pages, half of good words; the cheap score is right for most, and unsure of a third."""
    random = np.random.default_rng(5)
    good = np.arange(400) % 2 == 0
    words = (["bug", "fixed", "crash", "release"], ["reader", "learns", "because", "step"])
    texts = [" ".join([*random.choice(words[int(value)], 30), f"number{row}"]) for row, value in enumerate(good)]
    ids = sorted(f"{value:016x}{value % 97:016x}" for value in random.integers(0, 2**62, 400).tolist())
    urls = [f"{'good' if value else 'bad'}/{row}" for row, value in enumerate(good)]
    cheap = np.where(good, 0.9, 0.1) + random.normal(0.0, 0.01, 400)
    wrong = random.permutation(400)[:40]
    cheap[wrong] = 1.0 - cheap[wrong]
    cheap[np.arange(400) % 3 == 0] = 0.5
    documents = make_documents(texts, id=ids, url=urls, kind=["prose"] * 400)
    return with_column(documents, "fasttext_quality", pa.array(cheap, pa.float32()))


def test_only_the_unsure_are_scored_and_the_report_is_that_of_brute_force(make_documents: Make, tmp_path: Path) -> None:
    documents = _documents(make_documents)
    values: dict[str, Any] = {
        "labels": Labels(good=(Selector(urls=("good*",)),), bad=(Selector(urls=("bad*",)),)),
        "sampling": Sampling(min_labels=10),
        "selection": Selection(keep_share={"prose": 0.5}, min_score={"prose": 0.4}),
    }
    bounds = Cascade(score="fasttext_quality", above=0.3, below=0.7, audit=0.25)
    found = classify(tmp_path / "some", documents, Linear(**values, cascade=bounds), 2)
    whole = classify(tmp_path / "all", documents, Linear(**values), 1)
    scores = found.table("scores").sort_by("id")
    unsure = (documents["fasttext_quality"].to_numpy() >= 0.3) & (documents["fasttext_quality"].to_numpy() <= 0.7)
    assert unsure.sum() == 134
    assert (scores["quality"].is_valid().to_numpy() == unsure).all()
    every = whole.table("scores").sort_by("id")["quality"].to_numpy()
    assert scores["quality"].drop_null().to_numpy().tolist() == every[unsure].tolist()
    assert found.outcome().kept.num_rows == 400 - 67
    report = read_json(tmp_path / "some/thresholds.json")["cascade"]
    assert (report["documents"], report["seen"]) == (400, 134)
    boundary = read_json(tmp_path / "some/thresholds.json")["prose"]["score"]
    cheap = documents["fasttext_quality"].to_numpy()
    sampled = scores["sampled"].is_valid().to_numpy()
    assert (scores["sampled"].to_numpy(zero_copy_only=False)[sampled] == every[sampled]).all()
    for side, where in (("below", cheap < 0.3), ("above", cheap > 0.7)):
        kept = every[where & sampled] > boundary
        expected = {"documents": int(where.sum()), "sampled": int((where & sampled).sum())}
        assert report[side] == expected | {"kept": int(kept.sum()), "dropped": int((~kept).sum())}
    # The cheap score was wrong about some.
    assert report["below"]["kept"] > 0
    assert report["above"]["dropped"] > 0
    same = classify(tmp_path / "again", documents, Linear(**values, cascade=bounds), 1)
    assert same.table("scores").sort_by("id").equals(scores)


def test_labels_of_one_language_judge_no_other(make_documents: Make, tmp_path: Path) -> None:
    """Words of another language are like none of the good ones: without `languages` they go for bad text."""
    documents = _documents(make_documents).drop_columns(["fasttext_quality"])
    told = np.array(["en"] * 400, dtype=object)
    told[::5], told[1::7] = "de", "und"
    documents = with_column(documents, "language", pa.array(told.tolist(), pa.string()))
    values: dict[str, Any] = {
        "labels": Labels(good=(Selector(urls=("good*",)),), bad=(Selector(urls=("bad*",)),)),
        "sampling": Sampling(min_labels=10),
        "selection": Selection(keep_share={"prose": 0.5}),
    }
    found = classify(tmp_path / "one", documents, Linear(**values, languages=("en",)), 2)
    scores = found.table("scores").sort_by("id")
    assert (scores["quality"].is_valid().to_numpy() == (told != "de")).all()
    kept = set(found.outcome().kept["id"].to_pylist())
    assert set(documents["id"].filter(pa.array(told == "de")).to_pylist()) <= kept
    assert len(kept) == (told == "de").sum() + -(-(told != "de").sum() // 2)
    # Nor are they labels.
    alone = documents.filter(pa.array(told != "de"))
    same = classify(tmp_path / "alone", alone, Linear(**values), 1).table("scores").sort_by("id")
    assert scores["quality"].drop_null().equals(same["quality"])

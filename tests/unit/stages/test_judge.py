"""A classifier that a judge teaches, from documents to ledger, with a local endpoint."""

from __future__ import annotations

import json

import numpy as np
import pytest
from judge_server import judge_server, says
from stage_jobs import classify

from tamis.classifiers.good_bad import Labels
from tamis.classifiers.kinds import Linear
from tamis.classifiers.labels import Sampling
from tamis.classifiers.selectors import Selector
from tamis.errors import ConfigError
from tamis.shards import read_json

GOOD = ["the", "reader", "learns", "because", "each", "step", "explains"]
BAD = ["fixed", "bug", "crash", "release", "version"]


def corpus(make_documents, number=300):
    """Half good and half bad prose, in an order that says nothing."""
    random = np.random.default_rng(5)
    texts = [" ".join(random.choice(GOOD if row % 2 else BAD, 40).tolist()) for row in range(number)]
    ids = [f"{value:016x}{value % 97:016x}" for value in random.integers(0, 2**62, number).tolist()]
    urls = [f"{'good' if row % 2 else 'bad'}/{row}" for row in range(number)]
    return make_documents(texts, id=ids, url=urls)


def grades(body, _):
    """As a teacher would, from 0 to 5: by the share of good words, and now and then she is lost for words."""
    words = body["messages"][0]["content"].split()
    if words[0] == "version":
        return says("That is hard to say.")
    good = np.mean([word in GOOD for word in words])
    return says(f"It has {len(words)} words.\nGrade: {4 if good > 0.5 else 1}")


@pytest.fixture(name="prompt")
def _prompt(tmp_path):
    path = tmp_path / "prompt.md"
    path.write_text("{text}")
    return path


def config(url, prompt, judge=(), **labels):
    given = {"url": url, "model": "m", "prompt": prompt, "answers": "grade_0_5", "cache": str(prompt.parent / "kept")}
    given |= {"documents": 120, "agreement": 0.1, "max_malformed": 0.2, "concurrency": 4, "max_characters": 100}
    return Linear(
        labels=Labels.model_validate({"judge": given | dict(judge), **labels}),
        sampling=Sampling(min_labels=10, held_out=0.3),
        training={"strengths": [1.0, 16.0]},
        selection={"keep_share": {"prose": 0.5}},
    )


def test_what_the_judge_says_is_learnt_and_stands_on_the_card(make_documents, tmp_path, prompt):
    documents = corpus(make_documents)
    with judge_server(grades) as server:
        settings = config(server.url, prompt, {"price": {"input": 1.0, "output": 2.0}})
        one = classify(tmp_path / "one", documents, settings, 1)
        assert len(server.requests) == 132
        assert max(len(text) for text in server.texts()) == 100
        three = classify(tmp_path / "three", documents, settings, 3)
        # Other shards, the same sample: nothing is asked again, and the model is the same.
        assert len(server.requests) == 132
    names = ("model", "card.json", "card.md")
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()
    assert one.outcome().kept.equals(three.outcome().kept)
    kept = one.outcome().kept
    assert kept.num_rows == 150
    assert all(url.startswith("good") for url in kept["url"].to_pylist())
    card, text = read_json(tmp_path / "one" / "card.json"), (tmp_path / "one" / "card.md").read_text()
    said = card["judge"]
    lost = said["malformed"]["no number"]
    assert 0 < lost < 24
    assert said["given"]["1"] + said["given"]["4"] == 120 - lost
    assert card["label_origin"]["malformed answer of the judge (no number)"] == lost
    assert card["label_origin"]["good by the judge"] == said["given"]["4"]
    assert sum(row["documents"] for row in card["labels"]) == 120 - lost
    assert card["grades"]["spearman"] == pytest.approx(1.0, abs=0.2)
    assert said["agreement"]["same"] == 1.0
    assert said["tokens"] == {"read": 13_200, "written": 1_320, "uncounted": 0, "cost": 0.01584}
    assert f"| malformed answers, which teach nothing | no number: {lost} |" in text
    assert "| cost | 13200 tokens read and 1320 written, 0.01584 at the prices of the configuration |" in text
    assert "| model as the endpoint names it | served-model: 132 |" in text
    assert "what a language model answered to one prompt" in text


def test_what_an_endpoint_calls_itself_is_no_markdown(make_documents, tmp_path, prompt):
    hostile = "<script>alert(1)</script> | x | [a](http://evil) \x1b[2J\n# Title"

    def behaviour(body, number):
        reply = grades(body, number)
        return reply._replace(body=reply.body.replace(b"served-model", json.dumps(hostile)[1:-1].encode()))

    with judge_server(behaviour) as server:
        classify(tmp_path / "one", corpus(make_documents), config(server.url, prompt), 1)
    text = (tmp_path / "one" / "card.md").read_text()
    assert "<script>" not in text
    assert "[a](" not in text
    assert "\x1b" not in text
    assert "\n# Title" not in text


def test_a_judge_mixes_with_selectors_and_two_labels_teach_neither(make_documents, tmp_path, prompt):
    documents = corpus(make_documents)
    # The selector contradicts the judge on some good pages, and agrees with it on all bad ones.
    selector = Selector(urls=("bad*", "good/1*"))
    with judge_server(grades) as server:
        settings = config(server.url, prompt, {"documents": 60, "agreement": 0.0}, bad=[selector])
        classify(tmp_path / "mixed", documents, settings, 2)
    card = read_json(tmp_path / "mixed" / "card.json")
    origin = card["label_origin"]
    lost = origin["same text with two labels"]
    assert lost > 0
    used = {name: sum(row["documents"] for row in card["labels"] if row["class"] == name) for name in ("good", "bad")}
    assert used["good"] == origin["good by the judge"] - lost / 2
    assert used["bad"] == origin["bad #1"] - lost / 2
    # Where they agree the text counts once.
    assert origin["same text once more"] == origin["bad by the judge"]


def test_settings_that_cannot_teach_are_refused_when_the_configuration_is_read(prompt):
    def problem(judge=(), **labels):
        found = config("http://localhost/v1", prompt, judge, **labels)
        found.check("education")
        found.check_files("education")

    problem()
    with pytest.raises(ConfigError, match=r"education\.labels\.judge\.documents: 19 cannot give each of two classes"):
        problem({"documents": 19})
    # Selectors teach both classes; the judge may add a little.
    problem({"documents": 19}, good=[{"urls": ["good*"]}], bad=[{"urls": ["bad*"]}])
    with pytest.raises(ConfigError, match="at most 6000 could teach, 1500 a class and kind"):
        problem({"documents": 6001})
    with pytest.raises(ConfigError, match=r"education\.labels\.judge\.prompt: .*no.md cannot be read"):
        problem({"prompt": prompt.parent / "no.md"})
    with pytest.raises(ConfigError, match="files or a judge"):
        Linear().check("education")

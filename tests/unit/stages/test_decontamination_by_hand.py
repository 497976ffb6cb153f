"""The whole stage against the same worked out plainly (`decontamination_by_hand`), on small random corpora."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from unittest.mock import patch

from decontamination_by_hand import ByHand
from documents import batched, make_documents
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stage_jobs import decontaminate

from tamis.decontamination import rarity
from tamis.stages import decontamination as stage

run = batched(decontaminate)

FEWEST = 6
"""Passages of which rarity is learnt, so that the words of a small corpus are not all as rare."""
COMMON, RARE = ("the", "of", "is", "a", "what", "and"), ("kite", "moss", "jade", "opal", "reef", "silo", "tusk", "yarn")
WORD = st.sampled_from((*COMMON, *COMMON, *RARE))
BOUNDS = {
    "seed": 3, "exact_below": 5, "short_below": 8, "min_words": 2, "min_information": 1.13, "threshold": 0.7431,
    "short_threshold": 0.8171, "phrase_information": 4.37, "ngram": 4, "margin": 3, "max_cuts": 2, "min_characters": 25,
    "audit": 0,
}  # fmt: skip
"""Short ones for short texts; no share of equal words comes to one of these."""
SETTINGS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["overlap", "overlap", "ngram"]),
        "mode": st.sampled_from(["drop", "cut"]),
        "acts_on": st.sampled_from([["pair", "question", "answer", "passage"], ["pair"], ["question", "passage"]]),
        "applies_to": st.sampled_from([["prose", "code"], ["prose"]]),
    }
)


def some(least, most):
    return st.lists(WORD, min_size=least, max_size=most).map(" ".join)


ITEM = st.fixed_dictionaries(
    {
        "question": st.one_of(some(1, 4), some(4, 9), some(8, 22)),
        "answer": st.one_of(st.just(""), some(1, 2), some(17, 20)),
        "choices": st.one_of(st.just([]), st.lists(some(1, 2), min_size=2, max_size=3)),
        "solution": st.one_of(st.just(""), some(16, 22)),
        "passage": st.one_of(st.just(""), some(8, 26)),
    }
)


@st.composite
def pieces(draw, items):
    """Something that stands in a document: other words, or a text of an item, changed in up to three places."""
    item = draw(st.sampled_from(items))
    choices = "\n".join(item["choices"])
    text = draw(
        st.sampled_from(
            [
                draw(some(0, 12)), item["question"], item["question"], f"{item['question']} {item['answer']}",
                f"{item['question']}\n{choices}", f"{item['question']} {choices} {item['answer']}", item["solution"],
                item["answer"], item["passage"],
            ]
        )
    )  # fmt: skip
    words = text.split(" ")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(words) - 1))
        words[at : at + draw(st.integers(0, 1))] = draw(st.lists(st.one_of(WORD, st.just("zz")), max_size=2))
        words = words or [""]
    return " ".join(words)


@st.composite
def corpora(draw):
    items = draw(st.lists(ITEM, min_size=1, max_size=4))
    texts = st.lists(pieces(items), min_size=1, max_size=4).map("\n".join).filter(str.strip)
    documents = draw(st.lists(st.tuples(texts, st.sampled_from(["prose", "code"])), min_size=3, max_size=8))
    return items, documents


def written(folder, items):
    """The items as two benchmarks, the first of all and the second of the first two."""
    fields = {name: name for name in ("answer", "choices", "solution", "passage")}
    filled = {name for name in fields if any(item[name] for item in items[:2])}
    benchmarks = []
    for name, count in (("one", len(items)), ("two", 2)):
        path = Path(folder) / f"{name}.jsonl"
        path.write_text("".join(json.dumps(item) + "\n" for item in items[:count]), encoding="utf-8")
        chosen = {key: value for key, value in fields.items() if key in filled}
        benchmarks.append({"name": name, "paths": [str(path)], "fields": chosen})
    return benchmarks


def compared(rows):
    """Rows in order, with scores to five figures."""
    rounded = [tuple(round(one, 5) if isinstance(one, float) else one for one in row) for row in rows]
    return sorted(rounded, key=repr)


def columns(table, *names):
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def by_stage(folder, documents, config, shards):
    """What the stage gives, as `ByHand.result` has it."""
    jobs = run(folder, documents, config, shards)
    outcome = jobs.outcome(edits=True)
    counts = ("benchmark", "items", "hit_items", "documents", "dropped", "cut", "characters", "words", "found")
    table = json.loads((folder / "contamination.json").read_text(encoding="utf-8"))["benchmarks"]
    assert outcome.edits is not None
    return {
        "kept": columns(outcome.kept, "id", "text", "contamination"),
        "dropped": columns(outcome.dropped, "id", "reason", "matched_id", "value", "threshold"),
        "edits": columns(outcome.edits, "id", "start", "end", "reason", "count", "matched_id"),
        "found": columns(
            jobs.table("found"), "id", "benchmark", "item", "part", "start", "end", "score", "words", "characters",
            "gone_words", "outcome",
        ),
        "counted": [tuple(row[name] for name in counts) for row in table],
    }  # fmt: skip


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(corpora(), SETTINGS, st.integers(1, 3))
def test_the_stage_does_what_its_definition_says(corpus, chosen, shards):
    items, given_documents = corpus
    documents = make_documents([text for text, _ in given_documents], kind=[kind for _, kind in given_documents])
    with tempfile.TemporaryDirectory() as folder, patch.object(rarity, "FEWEST", FEWEST):
        config = stage.Config(benchmarks=written(folder, items), **(BOUNDS | chosen))
        got = by_stage(Path(folder), documents, config, shards)
        expected = ByHand(config, config.items(), documents.select(["id", "kind", "text"]).to_pylist(), FEWEST).result()
    for name, rows in expected.items():
        assert compared(got[name]) == compared(rows), name

"""Decontamination: what is found in which disguise, what becomes of it, and that nothing depends on shards."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from documents import batched, make_documents
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from stage_jobs import decontaminate

from tamis.decontamination.disguises import DISGUISES
from tamis.errors import ConfigError, SourceError
from tamis.stages import decontamination as stage
from tamis.text import words

run = batched(decontaminate)

ITEMS = [
    {
        "id": "robe",
        "question": "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?",
        "answer": "3",
        "solution": "It takes 2/2=1 bolt of white fiber. So the total amount of fabric is 2+1=3 bolts of fabric, and that is "
        "all there is to say about this garment.",
    },
    {"id": "capital", "question": "What is the capital of Burkina Faso?", "answer": "Ouagadougou", "solution": None},
    {"id": "yes", "question": "Is it?", "answer": "yes", "solution": None},
    {
        "id": "chinese",
        "question": "一个水池有两根进水管和一根出水管，同时打开时需要多少小时才能注满水池？",  # noqa: RUF001
        "answer": "六小时",
        "solution": None,
    },
    {
        "id": "code",
        "question": 'def truncate_number(number: float) -> float:\n    """ Given a positive floating point number, it can be '
        'decomposed into an integer part and decimals. Return the decimal part of the number."""\n',
        "answer": "return number % 1.0",
        "solution": None,
    },
    {
        "id": "latex",
        "question": r"Compute $\left(\dfrac{3}{4}\right)^{2}\cdot\sqrt{x}$ \quad for the least positive real solution of "
        r"$x^2-7x+\text{six}=0$.",
        "answer": r"\frac{9}{16}",
        "solution": None,
    },
]
FILLER = (
    "the harbour master wrote down every ship that came in that week and what she carried, mostly grain and timber, some "
    "of it wet, and he was paid by the crown for each line of the ledger whether anybody read it or not. "
)


@pytest.fixture(scope="module", name="items")
def _items(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmarks") / "items.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in ITEMS), encoding="utf-8")
    return path


def config(items, **more):
    fields = {"question": "question", "answer": "answer", "solution": "solution", "id": "id"}
    benchmark = {"name": "small", "paths": [str(items)], "fields": fields}
    return stage.Config(**({"benchmarks": [benchmark], "audit": 0} | more))


def question(name):
    return next(item["question"] for item in ITEMS if item["id"] == name)


def dropped(jobs):
    """Document (number in its id) → reason and item."""
    rows = jobs.outcome(edits=True).dropped.to_pylist()
    return {int(row["id"][16:], 16): (row["reason"], row["matched_id"]) for row in rows}


def planted(text, before=FILLER, after=FILLER):
    return f"{before}\n\n{text}\n\n{after}"


def test_what_is_dropped_and_why(items, tmp_path):
    robe = ITEMS[0]
    documents = make_documents(
        [
            FILLER,
            planted(robe["question"]),
            planted(f"Q: {robe['question']}\nA: 3"),
            planted(robe["solution"]),
            planted(robe["solution"]) + planted(robe["question"]),
            planted("Is it? Yes. The capital of Burkina Faso has grown."),
            planted(question("capital")),
            planted("What is the capital of Burkina, then, of all of Faso?"),
        ]
    )
    jobs = run(tmp_path, documents, config(items))
    assert dropped(jobs) == {
        1: ("benchmark_question", "small/robe"),
        2: ("benchmark_pair", "small/robe"),
        3: ("benchmark_answer", "small/robe"),
        4: ("benchmark_pair", "small/robe"),
        6: ("benchmark_question", "small/capital"),
    }
    row = jobs.outcome(edits=True).dropped.to_pylist()[0]
    assert row["similarity"] == row["value"] == 1.0
    assert row["threshold"] == pytest.approx(0.75)
    assert row["kept_id"] is None
    found = jobs.table("found").to_pylist()
    spans = {
        (row["part"], documents["text"][int(row["id"][16:], 16)].as_py()[row["start"] : row["end"]]) for row in found
    }
    assert ("question", robe["question"].rstrip("?")) in spans


@pytest.mark.parametrize("name", ["robe", "chinese", "code", "latex"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_disguise_is_seen_through(items, tmp_path, name, disguise):
    texts = [planted(DISGUISES[disguise](question(name), Random(seed), FILLER.split())) for seed in range(5)]  # noqa: S311
    jobs = run(tmp_path, make_documents([*texts, FILLER]), config(items))
    assert dropped(jobs) == dict.fromkeys(range(5), ("benchmark_question", f"small/{name}"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("latex", r"compute \(\Bigl(\frac{3}{4}\Bigr)^{2} \cdot \sqrt{x}\) for the least positive real solution of \(x^2-7x + \mathrm{six} = 0\)"),
        ("robe", "A robe takes 2 <a href='/bolts?of=blue&amp;fiber=1'>bolts</a> of **blue** fiber&nbsp;and &ldquo;half&rdquo; that much white fiber&#46; How many bolts in <em>total</em> does it take"),
        ("code", "function truncate_number ( number : float ) -> float : given a positive floating-point number, it can be decomposed into an integer part and decimals; return the decimal part of the number"),
        ("chinese", "一个 水池 有 两根 进水管 和 一根 出水管 同时 打开 时 需要 多少 小时 才能 注满 水池"),
    ],
)  # fmt: skip
def test_forms_that_people_write(items, tmp_path, name, written):
    jobs = run(tmp_path, make_documents([planted(written), FILLER]), config(items))
    assert dropped(jobs) == {0: ("benchmark_question", f"small/{name}")}


def test_only_what_is_acted_on_is_dropped(items, tmp_path):
    documents = make_documents([planted(question("robe")), planted(f"{question('robe')}\n3")])
    jobs = run(tmp_path, documents, config(items, acts_on=["pair"]))
    assert dropped(jobs) == {1: ("benchmark_pair", "small/robe")}
    pair = documents["text"][1].as_py()
    assert {(row["outcome"], row["characters"], row["gone_words"]) for row in jobs.table("found").to_pylist()} == {
        ("noted", 0, 0),
        ("dropped", len(pair), len(words(pair))),
    }
    kept = jobs.outcome(edits=True).kept.to_pylist()
    assert [row["contamination"] for row in kept] == [1.0]


def test_kinds_that_are_not_looked_at(items, tmp_path):
    documents = make_documents([planted(question("robe"))] * 2, kind=["prose", "code"])
    jobs = run(tmp_path, documents, config(items, applies_to=["code"]))
    assert list(dropped(jobs)) == [1]
    assert jobs.outcome(edits=True).kept["contamination"].to_pylist() == [None]


def test_spans_are_cut_with_a_margin(items, tmp_path):
    text = planted(question("robe"), FILLER * 3, FILLER * 3)
    documents = make_documents([text, planted(question("robe"), "", ""), FILLER])
    jobs = run(tmp_path, documents, config(items, mode="cut", margin=20))
    outcome = jobs.outcome(edits=True)
    assert dropped(jobs) == {1: ("benchmark_question", "small/robe")}
    (edit,) = outcome.edits.to_pylist()
    assert (edit["reason"], edit["matched_id"], edit["replacement"]) == ("benchmark_question", "small/robe", None)
    cut = text[edit["start"] : edit["end"]]
    around = cut.split(question("robe").rstrip("?"))
    assert len(around) == 2
    gone = [(row["outcome"], row["gone_words"]) for row in jobs.table("found").to_pylist()]
    assert gone == [("cut", len(words(cut))), ("dropped", len(words(question("robe"))))]
    assert all(20 <= len(side) <= 40 for side in around)
    assert text[edit["start"] - 1].isspace()
    assert outcome.kept["text"][0].as_py() == text[: edit["start"]] + text[edit["end"] :]


def test_a_document_of_many_items_is_not_cut_to_pieces(items, tmp_path):
    text = "\n\n".join([FILLER * 3, question("robe")] * 4 + [FILLER * 3])
    settings_of = {"mode": "cut", "margin": 0}
    jobs = run(tmp_path / "few", make_documents([text]), config(items, max_cuts=3, **settings_of))
    assert dropped(jobs) == {0: ("benchmark_question", "small/robe")}
    jobs = run(tmp_path / "many", make_documents([text]), config(items, max_cuts=4, **settings_of))
    assert dropped(jobs) == {}
    assert jobs.table("edits").num_rows == 4


def test_ngrams_find_what_is_whole_and_miss_what_is_changed(items, tmp_path):
    words = question("robe").split()
    changed = " ".join("other" if place in (7, 15) else word for place, word in enumerate(words))
    documents = make_documents([planted(question("robe")), planted(changed), FILLER])
    assert list(dropped(run(tmp_path / "n", documents, config(items, method="ngram", min_words=8)))) == [0]
    assert list(dropped(run(tmp_path / "o", documents, config(items)))) == [0, 1]


def test_choices_listed_beside_a_question_are_no_answer(tmp_path):
    item = {
        "question": "Which of these gases makes up most of the atmosphere of the planet that we live on today?",
        "choices": ["oxygen", "nitrogen", "argon", "methane"],
        "answer": 1,
    }
    path = tmp_path / "choices.jsonl"
    path.write_text(json.dumps(item), encoding="utf-8")
    fields = {"answer": "answer", "choices": "choices"}
    chosen = stage.Config(benchmarks=[{"name": "air", "paths": [str(path)], "fields": fields}], audit=0)
    listed = f"{item['question']}\nA) oxygen\nB) nitrogen\nC) argon\nD) methane"
    documents = make_documents(
        [planted(listed), planted(f"{listed}\nAnswer: B) nitrogen"), planted(f"{item['question']} Nitrogen.")]
    )
    jobs = run(tmp_path, documents, chosen)
    assert {number: reason for number, (reason, _) in dropped(jobs).items()} == {
        0: "benchmark_question",
        1: "benchmark_pair",
        2: "benchmark_pair",
    }


def test_the_same_text_in_two_benchmarks_counts_for_both(items, tmp_path):
    fields = {"answer": "answer", "id": "id"}
    both = [{"name": name, "paths": [str(items)], "fields": fields} for name in ("one", "two")]
    jobs = run(tmp_path, make_documents([planted(question("robe")), FILLER]), stage.Config(benchmarks=both, audit=20))
    assert dropped(jobs) == {0: ("benchmark_question", "one/robe")}
    table = json.loads((tmp_path / "contamination.json").read_text())["benchmarks"]
    assert [(row["benchmark"], row["items"], row["hit_items"], row["documents"], row["found"]) for row in table] == [
        ("one", 6, 1, 1, 1),
        ("two", 6, 1, 1, 1),
    ]


TEXTS = st.lists(
    st.lists(st.sampled_from([FILLER, *(item["question"] for item in ITEMS), "Is it? yes", "3"]), max_size=4).map(
        "\n".join
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=10)
@given(TEXTS, st.sampled_from(["drop", "cut"]), st.sampled_from(["overlap", "ngram"]))
def test_nothing_depends_on_shards(items, texts, mode, method):
    chosen = config(items, mode=mode, method=method, audit=3)
    results = []
    for shards in (1, 3, 5):
        with tempfile.TemporaryDirectory() as folder:
            jobs = run(Path(folder), make_documents(texts), chosen, shards)
            outcome = jobs.outcome(edits=True)
            order = [(name, "ascending") for name in ("id", "start", "item", "part")]
            results.append(
                [
                    *(table.to_pylist() for table in (outcome.kept, outcome.dropped.sort_by("id"), outcome.edits)),
                    {name: outcome.notes[name] for name in ("items", "index_bytes")},
                    jobs.table("found").sort_by(order).to_pylist(),
                    (Path(folder) / "contamination.json").read_text(),
                ]
            )
    assert results[0] == results[1] == results[2]


def test_without_benchmarks_the_stage_is_refused(items):
    with pytest.raises(
        ConfigError, match=r"decontamination.benchmarks: none is given.*take decontamination out of pipeline"
    ):
        stage.Config().check("decontamination")
    twice = config(items, benchmarks=[{"name": "a", "paths": [str(items)]}] * 2)
    with pytest.raises(ConfigError, match="the name 'a' is given to 2"):
        twice.check("decontamination")


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        ("", {}, "no record in .*; correct the file, or take the benchmark out"),
        ('{"question": "What is it all about, then?"}\n{"question": null}\n', {}, "record 2: question is null or has no word"),
        ('{"question": "?!"}\n', {}, "record 1: question is null or has no word"),
        ('{"prompt": "x"}\n', {}, "record 1: has no field 'question', it has prompt; correct fields"),
        ('{"question": "What is it?", "answer": null}\n', {"answer": "answer"}, "'answer' is null in all 1 records"),
        ('{"question": "a b", "id": 7}\n{"question": "c d", "id": 7}\n', {"id": "id"}, "record 2: the id '7' is also that of"),
        ('{"question": "a b"\n', {}, "line 1: no JSON"),
        ("[1]\n", {}, "record 1: no object with fields"),
    ],
)  # fmt: skip
def test_bad_benchmarks_are_refused_before_anything_runs(tmp_path, content, fields, message):
    path = tmp_path / "bad.jsonl"
    path.write_text(content, encoding="utf-8")
    chosen = stage.Config(benchmarks=[{"name": "bad", "paths": [str(path)], "fields": fields}])
    with pytest.raises(SourceError, match=message) as error:
        chosen.check_files("decontamination")
    assert str(path) in str(error.value) or "benchmark bad" in str(error.value)


def test_impossible_settings_are_refused():
    for wrong in ({"seed": 2}, {"threshold": 0}, {"acts_on": []}, {"benchmarks": [{"name": "a b", "paths": ["x"]}]}):
        with pytest.raises(ValidationError):
            stage.Config(**wrong).model_dump()


def test_a_text_made_of_seeds_is_bounded(items, tmp_path):
    seed = " ".join(question("robe").split()[:5])
    text = f"{seed} " * 100_000 + planted(question("robe"))
    jobs = run(tmp_path, make_documents([text, FILLER]), config(items))
    # The steps that its words earn are never used up: each try ends after a few words.
    assert jobs.outcome(edits=True).notes["seeds_not_extended"] == 0
    assert list(dropped(jobs)) == [0]


def test_the_ledger_and_the_column_survive_the_disk(items, tmp_path):
    jobs = run(tmp_path, make_documents([planted(question("robe")), FILLER]), config(items))
    kept = pq.read_table(jobs.part("kept", 0))
    assert kept.schema.field("contamination").type == "float"

"""One chain with word lists, private values and benchmarks: the same for any number of shards, told where it must be, and nowhere else."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json

import finished
import pyarrow.parquet as pq
import pytest
from running import changed, planned, run_workflow

from tamis import cli
from tamis.decontamination.card import SHORT
from tamis.shards import read_json

pytestmark = pytest.mark.workflow

# Privacy: what is planted, and a document with more of it than may be.
MAIL, OTHER = "anna.huber@web.de", "ben@gmx.net"
KEY = "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"
PHONE, CARD, ADDRESS = "+49 30 2345678", "4539 1488 0343 6467", "81.2.69.142"
VALUES = (MAIL, OTHER, KEY, PHONE, CARD, ADDRESS)
LETTER = "Letter {} of the harbour. Write to {}, or to {}, or again to {}. The tide of day {} was {} inches high."
PLANTED = (
    f"Call {PHONE} and say that card {CARD} is lost; {MAIL} knows.",
    f"export TOKEN={KEY}\ncurl http://{ADDRESS}/harbour",
    "Nothing here is private: user@example.com, 192.0.2.7, version 10.20.30.41.",
)
CROWDED = " ".join([MAIL, OTHER, *(f"person{number}@web.de" for number in range(9))])
PERSON = (
    "Clerk Ada Quill wrote down that the tide of the longest day of the year was the highest since the wall was built."
)

# Toxicity: insults of a list, and rants with none of them, which a classifier has learnt.
ENGLISH = (
    "Letter {} of the harbour says that the tide was {} inches high and that the ships came in late in the evening."
)
GERMAN = "Brief {} aus dem Hafen sagt, dass die Flut {} Zoll hoch war und dass die Schiffe erst spät am Abend kamen."
RANT = "You useless wretched landlubber number {}, be gone and rot, you stinking wretched useless heap of a landlubber!"

# Decontamination: each item in two documents, one in none.
ITEMS = (
    "Which lantern does the keeper of the northern lighthouse extinguish first when fog creeps over the estuary at dawn?",
    "How many barrels of salted herring fit into a schooner whose hold measures ninety cubic fathoms below the deck?",
    "Why did the cartographer refuse to draw the sandbank that three captains had sworn they sounded in midsummer?",
    "Name the bird whose nest the apprentice mistook for ballast while repairing the bowsprit of a whaling vessel.",
)
NOWHERE = "Which item of eleven or more words in all stands in no document of this corpus at all?"

STAGES = ("toxicity", "privacy", "decontamination")


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def corpus(folder):
    texts = [LETTER.format(number, MAIL, OTHER, MAIL, number, 3 * number) for number in range(40)]
    texts += [*PLANTED, CROWDED, PERSON]
    texts += [f"{ENGLISH.format(100 + at, at)} {ITEMS[at % 4]} Nobody on watch {at} knew." for at in range(8)]
    write(folder / "letters.jsonl", [{"text": text, "url": f"https://h.example/{at}"} for at, text in enumerate(texts)])
    # Numbers of their own: none is a copy of another's.
    for name, insult, first in (("ports", "bilge", 300), ("pubs", "bilge rat", 600)):
        texts = [ENGLISH.format(first + at, 3 * at) + f" {insult}!" * (at % 3) for at in range(12)]
        texts += [GERMAN.format(first + at, 3 * at) + " Bilge." * (at % 2) for at in range(4)]
        write(
            folder / f"{name}.jsonl",
            [{"text": text, "url": f"https://{name}.example/{at}"} for at, text in enumerate(texts)],
        )
    write(
        folder / "quays.jsonl",
        [{"text": RANT.format(at), "url": f"https://quays.example/{at}"} for at in range(3)],
    )
    (folder / "lists").mkdir()
    (folder / "lists" / "en").write_text("bilge rat\nscurvy <dog>\n", encoding="utf-8")
    taught = [{"text": RANT.format(900 + at), "is": "rant"} for at in range(12)]
    taught += [{"text": text.format(900 + at, at), "is": "fair"} for at in range(6) for text in (ENGLISH, GERMAN)]
    write(folder / "rants.jsonl", taught)
    write(folder / "items.jsonl", [{"q": text, "n": at} for at, text in enumerate((*ITEMS, NOWHERE))])


ASKED = {
    "sources": [
        {"name": name, "format": "jsonl", "kind": "prose", "paths": [f"{name}.jsonl"]}
        for name in ("letters", "ports", "pubs", "quays")
    ],
    "pipeline": ["paragraph_dedup", "language_id", "rants", *STAGES],
    "classifiers": {
        "rants": {
            "model": "linear",
            "labels": {"files": [{"path": "rants.jsonl", "label": "is", "classes": {"rant": "good", "fair": "bad"}}]},
            "sampling": {"min_labels": 4},
        }
    },
    "toxicity": {
        "folders": ["lists"],
        "lists": {"und": ["lists/en"]},
        "max_hits": 1,
        "scores": ["rants"],
        "max_scores": {"rants": 0.9},
        "tried": [{"max_hits": 0}, {"max_hits": 2}, {"max_share": 0.01}, {"max_scores": {"rants": 0.9}}],
    },
    "privacy": {"max_spans": 8},
    "decontamination": {
        "benchmarks": [{"name": "spans", "paths": ["items.jsonl"], "fields": {"question": "q", "id": "n"}}],
        "audit": 10,
    },
    "tokenizer": {"vocabulary_size": 400},
    "mixtures": {"all": {"by": "kind", "weights": {"prose": 1}, "tokens": 20_000, "files": 1}},
    "export": {"shards": 1},
}
THREE = ASKED | {"output_dir": "three", "shards": 3, "partitions": 2}
ONE = ASKED | {"output_dir": "one", "shards": 1}


@pytest.fixture(scope="module", name="folder")
def _folder(make_folder):
    """A working directory with both runs in it."""
    folder = make_folder("hygiene")
    corpus(folder)
    run_workflow(folder, THREE, plain=True)
    run_workflow(folder, ONE)
    return folder


def tamis(folder, *arguments):
    """What `tamis` answers; not in a process of its own, which takes two seconds to start."""
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as told:
        assert cli.main([*arguments, "--results", "three"]) == 0
    return told.getvalue()


def exported(folder, name):
    return sorted((folder / name / "export").rglob("*.parquet"))


def test_a_second_run_has_nothing_to_do(folder):
    assert planned(folder, THREE) == {}


@pytest.mark.parametrize(
    ("stage", "tables", "files"),
    [
        ("toxicity", {"documents": ["id"], "dropped": ["id"], "scores": ["id"]}, ["retention.parquet", "entries.parquet"]),
        ("privacy", {"documents": ["id"], "dropped": ["id"], "edits": ["id", "start"]}, []),
        (
            "decontamination",
            {"documents": ["id"], "dropped": ["id"], "found": ["id", "start", "item", "part"]},
            ["contamination.json"],
        ),
    ],
)  # fmt: skip
def test_nothing_depends_on_the_number_of_shards(folder, stage, tables, files):
    for kind, order in tables.items():
        keys = [(name, "ascending") for name in order]
        one, other = (finished.table(folder / name / stage / kind).sort_by(keys) for name in ("three", "one"))
        assert one.num_rows
        assert one.equals(other)
    for name in files:
        assert (folder / "three" / stage / name).read_bytes() == (folder / "one" / stage / name).read_bytes()


def test_exports_are_the_same_bytes(folder):
    three, one = (exported(folder, name) for name in ("three", "one"))
    assert [path.read_bytes() for path in three] == [path.read_bytes() for path in one]
    cards = [(folder / name / "export" / "all" / "README.md").read_text(encoding="utf-8") for name in ("three", "one")]
    assert cards[0] == cards[1]


def test_private_values_become_placeholders(folder):
    texts = {row["url"]: row["text"] for path in exported(folder, "three") for row in pq.read_table(path).to_pylist()}
    assert texts["https://h.example/0"] == LETTER.format(0, "[EMAIL_1]", "[EMAIL_2]", "[EMAIL_1]", 0, 0)
    assert texts["https://h.example/40"] == "Call [PHONE_1] and say that card [CARD_1] is lost; [EMAIL_1] knows."
    assert texts["https://h.example/41"] == "export TOKEN=[SECRET_1]\ncurl http://[IP_1]/harbour"
    assert texts["https://h.example/42"] == PLANTED[2]
    dropped = finished.rows(folder / "three" / "privacy" / "dropped")
    assert [(row["url"], row["reason"], row["value"], row["threshold"]) for row in dropped] == [
        ("https://h.example/43", "too_many_spans", 11.0, 8.0)
    ]
    card = (folder / "three" / "export" / "all" / "README.md").read_text(encoding="utf-8")
    assert "1 documents with too many of them were dropped." in card
    assert {"| email | 41 |", "| ip address | 1 |", "| payment card | 1 |", "| secret | 1 |"} <= set(card.splitlines())


def test_private_values_stand_in_nothing_that_the_run_tells(folder):
    """Everything but the tables: page, counts, manifest, database of views, logs, cards, the tokenizer; and the terminal."""
    results = folder / "three"
    told = [path for path in results.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".arrow", ".npy")]
    names = {"index.html", "manifest.json", "tamis.duckdb", "tokenizer.json", "card.md", "README.md"}
    assert names <= {path.name for path in told}
    shown = {path: path.read_text(encoding="utf-8", errors="replace") for path in told}
    shown |= {number: tamis(folder, "why", f"https://h.example/{number}") for number in (0, 40, 41, 42, 43)}
    shown |= {kind: str(finished.rows(results / "privacy" / kind)) for kind in ("dropped", "edits", "documents")}
    for where, text in shown.items():
        for value in VALUES:
            assert value not in text, where
    page = shown[results / "report" / "index.html"]
    assert "[EMAIL_2]" in page
    assert "█" * len(MAIL) in page
    assert "█" * len(MAIL) in shown[43]


def test_what_lies_beyond_a_bound_of_hits_or_of_a_score_goes(folder):
    dropped = finished.rows(folder / "three" / "toxicity" / "dropped")
    hits = [row for row in dropped if row["reason"] == "toxic_hits"]
    assert sorted(row["url"] for row in hits) == sorted(f"https://pubs.example/{at}" for at in (2, 5, 8, 11))
    assert {(row["value"], row["threshold"]) for row in hits} == {(2.0, 1.0)}
    scored = [row for row in dropped if row["reason"] == "score_rants"]
    assert sorted(row["url"] for row in scored) == [f"https://quays.example/{at}" for at in range(3)]
    assert len(dropped) == len(hits) + len(scored)
    given = {row["id"]: row["rants"] for row in finished.rows(folder / "three" / "rants" / "scores")}
    assert all(row["value"] == given[row["id"]] > row["threshold"] == 0.9 for row in scored)
    kept = finished.rows(folder / "three" / "toxicity" / "scores")
    assert {row["id"]: row["rants"] for row in kept} == given


def test_page_terminal_and_card_say_whom_bounds_would_drop(folder):
    page = (folder / "three" / "report" / "index.html").read_text(encoding="utf-8")
    assert 'id="toxicity"' in page
    assert "<td>bilge rat</td>" in page
    rows = [line.split() for line in tamis(folder, "waterfall").splitlines()]
    card = (folder / "three" / "export" / "all" / "README.md").read_text(encoding="utf-8")
    # Documents, with a list, with hits; dropped; beyond hits > 0, hits > 2, a share of .01, and the score.
    for row in (
        ["pubs", "16", "12", "66.67%", "25.00%", "50.00%", "0.00%", "50.00%", "0.00%"],
        ["ports", "16", "12", "0.00%", "0.00%", "0.00%", "0.00%", "0.00%", "0.00%"],
        ["quays", "3", "3", "0.00%", "100.00%", "0.00%", "0.00%", "0.00%", "100.00%"],
        ["de", "8", "0", "–", "0.00%", "0.00%", "0.00%", "0.00%", "0.00%"],
        ["und", "2", "2", *["0.00%"] * 6],
    ):
        assert row in rows
        assert f"| {' | '.join(row)} |" in card


def test_benchmark_items_are_found_and_counted(folder):
    (row,) = read_json(folder / "three" / "decontamination" / "contamination.json")["benchmarks"]
    assert (row["items"], row["hit_items"], row["documents"]) == (5, 4, 8)
    assert row["recall"] > 0.8
    dropped = finished.rows(folder / "three" / "decontamination" / "dropped")
    assert {entry["url"] for entry in dropped} == {f"https://h.example/{45 + at}" for at in range(8)}
    assert {entry["matched_id"].partition("/")[0] for entry in dropped} == {"spans"}
    for told in ("report/index.html", "export/all/README.md"):
        text = (folder / "three" / told).read_text(encoding="utf-8")
        assert 'id="contamination"' in text or "## Benchmark contamination" in text
        assert SHORT in text
    assert "Recall by length" in (folder / "three" / "report" / "index.html").read_text(encoding="utf-8")
    asked = (
        "SELECT benchmark || '/' || item AS name, count(*), min(score) FROM found_decontamination GROUP BY 1 ORDER BY 1"
    )
    rows = [line.split() for line in tamis(folder, "sql", asked).splitlines()[2:]]
    assert rows == [[f"spans/{number}", "2", "1.0"] for number in range(4)]


def test_a_change_runs_what_depends_on_it(folder):
    """Another bound counts nothing again, another list does; a changed benchmark is looked for again, or refused."""
    again = planned(folder, changed(THREE, toxicity__max_hits=0)).keys()
    assert {"toxicity_apply", "toxicity_report"} <= again
    assert not {"toxicity_score", "language_id_apply", "ingest_map"} & again
    words, items = folder / "lists" / "en", folder / "items.jsonl"
    before = words.read_bytes(), items.read_bytes()
    try:
        words.write_text("bilge\n", encoding="utf-8")
        assert "toxicity_score" in planned(folder, THREE)
        words.write_bytes(before[0])
        write(items, [{"q": ITEMS[0], "n": 0}])
        assert {"decontamination_index", "decontamination_apply"} <= planned(folder, THREE).keys()
        items.write_text('{"q": null, "n": 1}\n', encoding="utf-8")
        assert "record 1: q is null or has no word" in run_workflow(folder, THREE, "-n", fails=True)
        nothing = changed(THREE, decontamination__benchmarks=[])
        assert "none is given, so nothing would be taken out" in run_workflow(folder, nothing, "-n", fails=True)
    finally:
        words.write_bytes(before[0])
        items.write_bytes(before[1])


@pytest.mark.skipif(
    importlib.util.find_spec("presidio_analyzer") is None or importlib.util.find_spec("spacy") is None,
    reason="privacy.names needs the extra `names` (presidio-analyzer and spaCy): pip install 'tamis[names]'",
)
def test_names_become_placeholders(folder):
    """Last, because it makes the stage anew in one of the runs."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ada Quill"}])
    pipeline.to_disk(folder / "persons")
    named = changed(ONE, privacy__names={"en": "persons"})
    run_workflow(folder, named, "privacy")
    texts = {row["url"]: row["text"] for row in finished.rows(folder / "one" / "privacy" / "documents")}
    assert texts["https://h.example/44"] == PERSON.replace("Ada Quill", "[NAME_1]")
    assert texts["https://h.example/0"] == LETTER.format(0, "[EMAIL_1]", "[EMAIL_2]", "[EMAIL_1]", 0, 0)

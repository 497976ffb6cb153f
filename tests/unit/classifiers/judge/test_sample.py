"""Which documents are judged does not depend on shards; what is learnt of them is what the judge said."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_server import judge_server, says

from tamis.classifiers.division import each_once
from tamis.classifiers.judge import labelling, sample
from tamis.classifiers.judge.section import Judge
from tamis.classifiers.label_files import text_id

PROMPT = "{text}"


def judge(**more):
    given = {"url": "http://localhost/v1", "model": "m", "prompt": "p", "answers": "grade_0_5", "agreement": 0.0}
    return Judge.model_validate({**given, **more})


def documents(make_documents, number, kind="prose"):
    return make_documents(
        [f"{kind} {row} " + "word " * 50 for row in range(number)],
        id=[text_id(f"{kind} {row}") for row in range(number)],
        kind=[kind] * number,
    )


def drawn(table, shards, settings):
    parts = [table.take(pa.array(range(shard, table.num_rows, shards), pa.int64())) for shard in range(shards)]
    taken = [sample.draw([part.slice(0, 7), part.slice(7)], settings, 0, ("prose", "code"), 0) for part in parts]
    return sample.whole(taken, settings.documents)


def test_the_sample_does_not_know_the_shards(make_documents):
    table = pa.concat_tables([documents(make_documents, 90), documents(make_documents, 12, "code")])
    for number in (1, 10, 30, 102, 1000):
        one, three, five = (drawn(table, shards, judge(documents=number)) for shards in (1, 3, 5))
        assert one.equals(three)
        assert one.equals(five)
        assert one.num_rows == min(number, 102)
    kinds = drawn(table, 3, judge(documents=30))["kind"].to_pylist()
    assert (kinds.count("prose"), kinds.count("code")) == (18, 12)
    # More documents are the same ones and others.
    assert set(drawn(table, 2, judge(documents=10))["id"].to_pylist()) <= set(
        drawn(table, 2, judge(documents=30))["id"].to_pylist()
    )


def test_other_kinds_and_empty_texts_are_not_judged(make_documents):
    table = pa.concat_tables(
        [
            documents(make_documents, 3),
            documents(make_documents, 3, "licence"),
            make_documents(["", " \n\t\u3000", " " * 50 + "x"]),
        ]
    )
    assert drawn(table, 2, judge(documents=100, max_characters=20)).num_rows == 3
    assert drawn(table, 2, judge(documents=100, max_characters=60)).num_rows == 4
    assert drawn(table.slice(0, 0), 1, judge()).num_rows == 0


def test_text_is_cut_at_what_judge_or_model_read(make_documents):
    table = make_documents(["漢" * 500])
    for most, carried in ((0, 30), (100, 100)):
        rows = sample.draw([table], judge(max_characters=30), 0, ("prose",), most)
        assert rows["text"].to_pylist() == ["漢" * carried]
        assert rows["characters"].to_pylist() == [500]


@given(st.dictionaries(st.sampled_from(["prose", "code", "maths", "licence"]), st.integers(0, 50)), st.integers(0, 120))
def test_kinds_share_evenly(counts, number):
    taken = sample.spread(counts, number)
    assert sum(taken.values()) == min(number, sum(counts.values()))
    assert all(taken[kind] <= counts[kind] for kind in counts)
    # A kind that is not taken whole has as much as any other, but for the rest of the division.
    for kind in counts:
        if taken[kind] < counts[kind]:
            assert taken[kind] >= max(taken.values()) - 1


def labelled(server, folder, rows, **more):
    settings = judge(url=server.url, cache=str(folder), **more)
    return labelling.label(settings, PROMPT, rows, 0, ("bad", "good"))


def test_grades_are_labels_and_the_rest_is_counted(make_documents, tmp_path):
    said = {0: "Grade: 5", 1: "Grade: 2", 2: "Grade: 3", 3: "well", 4: "Grade: 9"}
    rows = drawn(documents(make_documents, 5), 1, judge())
    with judge_server(lambda body, _: says(said[int(body["messages"][0]["content"].split()[1])])) as server:
        more = {"max_malformed": 0.5, "price": {"input": 1.0, "output": 10.0}}
        found = labelled(server, tmp_path, rows, **more)
        table = found.labelled.rows
        grades = {
            text.split()[1]: (label, grade)
            for text, label, grade in zip(
                *(table[name].to_pylist() for name in ("text", "label", "grade")), strict=True
            )
        }
        assert grades == {"0": ("good", 1.0), "1": ("bad", 0.4), "2": ("good", 0.6)}
        assert found.labelled.matches == {
            "good by the judge": 2,
            "bad by the judge": 1,
            "malformed answer of the judge (no number)": 1,
            "malformed answer of the judge (out of range)": 1,
        }
        assert found.said == {
            "model": "m",
            "answers": "grade_0_5",
            "documents": 5,
            "given": {"2": 1, "3": 1, "5": 1},
            "malformed": {"no number": 1, "out of range": 1},
            "agreement": None,
            "tokens": {"read": 500, "written": 50, "uncounted": 0, "cost": 0.001},
            "served": {"served-model": 5},
        }
        sample.write_judged(tmp_path / "judged.arrow", "education", found.labelled, found.said, found.effort)
        back, told = sample.read_judged(tmp_path / "judged.arrow")
        assert back.rows.equals(table)
        assert (back.matches, told) == (found.labelled.matches, found.said)
        # What a card says is the same when nothing is asked.
        again = labelled(server, tmp_path, rows, **more)
        assert len(server.requests) == 5
        assert (again.said, again.labelled.matches) == (found.said, found.labelled.matches)


def test_a_share_is_asked_twice_and_teaches_once(make_documents, tmp_path):
    rows = drawn(documents(make_documents, 40), 1, judge())

    def behaviour(body, _):
        # The second seed disagrees on texts that end in 3.
        row = int(body["messages"][0]["content"].split()[1])
        return says("no" if body["seed"] == 7 and row % 10 == 3 else "yes" if row % 2 else "no")

    with judge_server(behaviour) as server:
        found = labelled(server, tmp_path, rows, answers="yes_no", agreement=1.0, seed=6)
        assert sorted(request["seed"] for request in server.requests) == [6] * 40 + [7] * 40
        assert found.said["agreement"]["documents"] == 40
        assert found.said["agreement"]["same"] == pytest.approx(0.9)
        assert found.said["given"] == {"no": 20, "yes": 20}
        assert found.labelled.rows.num_rows == 40
        assert found.labelled.rows["grade"].null_count == 40
        found = labelled(server, tmp_path, rows, answers="yes_no", agreement=0.1, seed=6)
        assert found.said["agreement"]["documents"] == 4
        assert len(server.requests) == 80


def test_nothing_to_judge(tmp_path, make_documents):
    with judge_server(lambda *_: says("yes")) as server:
        found = labelled(server, tmp_path, drawn(documents(make_documents, 0), 1, judge()), agreement=0.5)
        assert found.labelled.rows.num_rows == 0
        assert found.said["documents"] == 0
        assert not server.requests


def rows_with(*taught):
    size = len(taught)
    return pa.table(
        {
            "id": [f"{row:032x}" for row in range(size)],
            "label": [label for label, _ in taught],
            "grade": pa.array([grade for _, grade in taught], pa.float64()),
            "key": pa.array(range(size), pa.uint64()),
            "characters": [4] * size,
            "text": ["same"] * size,
        }
    )


def test_a_selector_and_a_judge_that_agree_teach_the_grade():
    kept, counts = each_once(rows_with(("good", None), ("good", 0.8), ("good", 0.8)))
    assert kept["grade"].to_pylist() == [0.8]
    assert counts == {"same text once more": 2}
    for conflict in ((("good", None), ("bad", 0.2)), (("good", 0.6), ("good", 0.8)), (("good", None), ("bad", None))):
        kept, counts = each_once(rows_with(*conflict))
        assert kept.num_rows == 0
        assert counts == {"same text with two labels": 2}

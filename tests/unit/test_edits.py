"""Texts changed through the one way to change them: the rows are the whole difference, and characters add up."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import make_documents
from hypothesis import example, given, settings
from hypothesis import strategies as st
from outcomes import write_outcome

from tamis import schemas
from tamis.edits import Change, Spans, changed, edited, in_sequence, merged, read_edits, then
from tamis.errors import ConservationError, SourceError
from tamis.kernels.words import buffers
from tamis.ledger import Outputs, dropped_rows, outcome_writer
from tamis.shards import read_json, write_table


def spans_of(documents, places):
    """Spans of bytes from (row, first character, character after the last)."""
    texts = documents["text"].to_pylist()
    first, _ = buffers(documents["text"])

    def byte(row, character):
        return first[row] + len(texts[row][:character].encode())

    return Spans(
        np.array([row for row, _, _ in places], np.int64),
        np.array([byte(row, start) for row, start, _ in places], np.int64),
        np.array([byte(row, end) for row, _, end in places], np.int64),
    )


def applied(text, rows):
    """A text with edits rows applied to it, in plain Python."""
    pieces, position = [], 0
    for row in rows:
        pieces += [text[position : row["start"]], row["replacement"] or ""]
        position = row["end"]
    return "".join(pieces) + text[position:]


LETTERS = st.sampled_from(["a", "b", "\n", "é", "語", "𐍈", "e\u0301", "\0"])
TEXT = st.lists(LETTERS, max_size=10).map("".join)


@st.composite
def edits(draw):
    """Texts, and edits of them: (row, start, end, reason, replacement), touching ones and empty ones among them."""
    texts = draw(st.lists(TEXT, max_size=5))
    made = []
    for row, text in enumerate(texts):
        bounds = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=6))), len(text)]
        for start, end in pairwise(bounds):
            here = (row, start, end)
            if draw(st.booleans()) and (not made or made[-1][:3] != here):
                made.append((*here, draw(st.sampled_from(["e-mail", "phone"])), draw(st.none() | TEXT)))
    return texts, made


@settings(deadline=None)
@given(edits())
@example((["語a"], [(0, 0, 1, "x", None), (0, 1, 2, "x", "")]))
@example((["a", "b"], [(0, 1, 1, "x", "é"), (1, 0, 0, "x", "語"), (1, 0, 1, "x", None), (1, 1, 1, "x", "𐍈")]))
@example((["abc"], [(0, 0, 3, "x", None)]))
def test_the_rows_applied_to_the_text_as_read_give_the_text_written(tmp_path_factory, drawn):
    texts, made = drawn
    documents = make_documents(texts)
    ids = documents["id"].to_pylist()
    after, rows = edited(
        documents,
        spans_of(documents, [edit[:3] for edit in made]),
        [edit[3] for edit in made],
        count=np.arange(len(made)),
        matched_id=pa.array([ids[0] for _ in made], pa.string()),
        replacement=[edit[4] for edit in made],
    )
    assert rows.schema == schemas.EDITS
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (ids[row], start, end, new, reason, number, ids[0])
        for number, (row, start, end, reason, new) in enumerate(made)
    ]
    folder = tmp_path_factory.mktemp("edits")
    outputs = Outputs(folder / "kept", folder / "dropped", folder / "stats", folder / "edits")
    write_outcome(outputs, "s", 0, documents, after, dropped_rows("s", documents.slice(0, 0), "r"), edits=rows)
    written = read_edits(outputs.edits).to_pylist()
    for name, text, new in zip(ids, texts, pq.read_table(outputs.documents)["text"].to_pylist(), strict=True):
        assert applied(text, [row for row in written if row["id"] == name]) == new
    assert after.drop_columns("text").equals(documents.drop_columns("text"))


@settings(deadline=None)
@given(edits())
def test_cuts_alone_need_no_replacements(drawn):
    texts, made = drawn
    documents = make_documents(texts)
    spans = spans_of(documents, [edit[:3] for edit in made])
    after, rows = edited(documents, spans, "gone")
    same, with_nulls = edited(documents, spans, "gone", replacement=[None] * len(made))
    assert after["text"].to_pylist() == same["text"].to_pylist()
    assert rows.equals(with_nulls)
    assert rows["replacement"].null_count == rows["matched_id"].null_count == rows["count"].null_count == len(made)


def test_spans_that_touch_become_one_with_the_largest_count():
    documents = make_documents(["aébcd", "aé"])
    spans = spans_of(documents, [(0, 0, 1), (0, 1, 3), (0, 4, 5), (1, 0, 1), (1, 1, 2)])
    found, count = merged(spans, np.array([3, 7, 1, 4, 2]))
    assert [values.tolist() for values in found] == [[0, 0, 1], [0, 5, 6], [4, 6, 9]]
    assert count.tolist() == [7, 1, 4]
    assert edited(documents, found, "r")[0]["text"].to_pylist() == ["c", ""]
    none = Spans(*(np.zeros(0, np.int64) for _ in range(3)))
    assert merged(none, np.zeros(0)) == (none, pytest.approx([]))


@pytest.mark.parametrize(
    ("places", "wrong"),
    [
        ([(0, 2, 4), (0, 3, 5)], "1 overlap"),
        ([(0, 3, 5), (0, 0, 1)], "1 overlap"),
        ([(1, 6, 7), (0, 0, 1)], "1 overlap"),
        ([(0, 2, 2), (0, 2, 2)], "1 overlap"),
        ([(0, 4, 7)], "1 lie outside"),
        ([(0, 3, 2)], "1 lie outside"),
        ([(2, 0, 1)], "1 lie outside"),
        ([(-1, 0, 1)], "1 lie outside"),
        ([(0, 0, 2)], "1 ends split"),
        ([(0, 2, 3)], "1 ends split"),
    ],
)
def test_spans_that_lie_wrong_are_refused(places, wrong):
    documents = make_documents(["aébcd", "xyz"])
    spans = Spans(*(np.array(values, np.int64) for values in zip(*places, strict=True)))
    with pytest.raises(ConservationError, match=wrong):
        edited(documents, spans, "r")


MAIL = re.compile(r"[\w.]+@[\w.]+")


def mask(before):
    """A stage that masks e-mail addresses, as plainly as can be."""
    found = [(row, match) for row, text in enumerate(before["text"].to_pylist()) for match in MAIL.finditer(text)]
    spans = spans_of(before, [(row, *match.span()) for row, match in found])
    return edited(before, spans, "e-mail", replacement=["<E-MAIL>" for _ in found])


def test_a_stage_that_masks_passes_the_ledger(tmp_path):
    documents = make_documents(
        ["schreib an jörg@müller.example!", "nothing here", "a@b, c@d", "x@y"], kind=["prose", "prose", "code", "prose"]
    )
    outputs = Outputs(tmp_path / "kept", tmp_path / "dropped", tmp_path / "stats", tmp_path / "edits")
    with outcome_writer(outputs, "privacy", 0) as writer:
        for start in (0, 2):
            before = documents.slice(start, 2)
            after, rows = mask(before)
            # The last one is dropped after all: what was masked in it counts as dropped, as it was read.
            stays = pa.array([name != documents["id"][3].as_py() for name in before["id"].to_pylist()])
            gone = dropped_rows("privacy", before.filter(pa.compute.invert(stays)), "too_short")
            writer.add(before, after.filter(stays), gone, edits=rows)
    assert pq.read_table(outputs.documents)["text"].to_pylist() == [
        "schreib an <E-MAIL>!",
        "nothing here",
        "<E-MAIL>, <E-MAIL>",
    ]
    counts = {
        (row["outcome"], row["kind"], row["reason"]): (row["documents"], row["characters"])
        for row in read_json(outputs.stats)["counts"]
    }
    assert counts == {
        ("in", "prose", ""): (3, 31 + 12 + 3),
        ("in", "code", ""): (1, 8),
        ("kept", "prose", ""): (2, 20 + 12),
        ("kept", "code", ""): (1, 18),
        ("dropped", "prose", "too_short"): (1, 3),
        ("cut", "prose", "e-mail"): (1, 19),
        ("cut", "code", "e-mail"): (1, 6),
        ("added", "prose", "e-mail"): (1, 8),
        ("added", "code", "e-mail"): (1, 16),
    }


def test_a_replacement_that_is_not_told_fails(tmp_path):
    documents = make_documents(["write to a@b.example"])
    after, rows = mask(documents)
    outputs = Outputs(tmp_path / "kept", tmp_path / "dropped", tmp_path / "stats", tmp_path / "edits")
    none = dropped_rows("privacy", documents.slice(0, 0), "r")
    untold = rows.set_column(rows.schema.get_field_index("replacement"), "replacement", pa.nulls(1, pa.string()))
    for told in (untold, rows.slice(1), None):
        with pytest.raises(ConservationError, match="20 characters read"):
            write_outcome(outputs, "privacy", 0, documents, after, none, edits=told)
    assert list(tmp_path.iterdir()) == []
    write_outcome(outputs, "privacy", 0, documents, after, none, edits=rows)


def test_files_of_an_earlier_version_have_null_replacements(tmp_path):
    _, rows = mask(make_documents(["a@b"]))
    write_table(tmp_path / "new", rows)
    write_table(tmp_path / "old", rows.drop_columns("replacement"))
    assert read_edits(tmp_path / "new").equals(rows)
    old = read_edits(tmp_path / "old")
    assert old.schema == schemas.EDITS
    assert old.to_pylist() == [row | {"replacement": None} for row in rows.to_pylist()]
    with pytest.raises(SourceError):
        read_edits(tmp_path / "none")


@st.composite
def changes(draw, text):
    """Changes of a text: rising, not overlapping, touching and empty ones among them."""
    bounds = [0, *sorted(draw(st.lists(st.integers(0, len(text)), max_size=6))), len(text)]
    found = []
    for start, end in pairwise(bounds):
        if draw(st.booleans()) and (start, end) not in [change[:2] for change in found]:
            found.append(Change(start, end, draw(TEXT), draw(st.sampled_from("ab"))))
    return found


@given(st.data(), TEXT)
def test_changes_of_changes_are_changes_of_the_text(data, text):
    first = data.draw(changes(text))
    between = changed(text, first)
    second = data.draw(changes(between))
    both = then(text, first, second)
    assert changed(text, both) == changed(between, second)
    assert all(one.end <= other.start for one, other in pairwise(both))


def test_changes_that_touch_nothing_of_each_other_stay_apart():
    text = "one two three four"
    first = [Change(0, 3, "1", "a"), Change(8, 13, "", "a")]
    second = [Change(2, 5, "2", "b"), Change(5, 6, "", "b"), Change(7, 11, "vier", "b")]
    assert changed(text, first) == "1 two  four"
    assert then(text, first, second) == [
        Change(0, 3, "1", "a"),
        Change(4, 7, "2", "b"),
        Change(7, 8, "", "b"),
        Change(8, 13, "", "a"),
        Change(14, 18, "vier", "b"),
    ]
    # One that meets what was put in is one with it, under its reason.
    assert then("abcdef", [Change(1, 3, "XYZ", "a")], [Change(0, 2, "-", "b"), Change(3, 5, "", "b")]) == [
        Change(0, 4, "-Y", "a")
    ]


@given(edits(), st.data())
def test_edits_of_edited_documents_are_edits_of_the_documents(drawn, data):
    texts, made = drawn
    documents = make_documents(texts)
    between, first = edited(
        documents, spans_of(documents, [edit[:3] for edit in made]), "first", replacement=[edit[4] for edit in made]
    )
    cuts = [
        (row, *change[:2])
        for row, text in enumerate(between["text"].to_pylist())
        for change in data.draw(changes(text))
        if change.start < change.end
    ]
    after, second = edited(between, spans_of(between, cuts), "second")
    rows = in_sequence(documents, first, second).to_pylist()
    for name, text, new in zip(documents["id"].to_pylist(), texts, after["text"].to_pylist(), strict=True):
        own = sorted((row for row in rows if row["id"] == name), key=lambda row: (row["start"], row["end"]))
        assert applied(text, own) == new

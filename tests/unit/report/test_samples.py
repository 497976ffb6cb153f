"""Which documents are shown, and the passages of them."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest
from fake_results import BANNER, MASK, join_through, make_results
from hypothesis import given
from hypothesis import strategies as st

from tamis.hashing import keyed_uint64
from tamis.report import samples
from tamis.report.layout import Results
from tamis.shards import read_table, write_table

SIZES = samples.Sizes(kept=4, dropped=3, edited=2, characters=300, context=20, seed=0)


@pytest.fixture(scope="module", name="folders")
def _folders(tmp_path_factory):
    made = {}
    for shards in (1, 2, 5):
        folder = tmp_path_factory.mktemp("samples") / "results"
        ids = make_results(folder, shards, finish=False)
        made[shards] = (Results.open(folder), ids)
    return made


def shown(value):
    return dataclasses.asdict(value)


def test_samples_do_not_depend_on_shards(folders):
    stages = folders[1][0].layout.stages
    for stage in stages:
        one, two, five = (shown(samples.of_stage(folders[n][0], stage, SIZES)) for n in (1, 2, 5))
        assert one == two == five


def test_the_smallest_hashes_win_whatever_the_split():
    ids = [f"{n:032x}" for n in range(200)]
    groups = [("a", "b", "c")[n % 3] for n in range(200)]
    table = pa.table({"id": ids})
    hashes = dict(zip(ids, keyed_uint64("key", ids).tolist(), strict=True))
    expected = {
        group: sorted((name for name, of in zip(ids, groups, strict=True) if of == group), key=hashes.__getitem__)[:5]
        for group in "abc"
    }
    for split in (0, 1, 77, 200):
        parts = [(groups[:split], table[:split]), (groups[split:], table[split:])]
        chosen = samples.smallest(parts, 5, "key")
        assert {group: [row["id"] for row in rows] for group, rows in chosen.items()} == expected


def test_a_near_duplicate_stands_beside_what_was_kept(folders):
    results, ids = folders[2]
    found = samples.of_stage(results, "minhash_dedup", SIZES)
    (entry,) = found.dropped["near_duplicate"]
    assert (entry.document.id, entry.matched.id) == (ids["near"], ids["near_kept"])
    assert (entry.value, entry.threshold, entry.similarity) == (0.9375, 0.7, 0.9375)
    assert [piece.text.strip() for piece in entry.document.pieces if piece.mark == "only"] == ["other7"]
    assert [piece.text.strip() for piece in entry.matched.pieces if piece.mark == "only"] == ["word7"]


def test_what_a_chain_joined_stands_beside_its_neighbour_and_names_what_was_kept(tmp_path):
    ids = make_results(tmp_path)
    join_through(tmp_path, ids, ids["hostile"])
    (entry,) = samples.of_stage(Results.open(tmp_path), "minhash_dedup", SIZES).dropped["near_duplicate"]
    assert (entry.matched_id, entry.matched.id, entry.kept_id) == (ids["hostile"], ids["hostile"], ids["near_kept"])


def test_cuts_are_shown_in_the_text_the_stage_read(folders):
    results, _ = folders[2]
    entries = samples.of_stage(results, "paragraph_dedup", SIZES).edited["repeated_paragraph"]
    assert len(entries) == 2
    for entry in entries:
        assert [piece.text for piece in entry.document.pieces if piece.mark == "cut"] == [BANNER]
        assert entry.size == samples.EditSize(1, len(BANNER), 0)
        assert str(entry.size) == f"1 cut, {len(BANNER)} characters"


def test_numbers_of_samples_are_held_to(folders):
    results, _ = folders[2]
    found = samples.of_stage(results, "heuristics", SIZES)
    assert len(found.kept) == 4
    assert {reason: len(entries) for reason, entries in found.dropped.items()} == {
        "gopher_too_few_words": 3,
        "<i>odd_rule</i>": 1,
    }
    none = dataclasses.replace(SIZES, kept=0, dropped=0, edited=0)
    empty = samples.of_stage(results, "heuristics", none)
    assert (empty.kept, empty.dropped, empty.edited) == ([], {}, {})


def test_a_text_that_is_gone_is_said_to_be(folders, tmp_path):
    make_results(tmp_path, finish=False)
    for path in (tmp_path / "minhash_dedup/documents").iterdir():
        path.unlink()
    entries = samples.of_stage(Results.open(tmp_path), "heuristics", SIZES).dropped["gopher_too_few_words"]
    assert all(entry.document.pieces[0].mark == "gap" for entry in entries)


def test_a_replacement_is_shown_beside_what_it_replaces(folders):
    results, ids = folders[2]
    (entry,) = samples.of_stage(results, "paragraph_dedup", SIZES).edited["name"]
    assert entry.document.id == ids["masked"]
    assert [(piece.text, piece.mark) for piece in entry.document.pieces[:2]] == [("Document", "cut"), (MASK, "new")]
    assert str(entry.size) == f"1 edit, 8 characters cut, {len(MASK)} put in"


def test_edits_of_an_earlier_version_have_no_replacements(tmp_path):
    make_results(tmp_path, finish=False)
    for path in (tmp_path / "paragraph_dedup/edits").iterdir():
        write_table(path, read_table(path).drop_columns("replacement"))
    edited = samples.of_stage(Results.open(tmp_path), "paragraph_dedup", SIZES).edited
    assert {reason: entries[0].size.added for reason, entries in edited.items()} == {
        "name": 0,
        "repeated_paragraph": 0,
    }


SPANS = st.lists(st.integers(0, 400), max_size=12, unique=True).map(sorted)


@given(
    bounds=SPANS,
    put_in=st.lists(st.none() | st.text("XYZ", max_size=600), min_size=6, max_size=6),
    context=st.integers(0, 50),
    characters=st.integers(1, 500),
)
def test_pieces_around_edits_add_up_to_the_text(bounds, put_in, context, characters):
    text = "".join(chr(97 + n % 26) for n in range(401))
    edits = [samples.Edit(*edit) for edit in zip(bounds[::2], bounds[1::2], put_in, strict=False)]
    pieces = samples.around_edits(text, edits, context, characters)
    position = 0
    new = []
    for piece in pieces:
        if piece.mark == "gap":
            if piece.text.endswith("more edits"):
                break
            if not piece.text.endswith("put in"):
                position += int(piece.text.split()[0].replace(",", ""))
        elif piece.mark == "new":
            assert position == next(edit.end for edit in edits if position <= edit.end)
            new.append(piece.text)
        else:
            assert text[position : position + len(piece.text)] == piece.text
            inside = any(edit.start <= position < edit.end for edit in edits)
            assert inside == (piece.mark == "cut")
            position += len(piece.text)
    else:
        assert position == len(text)
        assert new == [edit.replacement[:characters] for edit in edits if edit.replacement]


@given(text=st.text(max_size=200), other=st.text(max_size=200), characters=st.integers(1, 100))
def test_compared_pieces_give_the_text_back(text, other, characters):
    pieces = samples.compare(text, other, characters)
    assert "".join(piece.text for piece in pieces if piece.mark != "gap") == text[:characters]
    assert all(piece.mark != "only" for piece in samples.compare(text, text, characters))


def test_a_copy_wrapped_anew_has_no_marks():
    pieces = samples.compare("The same words\nwrapped Here", "the same\n words wrapped\there again", 100)
    assert [piece.mark for piece in pieces] == ["same"]

"""Paragraph de-duplication against a dictionary of paragraphs written plainly."""

from __future__ import annotations

import itertools
import tempfile
import textwrap
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from documents import batched, make_documents
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_text import plain_blocks, plain_by_line, plain_units, plain_wrapped, with_headings, without
from pydantic import ValidationError
from stage_jobs import paragraph_dedup

from tamis import exchange
from tamis.dedup.owners import HOLDERS
from tamis.kernels.lines import find_units
from tamis.kernels.words import buffers
from tamis.kernels.wrapped_lines import wrapped
from tamis.shards import write_table
from tamis.stages import paragraph_dedup as stage
from tamis.text import words

run = batched(paragraph_dedup)


def units_of(text, config):
    """(first character, character after the last, level of a heading or None, whether it is alone) of each unit."""
    by_line = plain_by_line(text, config.unit, config.min_words)
    if config.unit == "automatic" and not by_line:
        return plain_blocks(text)
    return [(start, end, None, False) for start, end, _ in plain_units(text, by_line)]


def plain(**more):
    """Every copy of a paragraph goes."""
    return stage.Config(unit="paragraph", min_documents=1, **more)


def oracle(documents, config):  # noqa: C901, PLR0912 - one plain function, read from top to bottom
    """The stage in plain Python: kept {id: (text, copies)}, dropped {id: (reason, match)}, cuts [(id, count, owner)]."""
    rows = sorted(documents.to_pylist(), key=lambda row: row["rank"])
    units = {}
    holders = defaultdict(list)
    for row in rows:
        if row["kind"] in config.applies_to:
            units[row["id"]] = [
                (tuple(words(row["text"][a:b])), b - a, told) for a, b, *told in units_of(row["text"], config)
            ]
            for key in dict.fromkeys(key for key, _, _ in units[row["id"]] if len(key) >= config.min_words):
                holders[key].append(row["id"])

    def losses(name, owner):
        lost, shared = Counter(), defaultdict(set)
        for key, size, _ in units[name]:
            if len(key) >= config.min_words and owner[key] != name:
                lost[owner[key]] += size
                shared[owner[key]].add(key)
        # Not for one or two notices.
        few = {key for key in holders if len(holders[key]) < max(config.min_documents, 6)}
        return {other: size for other, size in lost.items() if shared[other] & few or len(shared[other]) > 2}

    rank = {row["id"]: row["rank"] for row in rows}
    owner = {key: names[0] for key, names in holders.items()}
    near = {}
    for row in rows:
        name = row["id"]
        lost = losses(name, owner) if name in units else None
        if lost and config.near_copy_share is not None:
            match = min(lost, key=lambda other: (-lost[other], rank[other]))
            share = lost[match] / sum(size for _, size, _ in units[name])
            if share >= config.near_copy_share and match not in near:
                near[name] = (match, share)
    owner = {key: next((name for name in names if name not in near), None) for key, names in holders.items()}
    dropped = {name: ("near_copy", *match) for name, match in near.items()}
    copies = {row["id"]: row["copies"] for row in rows}
    for name, (match, _) in near.items():
        copies[match] += copies[name]
    kept, cuts = {}, []
    for row in rows:
        name = row["id"]
        if name in near:
            continue
        if name not in units:
            kept[name] = (None, copies[name])
            continue
        seen, told = set(), []
        for key, _, _ in units[name]:
            copy = len(key) >= config.min_words and (owner[key] != name or key in seen)
            goes = copy and len(holders[key]) >= config.min_documents
            told.append((name, len(holders[key]), owner[key]) if goes else None)
            seen.add(key)
        left = sum(size for (_, size, _), what in zip(units[name], told, strict=True) if what is None)
        some = any(told)
        told = with_headings([heading for _, _, heading in units[name]], told)
        gone = [what for what in told if what is not None]
        stay = [key for (key, _, _), what in zip(units[name], told, strict=True) if what is None]
        owns = any(owner.get(key) == name and len(holders[key]) > 1 for key in seen)
        cuts += gone
        if some and left < max(config.min_characters, 1) and not owns:
            dropped[name] = ("too_little_left", None, None)
        else:
            kept[name] = (stay, copies[name])
    return kept, dropped, cuts


PARAGRAPH = st.sampled_from(
    [
        "a b",
        "A  b!",
        "Q r.",
        "U v w:",
        "- x y",
        "# T",
        "T\n===",
        "Z z",
        "a\nb",
        "b b b",
        "c",
        "d é",
        "D É",
        "語語",
        "-----",
        "a b c d e f",
        "\0",
        "ก ก",
        "𐍈 x",
    ]
)
GAP = st.sampled_from(["\n\n", "\r\n\r\n", "\n\n\n\n", "\n", "\r\r"])
TEXT = st.lists(st.tuples(PARAGRAPH, GAP), max_size=7).map(lambda pairs: "".join(p + g for p, g in pairs)) | st.lists(
    PARAGRAPH, max_size=5
).map("\n\n".join)
CONFIG = st.builds(
    stage.Config,
    applies_to=st.just(("prose", "maths")),
    unit=st.sampled_from(["automatic", "paragraph", "line"]),
    min_words=st.integers(1, 3),
    min_documents=st.integers(1, 3),
    near_copy_share=st.sampled_from([None, 0.3, 0.5, 0.75, 1.0]),
    min_characters=st.integers(0, 6),
)


@st.composite
def corpora(draw):
    texts = draw(st.lists(TEXT, max_size=6))
    # Versions of these texts: with some paragraphs left out, others put in.
    for old in draw(st.lists(st.sampled_from(texts), max_size=5)) if texts else ():
        pieces = old.split("\n\n")
        texts.append("\n\n".join([p for p in pieces if draw(st.booleans())] + draw(st.lists(PARAGRAPH, max_size=2))))
    n = len(texts)
    order = draw(st.permutations(range(n)))
    return make_documents(
        texts,
        id=[f"{(i * 7919) % 1000:016x}{i:016x}" for i in range(n)],
        rank=[10 * r for r in order],
        kind=draw(st.lists(st.sampled_from(["prose", "prose", "maths", "code"]), min_size=n, max_size=n)),
        copies=draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)),
    )


@given(corpora(), CONFIG, st.sampled_from([(1, 1), (3, 5), (5, 2)]))
@settings(deadline=None, max_examples=15)
def test_equals_the_oracle_for_any_number_of_shards(documents, config, split):
    with tempfile.TemporaryDirectory() as folder:
        kept, dropped, edits, _ = run(folder, documents, config, *split)
    expected_kept, expected_dropped, expected_cuts = oracle(documents, config)
    before = {row["id"]: row for row in documents.to_pylist()}

    assert {
        row["id"]: (row["reason"], row["matched_id"], row["similarity"]) for row in dropped.to_pylist()
    } == expected_dropped
    assert Counter((row["id"], row["count"], row["matched_id"]) for row in edits.to_pylist()) == Counter(expected_cuts)
    assert {row["id"]: row["copies"] for row in kept.to_pylist()} == {
        name: copies for name, (_, copies) in expected_kept.items()
    }
    spans = defaultdict(list)
    for row in edits.to_pylist():
        spans[row["id"]].append((row["start"], row["end"]))
    for row in kept.to_pylist():
        old = before[row["id"]]
        # The edits are the whole difference, in characters of the text as read.
        assert row["text"] == without(old["text"], spans[row["id"]])
        keys = expected_kept[row["id"]][0]
        if keys is None:
            assert row["text"] == old["text"]
        else:
            # Blocks that a cut brings together may be one afterwards.
            assert words(row["text"]) == [word for key in keys for word in key]
            if config.unit != "automatic":
                assert [tuple(words(row["text"][a:b])) for a, b, *_ in units_of(row["text"], config)] == keys
        assert {name: row[name] for name in row if name not in ("text", "copies")} == {
            name: old[name] for name in row if name not in ("text", "copies")
        }

    # The promise: a paragraph of any kept document stands in exactly one kept document, once.
    def paragraphs(text):
        found = [tuple(words(text[a:b])) for a, b, *_ in units_of(text, config)]
        return [key for key in found if len(key) >= config.min_words]

    looked_at = [row for row in kept.to_pylist() if row["kind"] in config.applies_to]
    had = {key for row in looked_at for key in paragraphs(before[row["id"]]["text"])}
    if config.min_documents == 1 and config.unit != "automatic":
        assert Counter(key for row in looked_at for key in paragraphs(row["text"])) == Counter(had)
    # A document that others name stays.
    assert {row["matched_id"] for row in dropped.to_pylist()} - {None} <= {row["id"] for row in kept.to_pylist()}
    assert dropped["kept_id"].equals(dropped["matched_id"])


LONG = "the quick brown fox jumps over the lazy dog again and again until it is tired of it"
OTHER = "pack my box with five dozen liquor jugs and then send it off to the harbour before noon"
OWN = [
    f"text number {i} says something of its own that nobody else in this corpus will ever say at all, not even once"
    for i in range(4)
]


def test_by_hand(tmp_path):
    documents = make_documents(
        [
            f"{OWN[0]}\n\n{LONG}\n",
            f"Title\n\n{LONG.upper()}\n\n{OWN[1]}\n",
            f"{OWN[2]}\n\n{LONG.replace(' fox', chr(10) + '  fox')}!\n\n{OTHER}",
            f"{LONG}\n\n{OTHER}\n\nend\n",
            f"{OWN[3]}\r\n\r\n{OWN[3]}\r\n",
        ],
        copies=[1, 1, 1, 4, 1],
    )
    kept, dropped, edits, notes = run(tmp_path, documents, plain(near_copy_share=0.45, min_characters=20), 3, 2)
    assert kept["text"].to_pylist() == [
        f"{OWN[0]}\n\n{LONG}\n",
        f"Title\n\n{OWN[1]}\n",
        f"{OWN[2]}\n\n{OTHER}",
        f"{OWN[3]}\r\n",
    ]
    # 0.47 of the fourth belongs to the first, 0.51 to the third: that one is named, and takes its copies.
    ids = documents["id"].to_pylist()
    assert dropped.select(["id", "reason", "matched_id"]).to_pylist() == [
        {"id": ids[3], "reason": "near_copy", "matched_id": ids[2]}
    ]
    assert dropped["similarity"][0].as_py() == len(OTHER) / (len(LONG) + len(OTHER) + 3)
    assert kept["copies"].to_pylist() == [1, 1, 5, 1]
    assert edits.select(["id", "start", "end", "count", "matched_id"]).to_pylist() == [
        {"id": ids[1], "start": 7, "end": 7 + len(LONG) + 2, "count": 4, "matched_id": ids[0]},
        {
            "id": ids[2],
            "start": len(OWN[2]) + 2,
            "end": len(OWN[2]) + 2 + len(LONG) + 5,
            "count": 4,
            "matched_id": ids[0],
        },
        {"id": ids[4], "start": len(OWN[3]), "end": 2 * len(OWN[3]) + 4, "count": 1, "matched_id": ids[4]},
    ]
    assert notes == {
        "paragraphs": 11,
        "documents_by_line": 0,
        "paragraphs_cut": 3,
        "copies_left_in_few_documents": 0,
        "copies_left_in_their_section": 0,
        "short_documents_kept_as_owners": 0,
    }


def test_extracted_pages_with_a_paragraph_a_line(tmp_path):
    # No blank line anywhere: what two pages share is a line, between headings and menus of their own.
    pages = [f"Home\n{OWN[0]}.\nNews\n{LONG}.\n{OTHER}.", f"About us\n{OWN[1]}.\n{LONG}!\nContact\n{OWN[2]}."]
    documents = make_documents(pages)
    kept, _, edits, notes = run(tmp_path / "automatic", documents, stage.Config(min_documents=2), 2, 2)
    assert kept["text"].to_pylist() == [pages[0], f"About us\n{OWN[1]}.\nContact\n{OWN[2]}."]
    assert edits.select(["count", "matched_id"]).to_pylist() == [{"count": 2, "matched_id": documents["id"][0].as_py()}]
    assert notes["documents_by_line"] == 2
    whole = run(tmp_path / "paragraph", documents, plain(), 2, 2)
    assert (whole[2].num_rows, whole[3]["documents_by_line"]) == (0, 0)


def test_a_paragraph_is_the_same_whether_lines_or_blank_lines_part_it(tmp_path):
    documents = make_documents(
        ["\n\n".join(f"{text.capitalize()}." for text in (OWN[0], LONG, OWN[1])), f"{OWN[2]}.\n{LONG}.\n{OWN[3]}."]
    )
    kept, *_ = run(tmp_path, documents, stage.Config(min_documents=2))
    assert kept["text"].to_pylist()[1] == f"{OWN[2]}.\n{OWN[3]}."


@pytest.mark.parametrize("columns", [60, 72, 100, 140])
def test_wrapped_text_without_blank_lines_is_not_torn(tmp_path, columns):
    # The same passage stands in both, so lines inside of it are equal where it begins a line.
    texts = [
        textwrap.fill(f"{OWN[number]} {OWN[number]}", columns) + f"\n{wrapped_passage(columns)}" for number in (0, 1)
    ]
    lines = [set(text.split("\n")) for text in texts]
    assert len(lines[0] & lines[1]) > 2
    kept, dropped, edits, notes = run(tmp_path, make_documents(texts), stage.Config(min_words=6), 2, 2)
    assert (kept["text"].to_pylist(), edits.num_rows, dropped.num_rows) == (texts, 0, 0)
    assert notes["documents_by_line"] == 0


def wrapped_passage(columns):
    return textwrap.fill(" ".join([LONG, OTHER, *OWN]).replace(" and", ", and"), columns)


def test_copies_of_verse_and_of_lists_are_still_seen_as_wholes(tmp_path):
    # Hardly any line has enough words to be compared by itself.
    verse = "\n".join([*(f"Line {number} of a song{' la' * number}." for number in range(9)), LONG])
    kept, dropped, edits, notes = run(
        tmp_path, make_documents([verse, verse, verse + "\nand once more"]), stage.Config(min_documents=2)
    )
    assert kept["text"].to_pylist() == [verse, verse + "\nand once more"]
    assert dropped["reason"].to_pylist() == ["near_copy"]
    assert (edits.num_rows, notes["documents_by_line"]) == (0, 0)


LINES = st.text("ab 語。.\u3000é", min_size=1, max_size=30).filter(str.strip)


@given(st.lists(LINES, min_size=2, max_size=12))
@settings(deadline=None)
def test_wrapped_lines_are_those_of_plain_python(lines):
    offsets, data = buffers(pa.array(["\n".join(lines)], pa.large_string()))
    units = find_units(offsets, data, np.array([True]), by_line=True)
    assert wrapped(data, units).tolist() == [plain_wrapped(lines)]


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_near_copy_of_a_near_copy_stays_and_inherits(tmp_path, shards):
    # The second is a near-copy of the first; the third shares only what the second alone owned.
    documents = make_documents(
        [f"{OWN[0]}\n\n{OWN[1]}", f"{OWN[0]}\n\n{OWN[1]}\n\n{LONG}", f"{LONG}\n\n{OWN[2][:20]}", f"{OWN[3]}\n\n{LONG}"]
    )
    kept, dropped, edits, _ = run(tmp_path, documents, plain(), shards, 2)
    ids = documents["id"].to_pylist()
    assert dropped["id"].to_pylist() == [ids[1]]
    assert kept["text"].to_pylist() == [documents["text"][0].as_py(), documents["text"][2].as_py(), OWN[3]]
    assert edits["matched_id"].to_pylist() == [ids[2]]
    assert edits["count"].to_pylist() == [3]


def test_kinds_outside_applies_to_neither_lose_nor_own(tmp_path):
    documents = make_documents([LONG, LONG, f"{LONG}\n\n{OWN[0]}"], kind=["code", "licence", "prose"])
    kept, dropped, edits, _ = run(tmp_path, documents, stage.Config())
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (3, 0, 0)


def test_a_scope_gives_what_each_part_alone_gives(tmp_path):
    texts = [f"{LONG}\n\n{OWN[number % 3]}\n\n{OWN[number % 2]}" for number in range(9)]
    sources = list("abaabbbab")
    documents = make_documents(texts, source=sources)
    config = plain(near_copy_share=0.9, within="source")
    kept, dropped, edits, _ = run(tmp_path / "both", documents, config, 2, 3)
    alone = [
        run(
            tmp_path / name,
            documents.filter(pa.compute.equal(documents["source"], name)),
            plain(near_copy_share=0.9),
        )
        for name in "ab"
    ]
    assert kept.equals(pa.concat_tables([part[0] for part in alone]).sort_by("id"))
    assert dropped.equals(pa.concat_tables([part[1] for part in alone]).sort_by("id"))
    assert edits.equals(
        pa.concat_tables([part[2] for part in alone]).sort_by([("id", "ascending"), ("start", "ascending")])
    )
    assert edits.num_rows
    assert kept.num_rows > run(tmp_path / "all", documents, plain(near_copy_share=0.9))[0].num_rows


def test_nothing_goes_from_the_middle_of_what_belongs_together(tmp_path):
    listed = "The following three are needed for it to work:\n\n- one thing that is needed\n\n- another one of these"
    section = f"Installing\n==========\n\n{LONG}.\n\n{OTHER.capitalize()}."
    texts = [f"{own.capitalize()}.\n\n{listed}\n\nAbout\n-----\n\n{own}\n\n{section}" for own in OWN]
    # Half of the list, its lead-in alone, and the section with another last paragraph.
    texts[2] = texts[2].replace("\n\n- another one of these", "")
    texts[3] = texts[3].replace("noon.", "midnight.")
    documents = make_documents(texts)
    kept, _, edits, notes = run(tmp_path / "a", documents, stage.Config(min_documents=3, near_copy_share=None), 2, 2)
    assert kept["text"].to_pylist() == [
        texts[0],
        texts[1].replace(listed + "\n\n", "").replace("\n\n" + section, ""),
        texts[2].replace("\n\n" + section, ""),
        texts[3].replace(listed + "\n\n", ""),
    ]
    assert set(edits["matched_id"].to_pylist()) == {documents["id"][0].as_py()}
    assert notes["copies_left_in_few_documents"] == 0
    _, _, edits, notes = run(tmp_path / "b", documents, stage.Config(min_documents=4, near_copy_share=None), 2, 2)
    assert (edits.num_rows, notes["copies_left_in_few_documents"]) == (0, 4)


def test_the_heading_of_a_long_section_goes_with_all_of_it_or_stays(tmp_path):
    paragraphs = [f"{LONG.capitalize()} {number}." for number in range(14)]
    long = "# Conditions\n\n" + "\n\n".join(paragraphs)
    texts = [f"{own.capitalize()}.\n\n{long}\n\n# End\n\n{own}" for own in OWN]
    texts[2] = texts[2].replace("it 13.", "it thirteen.")
    kept, _, edits, _ = run(
        tmp_path, make_documents(texts), stage.Config(min_documents=2, near_copy_share=None, min_words=10)
    )
    assert kept["text"].to_pylist()[1] == f"{OWN[1].capitalize()}.\n\n# End\n\n{OWN[1]}"
    assert kept["text"].to_pylist()[2] == (
        f"{OWN[2].capitalize()}.\n\n# Conditions\n\n{LONG.capitalize()} thirteen.\n\n# End\n\n{OWN[2]}"
    )
    assert Counter(edits["reason"].to_pylist()) == {"duplicate_paragraph": 41, "heading_of_cut_section": 2}


def test_a_section_that_stays_keeps_its_opening_and_half_of_its_text(tmp_path):
    """Six laws with a table under a heading of its own, a section that begins alike, and a notice inside of one."""
    table = "\n\n".join(f"* {LONG} {number}" for number in range(14))
    opening, notice = f"{LONG.capitalize()}.", f"{OTHER.capitalize()}."
    texts = []
    for number, own in enumerate([*OWN, *(f"{own} besides" for own in OWN)]):
        body = "\n\n".join(f"{own.capitalize()} {part}." for part in range(14))
        parts = [f"# Law {number}", own, "## Marks", f"(Gazette {number})", table]
        parts += ["## Structure", opening, body, "## Notices", f"{own.capitalize()}.", notice, body]
        texts.append("\n\n".join(parts))
    kept, _, edits, notes = run(tmp_path, make_documents(texts), stage.Config(near_copy_share=None), 2, 2)
    assert kept["text"].to_pylist() == [texts[0], *(text.replace(notice + "\n\n", "") for text in texts[1:])]
    assert set(edits["reason"].to_pylist()) == {"duplicate_paragraph"}
    assert notes["copies_left_in_their_section"] == 14


def test_who_shares_a_footer_is_no_near_copy(tmp_path):
    footer = f"{LONG.capitalize()}.\n{OTHER.capitalize()}."
    mails = [f"Mail {number}: {own[:70]} and nothing else than this.\n\n{footer}" for number, own in enumerate(OWN * 2)]
    kept, dropped, edits, _ = run(tmp_path, make_documents(mails), stage.Config(), 2, 2)
    assert kept["text"].to_pylist() == [mails[0], *(mail.split("\n\n")[0] for mail in mails[1:])]
    assert (dropped.num_rows, edits.num_rows) == (0, 7)


def test_an_empty_corpus_goes_through(tmp_path):
    kept, dropped, edits, _ = run(tmp_path, make_documents([]), stage.Config(), 2, 3)
    assert (kept.num_rows, dropped.num_rows, edits.num_rows) == (0, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_words": 0},
        {"min_documents": 0},
        {"near_copy_share": 0.0},
        {"near_copy_share": 1.1},
        {"unit": "page"},
        {"applies_to": []},
        {"minwords": 3},
    ],
)
def test_a_wrong_setting_is_refused(wrong):
    with pytest.raises(ValidationError):
        stage.Config(**wrong)


def test_exchange_volume_is_one_row_a_distinct_paragraph(tmp_path):
    documents = make_documents([f"{LONG}\n\n{LONG}\n\n{OTHER}", f"{LONG}\n\nshort"])
    write_table(tmp_path / "d.parquet", documents)
    stage.run_map(
        plain(),
        partitions=1,
        documents=tmp_path / "d.parquet",
        output=tmp_path / "o.arrow",
        paragraphs=tmp_path / "p.arrow",
    )
    holders = exchange.read_batch(tmp_path / "o.arrow", 0, 1)
    assert holders.schema.names == HOLDERS.names
    assert sorted(holders["documents"].to_pylist()) == [1, 2]
    assert exchange.read_batch(tmp_path / "p.arrow", 0, 1).num_rows == 4
    assert np.all(holders["rank"].to_numpy() == 0)


GROWING = {"unit": "paragraph", "applies_to": ("prose", "maths"), "near_copy_share": None, "min_characters": 0}


def grown(folder, documents, cuts, splits, **settings):
    """Runs one after the other: kept {id: text}, the outcomes."""
    kept, outcomes, indexes = {}, [], []
    ordered = documents.sort_by("rank")
    for number, (first, last) in enumerate(itertools.pairwise([0, *sorted(cuts), documents.num_rows])):
        config = stage.Config(**settings, against=indexes, write_index=True)
        outcome = run(folder / f"{number}", ordered[first:last], config, *splits[number])
        indexes.append(str(folder / f"{number}" / "index"))
        kept |= dict(zip(*(outcome.kept[name].to_pylist() for name in ("id", "text")), strict=True))
        outcomes.append(outcome)
    return kept, outcomes


@given(
    corpora(),
    st.tuples(st.integers(0, 11), st.integers(0, 11)),
    st.lists(st.sampled_from([(1, 1), (3, 5), (2, 4)]), min_size=4, max_size=4),
    st.integers(1, 3),
    st.sampled_from([None, "kind"]),
)
@settings(deadline=None, max_examples=15)
def test_runs_one_after_the_other_keep_what_one_run_keeps(documents, cuts, splits, min_words, within):
    settings = GROWING | {"min_words": min_words, "min_documents": 1, "within": within}
    with tempfile.TemporaryDirectory() as name:
        whole = run(Path(name) / "whole", documents, stage.Config(**settings), *splits[3])
        cuts = [min(cut, documents.num_rows) for cut in cuts]
        kept, outcomes = grown(Path(name), documents, cuts, splits, **settings)
    assert kept == dict(zip(*(whole.kept[column].to_pylist() for column in ("id", "text")), strict=True))
    named = [row["matched_id"] for outcome in outcomes for row in outcome.edits.to_pylist()]
    assert sorted(named) == sorted(whole.edits["matched_id"].to_pylist())


@pytest.mark.parametrize("before", [(1, 1), (3, 2), (2, 5)])
@pytest.mark.parametrize("after", [(1, 1), (2, 3), (4, 4)])
def test_what_a_later_run_makes_frequent_is_cut_there_and_counted(tmp_path, before, after):
    texts = [f"{OWN[0]}\n\n{LONG}", f"{OWN[1]}\n\n{LONG}", f"{OWN[2]}\n\n{LONG}", f"{OWN[3]}\n\n{LONG}"]
    documents = make_documents(texts)
    settings = GROWING | {"min_documents": 3, "min_words": 3}
    kept, (first, second) = grown(tmp_path, documents, [2], [before, after], **settings)
    ids = documents["id"].to_pylist()
    assert [kept[name] for name in ids] == [*texts[:2], OWN[2], OWN[3]]
    assert {row["matched_id"] for row in second.edits.to_pylist()} == {ids[0]}
    assert {row["count"] for row in second.edits.to_pylist()} == {4}
    # One run over everything would have cut it in the second document too.
    assert second.notes["copies_left_in_earlier_runs"] == 1
    assert "copies_left_in_earlier_runs" not in first.notes


def test_a_near_copy_of_a_document_of_an_earlier_run_goes_and_nothing_here_stays_for_it(tmp_path):
    documents = make_documents([f"{LONG}\n\n{OTHER}\n\n{OWN[0]}", f"{LONG}\n\n{OTHER}\n\n{OWN[1]}", f"{OWN[1]}"])
    settings = GROWING | {"near_copy_share": 0.5, "min_documents": 1, "min_words": 3}
    kept, (_, second) = grown(tmp_path, documents, [1], [(1, 1), (3, 2)], **settings)
    ids = documents["id"].to_pylist()
    assert second.dropped.select(["id", "reason", "matched_id", "kept_id"]).to_pylist() == [
        {"id": ids[1], "reason": "near_copy", "matched_id": ids[0], "kept_id": None}
    ]
    # What only the near-copy held passes on.
    assert set(kept) == {ids[0], ids[2]}
    assert kept[ids[2]] == OWN[1]


def test_a_paragraph_whose_holders_were_all_dropped_is_kept_by_who_comes_later(tmp_path):
    near = [f"{LONG}\n\n{OTHER}", f"{LONG}\n\n{OTHER}\n\n{OWN[1]}", f"{OWN[1]}\n\n{OWN[2]}"]
    documents = make_documents(near)
    settings = GROWING | {"near_copy_share": 0.5, "min_documents": 1, "min_words": 3}
    kept, _ = grown(tmp_path, documents, [2], [(2, 1), (1, 1)], **settings)
    ids = documents["id"].to_pylist()
    assert kept == {ids[0]: near[0], ids[2]: near[2]}

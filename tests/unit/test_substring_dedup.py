"""Substring de-duplication against a dictionary of whole windows written plainly."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from conftest import make_documents
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_lines_kernel import without

from tamis import barrier
from tamis.shards import home_shards, part_name, write_table
from tamis.stages import substring_dedup as stage
from tamis.text import LETTER, MARK, SEPARATOR, SINGLE, character_class


def run(folder, documents, config, shards=1, partitions=1):
    """All jobs of the stage: (documents, dropped, edits) sorted by id, and the sum of the notes."""
    folder = Path(folder)
    home = home_shards(documents["id"], shards)

    def parts(step, count=shards, suffix=".arrow"):
        return [folder / step / (part_name(i) + suffix) for i in range(count)]

    def over(step, count):
        barrier.write(folder / step / "barrier.json", folder / step, count, ".arrow")
        return folder / step / "barrier.json"

    inputs = parts("documents", suffix=".parquet")
    for shard, path in enumerate(inputs):
        write_table(path, documents.filter(pa.array(home == shard)))
        stage.run_map(config, partitions=partitions, documents=path, output=parts("map")[shard])
    maps = over("map", shards)
    for p, path in enumerate(parts("reduce", partitions)):
        stage.run_reduce(partition=p, partitions=partitions, barrier=maps, output=path)
    reduces, places, counts = over("reduce", partitions), parts("places"), parts("counts", suffix=".json")
    for shard, path in enumerate(parts("windows")):
        stage.run_windows(
            config,
            shard=shard,
            shards=shards,
            partitions=partitions,
            documents=inputs[shard],
            barrier=reduces,
            places=places[shard],
            counts=counts[shard],
            output=path,
        )
    windows = over("windows", shards)
    for p, path in enumerate(parts("elect", partitions)):
        stage.run_elect(partition=p, partitions=partitions, barrier=windows, output=path)
    elected = over("elect", partitions)
    outputs = {
        name: parts(name, suffix=".json" if name == "stats" else ".parquet")
        for name in ("kept", "dropped", "edits", "stats")
    }
    for shard in range(shards):
        stage.run_apply(
            config,
            shard=shard,
            shards=shards,
            documents=inputs[shard],
            places=places[shard],
            counts=counts[shard],
            barrier=elected,
            **{name: paths[shard] for name, paths in outputs.items()},
        )
    tables = [
        pa.concat_tables([pq.read_table(path, schema=pq.read_schema(path)) for path in outputs[name]])
        for name in ("kept", "dropped", "edits")
    ]
    notes = Counter()
    for path in outputs["stats"]:
        notes.update(json.loads(path.read_text())["notes"])
    return (
        tables[0].sort_by("id"),
        tables[1].sort_by("id"),
        tables[2].sort_by([("id", "ascending"), ("start", "ascending")]),
        dict(notes),
    )


def spans(text):
    """First character of each word and the character after its last."""
    found, previous = [], SEPARATOR
    for at, character in enumerate(text):
        kind = character_class(ord(character))
        if kind == MARK:
            if previous != SEPARATOR:
                found[-1][1] = at + 1
            continue
        if kind == SINGLE or (kind == LETTER and previous != LETTER):
            found.append([at, at + 1])
        elif kind == LETTER:
            found[-1][1] = at + 1
        previous = kind
    return found


def pieces(gone, tokens):
    """Runs of tokens that are gone, as (first, token after the last)."""
    edges = np.flatnonzero(np.diff([False, *(token in gone for token in range(tokens)), False]))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def oracle(documents, config):
    """The stage with a dictionary of strings.

    Returns:
        kept {id: text}, dropped ids, cuts [(id, start, end, count, owner)]; and words {id: spans}, with the token that has
        a copy of each token that is cut {id: {token: (owner, token, documents)}}.
    """
    size = config.tokens
    rows = sorted(documents.to_pylist(), key=lambda row: row["rank"])
    words = {row["id"]: spans(row["text"]) for row in rows if row["kind"] in config.applies_to}
    first, holders, windows = {}, defaultdict(set), []
    for row in rows:
        name = row["id"]
        scope = row[config.within] if config.within else None
        for at in range(len(words.get(name, ())) - size + 1):
            window = (scope, row["text"][words[name][at][0] : words[name][at + size - 1][1]])
            first.setdefault(window, (name, at))
            holders[window].add(name)
            windows.append((name, at, window))
    copy = defaultdict(dict)
    for name, at, window in windows:
        owner, place = first[window]
        if owner != name or at >= place + size:
            for token in range(size):
                copy[name].setdefault(at + token, (owner, place + token, len(holders[window])))
    owns = {first[window][0] for window, names in holders.items() if len(names) > 1}
    kept, dropped, cuts = {row["id"]: row["text"] for row in rows}, [], []
    for name, own in words.items():
        text = kept[name]
        starts = [start for start, _ in own] + [len(text)]
        found = list(pieces(copy[name], len(own)))
        assert all(end - begin >= size for begin, end in found)
        cuts += [(name, starts[a], starts[b], copy[name][a][2], copy[name][a][0]) for a, b in found]
        kept[name] = without(text, [(starts[a], starts[b]) for a, b in found])
        if found and len(kept[name]) < max(config.min_characters, 1) and name not in owns:
            dropped.append(name)
            del kept[name]
    return kept, dropped, cuts, words, copy


def check(documents, config, shards=1, partitions=1):
    """Run the stage and hold it to the oracle and to its promises; returns its outcome."""
    with tempfile.TemporaryDirectory() as folder:
        kept, dropped, edits, notes = run(folder, documents, config, shards, partitions)
    expected, gone, cuts, words, copy = oracle(documents, config)
    before = {row["id"]: row for row in documents.to_pylist()}
    assert {row["id"]: row["text"] for row in kept.to_pylist()} == expected
    assert [(row["id"], row["reason"]) for row in dropped.to_pylist()] == [
        (name, "too_little_left") for name in sorted(gone)
    ]
    assert [tuple(row.values()) for row in edits.to_pylist()] == sorted(
        (name, start, end, "repeated_span", count, owner) for name, start, end, count, owner in cuts
    )
    found = defaultdict(list)
    for row in edits.to_pylist():
        found[row["id"]].append((row["start"], row["end"]))
    for row in kept.to_pylist():
        old = before[row["id"]]
        # The edits are the whole difference.
        assert row == old | {"text": without(old["text"], found[row["id"]])}
    # Every word that was cut stands in a kept document, reached from owner to owner.
    for name, tokens in copy.items():
        for token in tokens:
            other, at = name, token
            while at in copy[other]:
                other, at, _ = copy[other][at]
            assert other in expected
            there, here = words[other][at], words[name][token]
            assert before[other]["text"][slice(*there)] == before[name]["text"][slice(*here)]
    assert notes["tokens"] == sum(map(len, words.values()))
    assert notes["tokens_cut"] == sum(map(len, copy.values()))
    return kept, dropped, edits, notes


WORD = st.sampled_from(["a", "a", "b", "b", "c", "A", "é", "e\u0301", "語", "漢", "ที่", "ก", "𐍈", "カ\u3099", "한국"])
GAP = st.sampled_from([" ", " ", " ", " ", ". ", "\n\n", "", "😀", " \u0301", "\0"])
TEXT = st.lists(st.tuples(WORD, GAP), max_size=30).map(lambda pairs: "".join(w + g for w, g in pairs))
PLAIN = st.text("aab ", max_size=40)
CONFIG = st.builds(
    stage.Config,
    applies_to=st.just(("prose", "maths")),
    tokens=st.integers(2, 6),
    min_characters=st.sampled_from([0, 1, 5, 12]),
    within=st.sampled_from([None, None, "source"]),
    seed=st.integers(0, 3),
)


@st.composite
def corpora(draw):
    passages = draw(st.lists(TEXT | PLAIN, min_size=1, max_size=4))
    glue = st.sampled_from(["", " ", "\n", "…", "語"])
    piece = st.sampled_from(passages) | TEXT | PLAIN
    texts = [
        "".join(text + draw(glue) for text in draw(st.lists(piece, max_size=4))) for _ in range(draw(st.integers(0, 6)))
    ]
    n = len(texts)
    order = draw(st.permutations(range(n)))
    return make_documents(
        texts,
        id=[f"{(i * 7919) % 1000:016x}{i:016x}" for i in range(n)],
        rank=[10 * r for r in order],
        kind=draw(st.lists(st.sampled_from(["prose", "prose", "maths", "code"]), min_size=n, max_size=n)),
        source=draw(st.lists(st.sampled_from(["x", "y"]), min_size=n, max_size=n)),
    )


@given(corpora(), CONFIG, st.sampled_from([(1, 1), (1, 2), (3, 1), (3, 3), (5, 2)]))
@example(make_documents(["ha " * 9, "", "x", "ha ha ha"]), stage.Config(tokens=3, min_characters=0), (1, 1))
@settings(deadline=None, max_examples=40)
def test_equals_the_oracle_for_any_number_of_shards(documents, config, split):
    check(documents, config, *split)

"""Results whose texts are not in every documents file show what others show."""

from __future__ import annotations

import dataclasses

import pytest
from fake_results import make_results

from tamis.report import samples, terminal
from tamis.report.database import ask, connect
from tamis.report.layout import Results
from tamis.report.lookup import fetch
from tamis.report.story import tell

SIZES = samples.Sizes(kept=4, dropped=3, edited=2, characters=300, context=20, seed=0)


@pytest.fixture(name="both")
def _both(tmp_path):
    ids = make_results(tmp_path / "own", finish=False)
    make_results(tmp_path / "named", finish=False, text_of={"minhash_dedup": "paragraph_dedup"})
    return Results.open(tmp_path / "own"), Results.open(tmp_path / "named"), ids


def answers(results, query):
    return ask(connect(results), query, 1000)


def test_views_samples_and_stories_are_the_same(both):
    own, named, ids = both
    path = named.parts("minhash_dedup", "documents")[0]
    assert path.stat().st_size < own.parts("minhash_dedup", "documents")[0].stat().st_size
    for query in (
        "SELECT * FROM documents_minhash_dedup ORDER BY id",
        "SELECT count(*), sum(length(text)) FROM documents_minhash_dedup",
        "SELECT kind, count(*) FROM documents_minhash_dedup GROUP BY ALL ORDER BY ALL",
        "SELECT * FROM pool ORDER BY id",
    ):
        assert answers(own, query) == answers(named, query)
        assert answers(own, query).rows
    for stage in own.layout.stages:
        one, other = (dataclasses.asdict(samples.of_stage(results, stage, SIZES)) for results in (own, named))
        assert one == other
    for document in ids.values():
        assert terminal.story(tell(own, document)) == terminal.story(tell(named, document))


def test_what_is_shown_says_what_it_is_joined_with(both):
    _, named, _ = both
    comment = "SELECT comment FROM duckdb_views() WHERE view_name = 'documents_minhash_dedup'"
    assert "documents_paragraph_dedup" in answers(named, comment).rows[0][0]


def test_texts_that_are_gone_are_not_shown_and_stop_nothing(both, tmp_path):
    _, named, ids = both
    other = tmp_path / "other"
    make_results(other, shards=2, finish=False)
    held = named.parts("paragraph_dedup", "documents")
    whole = answers(named, "SELECT count(*) FROM documents_minhash_dedup")
    for change in ("made anew", "gone"):
        for path in held:
            # With other rows.
            path.write_bytes(
                (other / "heuristics/documents" / path.name).read_bytes()
            ) if change == "made anew" else path.unlink()
        row = fetch(named.part("minhash_dedup", "documents", ids["near_kept"]), [ids["near_kept"]])[0]
        assert row["text"] is None
        assert row["id"] == ids["near_kept"]
        assert answers(named, "SELECT count(*) FROM documents_minhash_dedup") == whole
        shown = samples.of_stage(named, "minhash_dedup", SIZES)
        assert not any(shown.kept.values() if isinstance(shown.kept, dict) else shown.kept)
        assert ids["near"] in terminal.story(tell(named, ids["near"]))

"""The views of tamis.duckdb, held against the files they show."""

from __future__ import annotations

import shutil

import duckdb
import pyarrow.parquet as pq
import pytest
from fake_results import MASK, STAGES, make_results

from tamis.report import database
from tamis.report.layout import Results


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("database") / "results"
    make_results(folder)
    return folder


def ask(folder, query):
    with database.connect(Results.open(folder)) as connection:
        return connection.execute(query).fetchall()


def test_every_table_is_a_view_and_nothing_is_copied(folder):
    names = {row[0] for row in ask(folder, "SELECT view_name FROM duckdb_views() WHERE NOT internal")}
    assert names == {
        *(f"documents_{stage}" for stage in STAGES), "scores_heuristics", "pool", "dropped", "edits", "stats", "notes",
        "waterfall", "conservation", "skipped", "validation", "annealing", "mixtures", "export", "plan",
    }  # fmt: skip
    assert ask(folder, "SELECT count(*) FROM duckdb_tables()") == [(0,)]


def test_conservation_and_waterfall_agree_with_the_files(folder):
    rows = ask(folder, "SELECT stage, documents_kept, documents_lost, characters_lost FROM conservation")
    assert [row[0] for row in rows] == list(STAGES)
    assert all(row[2:] == (0, 0) for row in rows)
    for stage, kept, *_ in rows:
        assert kept == sum(pq.read_metadata(path).num_rows for path in (folder / stage / "documents").iterdir())
    shares = ask(folder, "SELECT documents, dropped, kept_percent, of_all_percent FROM waterfall")
    assert shares[-1] == (44, 31, 58.67, 57.89)


def test_ledger_and_edits_of_all_stages(folder):
    rows = ask(folder, "SELECT position, stage, reason, count(*) FROM dropped GROUP BY ALL ORDER BY 1, 3")
    assert rows == [
        (0, "ingest", "duplicate_record", 1), (2, "minhash_dedup", "near_duplicate", 1),
        (3, "heuristics", "<i>odd_rule</i>", 1), (3, "heuristics", "gopher_too_few_words", 30),
    ]  # fmt: skip
    assert ask(folder, "SELECT position, stage, reason, replacement, count(*) FROM edits GROUP BY ALL ORDER BY 3") == [
        (1, "paragraph_dedup", "name", MASK, 1),
        (1, "paragraph_dedup", "repeated_paragraph", None, 2),
    ]
    assert ask(folder, "SELECT name, count(*) FROM mixtures GROUP BY ALL") == [("main", 9)]
    assert ask(folder, "SELECT DISTINCT set_group, name FROM plan") == [("mixtures", "main")]


def test_edits_of_an_earlier_version_have_null_replacements(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "old")
    for path in (tmp_path / "old/paragraph_dedup/edits").iterdir():
        pq.write_table(pq.read_table(path).drop_columns("replacement"), path)
    assert ask(tmp_path / "old", "SELECT DISTINCT replacement FROM edits") == [(None,)]


def test_the_file_works_where_the_workflow_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    make_results(Path("results"))
    with duckdb.connect("results/tamis.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM pool").fetchone() == (44,)
        assert connection.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'dropped'").fetchone()[0]


def test_a_moved_folder_with_an_odd_name_can_be_asked(folder, tmp_path):
    moved = tmp_path / 'it\'s a? "here"'
    shutil.copytree(folder, moved)
    # As a pattern, the name would match this folder too.
    shutil.copytree(folder, tmp_path / 'it\'s ab "here"')
    for query in ("SELECT count(*) FROM pool", "SELECT count(*) FROM documents_heuristics"):
        assert ask(moved, query) == [(44,)]


def test_an_unfinished_run_has_the_views_that_it_can_have(tmp_path):
    make_results(tmp_path, finish=False)
    (tmp_path / "heuristics/documents/part-00000.parquet").unlink()
    names = {row[0] for row in ask(tmp_path, "SELECT view_name FROM duckdb_views() WHERE NOT internal")}
    assert "documents_minhash_dedup" in names
    assert not names & {"documents_heuristics", "pool", "stats", "waterfall", "mixtures"}

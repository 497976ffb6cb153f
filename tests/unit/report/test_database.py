"""tamis.duckdb and what `tamis sql` asks, held against the files they show."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from fake_results import MASK, STAGES, make_results

from tamis.errors import SourceError
from tamis.report import database, record
from tamis.report.layout import FILE, Results
from tamis.report.views import ORPHANED_CUTS, identifier

SMALL = {"stats", "notes", "waterfall", "conservation", "skipped", "dropped", "edits", "orphaned_cuts", "plan",
         "scores_heuristics"}  # fmt: skip
LARGE = {*(f"documents_{stage}" for stage in STAGES), "pool", "validation", "annealing", "mixtures", "export"}
ROWS = {"dropped": 33, "edits": 3, "scores_heuristics": 75, "plan": 2, "conservation": 4, "waterfall": 4, "skipped": 1}


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("database") / "results"
    make_results(folder)
    return folder


def ask(folder, query):
    with database.connect(Results.open(folder)) as connection:
        return connection.execute(query).fetchall()


def ask_file(path, query):
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def texts(connection, name):
    """All rows of a table as text, in one order."""
    return sorted(database.ask(connection, f"FROM {identifier(name)}", 10_000).rows, key=str)


def rows_of(path, name):
    return ask_file(path, f"FROM (FROM {identifier(name)} SELECT count(*))")


def forms(path):
    """Name → form, as DuckDB itself lists them."""
    return dict(ask_file(path, "SELECT table_name, table_type FROM information_schema.tables"))


def copied(folder, to):
    shutil.copytree(folder, to)
    return to


# What tamis sql asks


def test_every_table_is_a_view_and_nothing_is_copied(folder):
    names = {row[0] for row in ask(folder, "SELECT view_name FROM duckdb_views() WHERE NOT internal")}
    assert names == SMALL | LARGE
    assert ask(folder, "SELECT count(*) FROM duckdb_tables()") == [(0,)]


def test_conservation_and_waterfall_agree_with_the_files(folder):
    rows = ask(folder, "SELECT stage, documents_kept, documents_lost, characters_lost FROM conservation")
    assert [row[0] for row in rows] == list(STAGES)
    assert all(row[2:] == (0, 0) for row in rows)
    for stage, kept, *_ in rows:
        assert kept == sum(pq.read_metadata(path).num_rows for path in (folder / stage / "documents").iterdir())
    shares = ask(folder, "SELECT documents, dropped, kept_percent, of_all_percent FROM waterfall")
    assert shares[-1] == (44, 31, 58.67, 57.89)


def test_cuts_whose_owner_went_later_are_counted_where_the_text_might_have_been():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE dropped (position INTEGER, stage VARCHAR, reason VARCHAR, id VARCHAR)")
        connection.execute(
            "INSERT INTO dropped VALUES (0, 'ingest', 'duplicate_record', 'stays'), (3, 'heuristics', 'short', 'gone'), "
            "(3, 'heuristics', 'short', 'gone too'), (4, 'extracts', 'extract_of_kept', 'page')"
        )
        connection.execute(
            'CREATE TABLE edits (position INTEGER, stage VARCHAR, id VARCHAR, matched_id VARCHAR, start BIGINT, "end" BIGINT)'
        )
        rows = [
            ("a", "gone", 0, 10), ("a", "gone", 20, 25), ("b", "gone", 0, 1),  # their text may be nowhere
            ("c", "page", 0, 7),  # in the page's parent
            ("c", "stays", 0, 100), ("c", None, 100, 200),  # the owner stays; no owner
            ("gone too", "gone", 0, 50),  # went as a whole
        ]  # fmt: skip
        connection.executemany("INSERT INTO edits VALUES (1, 'paragraph_dedup', ?, ?, ?, ?)", rows)
        assert connection.execute(ORPHANED_CUTS).fetchall() == [
            (1, "paragraph_dedup", "extracts", "extract_of_kept", 1, 1, 7),
            (1, "paragraph_dedup", "heuristics", "short", 3, 2, 16),
        ]


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


@pytest.mark.parametrize(("files", "column", "table"), [
    ("paragraph_dedup/edits", "replacement", "edits"), ("*/dropped", "kept_id", "dropped"),
])  # fmt: skip
def test_columns_that_files_of_an_earlier_version_lack_are_null(folder, tmp_path, files, column, table):
    old = copied(folder, tmp_path / "old")
    for path in old.glob(f"{files}/*"):
        pq.write_table(pq.read_table(path).drop_columns(column), path)
    with database.connect(Results.open(old)) as connection:
        assert {row[column] for row in connection.table(table).to_arrow_table().to_pylist()} == {None}


def test_a_moved_folder_with_an_odd_name_can_be_asked(folder, tmp_path):
    moved = copied(folder, tmp_path / 'it\'s a? "here"')
    # As a pattern, the name would match this folder too.
    copied(folder, tmp_path / 'it\'s ab "here"')
    for query in ("SELECT count(*) FROM pool", "SELECT count(*) FROM documents_heuristics"):
        assert ask(moved, query) == [(44,)]


def test_an_unfinished_run_has_the_views_that_it_can_have(tmp_path):
    make_results(tmp_path, finish=False)
    (tmp_path / "heuristics/documents/part-00000.parquet").unlink()
    names = {row[0] for row in ask(tmp_path, "SELECT view_name FROM duckdb_views() WHERE NOT internal")}
    assert "documents_minhash_dedup" in names
    assert not names & {"documents_heuristics", "pool", "stats", "waterfall", "mixtures"}


def test_every_kind_of_value_is_shown_without_python_objects():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        time = "TIMESTAMPTZ '2024-01-02 03:04:05+00'"
        answer = database.ask(
            connection,
            f"SELECT 7 AS n, 0.5 AS half, {time} AS t, [{time}] AS many, {{'a': {{'b': {time}}}}} AS deep, "
            f"MAP {{'k': {time}}} AS map, DATE '20000-01-01' AS far, NULL AS nothing, [1] AS ones, 'x' AS \"a \"\"b\"",
            5,
        )
    shown = "2024-01-02 03:04:05+00"
    assert answer.rows == [
        ("7", "0.5", shown, f"['{shown}']", f"{{'a': {{'b': '{shown}'}}}}", f"{{k='{shown}'}}", "20000-01-01", None,
         "[1]", "x")
    ]  # fmt: skip
    assert answer.columns[-1] == 'a "b'
    assert [name for name, number in zip(answer.columns, answer.numbers, strict=True) if number] == ["n", "half"]


def test_an_answer_may_have_no_columns_no_rows_or_too_many(folder):
    with database.connect(Results.open(folder)) as connection:
        assert database.ask(connection, "-- nothing", 3) == database.Answer((), (), [], more=False)
        assert database.ask(connection, "SELECT id FROM pool WHERE false", 3).rows == []
        many = database.ask(connection, "SET threads = 1; SELECT * FROM range(10) ORDER BY 1 DESC", 3)
        assert (many.rows, many.more) == ([("9",), ("8",), ("7",)], True)
        assert database.ask(connection, "DESCRIBE pool", 30).rows[0][:2] == ("id", "VARCHAR")
        # A name is one of the results, never a variable of the program.
        with pytest.raises(duckdb.CatalogException, match="many does not exist"):
            database.ask(connection, "SELECT * FROM many", 3)


# The file


def test_what_is_counted_and_decided_is_in_the_file_and_texts_are_not(folder):
    assert forms(folder / "tamis.duckdb") == {
        "about": "BASE TABLE", **dict.fromkeys(SMALL, "BASE TABLE"), **dict.fromkeys(LARGE, "VIEW")
    }  # fmt: skip
    for name, rows in ROWS.items():
        assert rows_of(folder / "tamis.duckdb", name) == [(rows,)]
    assert ask_file(folder / "tamis.duckdb", "SELECT comment FROM duckdb_tables() WHERE table_name = 'dropped'")[0][0]
    assert ask_file(folder / "tamis.duckdb", "SELECT comment FROM duckdb_views() WHERE view_name = 'pool'")[0][0]


def test_it_says_where_everything_lies(folder):
    about = {row[0]: row[1:] for row in ask_file(folder / "tamis.duckdb", "SELECT name, form, rows, files FROM about")}
    assert about.keys() == SMALL | LARGE | {"about"}
    assert about["dropped"] == ("table", 33, str(folder.resolve()))
    assert about["pool"] == ("view", 44, str(folder.resolve() / "heuristics/documents"))
    assert about["waterfall"][0] == "table"


def test_it_opens_from_anywhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = os.path.relpath(folder / "tamis.duckdb")
    assert ask_file(name, "SELECT count(*) FROM pool") == [(44,)]
    assert ask_file(name, "SELECT count(*) FROM dropped") == [(33,)]


def test_a_relative_results_folder_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results(Path("results"))
    monkeypatch.chdir("/")
    assert ask_file(tmp_path / "results/tamis.duckdb", "SELECT count(*) FROM pool") == [(44,)]


@pytest.mark.parametrize("alone", [True, False])
def test_moved_or_copied_alone_it_answers_and_names_the_files_that_are_gone(folder, tmp_path, alone):
    first = copied(folder, tmp_path / "first")
    database.run_views(
        rows=1_000_000, layout=first / FILE, database=first / "tamis.duckdb", record=first / record.DATABASE
    )
    if alone:
        (tmp_path / "elsewhere").mkdir()
        shutil.copy(first / "tamis.duckdb", tmp_path / "elsewhere" / "another name.duckdb")
        shutil.rmtree(first)
        moved = tmp_path / "elsewhere" / "another name.duckdb"
    else:
        first.rename(tmp_path / "second")
        moved = tmp_path / "second" / "tamis.duckdb"
    for name, rows in ROWS.items():
        assert rows_of(moved, name) == [(rows,)]
    for name in LARGE:
        with pytest.raises(duckdb.IOException, match=str(first)):
            rows_of(moved, name)
    if not alone:
        assert ask(tmp_path / "second", "SELECT count(*) FROM pool") == [(44,)]


def test_a_view_one_of_whose_files_is_gone_fails_and_names_it(folder, tmp_path):
    broken = copied(folder, tmp_path / "broken")
    database.run_views(rows=0, layout=broken / FILE, database=broken / "tamis.duckdb", record=broken / record.DATABASE)
    (broken / "heuristics/documents/part-00001.parquet").unlink()
    with pytest.raises(duckdb.IOException, match=r"heuristics/documents/part-00001\.parquet"):
        ask_file(broken / "tamis.duckdb", "SELECT count(*) FROM pool")


@pytest.mark.parametrize(("limit", "views"), [
    (0, SMALL), (10**6, set()), (33, {"stats", "scores_heuristics"}), (32, {"stats", "scores_heuristics", "dropped"}),
])  # fmt: skip
def test_above_the_limit_there_are_views_that_give_the_same(folder, tmp_path, limit, views):
    path = tmp_path / "limited.duckdb"
    database.run_views(rows=limit, layout=folder / FILE, database=path, record=tmp_path / record.DATABASE)
    assert {name for name, form in forms(path).items() if form == "VIEW"} == LARGE | views
    with duckdb.connect(str(path), read_only=True) as file, database.connect(Results.open(folder)) as asked:
        file.execute("SET TimeZone = 'UTC'")
        for name in SMALL | LARGE:
            assert texts(file, name) == texts(asked, name) != []


def test_any_duckdb_from_1_2_on_can_open_it(folder):
    # The format's version stands at byte 12 of the file: 64 was DuckDB 1.1's and 65 1.2's; 2.0 writes 999 by itself.
    assert int.from_bytes((folder / "tamis.duckdb").read_bytes()[12:20], "little") in (64, 65)


def test_it_is_one_whole_file_also_when_it_is_written_again(folder, tmp_path):
    again = copied(folder, tmp_path / "again")
    with duckdb.connect(str(again / "tamis.duckdb"), read_only=True) as reader:
        database.run_views(
            rows=1_000_000, layout=again / FILE, database=again / "tamis.duckdb", record=again / record.DATABASE
        )
        # Who has the old one open goes on reading it.
        assert reader.execute("SELECT count(*) FROM dropped").fetchone() == (33,)
    assert [path.name for path in again.iterdir() if "duckdb" in path.name] == ["tamis.duckdb"]
    assert not (again / ".spill").exists()


def test_a_damaged_file_is_named_and_leaves_the_old_database(folder, tmp_path):
    broken = copied(folder, tmp_path / "broken")
    before = (broken / "tamis.duckdb").read_bytes()
    path = broken / "heuristics/scores/part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"(?s)heuristics/scores/part-00000\.parquet: .* Delete it and run"):
        database.run_views(
            rows=1_000_000, layout=broken / FILE, database=broken / "tamis.duckdb", record=broken / record.DATABASE
        )
    assert (broken / "tamis.duckdb").read_bytes() == before
    assert [path.name for path in broken.iterdir() if "duckdb" in path.name] == ["tamis.duckdb"]


# In a process of its own, where neither pytz nor pandas can be imported


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in ("pytz", "pandas"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
from tamis.cli import main
sys.exit(main(sys.argv[1:]))
"""


def without_pytz(folder, *arguments):
    command = [sys.executable, "-c", WITHOUT, arguments[0], "--results", str(folder), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_times_with_a_zone_need_no_other_package(folder):
    out = without_pytz(folder, "sql", "SELECT * FROM pool ORDER BY url LIMIT 1")
    assert "2024-01-01 00:00:00+00" in out
    out = without_pytz(folder, "sql", "SELECT {'when': date} AS s, [date] AS l FROM pool LIMIT 1")
    assert "{'when': '2024-01-01 00:00:00+00'}" in out
    name = pq.read_table(folder / "heuristics/documents")["id"][0].as_py()
    assert "2024-01-01" in without_pytz(folder, "why", name)


def test_the_page_needs_no_other_package_either(folder, tmp_path):
    made = copied(folder, tmp_path / "made")
    script = WITHOUT.rpartition("from tamis.cli")[0] + (
        "from pathlib import Path\n"
        "from tamis.report import page\n"
        "names = {name: Path(sys.argv[1]) / name for name in ('page', 'picture', 'alarms', 'report/record')}\n"
        "names['record'] = names.pop('report/record')\n"
        "page.run_page(page.Config(), layout=Path(sys.argv[1]) / 'layout.json', **names)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(made)], check=True)
    assert (made / "page").read_bytes() == (folder / "report/index.html").read_bytes()


def test_a_folder_held_by_a_run_and_not_to_be_written_can_be_asked(folder, tmp_path):
    held = copied(folder, tmp_path / "held")
    with (held / ".tamis.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folders = [held, *(path for path in held.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        try:
            before = sorted(held.rglob("*"))
            assert "44" in without_pytz(held, "sql", "SELECT count(*) FROM pool")
            assert ask_file(held / "tamis.duckdb", "SELECT count(*) FROM dropped") == [(33,)]
            assert sorted(held.rglob("*")) == before
        finally:
            for path in folders:
                path.chmod(0o755)

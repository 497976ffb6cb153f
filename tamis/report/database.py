"""`tamis.duckdb`: the results in one file that answers from anywhere.

What is counted and decided is copied into the file: counts, ledger, edits, scores, plans. Each of these is a table as
long as it has at most `report.database_rows` rows. A larger one, and everything that holds texts (the documents of a
stage, the pool, the sets), is a view of its Parquet files by their absolute paths. The table `about` says which is
which and where the files lie. So the file can be moved, copied alone and opened by any DuckDB from 1.2 on; a view whose
files are gone fails with the name of the first of them. Since paths stand in it, its bytes are not promised to be the
same in another place; it is no delivery.

`tamis sql` does not read the file: it makes views of everything with the present path of the folder. It works after the
folder was moved, where nothing may be written, and in a run that is not finished.

Size, measured with a million rows of random ids, addresses and figures: 86 bytes a ledger row, 42 an edit, 165 a row
of 40 scores, a tenth more than in Parquet; a table of a million rows takes 2 to 7 s on two cores, and 1.2 GB of memory.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from tamis.errors import SourceError
from tamis.report.layout import Results
from tamis.report.record import write as write_record
from tamis.report.views import View, identifier, literal, views
from tamis.shards import table_batches, whole_file

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger(__name__)

VERSION = 2

STORAGE = "v1.2.0"
"""The oldest DuckDB that can open the file. Left alone, DuckDB 2.0 writes what no 1.x opens."""

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
"""Beginnings of the names of numeric types."""

ABOUT = """
CREATE TABLE about (name VARCHAR, form VARCHAR, "rows" BIGINT, shows VARCHAR, files VARCHAR);
COMMENT ON TABLE about IS 'What this file holds (tables), and the files outside of it that it shows (views)';
"""


@dataclass(frozen=True)
class Answer:
    """The first rows of an answer as text, None for null.

    `numbers` says of each column whether it holds numbers; `more` whether rows were left out.
    """

    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: list[tuple[str | None, ...]]
    more: bool


def create(connection: duckdb.DuckDBPyConnection, form: str, view: View) -> None:
    """Create one table or view in an open database.

    Args:
        connection: the database.
        form: `table`, which holds the rows, or `view`, which reads them from the files.
        view: what to create.
    """
    connection.execute(f"CREATE {form} {identifier(view.name)} AS {view.query}")
    connection.execute(f"COMMENT ON {form} {identifier(view.name)} IS {literal(view.comment)}")


def connect(results: Results) -> duckdb.DuckDBPyConnection:
    """A database in memory with views of all tables of a results folder, wherever it lies."""
    import duckdb

    connection = duckdb.connect()
    # Dates are stored in UTC; and a name in a query never means a variable of this program.
    connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false")
    for view in views(results, results.folder.resolve().as_posix()):
        create(connection, "view", view)
    return connection


def ask(connection: duckdb.DuckDBPyConnection, query: str, most: int) -> Answer:
    """The answer to one or more statements: that of the last of them.

    DuckDB itself makes text of the values: its client needs pytz to make Python objects of times with a zone, and
    Python has none for some other values (dates beyond the year 9999).

    Args:
        connection: the database.
        query: SQL.
        most: rows.

    Raises:
        duckdb.Error: the query is wrong, or a file that it reads is missing.
    """
    answer = connection.sql(query)
    if answer is None:
        return Answer((), (), [], more=False)
    kinds = [str(kind) for kind in answer.types]
    rows = answer.limit(most + 1).project("COLUMNS(*)::VARCHAR").fetchall()
    numbers = tuple(kind.startswith(NUMBERS) and "[" not in kind for kind in kinds)
    return Answer(tuple(answer.columns), numbers, rows[:most], len(rows) > most)


@contextmanager
def _attached(path: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that writes a new database file; when the block ends, everything is in that one file."""
    import duckdb

    with closing(duckdb.connect()) as connection:
        connection.execute(f"SET memory_limit = '1GB'; SET temp_directory = {literal(str(spill))}")
        connection.execute(f"ATTACH {literal(str(path))} AS made (STORAGE_VERSION {literal(STORAGE)}); USE made")
        yield connection
        connection.execute("USE memory; DETACH made")


def _rows(path: Path) -> int:
    """Rows of a Parquet file, by its footer."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        msg = f"{path}: not a readable Parquet file ({error}). Delete it and run the workflow again."
        raise SourceError(msg) from error


def _fill(connection: duckdb.DuckDBPyConnection, results: Results, most_rows: int) -> None:
    """Create the tables and views of the file, and say in `about` which they are."""
    folder = results.folder.resolve()
    connection.execute(ABOUT)
    note = (
        "These lines. Views read the results where they lay when this file was written; `tamis sql` finds them anywhere"
    )
    lines: list[tuple[str, str, int | None, str, str]] = [("about", "table", None, note, str(folder))]
    for view in views(results, folder.as_posix()):
        rows = sum(map(_rows, view.files))
        form = "table" if view.small and 0 < most_rows >= rows else "view"
        if form == "table":
            # DuckDB does not say which file is damaged, and copies what it takes for values.
            for path in view.files:
                deque(table_batches(path), maxlen=0)
        create(connection, form, view)
        # Made from another table, not from files.
        known = rows if view.files else None
        place = os.path.commonpath([path.parent.resolve() for path in view.files]) if view.files else str(folder)
        lines.append((view.name, form, known, view.comment, place))
    connection.executemany("INSERT INTO about VALUES (?, ?, ?, ?, ?)", lines)


def run_views(*, rows: int, layout: Path, database: Path, record: Path) -> None:
    """Write the database file.

    Args:
        rows: rows up to which what is counted and decided becomes a table; 0: views only.
        layout: `layout.json` in the results folder.
        database: the file to write.
        record: JSON to write, by which it is verified.

    Raises:
        SourceError: a file of the results is missing or damaged.
    """
    import duckdb

    results = Results.open(layout.parent)
    with whole_file(database) as temporary:
        # DuckDB wants to create the file itself, and notes beside it what it is about to write.
        temporary.unlink()
        try:
            with _attached(temporary, results.folder / ".spill") as connection:
                _fill(connection, results, rows)
        except duckdb.Error as error:
            msg = f"{database}: cannot be made: {error}. Delete what is damaged or make room, and run again."
            raise SourceError(msg) from error
        finally:
            temporary.with_name(f"{temporary.name}.wal").unlink(missing_ok=True)
        size = temporary.stat().st_size
    write_record(record, (database,))
    log.info("%s: %d bytes", database, size)

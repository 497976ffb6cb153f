"""Expressions over the columns of a document, in DuckDB's SQL: checked before anything runs, then asked of batches.

An expression is one scalar condition, as stands in a WHERE. It may read the columns of the documents and call the
functions in `FUNCTIONS`, whose answer depends on their arguments alone: no subquery, no window, no aggregate (whose
answer would depend on the batch), no lambda, nothing that reads a file, a setting, a clock or chance. DuckDB's own
parser says what an expression is made of (`json_serialize_sql`), and everything that is not named here is refused; its
binder then finds wrong types on a table without rows. The connection besides may touch no file, load no extension and
change no setting, runs on one thread and keeps its time zone at UTC, so that machines agree.

An answer is true, false or null. As in DuckDB, a condition over a null is null (`fasttext_quality > 0.3` where nothing
was scored) unless it says otherwise (`coalesce(…, true)`, `IS NULL`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from tamis.errors import SourceError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLE = "documents"

_ALLOWED = {
    "operators, as the parser names them": "+ - * / // % ** ^ & | ~ << >> @ || ^@ ~~ !~~ ~~* !~~* ~~~ -> ->> @> <@ && "
    "like_escape not_like_escape ilike_escape not_ilike_escape",
    "texts": "length char_length character_length len strlen octet_length length_grapheme lower lcase upper ucase trim "
    "ltrim rtrim left right substr substring lpad rpad reverse repeat replace translate concat concat_ws contains "
    "starts_with ends_with prefix suffix position strpos instr split_part string_split split str_split string_to_array "
    "string_split_regex str_split_regex regexp_split_to_array regexp_matches regexp_full_match regexp_extract "
    "regexp_extract_all regexp_replace regexp_escape ascii unicode ord chr strip_accents nfc_normalize levenshtein "
    "damerau_levenshtein hamming jaccard jaro_similarity jaro_winkler_similarity parse_filename parse_dirname "
    "parse_dirpath parse_path url_encode url_decode base64 to_base64 md5 sha1 sha256 md5_number hex encode",
    "numbers": "abs sign ceil ceiling floor round trunc sqrt cbrt ln log log2 log10 exp pow power mod greatest least "
    "isnan isinf isfinite even gcd lcm degrees radians sin cos tan",
    # Those of two dates, or of one alone: `age` of one date asks the clock for the other.
    "dates": "date_part datepart date_trunc datetrunc date_diff datediff date_sub datesub year month day hour minute "
    "second quarter week weekday isodow dayofweek dayofmonth dayofyear isoyear yearweek decade century last_day "
    "monthname dayname epoch epoch_ms strftime strptime try_strptime make_date make_timestamp to_timestamp to_days "
    "to_hours to_minutes to_seconds to_weeks to_months to_years timezone",
    # CASE, COALESCE, IN, BETWEEN, TRY and TRY_CAST are the language's own.
    "nulls and choices": "nullif ifnull if constant_or_null typeof",
    "JSON": "json_extract json_extract_path json_extract_string json_extract_path_text json_value json_exists "
    "json_contains json_array_length json_keys json_type json_valid json_structure from_json json_transform",
    "lists and structs": "list_value list_pack list_contains list_has list_has_any list_has_all list_position "
    "list_indexof list_extract list_element list_slice list_concat list_cat list_distinct list_unique list_sort "
    "list_reverse_sort list_intersect list_first list_last list_min list_max list_sum list_avg list_count "
    "array_contains array_has array_has_any array_has_all array_length array_extract array_slice array_position "
    "array_to_string flatten cardinality row struct_pack struct_extract map_keys map_values map_extract",
}
FUNCTIONS = frozenset(name for names in _ALLOWED.values() for name in names.split())
"""What an expression may call: functions of one row whose answer depends on their arguments alone, in any version of
DuckDB (so `hash` is missing; `md5_number` serves for samples)."""

_CLASSES = {
    *("CONSTANT", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CASE", "CAST", "TYPE", "BETWEEN"),
    # How the parser reads `metadata->'x'`; no function that is allowed takes a lambda.
    "LAMBDA",
}
# Where the parser of some versions says that functions behind syntax (`AT TIME ZONE`, `[…]`) are.
_OWN = (None, "", "main", "pg_catalog", "system")
_REFUSED = {
    "SUBQUERY": "subqueries (ANY and ALL are some)",
    "WINDOW": "window functions, whose answer depends on other documents",
    "STAR": "*, ? and COLUMNS, which stand for many columns",
    "PARAMETER": "parameters ($1, ?)",
    "COLLATE": "COLLATE; compare lower(…) instead",
}


class Refused(Exception):  # noqa: N818 - no defect: why an expression is refused
    """Why an expression is refused, for a person to read; the caller names its key."""


def connect() -> duckdb.DuckDBPyConnection:
    """A connection that touches no file, loads no extension, keeps its settings, and uses one thread."""
    import duckdb

    closed = {
        "threads": 1,
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=closed)
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    return connection


def _query(text: str) -> str:
    """An expression as a column; the line break ends a comment that it may end in."""
    return f"SELECT (\n{text}\n)"


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """The parser's tree of the one statement that a text is."""
    import duckdb

    try:
        text.encode()
        rows = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchall()
        tree: dict[str, Any] = json.loads(rows[0][0])
    except duckdb.Error as error:
        raise Refused(f"is refused by DuckDB: {_first_lines(error)}") from error
    except UnicodeEncodeError as error:
        raise Refused("is not UTF-8") from error
    except RecursionError as error:
        raise Refused("nests too deeply") from error
    if tree["error"]:
        raise Refused(f"is no SQL expression: {_first_lines(tree['error_message'])}")
    if len(tree["statements"]) != 1:
        raise Refused("holds more than one statement; write one condition")
    node: dict[str, Any] = tree["statements"][0]["node"]
    return node


def _first_lines(error: object) -> str:
    """What DuckDB says before it points at a place of a query that the user has not written."""
    return " ".join(str(error).partition("\nLINE ")[0].partition("Candidate")[0].split())


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every part of an expression, from left to right."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class" in item:
                yield item
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


def _only_condition(connection: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """The tree of an expression that is all of its query: no FROM, no second column, nothing behind it."""
    plain, node = _parsed(connection, _query("true")), _parsed(connection, _query(text))
    (example,), found = plain.pop("select_list"), node.pop("select_list", None) or []
    if len(found) != 1 or found[0].get("alias") != example["alias"] or _unplaced(node) != _unplaced(plain):
        raise Refused("is more than an expression; write one condition, as stands in a WHERE")
    tree: dict[str, Any] = found[0]
    return tree


def _unplaced(node: Any) -> Any:
    """A tree without the places of its parts in the text."""
    if isinstance(node, dict):
        return {key: _unplaced(value) for key, value in node.items() if not key.startswith("query_location")}
    return [_unplaced(value) for value in node] if isinstance(node, list) else node


def columns_read(connection: duckdb.DuckDBPyConnection, text: str, known: Collection[str]) -> list[str]:
    """The columns that an expression reads, if it is one and made of what is allowed.

    Args:
        connection: from `connect`.
        text: the expression.
        known: columns that the documents have.

    Raises:
        Refused: it is not, or reads another column.
    """
    read: set[str] = set()
    for node in _nodes(_only_condition(connection, text)):
        kind = node["class"]
        if kind not in _CLASSES:
            raise Refused(
                f"must not use {_REFUSED.get(kind, kind)}; it may compare columns and call functions of one row"
            )
        if kind == "FUNCTION":
            _check_function(node)
        elif kind == "COLUMN_REF":
            read.add(_column(node["column_names"], known))
    if not read:
        raise Refused("reads no column, so its answer is the same for every document")
    return sorted(read)


def _check_function(node: Mapping[str, Any]) -> None:
    name = node["function_name"].lower()
    if node.get("schema") not in _OWN or node.get("catalog") not in _OWN:
        # The parser reads `text.lower()` as the function of a schema.
        raise Refused(f"calls {name}() behind a dot; write {name}(…)")
    if name not in FUNCTIONS:
        close = get_close_matches(name, FUNCTIONS, n=1, cutoff=0.75)
        raise Refused(
            f"must not call {name}(): only functions of one row whose answer depends on their arguments alone"
            + (f"; {close[0]}?" if close else "")
        )


class UnknownColumn(Refused):
    """An expression reads a column that the documents do not have."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        """Remember the column."""
        self.column = name.lower()
        close = get_close_matches(name.lower(), known, n=1)
        super().__init__(
            f"there is no column {name[:60]!r} here{f'; {close[0]}?' if close else ''} (known: {', '.join(known)}; "
            "a text stands in single quotes)"
        )


def _column(path: Sequence[str], known: Collection[str]) -> str:
    first, *more = path
    if more and first.lower() == "metadata":
        raise Refused(f"reads {'.'.join(path)}; a field of the metadata is (metadata->>'$.{'.'.join(more)}')")
    # DuckDB takes capitals for small letters in names.
    if more or first.lower() not in known:
        raise UnknownColumn(".".join(path), known)
    return first.lower()


class Conditions:
    """Named expressions, checked against the columns of some documents, to be asked of batches of these."""

    def __init__(self, texts: Mapping[str, str], schema: pa.Schema) -> None:
        """Check all expressions; what is wrong with one is in `refused`.

        Args:
            texts: name → expression.
            schema: of the documents.
        """
        self._connection = connect()
        self._texts = dict(texts)
        self.refused: dict[str, Refused] = {}
        """Name → why."""
        read: set[str] = set()
        for name, text in texts.items():
            try:
                read.update(columns_read(self._connection, text, schema.names))
                self._bind(text, schema)
            except Refused as refused:
                self.refused[name] = refused
        self._columns = [name for name in schema.names if name in read]

    def _bind(self, text: str, schema: pa.Schema) -> None:
        import duckdb

        empty = schema.empty_table()
        try:
            ((_, kind, *_),) = self._rows(f"DESCRIBE {_query(text)} FROM {TABLE}", empty).fetchall()
            self._rows(f"{_query(text)} FROM {TABLE}", empty).fetchall()
        except duckdb.Error as error:
            raise Refused(f"is refused by DuckDB: {_first_lines(error)}") from error
        if kind != "BOOLEAN":
            raise Refused(f"gives {kind}, not true or false; compare it with something")

    def _rows(self, query: str, documents: pa.Table) -> duckdb.DuckDBPyConnection:
        """The open result of a query over some documents."""
        self._connection.register(TABLE, documents)
        return self._connection.execute(query)

    def ask(self, documents: pa.Table) -> dict[str, np.ndarray]:
        """What each expression says of each document.

        Args:
            documents: n rows with the columns of the schema.

        Returns:
            Name → int8[n]: 1 true, 0 false, -1 null.

        Raises:
            SourceError: an expression has no answer for a document, such as a cast of a text that is no number.
        """
        import duckdb

        table = documents.select(self._columns)
        if not table.num_rows:
            return {name: np.zeros(0, np.int8) for name in self._texts}
        # Names of our own: that of an expression is no part of the query.
        codes = [f"coalesce((\n{text}\n)::TINYINT, -1) AS c{at}" for at, text in enumerate(self._texts.values())]
        try:
            answers = self._rows(f"SELECT {', '.join(codes)} FROM {TABLE}", table).fetchnumpy()  # noqa: S608 - checked
        except duckdb.Error as error:
            raise self._located(documents, error) from error
        return {name: np.asarray(answers[f"c{at}"]) for at, name in enumerate(self._texts)}

    def _located(self, documents: pa.Table, error: Exception) -> SourceError:
        """The error that names an expression that fails, and the first document that it fails for."""
        name = next((name for name in self._texts if self._failure(name, documents)), None)
        if name is None:
            return SourceError(f"DuckDB fails: {_first_lines(error)}")
        first, last = 0, documents.num_rows
        while last - first > 1:
            middle = (first + last) // 2
            if self._failure(name, documents.slice(first, middle - first)):
                last = middle
            else:
                first = middle
        one = documents.slice(first, 1)
        return SourceError(
            f"filter.keep.{name} has no answer for the document {one['id'][0].as_py()} of source "
            f"{one['source'][0].as_py()}: {self._failure(name, one) or _first_lines(error)}. Let it allow for such "
            "values: TRY_CAST(… AS …) gives null where a cast fails, coalesce(…, true) says what null means, CASE WHEN "
            "… THEN … END asks only where it makes sense."
        )

    def _failure(self, name: str, documents: pa.Table) -> str:
        """What DuckDB says of one expression over some documents; empty where it has an answer for all."""
        import duckdb

        try:
            self._rows(f"{_query(self._texts[name])} FROM {TABLE}", documents.select(self._columns)).fetchnumpy()
        except duckdb.Error as error:
            return _first_lines(error)
        return ""

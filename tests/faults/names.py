"""Hostile names: of the results folder, of files, and in every string of the configuration."""

from __future__ import annotations

import shlex
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tamis.config_model import Config
from tests.faults.case import Case, NotSurvived
from tests.faults.registry import fault

HOSTILE = (
    "$(touch executed)", "`touch executed`", "; touch executed;", "' ; touch executed ; '", '" ; touch executed ; "',
    "{results}", "{{ 7 * 7 }}", "<script>alert(1)</script>", "../../executed", "-n", "--cores", "\x1b[2J\x1b]0;executed\x07",
    "a\nb", "%s%n", "💥 Ωμέγα 日本語 مرحبا", "'); DROP TABLE documents; --", "a" * 300, "con\\nul", "\u202egnp.exe", "* [0-9] ?",
)  # fmt: skip
"""What a shell, Snakemake, a template, SQL, HTML, a path or a terminal would take for its own."""

FOLDERS = (
    "it's", 'say "hello"', "$(touch executed)", "`touch executed`", "two  words ", "Ωμέγα 日本語", "a;touch executed;b", "-rf",
    "results/deeper/still", "<b>bold</b>", "100%", "a&b|c", "#1", "{x}", "~", "back\\slash", "what?", "new\nline", "*", "wiped\x1b[2J",
)  # fmt: skip


def _refused_or(case: Case, ended: Any, name: str) -> bool:
    """Whether a name was refused in words; a traceback is no words."""
    if "Traceback (most recent call last)" in ended.text:
        raise NotSurvived(f"{name!r} ended in a traceback:\n{ended.last}")
    if "\x1b[2J" in ended.text or "\x1b]0;" in ended.text:
        raise NotSurvived(f"{name!r}: control characters reached the terminal")
    return bool(ended.code)


@fault("output-dir", 20, heavy=True)
def output_dir(case: Case, number: int) -> None:
    """`output_dir` with quotes, spaces, `$(…)`, backticks, braces, non-Latin letters: refused in words, or all works."""
    case.nothing("short")
    name = FOLDERS[number % len(FOLDERS)]
    case.output_dir = name
    case.configure(case.config() | {"output_dir": name})
    ended = case.run()
    if _refused_or(case, ended, name):
        case.must_say(ended, "output_dir")
        case.must_not_have_run()
        return
    case.must_not_have_run()
    case.must_be_same()
    for question in ("waterfall", "verify"):
        asked = case.tamis(question, f"--results={name}")
        case.must_succeed(asked, f"tamis {question} --results={shlex.quote(name)}")
    asked = case.tamis("sql", f"--results={name}", "SELECT count(*) FROM dropped")
    case.must_succeed(asked, "tamis sql")
    _refused_or(case, asked, name)
    case.must_not_have_run()


@dataclass(frozen=True)
class Key:
    """A key of the configuration that takes free text: the way to it, and how the text stands there.

    Attributes:
        steps: (key, "" or "list" or "names"): whether the key holds a section, a list of them, or sections by name.
        form: "text", "list", "name" (of an entry), "value" (of one) or "values".
    """

    steps: tuple[tuple[str, str], ...]
    form: str

    @property
    def name(self) -> str:
        """As an error writes it, without positions and names."""
        return ".".join(key for key, _ in self.steps)


# What a section must hold beside the key in question.
NEEDED = {"density": {"pattern": "x"}, "files": {"path": "corpus/remove.txt"}}


def _keys(model: type[BaseModel], before: tuple[tuple[str, str], ...] = ()) -> Iterator[Key]:
    for key, field in model.model_fields.items():
        for form, kind in _forms(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                container = {"text": "", "list": "list", "value": "names"}[form]
                yield from _keys(kind, (*before, (key, container))) if len(before) < 5 else ()
            elif kind is str or kind is Path:
                yield Key((*before, (key, "")), form)


def _forms(annotation: Any, form: str = "text") -> Iterator[tuple[str, Any]]:
    """(form, type) of all that an annotation allows."""
    arguments, origin = typing.get_args(annotation), typing.get_origin(annotation)
    if origin is typing.Literal:
        return
    if origin is typing.Annotated:
        yield from _forms(arguments[0], form)
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from _forms(argument, form)
    elif origin in (tuple, list):
        for argument in arguments:
            yield from _forms(argument, "list")
    elif origin is dict:
        yield from _forms(arguments[0], "name")
        # A list in a dictionary of selectors: the entry is what has a name.
        inner = list(_forms(arguments[1], "value"))
        yield from (("value" if found == "value" else "values", kind) for found, kind in inner)
    else:
        yield form, annotation


def string_keys() -> list[Key]:
    """Every key of the configuration that takes a text."""
    return sorted(set(_keys(Config)), key=lambda key: (key.name, key.form, key.steps))


def _holding(key: Key, text: str) -> Any:
    """The smallest value of the key's first step that has the text in its place."""
    value: Any = {
        "text": text,
        "list": [text],
        "name": {text: 1.0},
        "value": {"third": text},
        "values": {"third": [text]},
    }[key.form]
    for at, (name, container) in reversed(list(enumerate(key.steps))):
        value = {"": value, "list": [value], "names": {"third": value}}[container]
        if at:
            above = key.steps[at - 1][0]
            value = NEEDED.get(above, {}) | {name: value}
    return value


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _merged(below.get(key), value) for key, value in above.items()}
    return above


@fault("hostile-keys", len(string_keys()))
def hostile_keys(case: Case, number: int) -> None:
    """A hostile text in each key of the configuration that takes a text: refused and the key named, or it stays text."""
    keys = string_keys()
    key = keys[number % len(keys)]
    value = case.dice.choice(HOSTILE)
    config = case.nothing("whole")
    first = key.steps[0][0]
    if first == "sources":
        last = key.steps[-1][0]
        forms = {"jsonl": 0, "parquet": 2, "text": 3}
        wanted = "parquet" if last.endswith(("_column", "_columns")) else "text" if last == "paths" else "jsonl"
        source = config["sources"][forms[wanted]]
        source[last] = [value] if key.form == "list" else value
        if last in ("requirements", "projects", "include", "exclude"):
            config["sources"].append(
                {"name": "more", "format": "releases", "requirements": "corpus/remove.txt", last: source.pop(last)}
            )
    else:
        config = _merged(config, {first: _holding(key, value)})
    case.configure(config)
    ended = case.run(more=("--dry-run",))
    if _refused_or(case, ended, value):
        case.must_say(ended, key.steps[-1][0], first, value, repr(value)[1:-1], remedy=False)
    case.must_not_have_run()


@fault("hostile-keys-run", 10, heavy=True)
def hostile_keys_run(case: Case, number: int) -> None:
    """A hostile text in a key that a run carries into its jobs, its card or its page: it stays text there."""
    config = case.nothing("short")
    value = HOSTILE[number * 2 % len(HOSTILE)]
    config["tokenizer"]["special_tokens"] = [value]
    config["sources"][1]["date_field"] = value
    config["sources"][1]["url_field"] = value
    config["sources"][2]["metadata_columns"] = [value] if number % 2 else ["seen"]
    config["mixtures"]["first"]["weights"] = {"prose": 0.5, "code": 0.5}
    case.configure(config)
    ended = case.run()
    if _refused_or(case, ended, value):
        case.must_say(ended, "special_tokens", "_field", "metadata_columns", "column", remedy=False)
    else:
        for question in (("waterfall",), ("sql", "SELECT count(*) FROM dropped")):
            asked = case.tamis(*question)
            _refused_or(case, asked, value)
            case.must_succeed(asked, f"tamis {question[0]}")
    case.must_not_have_run()


@fault("file-names", 8)
def file_names(case: Case, number: int) -> None:
    """Input files with hostile names: read as they are, or refused and named."""
    config = case.nothing("short")
    raw = [name.replace("/", "\u2215").encode() for name in HOSTILE if len(name) < 200]
    names = [*raw, b"not utf-8 \xff\xfe.jsonl", b"line\nbreak", b" leading", b".hidden"]
    chosen = [name for at, name in enumerate(names) if at % 8 == number]
    folder = case.folder / "corpus/odd"
    folder.mkdir()
    for at, name in enumerate(chosen):
        import os

        with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123 - a name in bytes
            file.write(b'{"text": "A short text of a file with an odd name, number %d."}\n' % at)
    config["sources"].append({"name": "odd", "format": "jsonl", "paths": ["corpus/odd/*"]})
    case.configure(config)
    ended = case.run("ingest")
    if _refused_or(case, ended, repr(chosen)):
        case.must_say(ended, "odd")
    else:
        import pyarrow.parquet as pq

        parts = (pq.read_table(part) for part in sorted((case.results / "ingest/documents").iterdir()))
        count = sum(source == "odd" for part in parts for source in part["source"].to_pylist())
        visible = [name for name in chosen if not name.startswith(b".")]
        if count != len(visible):
            raise NotSurvived(f"{count} of {len(visible)} files of odd names were read: {chosen}")
    case.must_not_have_run()

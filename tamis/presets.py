"""Write a configuration for a user's own text: `tamis init PRESET --source GLOB`.

A preset is a file of `config/`: a configuration that stands alone, with a comment a line. Written are the sources, with
what their files hold (`tamis.readers.guess`), the number of shards and the folder; of a line `key: 3  # loose: 1` the
loose strictness takes the other value and leaves the strict one in the comment. What comes out is checked as the
workflow would check it, before anything is written.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path
from typing import Any, Literal

import yaml

from tamis.errors import ConfigError, SourceError
from tamis.readers.assorted import ending_of, texts_of
from tamis.readers.code.source import CodeSource, are_trees
from tamis.readers.guess import DATES, TEXTS, URLS, Content, Format, content_of_all, named, text_inside, values_of
from tamis.readers.latex.found import are_papers
from tamis.readers.latex.source import LatexSource
from tamis.readers.lines import PACKED
from tamis.readers.parallel import ParallelSource, are_pairs
from tamis.readers.patterns import irregular, matches
from tamis.readers.record import Source
from tamis.readers.remote.addresses import is_address
from tamis.section import workflow_path
from tamis.urls import url_key

PRESETS = {
    "prose": "books, articles, laws, papers, documentation",
    "web": "web pages and text extracted from them",
    "multilingual": "text in many languages",
    "code": "source files: folders, checkouts, archives",
}
"""Name of each preset → for what it is."""

FOLDER = Path(__file__).resolve().parents[1] / "config"

SHARD_BYTES = 250_000_000
"""Text of a shard, about."""

LEAST_URLS = 5
"""URLs from which it is judged whether they are those of single texts: fourteen of fifteen articles went at 20."""

COMPRESSION = 4
"""Bytes of text in a compressed byte, about."""

CODE_COMMENTS = (
    "    # Folders, each one tree, and archives. A file's language, licence and origin are in its metadata; what is",
    "    # vendored, generated or data is listed in ingest/skipped/. Only some licences:",
    "    # licenses: {allow: [MIT, Apache-2.0, BSD-2-Clause, BSD-3-Clause, ISC, 0BSD, CC0-1.0]}",
)
LATEX_COMMENTS = (
    "    # Each paper is a document of LaTeX without preamble, comments and its own macros, of kind maths: only rules",
    "    # on length and damage look at it. Keep references:",
    "    # bibliography: keep",
)
PARALLEL_LINES = (
    "    # Each side is a document, of so many lines: single sentences are too short for the rules below. Both sides",
    "    # name their pair in the metadata; a stage may drop one of them.",
    "    lines: 20",
    "    kind: prose",
)
CODE_CHOICE = "    generated: skip  # loose: keep"
"""What is said of a source of code, of papers, of a parallel corpus."""

MARKUP = 10
"""Bytes of HTML in web archives to a byte of its main content, about."""

FIELDLESS: Mapping[Format, str] = {
    "text": "files of text and HTML",
    "html": "files of text and HTML",
    "warc": "web archives",
    "code": "files of code",
    "latex": "papers in LaTeX",
    "pdf": "PDFs",
    "parallel": "parallel corpora",
}
"""Formats whose records have no fields that a configuration names, in words."""

SHARED = (
    "Most URLs, at least of some file, are shared by several texts, which would be taken for captures of one page. "
    "Files whose URLs are their own keep them in a source of their own."
)
"""What is said where the field of the URL is left out."""

Strictness = Literal["strict", "loose"]

_CHOICE = re.compile(r"(?P<key>\s*\w+: )(?P<strict>\S+)  # loose: (?P<loose>\S+)")
_SOURCES = re.compile(r"^sources:\n(?:[ #].*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A source as it will be written.

    Attributes:
        name: its name.
        paths: as given.
        format: which reader reads it.
        fields: key of the section → name of the field or column, where it is not the default; empty where the one that
            is there says nothing.
        without: "url" and "date" where no file has one.
        partly: the field of the text, URL or date that only some files have → in how many, in words.
        left: files that are no text and so are left out of the patterns, in words; empty where there are none.
        odd: files that are no text and lie among others of their ending, which are read, in words.
        files: how many there are.
        bytes: bytes of text in them, about.
    """

    name: str
    paths: tuple[str, ...]
    format: Format
    fields: dict[str, str]
    without: tuple[str, ...]
    files: int
    bytes: int
    left: str = ""
    odd: str = ""
    partly: Mapping[str, str] = field(default_factory=dict)


def look(
    paths: Sequence[str], names: Sequence[str], given: Format | None, text: str | None, *, text_first: bool = False
) -> Found:
    """Look at the files of one source.

    Args:
        paths: paths and patterns.
        names: names that other sources have.
        given: the format, where the user has said it.
        text: the field or column of the text, where the user has said it.
        text_first: whether records beside files of text are left out, as in a folder of programs.

    Raises:
        SourceError: a pattern matches nothing, or the files are not what tamis reads.
        ConfigError: the field of the text is not there, or not known.
    """
    name = _free(_name_of(paths), names)
    if given == "code" or (text_first and given is None and are_trees(paths)):
        return _trees(CodeSource(name=name, paths=tuple(paths)), "code", text)
    if given == "latex" or (given is None and not text_first and are_papers(paths)):
        return _trees(LatexSource(name=name, paths=tuple(paths)), "latex", text)
    if given == "parallel" or (given is None and are_pairs(paths)):
        return _trees(ParallelSource(name=name, paths=tuple(paths)), "parallel", text)
    files = _files(paths)
    assorted = texts_of(paths, given, text_first=text_first)
    if assorted is not None:
        paths = assorted.patterns
        files = [path for path in files if ending_of(path.name) not in assorted.left and path not in assorted.odd]
        given = "text" if text_first else given
    content = content_of_all(files, given)
    if content.format in FIELDLESS:
        if text is not None:
            raise ConfigError(f"--text {text}: {FIELDLESS[content.format]} have no fields; leave it out")
        fields: dict[str, str] = {}
    else:
        fields = _fields_of(files, content, text)
    without = tuple(key for key in ("url", "date") if fields and not any(one.startswith(key) for one in fields))
    size = sum(_text_bytes(path, content.format) for path in files)
    defaults = {f"{key}_{suffix}": key for key in ("text", "url", "date") for suffix in ("field", "column")}
    return Found(
        name=name,
        paths=tuple(paths),
        format=content.format,
        fields={key: name for key, name in fields.items() if defaults[key] != name},
        without=without,
        files=len(files),
        bytes=int(size),
        left=assorted.told() if assorted else "",
        odd=assorted.refused() if assorted else "",
        partly={name: _share(content, name) for name in fields.values() if name in content.partly},
    )


def _trees(source: Source, file_format: Format, text: str | None) -> Found:
    """Folders and archives, of code or of papers, as a source.

    Raises:
        SourceError: a path matches nothing, or there is no file.
        ConfigError: a field was named.
    """
    if text is not None:
        raise ConfigError(f"--text {text}: {FIELDLESS[file_format]} have no fields; leave it out")
    files = source.input_files()
    size = sum(path.lstat().st_size for path in files if os.path.lexists(path))
    return Found(source.name, source.paths, file_format, {}, (), len(files), size)


def _text_bytes(path: Path, file_format: Format) -> float:
    """Bytes of text in a file, about."""
    size = path.stat().st_size * (COMPRESSION if path.suffix in PACKED or path.suffix == ".parquet" else 1)
    return size / MARKUP if file_format == "warc" and ".wet" not in path.suffixes else size


def _files(patterns: Sequence[str]) -> list[Path]:
    """The files that patterns name.

    Raises:
        SourceError: one is a folder, matches nothing, or has a name that the workflow cannot carry.
    """
    files: list[Path] = []
    for pattern in patterns:
        if is_address(pattern):
            raise SourceError(
                f"{pattern}: files are looked at, to know what they hold; fetch one, name that, and write the address "
                "into paths of the configuration then (or a list of addresses into manifests)"
            )
        if Path(pattern).is_dir():
            inside = shlex.quote(f"{pattern.rstrip('/')}/**")
            raise SourceError(f"{pattern} is a folder; name its files, for example {inside}")
        found = [path for path in matches(pattern) if not irregular(path)]
        if not found:
            raise SourceError(f"{pattern} matches no file in {Path.cwd()}; correct it, and quote it for the shell")
        try:
            files += [workflow_path(path) for path in found]
        except ValueError as error:
            raise SourceError(str(error)) from error
    return files


def _fields_of(files: Sequence[Path], content: Content, text: str | None) -> dict[str, str]:
    """Keys of the section → names of the fields of text, URL and date, as far as they are there."""
    suffix = "field" if content.format == "jsonl" else "column"
    fields = {f"text_{suffix}": _text_of(files[0], content, text, suffix)}
    if (url := _named(content, URLS)) is not None:
        # Texts with one URL would be taken for captures of one page.
        fields[f"url_{suffix}"] = "" if _are_shared(values_of(files, content, url)) else url
    if (date := _named(content, DATES)) is not None:
        fields[f"date_{suffix}"] = date
    return fields


def _named(content: Content, candidates: Sequence[str]) -> str | None:
    """The field that is meant; one that only some files have where none has it in all, for its lack is no error."""
    return named(content.fields, candidates) or named(content.partly, candidates)


def _share(content: Content, name: str) -> str:
    """In how many files a field is, in words."""
    return f"in {content.partly[name]} of the {content.files} files that were looked at"


def _are_shared(urls: Sequence[Sequence[Any]]) -> bool:
    """Whether URLs, a list a file, are not those of single texts, in one of the files or in all together.

    Of one collection they may be those of its file (`c4.jsonl#L7`) while others, among which they are lost, have
    their own: 584 of 1,425 texts of seven collections went as captures of one page.
    """
    together = list(itertools.chain.from_iterable(urls))
    return any(map(_is_shared, [*urls, together]))


def _is_shared(urls: Sequence[Any]) -> bool:
    """Whether more than half of the URLs stand for a text before, too."""
    keys = [url_key(url) for url in urls if isinstance(url, str) and url]
    return len(keys) >= LEAST_URLS and 2 * len(set(keys)) < len(keys)


def _text_of(path: Path, content: Content, given: str | None, what: str) -> str:
    """The field of the text.

    Raises:
        ConfigError: it is not there, or cannot be known.
    """
    fields = content.fields
    listed = ", ".join(fields[:20]) or "none"
    name = given or named(fields, TEXTS)
    some = given if given in content.partly else named(content.partly, TEXTS)
    if some is not None and name not in fields:
        raise ConfigError(
            f"the {what} {some} is only {_share(content, some)}; what all have: {listed}. Give files whose text "
            f"stands in a {what} of another name a --source of their own, and leave out those that hold none"
        )
    if name is None:
        raise ConfigError(_no_text(path, content, what, listed))
    if name not in fields:
        raise ConfigError(f"--text {name}: {path} has no such {what}. It has {listed}")
    return name


def _no_text(path: Path, content: Content, what: str, listed: str) -> str:
    """What is said where no field of the text can be known."""
    if (inside := text_inside(path, content)) is not None:
        outer, name = inside
        inner, short = shlex.quote(f". + {{text: .{outer}.{name}}}"), shlex.quote(path.name)
        how = (
            f"`jq -c {inner}` writes it there"
            if content.format == "jsonl"
            else f"DuckDB's COPY writes it there, from {short} with `{outer}.{name} AS text`"
        )
        return f"{path}: the text stands inside {outer} ({outer}.{name}), and a {what} of its own is read; {how}"
    if not content.fields and content.partly:
        some = ", ".join(f"{name} in {count}" for name, count in list(content.partly.items())[:20])
        return (
            f"the {content.files} files that were looked at have no {what} in common ({some}); give those of one kind "
            "a --source of their own"
        )
    return f"{path}: no {what} is named text; say --text NAME. It has {listed}"


def _name_of(patterns: Sequence[str]) -> str:
    """A name: that of the one file, or of the folder in which all files lie (`crawl` of crawl/*.jsonl.zst)."""
    levels = zip(*(Path(pattern).parts for pattern in patterns), strict=False)
    common = itertools.takewhile(lambda level: len(set(level)) == 1 and not has_magic(level[0]), levels)
    plain = [level[0] for level in common if level[0].strip("./")]
    word = plain[-1].split(".")[0] if plain else "own"
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")[:60] or "own"


def _free(name: str, taken: Sequence[str]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _comment(text: str) -> list[str]:
    """Lines of a comment inside a source."""
    return textwrap.wrap(text, 112, initial_indent="    # ", subsequent_indent="    # ")


def _plain(name: str) -> str:
    """A name as YAML reads it as a text: that of a folder `2024` or `on` in quotes."""
    return name if yaml.safe_load(name) == name else json.dumps(name)


def _written(source: Found, preset: str) -> list[str]:
    """The lines of a source."""
    lines = [f"  - name: {_plain(source.name)}", f"    format: {source.format}"]
    kind = None if preset == "code" else "prose"
    if source.format == "code":
        lines += [*CODE_COMMENTS, CODE_CHOICE]
    elif source.format == "latex":
        lines += LATEX_COMMENTS
    elif source.format == "parallel":
        lines += PARALLEL_LINES
    elif own := "code" if preset == "code" and source.format not in FIELDLESS else kind:
        lines += [f"    # All of it is held to the rules for {own}; auto: judged by its lines.", f"    kind: {own}"]
    if source.left:
        lines += _comment(f"Left out: {source.left}.")
    lines.append(f"    paths: {json.dumps(source.paths, ensure_ascii=False)}")
    if source.odd:
        lines += [*_comment(f"No text, and so skipped and listed: {source.odd}."), "    on_bad_file: skip"]
    return lines + _written_fields(source)


def _written_fields(source: Found) -> list[str]:
    """The lines of a source that name its fields, or say what there is not."""
    lines: list[str] = []
    for key, name in source.fields.items():
        if name:
            lines.append(f"    {key}: {json.dumps(name, ensure_ascii=False)}")
        else:
            lines += [*_comment(SHARED), f"    {key}: null"]
    for name, share in source.partly.items():
        lines.append(f"    # {name}: {share}; the texts of the others have none.")
    if source.without:
        lines.append(f"    # No {' and no '.join(source.without)} was found in the files.")
    return lines


def compose(preset: str, sources: Sequence[Found], strictness: Strictness, output: Path) -> str:
    """The text of a configuration.

    Args:
        preset: name of the preset.
        sources: what was found.
        strictness: of the thresholds.
        output: the file that it will be written to.

    Raises:
        ConfigError: the presets are not installed.
    """
    path = FOLDER / f"{preset}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: missing; presets lie beside the Snakefile, work in a clone of tamis") from error
    lines = ["sources:", *(line for source in sources for line in _written(source, preset))]
    text = _SOURCES.sub(lambda _: "\n".join(lines) + "\n", text, count=1)
    folder = f"results_{re.sub('[^A-Za-z0-9_.-]+', '_', output.stem)}"
    shards = min(10_000, max(2, -(-sum(source.bytes for source in sources) // SHARD_BYTES)))
    text = text.replace(f"results_{preset}", folder).replace("shards: 2\n", f"shards: {shards}\n", 1)
    text = text.replace("THIS_FILE", shlex.quote(str(output)))
    if strictness == "loose":
        text = text.replace("strictness: strict", "strictness: loose", 1)
        told = "followed by `# {0}:` has that value with `--strictness {0}`"
        text = text.replace(told.format("loose"), told.format("strict"), 1)
        text = _CHOICE.sub(lambda one: f"{one['key']}{one['loose']}  # strict: {one['strict']}", text)
    return text


def write(
    preset: str,
    sources: Sequence[Sequence[str]],
    *,
    strictness: Strictness = "strict",
    output: Path | None = None,
    given: Format | None = None,
    text: str | None = None,
) -> tuple[Path, list[Found]]:
    """Write a configuration.

    Args:
        preset: name of the preset.
        sources: paths and patterns of each source.
        strictness: of the thresholds.
        output: the file to write; by default the name of the preset, in the working directory.
        given: the format of all files, where it cannot be known.
        text: the field or column that holds the text.

    Returns:
        The file, and what was found.

    Raises:
        ConfigError: the file exists, or what would be written would be refused.
        SourceError: the files are not what tamis reads.
    """
    from tamis import config, config_files

    output = output or Path(f"{preset}.yaml")
    if output.exists():
        raise ConfigError(f"{output}: exists, and is not written over; take it away or name another with --output")
    found: list[Found] = []
    for paths in sources:
        found.append(look(paths, [source.name for source in found], given, text, text_first=preset == "code"))
    values: dict[str, Any] = config_files.parse(composed := compose(preset, found, strictness, output), output)
    config.load(values)
    with output.open("x", encoding="utf-8") as file:
        file.write(composed)
    return output, found

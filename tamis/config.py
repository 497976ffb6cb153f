"""Checking a configuration: everything that is wrong with it is said at once, each line with its key.

`load` takes the dictionary that Snakemake has merged from config files and `--config`, and answers with a frozen
`Config` or one readable `ConfigError` that names every wrong key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tamis.classifiers.judge.kept import Kept
from tamis.classifiers.judge.section import key_of, read_prompt
from tamis.config_checks import problems
from tamis.config_model import Config
from tamis.errors import ConfigError, TamisError, safe
from tamis.pipeline import GROWING
from tamis.readers import AnySource


@cache
def _known_keys() -> list[str]:
    schema = Config.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    return sorted({name for model in models for name in model.get("properties", {})})


def _error_lines(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for item in error.errors(include_url=False):
        # Tags of discriminated unions and positions read as `sources[1].paths`.
        key = ""
        for part in _without_tag(item["loc"]):
            key += f"[{part}]" if isinstance(part, int) else f"{'.' if key else ''}{part}"
        message = item["msg"].removeprefix("Value error, ")
        if not key and item["type"] == "value_error":
            lines += message.split("\n  ")
            continue
        if item["type"] == "extra_forbidden":
            close = get_close_matches(str(item["loc"][-1]), _known_keys(), n=1)
            close = [name for name in close if name != item["loc"][-1]]
            message = "there is no such key" + (f"; {close[0]}?" if close else "")
        elif item["type"] == "tuple_type":
            message = "Input should be a list, in square brackets"
        given = (
            "" if item["type"] in ("missing", "extra_forbidden", "value_error") else f" (given: {shown(item['input'])})"
        )
        lines.append(f"{key or 'config'}: {message}{given}")
    return lines


def _without_tag(where: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where an error is, without the kind of classifier, which pydantic puts in."""
    tag = 2 if where[:1] == ("classifiers",) else 1 if where[:1] == ("transformer_quality",) else None
    return where if tag is None else where[:tag] + where[tag + 1 :]


def shown(value: object) -> str:
    """A given value on one line of bounded length."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


SHOWN = 200


def refused(lines: Iterable[str]) -> str:
    """The message of a refusal: one line a wrong key, each once, `safe` for a terminal."""
    return safe("The configuration is refused:\n" + "\n".join(f"  {line}" for line in dict.fromkeys(lines)))


def _right_parts(values: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """The configuration without what pydantic refuses: whole sections, but single sources, stages and classifiers."""
    wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    right = {key: value for key, value in values.items() if key not in wrong}
    if isinstance(values.get("sources"), list | tuple) and "sources" in wrong:
        right["sources"] = [source for value in values["sources"] if (source := _right_source(value)) is not None]
    if isinstance(values.get("pipeline"), list | tuple) and "pipeline" in wrong:
        right["pipeline"] = [stage for stage in values["pipeline"] if isinstance(stage, str)]
    if "classifiers" in wrong and isinstance(values["classifiers"], Mapping):
        refused = _refused_classifiers(values, error)
        right["classifiers"] = {name: own for name, own in values["classifiers"].items() if name not in refused}
        if isinstance(right.get("pipeline"), list | tuple):
            right["pipeline"] = [stage for stage in right["pipeline"] if stage not in refused]
    return right


def _refused_classifiers(values: Mapping[str, Any], error: ValidationError) -> set[str]:
    """Names of the classifiers that pydantic refuses; all where it refuses the section as such."""
    named = values.get("classifiers")
    found = {
        item["loc"][1] if len(item["loc"]) > 1 else None
        for item in error.errors()
        if item["loc"][:1] == ("classifiers",)
    }
    if not isinstance(named, Mapping):
        return set()
    return {str(name) for name in (named if None in found else found)}


def _right_source(value: Any) -> Any:
    """A source, or what is left without its refused keys; None where that is none."""
    source = TypeAdapter(AnySource)
    try:
        return source.validate_python(value)
    except ValidationError as error:
        wrong = {item["loc"][-1] for item in error.errors() if item["loc"]}
    if not isinstance(value, Mapping):
        return None
    try:
        return source.validate_python({key: item for key, item in value.items() if key not in wrong})
    except ValidationError:
        return None


def _problems(values: Mapping[str, Any], *, look: bool) -> list[str]:
    """Everything that is wrong with a configuration, as far as its right parts let it be known.

    Args:
        values: the dictionary.
        look: whether files that must be there are looked for.
    """
    lines: list[str] = []
    wrong: set[str] = set()
    refused: set[str] = set()
    try:
        config = Config.model_validate(values, context={"alone": True})
    except ValidationError as error:
        lines += _error_lines(error)
        wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        refused = _refused_classifiers(values, error)
        try:
            config = Config.model_validate(_right_parts(values, error), context={"alone": True})
        except ValidationError:
            return lines
    # What is said of a section that is refused, and has its defaults here, would not be true; neither that a classifier
    # is none, or a column, that is refused itself.
    unknown = re.compile(rf"\b(?:{'|'.join(map(re.escape, refused))})\b" if refused else "(?!)")
    lines += [
        line
        for line in problems(config)
        if re.split(r"[.:\[ ]", line, maxsplit=1)[0] not in wrong - {"sources", "classifiers"}
        and not unknown.search(line)
    ]
    return lines + (_missing_files(config) if look else [])


def check_files(config: Any) -> None:
    """Hold that the files which stages are to learn from can be read and teach something.

    Raises:
        TamisError: the first of them that does not.
    """
    for name in dict.fromkeys(config.stages):
        section = config.section(name)
        if hasattr(section, "check_files"):
            section.check_files(config.key(name))
        _check_key(config, name, section)
    if "toxicity" in config.stages and (
        lines := config.toxicity.wrong_languages(config.language_id.labels(), "toxicity")
    ):
        raise ConfigError("\n".join(lines))


def _check_key(config: Any, name: str, section: Any) -> None:
    """Refuse a judge without its key before anything runs; where answers are kept, none may be needed."""
    judge = section.labels.judge if getattr(section, "taught", name == "domains") else None
    if judge is None or (Path(config.output_dir) / name / "judged.arrow").exists():
        return
    if Kept(Path(judge.cache), read_prompt(judge.prompt), judge.settings()).empty:
        key_of(judge, config.key(name))


def _missing_files(config: Any) -> list[str]:
    lines = []
    for source in config.sources:
        # What is asked of servers was asked before, and may take minutes not to come.
        if source.names_remote() is not None:
            continue
        try:
            source.input_files()
        except TamisError as error:
            lines.append(f"sources: {error}")
    for stage in GROWING:
        try:
            getattr(config, stage).earlier()
        except TamisError as error:
            lines.append(str(error))
    try:
        check_files(config)
    except TamisError as error:
        lines.append(str(error))
    return lines


def _given(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def all_problems(given: Mapping[str, Any], error: TamisError) -> str:
    """Everything that is wrong with a configuration and with the files that it names, once something is.

    Args:
        given: as for `load`.
        error: what was found first.
    """
    lines = _problems(_given(given), look=True)
    first = str(error)
    # What was found first may be of another kind, such as a key given twice in a file.
    if any(first in line for line in lines) or first.startswith("The configuration is refused"):
        return refused(lines) if len(lines) > 1 or first.startswith("The configuration is refused") else first
    return "\n".join([first, *([refused(lines)] if lines else [])])


def load(given: Mapping[str, Any]) -> Any:
    """Check a configuration.

    Args:
        given: the merged dictionary of the config files; null sections stand for their defaults.

    Returns:
        A frozen `Config`.

    Raises:
        ConfigError: with one line for every wrong key.
    """
    values = _given(given)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(refused(_problems(values, look=False))) from error

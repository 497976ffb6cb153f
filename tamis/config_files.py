"""Configuration files as YAML: a mapping whose keys stand once, or an error of one line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tamis import trouble
from tamis.errors import ConfigError


def _check_keys(node: Any, path: Path) -> None:
    """Refuse a key that stands twice in one mapping; YAML would take the last one without a word.

    Raises:
        ConfigError: with the key and both lines.
    """
    import yaml

    waiting, seen_nodes = [node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if isinstance(key, yaml.ScalarNode) and key.value != "<<" and lines.setdefault(key.value, line) != line:
                    msg = (
                        f"{path}, line {line}: the key {key.value!r} stands here and in line {lines[key.value]}; the "
                        "last would win without a word. Leave one of them"
                    )
                    raise ConfigError(msg)
                waiting.append(value)


def read(path: Path) -> dict[str, Any]:
    """Read one file.

    Raises:
        ConfigError: it cannot be read, is no YAML, is no mapping, or gives a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{trouble.refusal(error, path)} (a configuration file)") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 (byte {error.start}); save the configuration as UTF-8") from error
    return parse(text, path)


def parse(text: str, path: Path) -> dict[str, Any]:
    """The keys and values of a text.

    Args:
        text: YAML.
        path: the file, for messages.

    Raises:
        ConfigError: it is no YAML, is no mapping, or gives a key twice.
    """
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
        if node is not None:
            _check_keys(node, path)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML ({error.problem or error.context})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        msg = f"{path}: holds {type(values).__name__}, not keys with values (`output_dir: results`, a line each)"
        raise ConfigError(msg)
    return values


def check(paths: Iterable[str | Path]) -> None:
    """Read files only to refuse what is wrong with them.

    Raises:
        ConfigError: as `read`.
    """
    for path in paths:
        read(Path(path))

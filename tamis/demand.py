"""What must be made so that some files are there: from the files back through the rules that make them.

The rules of the workflow come as plain descriptions (`described`); nothing here imports Snakemake. A wildcard that is
constrained to five digits counts (shard, partition, unit, file), and inputs that only repeat it are followed once for
all of its values; every other wildcard is a name. 400 shards of all stages take 0.25 s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

WILDCARD = re.compile(r"\{(\w+)(?:,((?:[^{}]|\{\d+(?:,\d*)?\})+))?\}")
"""A wildcard of Snakemake in a pattern, with its constraint if there is one."""

NUMBER = r"\d{5}"
"""The constraint of wildcards that count."""

Input = str | Callable[[Any], Any]


@dataclass(frozen=True)
class Described:
    """A rule of the workflow: what of it says which files it makes."""

    name: str
    inputs: tuple[Input, ...]
    """Patterns, and functions of the wildcards that return paths."""
    outputs: tuple[str, ...]
    temporary: tuple[str, ...]
    """Outputs that are taken away once they have been read."""
    records: tuple[str, ...]
    """Its log and its benchmark."""
    params: Any = None
    """Its one entry of params, or a function of the wildcards that returns it."""

    @cached_property
    def wildcards(self) -> tuple[str, ...]:
        """The names of all wildcards."""
        found = (match[1] for pattern in (*self.outputs, *self.temporary) for match in WILDCARD.finditer(pattern))
        return tuple(dict.fromkeys(found))

    @cached_property
    def number(self) -> str | None:
        """The wildcard that counts, if there is exactly one."""
        patterns = (*self.outputs, *self.temporary)
        found = {match[1] for pattern in patterns for match in WILDCARD.finditer(pattern) if match[2] == NUMBER}
        return found.pop() if len(found) == 1 else None


def described(rules: Iterable[Any]) -> list[Described]:
    """The rules of a Snakemake workflow that make files (`workflow.rules`)."""
    found = []
    for rule in rules:
        files = [(str(item), "temp" in (getattr(item, "flags", None) or {})) for item in rule.output]
        if not files:
            continue
        records = [str(item) for item in [*rule.log, rule.benchmark] if item]
        params = list(rule.params)
        inputs = tuple(item if callable(item) else getattr(item, "callable", None) or str(item) for item in rule.input)
        found.append(
            Described(
                rule.name,
                inputs,
                tuple(path for path, temporary in files if not temporary),
                tuple(path for path, temporary in files if temporary),
                tuple(records),
                params[0] if params else None,
            )
        )
    return found


def read_beside(rules: Iterable[Any], beside: Mapping[str, str]) -> None:
    """Give another input to each rule of a Snakemake workflow that has a given one.

    Args:
        rules: `workflow.rules`.
        beside: input → the other; patterns without constraints.
    """
    for rule in rules:
        given = {filled(str(item), {}) for item in rule.input if not callable(item)}
        for path in sorted({beside[item] for item in given if item in beside} - given):
            rule.set_input(path)


def expression(pattern: str, constraints: Mapping[str, str] | None = None) -> str:
    """A pattern of Snakemake as a regular expression with a group for each wildcard.

    Args:
        pattern: with wildcards, each with or without a constraint.
        constraints: by wildcard, instead of those in the pattern.
    """
    found, end, seen = "", 0, set()
    for match in WILDCARD.finditer(pattern):
        found += re.escape(pattern[end : match.start()])
        name, end = match[1], match.end()
        if name in seen:
            found += f"(?P={name})"
        else:
            seen.add(name)
            found += f"(?P<{name}>{(constraints or {}).get(name) or match[2] or '.+'})"
    return found + re.escape(pattern[end:])


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """A pattern with the values of some wildcards; the others stay, without their constraints."""
    return WILDCARD.sub(lambda match: values.get(match[1], f"{{{match[1]}}}"), pattern)


class Makers:
    """Finds the rule that makes a file."""

    def __init__(self, rules: Sequence[Described]) -> None:
        self._all = [
            (re.compile(expression(pattern)), rule) for rule in rules for pattern in (*rule.outputs, *rule.temporary)
        ]
        # The text before the first wildcard: most inputs that no rule makes are known by it.
        self._starts = tuple(
            {pattern.partition("{")[0] for rule in rules for pattern in (*rule.outputs, *rule.temporary)}
        )
        # Files of one folder are mostly made by one rule.
        self._seen: dict[str, list[tuple[re.Pattern[str], Described]]] = {}

    def find(self, path: str) -> tuple[Described, dict[str, str]] | None:
        """The rule and its wildcards; None for a file that no rule makes."""
        if not path.startswith(self._starts):
            return None
        seen = self._seen.setdefault(path.rpartition("/")[0], [])
        for regex, rule in seen:
            if match := regex.fullmatch(path):
                return rule, match.groupdict()
        for regex, rule in self._all:
            if match := regex.fullmatch(path):
                seen.append((regex, rule))
                return rule, match.groupdict()
        return None


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield str(value)


SENTINEL = "99999"
"""Stands for any number where a pattern is followed to the rule that makes its files."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A rule and its names."""


class Reached:
    """What must be made so that some files are there, found by following each of them back."""

    def __init__(self, rules: Sequence[Described], roots: Iterable[str]) -> None:
        """Follow.

        Args:
            rules: all.
            roots: paths.
        """
        self.numbers: dict[Key, set[str]] = {}
        """The values of the number of each rule and names; "" where it has none."""
        self.needs: dict[Key, set[Key]] = {}
        """What each reads from."""
        self._makers = Makers(rules)
        self._waiting: list[tuple[Key, set[str]]] = []
        by_name = {rule.name: rule for rule in rules}
        for path in roots:
            self._follow(path, None)
        while self._waiting:
            key, new = self._waiting.pop()
            for item in by_name[key[0]].inputs:
                self._read(by_name[key[0]], key, sorted(new), item)

    def _reach(self, key: Key, numbers: set[str], reader: Key | None) -> None:
        if reader:
            self.needs.setdefault(reader, set()).add(key)
        if new := numbers - self.numbers.setdefault(key, set()):
            self.numbers[key] |= new
            self._waiting.append((key, new))

    def _follow(self, path: str, reader: Key | None) -> None:
        if found := self._makers.find(path):
            key, number = _split(*found)
            self._reach(key, {number}, reader)

    def _read(self, rule: Described, key: Key, new: list[str], item: Input) -> None:
        """Follow one input of the jobs with some numbers."""
        names, number = dict(key[1]), rule.number
        jobs = [names | {number: value} for value in new] if number else [names]
        if callable(item):
            for values in jobs:
                for path in _flat(item(SimpleNamespace(**values))):
                    self._follow(filled(path, values), key)
            return
        path = filled(item, names)
        if number is None or f"{{{number}}}" not in path:
            self._follow(path, key)
        elif found := self._makers.find(path.replace(f"{{{number}}}", SENTINEL)):
            maker, made = _split(*found)
            if made == SENTINEL and SENTINEL not in dict(maker[1]).values():
                self._reach(maker, set(new), key)
            else:
                for values in jobs:
                    self._follow(filled(path, values), key)


def _split(rule: Described, values: Mapping[str, str]) -> tuple[Key, str]:
    """The names of a job's wildcards, and the value of the one that counts."""
    names = tuple((name, values[name]) for name in rule.wildcards if name != rule.number)
    return (rule.name, names), values[rule.number] if rule.number else ""

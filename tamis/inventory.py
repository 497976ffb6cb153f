"""Which files the configuration makes under `output_dir`, in some hundred patterns instead of a hundred thousand paths.

Taken from the rules of the workflow themselves, so that a stage, a reader or a format that somebody adds is known
without another line: from the files that are wanted (`roots`) back through the inputs of the rules that make them. What
no wanted file needs is not made: the jobs of a stage that `pipeline` does not name, the audit that is switched off.

The files of a rule with given names are a `Group`: some patterns and the numbers that fill them (`tamis.demand`).
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from tamis.checksums import canonical
from tamis.demand import WILDCARD, Described, Reached, expression, filled
from tamis.section import Section

NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
EVER = {
    "subset": rf"validation|annealing/{NAME}|mixtures/{NAME}",
    "export": NAME,
    "format": NAME,
    "folder": rf"{NAME}(?:/{NAME})*",
}
"""What a name that the configuration gives may be in any configuration, by wildcard."""

EXCHANGE = (".arrow", ".npy", "/barrier.json")
"""Ends of the names of files by which jobs hand rows to each other; nobody reads them once a run is over."""


class Group(Section):
    """The files of all jobs of one rule that have the same names."""

    rule: str = Field(description="Name of the rule.")
    names: dict[str, str] = Field(default_factory=dict, description="Wildcards that are names, with their values.")
    number: str | None = Field(None, description="The wildcard that counts.")
    numbers: int | tuple[str, ...] = Field(1, description="Its values: how many from 00000 on, or a list.")
    outputs: tuple[str, ...] = Field((), description="Patterns, relative to the results.")
    temporary: tuple[str, ...] = Field((), description="Of outputs that are taken away once they have been read.")
    records: tuple[str, ...] = Field((), description="Of logs and benchmarks.")
    needs: tuple[int, ...] = Field((), description="Groups whose files its jobs read, by their places in the list.")

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from other groups."""
        return (self.rule, *(f"{name}={value}" for name, value in sorted(self.names.items())))

    def values(self) -> list[str]:
        """The values of the wildcard that counts."""
        if isinstance(self.numbers, int):
            return [f"{index:05d}" for index in range(self.numbers)]
        return list(self.numbers)

    def paths(self, patterns: Iterable[str]) -> Iterator[str]:
        """The files of some of its patterns."""
        place = f"{{{self.number}}}"
        for pattern in patterns:
            if self.number and place in pattern:
                yield from (pattern.replace(place, value) for value in self.values())
            else:
                yield pattern

    def jobs(self, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
        """File and the job that makes it: `rule name=value number=00000`."""
        place = f"{{{self.number}}}"
        for pattern in patterns:
            if self.number and place in pattern:
                for value in self.values():
                    yield pattern.replace(place, value), " ".join([*self.key, f"{self.number}={value}"])
            else:
                yield pattern, " ".join(self.key)


class Pattern(Section):
    """What files of a rule are called in any configuration."""

    rule: str = Field(description="Name of the rule.")
    expression: str = Field(description="A regular expression over the whole path, relative to the results.")
    names: tuple[str, ...] = Field((), description="Wildcards that are names, in order.")
    temporary: bool = Field(False, description="Whether they are taken away once they have been read.")


class Inventory(Section):
    """All files that a configuration makes."""

    groups: tuple[Group, ...] = Field((), description="What is made.")
    patterns: tuple[Pattern, ...] = Field((), description="What could be made in some configuration.")
    folders: tuple[str, ...] = Field((), description="First folders of all of them: those that tamis owns.")
    parents: tuple[str, ...] = Field((), description="Regular expressions of all folders above them.")

    def outputs(self) -> Iterator[str]:
        """Every file that stays, but logs and benchmarks."""
        for group in self.groups:
            yield from group.paths(group.outputs)

    def temporary(self) -> Iterator[str]:
        """Every file that is taken away once it has been read."""
        for group in self.groups:
            yield from group.paths(group.temporary)

    def records(self) -> Iterator[str]:
        """Every log and benchmark."""
        for group in self.groups:
            yield from group.paths(group.records)

    def jobs(self) -> dict[str, str]:
        """Every file that stays, but logs and benchmarks, with the job that makes it."""
        return dict(pair for group in self.groups for pair in group.jobs(group.outputs))

    def below(self, folder: str) -> list[str]:
        """The outputs below a folder, sorted."""
        found = (group.paths(p for p in group.outputs if p.startswith(f"{folder}/")) for group in self.groups)
        return sorted(path for paths in found for path in paths)

    def behind(self, path: str) -> list[Group]:
        """The groups that are made before a file."""
        own = {place for place, group in enumerate(self.groups) if path in group.paths(group.outputs)}
        return [self.groups[place] for place in sorted(self.before(own) - own)]

    def before(self, chosen: Iterable[int]) -> set[int]:
        """Some groups and all that come before them, by their places in the list."""
        found: set[int] = set()
        waiting = list(chosen)
        while waiting:
            if (place := waiting.pop()) not in found:
                found.add(place)
                waiting += self.groups[place].needs
        return found


def is_exchange(path: str) -> bool:
    """Whether a file is one by which jobs hand rows to each other."""
    return path.endswith(EXCHANGE)


def _group(rule: Described, names: dict[str, str], numbers: list[str], needs: list[int], results: str) -> Group:
    start = f"{results}/"

    def own(patterns: Iterable[str]) -> tuple[str, ...]:
        return tuple(filled(p, names).removeprefix(start) for p in patterns if p.startswith(start))

    count = len(numbers)
    dense = numbers == [f"{index:05d}" for index in range(count)]
    return Group(
        rule=rule.name,
        names=names,
        number=rule.number,
        numbers=1 if rule.number is None else count if dense else tuple(numbers),
        outputs=own(rule.outputs),
        temporary=own(rule.temporary),
        records=own(rule.records),
        needs=tuple(needs),
    )


LISTED = re.compile(r"[\w/.|-]+")
"""A constraint that lists words, as the configuration gives them; in another configuration there are others."""


def _constraints(rule: Described) -> dict[str, str]:
    """What each wildcard of a rule may be in any configuration."""
    given = {m[1]: m[2] for pattern in (*rule.outputs, *rule.temporary) for m in WILDCARD.finditer(pattern) if m[2]}
    return {
        name: EVER.get(name, NAME) if name not in given or LISTED.fullmatch(given[name]) else given[name]
        for name in rule.wildcards
    }


def _patterns(rule: Described, results: str) -> Iterator[Pattern]:
    start, constraints = f"{results}/", _constraints(rule)
    for patterns, temporary in ((rule.outputs, False), (rule.records, False), (rule.temporary, True)):
        for pattern in patterns:
            if pattern.startswith(start):
                below = pattern.removeprefix(start)
                names = dict.fromkeys(match[1] for match in WILDCARD.finditer(below) if match[1] != rule.number)
                yield Pattern(
                    rule=rule.name,
                    expression=expression(below, constraints),
                    names=tuple(names),
                    temporary=temporary,
                )


def _parents(rules: Iterable[Described], results: str) -> list[str]:
    """Regular expressions of all folders that rules make for their files."""
    found = set()
    for rule in rules:
        constraints = _constraints(rule)
        for pattern in (*rule.outputs, *rule.temporary, *rule.records):
            folder = filled(pattern, {}).removeprefix(f"{results}/").rpartition("/")[0]
            while pattern.startswith(f"{results}/") and folder:
                found.add(expression(folder, constraints))
                folder = folder.rpartition("/")[0]
    return sorted(found)


def _first_folders(rules: Iterable[Described], results: str) -> list[str]:
    """The first folders of all patterns; a name that stands first is one of those that `EVER` lists."""
    found = set()
    for rule in rules:
        for pattern in (*rule.outputs, *rule.temporary, *rule.records):
            first, slash, _ = pattern.removeprefix(f"{results}/").partition("/")
            if not pattern.startswith(f"{results}/") or not slash:
                continue
            name = WILDCARD.match(pattern.removeprefix(f"{results}/"))
            if name is None:
                found.add(first)
            elif name[1] == "subset":
                found |= {choice.partition("/")[0] for choice in EVER["subset"].split("|")}
    return sorted(found)


def inventory(rules: Sequence[Described], roots: Iterable[str], results: str) -> Inventory:
    """What is made so that some files are there.

    Args:
        rules: all rules of the workflow.
        roots: the files that are wanted, as the rules name them.
        results: the results folder, as the rules name it.
    """
    by_name = {rule.name: rule for rule in rules}
    found = Reached(rules, roots)
    places = {key: place for place, key in enumerate(sorted(found.numbers))}
    groups = [
        _group(
            by_name[key[0]],
            dict(key[1]),
            sorted(found.numbers[key]),
            sorted(places[other] for other in found.needs.get(key, ())),
            results,
        )
        for key in places
    ]
    return Inventory(
        groups=tuple(groups),
        patterns=tuple(pattern for rule in rules for pattern in _patterns(rule, results)),
        folders=tuple(_first_folders(rules, results)),
        parents=tuple(_parents(rules, results)),
    )


def pack(value: Section | Mapping[str, Any]) -> str:
    """A value as a short text: a job's command may have 128 kB, and an inventory of a hundred mixtures has more."""
    text = canonical(value.model_dump(mode="json") if isinstance(value, Section) else value)
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def unpack(text: str) -> Any:
    """What `pack` was given, as JSON gives it."""
    return json.loads(zlib.decompress(base64.b85decode(text)))

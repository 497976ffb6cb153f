"""Folders hold what this run made, nothing else: takes away what the present configuration does not make.

Whoever reads a folder reads a glob, and a file left over from other settings is duplicated training data. The rule of
`rules/sweep.smk` runs this at the end of a run in which something is stale, as `python -m tamis.sweep LAYOUT SCOPE
OUTPUT`.

- Deleted is what jobs of this configuration have replaced: parts beyond the number of shards, files or units, temporary
  files of killed jobs, files that wait to be read by a job that is done, and the folders that this empties.
- Moved to `retired/` is what left the configuration as a whole: a stage, a mixture, an export, one of its formats.
  Nothing there is overwritten (a number is added), and only `tamis clean` deletes it.
- Left alone, and named, is what no rule could ever have made: it is somebody else's. Links are never followed.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tamis.errors import TamisError
from tamis.inventory import Inventory, Pattern
from tamis.shards import read_json, write_json

RETIRED = "retired"
SWEPT = "swept"

log = logging.getLogger("tamis.sweep")

TEMPORARY = re.compile(r"\.(.+)\.[a-z0-9_]{8}\.tmp")
"""The name of a file that a job has not finished (`tamis.shards.temporary_file`)."""

SCRATCH = re.compile(r"((?:.+/)?)\.([^/.]+)\.training/[^/]+")
"""A file of a training that was killed (`tamis.classifiers.training_state`): by it the next one goes on."""

ANY_CONFIGURATION = re.compile(
    r"(?:logs/.+\.log|benchmarks/.+\.tsv|[^/]+/(?:[^/]+/)*part-\d{5}\.(?:parquet|arrow|json|npy))"
)
"""Files that rules make which are there in some configurations only (those of a trained tokenizer)."""


@dataclass
class Decision:
    """What is to be done with the files of a results folder; paths are relative to it."""

    delete: list[str] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    """Files and folders, none of which lies in another."""
    foreign: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What the configuration makes, and is not there."""

    @property
    def stale(self) -> bool:
        """Whether there is anything to take away."""
        return bool(self.delete or self.retire)


@dataclass(frozen=True)
class Present:
    """What lies in the folders that tamis owns."""

    files: frozenset[str]
    links: frozenset[str] = frozenset()
    """Symbolic links and whatever is neither a file nor a folder."""
    empty: frozenset[str] = frozenset()
    """Folders without a file below them."""


class _Listing:
    """Lists folders; links are listed, never followed."""

    def __init__(self, results: Path) -> None:
        self._results = results
        self.files: list[str] = []
        self.links: list[str] = []
        self.empty: list[str] = []

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(self._results / folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def add(self, entry: os.DirEntry[str], path: str) -> None:
        (self.files if entry.is_file(follow_symlinks=False) else self.links).append(path)

    def walk(self, folder: str) -> bool:
        """Whether there is anything in a folder but folders."""
        found = False
        for entry in self.entries(folder):
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                found |= self.walk(path)
            else:
                self.add(entry, path)
                found = True
        if not found:
            self.empty.append(folder)
        return found


def look(results: Path, folders: Iterable[str]) -> Present:
    """List the files of some folders of the results, and those beside them; links are listed, never followed."""
    listing = _Listing(results)
    owned = set(folders)
    for entry in listing.entries("."):
        if not entry.is_dir(follow_symlinks=False):
            listing.add(entry, entry.name)
        elif entry.name in owned:
            listing.walk(entry.name)
    return Present(frozenset(listing.files), frozenset(listing.links), frozenset(listing.empty))


def place(path: str) -> str:
    """Whose a file is: the stage, or the kind of set; that of a log, benchmark or exchange file of a set as well."""
    first, _, rest = path.partition("/")
    return place(rest) if first in ("logs", "benchmarks", "sampling") and rest else first


def places(made: Inventory) -> list[str]:
    """Where the outputs of some rules lie."""
    return sorted({place(path) for group in made.groups for path in (*group.outputs, *group.temporary)})


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _thing(path: str, least: str, made: set[str]) -> str:
    """The highest folder above a file in which nothing is made, not above `least`; else the file itself."""
    found = path
    for folder in _parents(path):
        if folder in made or len(folder) < len(least):
            break
        found = folder
    return found


def _outermost(paths: Iterable[str]) -> list[str]:
    """Those that do not lie in another."""
    chosen: set[str] = set()
    for path in sorted(set(paths), key=len):
        if not chosen.intersection(_parents(path)):
            chosen.add(path)
    return sorted(chosen)


class _Judge:
    """Says of each file that the configuration does not make where it comes from."""

    def __init__(self, inventory: Inventory, outputs: set[str]) -> None:
        self.kept = outputs | set(inventory.records())
        self.waiting = set(inventory.temporary())
        self.used = {folder for path in (*self.kept, *self.waiting) for folder in _parents(path)}
        self.decision = Decision()
        self.things: list[str] = []
        self._patterns = [(re.compile(pattern.expression), pattern) for pattern in inventory.patterns]
        self._keys = {group.key for group in inventory.groups}

    def settle(self, path: str) -> None:
        """Put one file where it belongs."""
        name = path.rpartition("/")[2]
        if scratch := SCRATCH.fullmatch(path):
            # Beside what the training is to make; where nobody makes that any more, nobody goes on.
            made = f"{scratch[1]}{scratch[2]}.json"
            if made not in self.kept:
                (self.decision.delete if self._match(made) else self.decision.foreign).append(path)
        elif unfinished := TEMPORARY.fullmatch(name):
            whole = path.removesuffix(name) + unfinished[1]
            known = whole in self.kept or whole in self.waiting or self._match(whole)
            (self.decision.delete if known else self.decision.foreign).append(path)
        elif path in self.waiting:
            self.decision.delete.append(path)
        elif found := self._match(path):
            pattern, match = found
            key = (pattern.rule, *(f"{name}={match[name]}" for name in sorted(pattern.names)))
            if pattern.temporary or key in self._keys:
                self.decision.delete.append(path)
            else:
                bound = _bound(path, [match.end(name) for name in pattern.names])
                self.things.append(_thing(path, bound, self.used))
        elif ANY_CONFIGURATION.fullmatch(path):
            self.things.append(_thing(path, "", self.used))
        elif "/" in path:
            self.decision.foreign.append(path)

    def _match(self, path: str) -> tuple[Pattern, re.Match[str]] | None:
        found = ((pattern, regex.fullmatch(path)) for regex, pattern in self._patterns)
        return next(((pattern, match) for pattern, match in found if match), None)


def decide(present: Present, inventory: Inventory, scope: Sequence[str] | None = None) -> Decision:
    """Hold what lies in a results folder against what the configuration makes.

    Args:
        present: what lies there.
        inventory: what is made.
        scope: the places (`place`) that are looked at; None for all.
    """
    outputs = set(inventory.outputs())
    judge = _Judge(inventory, outputs)
    inside = None if scope is None else set(scope)
    for path in sorted(present.files - judge.kept):
        if inside is None or place(path) in inside:
            judge.settle(path)
    decision = judge.decision
    # A killed job leaves folders that were made before their files.
    parents = [re.compile(text) for text in inventory.parents]
    for path in present.empty - judge.used:
        if (inside is None or place(path) in inside) and any(regex.fullmatch(path) for regex in parents):
            decision.delete.append(path)
    decision.delete = _outermost(decision.delete)
    theirs = {link for link in present.links - judge.kept - judge.used if "/" in link}
    decision.foreign = sorted([*decision.foreign, *theirs])
    decision.retire = _apart(_outermost(judge.things), present, decision.foreign)
    linked = present.links
    decision.missing = sorted(
        path for path in outputs - present.files if path not in linked and linked.isdisjoint(_parents(path))
    )
    return decision


def _bound(path: str, ends: Sequence[int]) -> str:
    """The folder above which nothing leaves with a file: a mixture leaves, but not all mixtures."""
    if not ends:
        return ""
    in_folders = [end for end in ends if "/" in path[end:]]
    return path[: min(in_folders)] if in_folders else path.rpartition("/")[0]


def _apart(things: Iterable[str], present: Present, foreign: Sequence[str]) -> list[str]:
    """Things without somebody else's files: what is ours in such a folder goes piece by piece."""
    theirs = set(foreign)
    mixed = {folder for path in foreign for folder in _parents(path)}
    found: list[str] = []
    for thing in things:
        if thing in mixed:
            start = f"{thing}/"
            below = (path.removeprefix(start) for path in present.files - theirs if path.startswith(start))
            found += _apart(sorted({start + path.partition("/")[0] for path in below}), present, foreign)
        else:
            found.append(thing)
    return found


def _free(path: Path) -> Path:
    """A path that nothing has, with a number added where something has it."""
    free, number = path, 2
    while free.exists() or free.is_symlink():
        free, number = path.with_name(f"{path.name}.{number}"), number + 1
    return free


def carry_out(results: Path, decision: Decision) -> dict[str, list[str]]:
    """Delete and move.

    Returns:
        `deleted`, `retired` (as `from → to`) and `foreign`, relative to the results.
    """
    for path in decision.delete:
        if (results / path).is_dir():
            _remove_empty(results / path)
        else:
            (results / path).unlink(missing_ok=True)
        _drop_empty(results, path)
    retired = []
    for path in decision.retire:
        if not (results / path).exists():
            continue
        target = _free(results / RETIRED / path)
        target.parent.mkdir(parents=True, exist_ok=True)
        (results / path).rename(target)
        retired.append(f"{path} → {target.relative_to(results).as_posix()}")
        _drop_empty(results, path)
    return {"deleted": decision.delete, "retired": retired, "foreign": decision.foreign}


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those in it, if there is nothing else."""
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            Path(path).rmdir()
        except OSError:
            # Not empty: somebody has put something there since.
            return


def _drop_empty(results: Path, path: str) -> None:
    """Remove the folders above a file that it has left empty."""
    for folder in _parents(path):
        try:
            (results / folder).rmdir()
        except OSError:
            return


MOST_NAMED = 20


def sentences(swept: dict[str, list[str]]) -> list[str]:
    """What went and what stayed, for people."""
    found = []
    for key, what in (
        ("retired", "left the configuration and lies in retired/ now, until `tamis clean`"),
        ("deleted", "deleted, which this configuration does not make"),
        ("foreign", "left alone in folders of tamis, because no rule could have made them"),
    ):
        # Logs and benchmarks go with what wrote them; `swept/` names them too.
        names = [name for name in swept.get(key, []) if not name.startswith(("logs/", "benchmarks/"))]
        if names:
            shown = names[:MOST_NAMED]
            rest = f"\n  … and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
            found.append(f"{len(names)} {what}:\n" + "\n".join(f"  {name}" for name in shown) + rest)
    return found


def run(layout: Path, scope: Sequence[str] | None, output: Path) -> dict[str, list[str]]:
    """Sweep a results folder.

    Args:
        layout: `layout.json` in it, which lists what is made.
        scope: the places that are swept; None for all.
        output: JSON of what was done.
    """
    results = layout.parent
    inventory = Inventory.model_validate(read_json(layout)["inventory"])
    decision = decide(look(results, inventory.folders), inventory, scope)
    swept = carry_out(results, decision)
    write_json(output, swept)
    return swept


def next_record(results: Path, target: str) -> str:
    """The file that the next sweep of a target writes: a number that none before it had, so that it always runs."""
    folder = results / SWEPT
    names = [path.stem for path in folder.glob(f"{target}-*.json")] if folder.is_dir() else []
    numbers = [int(number) for name in names if (number := name.removeprefix(f"{target}-")).isdigit()]
    return f"{SWEPT}/{target}-{max(numbers, default=0) + 1:05d}.json"


def records(results: Path) -> set[Path]:
    """What the sweeps of a results folder have written so far."""
    folder = results / SWEPT
    return set(folder.glob("*.json")) if folder.is_dir() else set()


def told_since(results: Path, before: set[Path]) -> list[str]:
    """What was swept since `records` was asked, for people."""
    return [sentence for path in sorted(records(results) - before) for sentence in sentences(read_json(path))]


def main(argv: list[str]) -> int:
    """`python -m tamis.sweep LAYOUT SCOPE OUTPUT`; the scope is words, or `all`."""
    layout, scope, output = argv
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    try:
        swept = run(Path(layout), None if scope == "all" else scope.split(), Path(output))
    except TamisError as error:
        log.error("%s", error)  # noqa: TRY400 - the message says what to do
        return 1
    for sentence in sentences(swept):
        log.info("%s", sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

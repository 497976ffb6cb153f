"""Which files are read together by one job, and whether they are what an earlier run has read: the parse's side.

**The content decides.** A unit has a token, a part of its job's params. It is made from size and modification time of
the unit's files, and the job writes it down with what it has read (`tamis/readers/observed.py`). At the next parse
files of the recorded size and time are taken for unchanged; others are hashed, in whatever direction they differ. As
long as all hashes are the recorded ones, the recorded token is repeated, and nothing runs; else there is a new one.
A file whose content is pinned by the configuration counts with its pin alone, whether it has been fetched or not.

**Cuts and numbers stay where they were.** A cut lies between two files where the hash of the second's path is smallest
among those that leave a unit at least a quarter full: so an added file changes its own unit and seldom the next. And a
unit of the same files as in the last run keeps its number, whatever was added before it.

Two small files beside the results remember what would be dear to find out again; both may be lost. The names of many
files that one job reads stand beside the results too (`NAMES`), under a name that tells what is in them: a command line
has no room for them, and without it 300 MB of small files were 86 jobs of 3 s, a third of which is their start.
"""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tamis.checksums import canonical
from tamis.errors import ConfigError, SourceError, TamisError
from tamis.file_states import NO_FILE, KnownHashes, State, keep_json, kept_json, state_of
from tamis.readers.named_files import with_others
from tamis.readers.observed import ReadFile, ReadRecord
from tamis.readers.planned_parts import parts_of
from tamis.readers.record import WHICH, Part, Source
from tamis.readers.remote.origin import origin_of
from tamis.section import workflow_path
from tamis.shards import part_name, read_json, write_json

if TYPE_CHECKING:
    from tamis.readers.remote.listing import Wanted

UNIT_FILES = 100_000
"""Files of a unit, at most: about 15 s of CPU, 130 MB of what is written down of each of them."""

FETCHED_NAME_BYTES = 64_000
"""Bytes of the names and addresses of a unit's remote files, at most: they stand in the command line of the job that
fetches them, and Linux takes 131,072 bytes there."""

PLAIN_NAMES = 4_000
"""Characters of names up to which they stand in the command line of the job, for people to read."""

FULL = 4
"""A cut is looked for from a fourth of the bounds on. With 1 MB files and 64 MB a unit is on average 5/8 full."""

PLAN = ".tamis.units.json"
NAMES = ".tamis.names"
"""In the results: lists of the files of units that have many, each called by its digest."""


@dataclass(frozen=True)
class Unit:
    """Input files of one source that one job reads.

    Attributes:
        source: its section.
        priority: the source's place in the configuration, 0 = first.
        files: paths, sorted.
        token: stands for the content of the files.
        no_files: those of the paths where something else stands, which are listed as bad files.
        governing: other files that decide what becomes of them; the job finds them itself.
        remote: those of the files that are fetched.
        part: of the one file, where it is read by several jobs.
    """

    source: Source
    priority: int
    files: tuple[Path, ...]
    token: str = ""
    no_files: frozenset[Path] = frozenset()
    governing: tuple[Path, ...] = ()
    remote: Mapping[Path, Wanted] = field(default_factory=dict)
    part: Part | None = None

    @property
    def names(self) -> list[str]:
        """Its files, as the job names them."""
        return [str(path) for path in self.files]

    @cached_property
    def listed(self) -> str | None:
        """The digest of its files where they are so many that the job is told their list; None: they are few."""
        names = self.names
        return digest_of(names) if sum(map(len, names)) > PLAIN_NAMES else None

    def params(self) -> dict[str, Any]:
        """What the job depends on that reads it."""
        source = self.source.model_dump(mode="json", exclude=set(WHICH))
        if self.source.paths or self.source.manifests:
            # Another pattern of the source is nothing to a unit whose files it does not name.
            del source["paths"]
        if paths := self.source.paths_of(self.files):
            source["paths"] = paths
        return {
            "source": source,
            "priority": self.priority,
            **({"files": self.names} if self.listed is None else {"names": self.listed}),
            "fields": self.source.named_fields(),
            "token": self.token,
        } | ({} if self.part is None else {"part": self.part})

    def awaited(self) -> list[str]:
        """The local files that must be there before the job starts: all but links that lead nowhere, pipes and such.

        None of very many, which were there a moment ago: 55,000 of them take Snakemake 8 s of CPU in each parse. One
        that goes meanwhile fails its job, or is listed.
        """
        if not self.source.awaits_files or self.listed is not None:
            return []
        return [str(path) for path in self.files if path not in self.no_files and path not in self.remote]

    def fetched_by(self) -> dict[str, Any]:
        """What the job depends on that fetches its remote files."""
        return {
            "files": [
                {"path": str(path), "address": one.address, "endpoint": one.endpoint, "sha256": one.sha256}
                for path, one in sorted(with_others(self.remote).items())
            ],
            "token": self.token,
        }

    def ways(self) -> str:
        """JSON of how its remote files are fetched."""
        source = self.source
        named = source.names_remote()
        hosts = () if named is None else named.hosts
        ways = {"remote": source.remote.model_dump(mode="json"), "hosts": hosts, "on_bad_file": source.on_bad_file}
        return canonical(ways)

    @property
    def key(self) -> tuple[str, ...]:
        """By which it is known again in the next run."""
        return key_of(self.source.name, self.names, self.part)


def key_of(source: str, files: Sequence[str], part: Sequence[int] | None) -> tuple[str, ...]:
    """By which the files of a unit, or the part of one, are known."""
    return (source, *files) if part is None else (source, *files, f"part {part[0] + 1} of {part[1]}")


def digest_of(files: Sequence[str]) -> str:
    """By which a list of files is known: the name of the file that has it, and what the params of a job say of it."""
    return blake2b(canonical(list(files)).encode(), digest_size=16).hexdigest()


def names_in(folder: Path, digest: str) -> list[str]:
    """The names of the files of a unit, as `remember` has written them down.

    Args:
        folder: `NAMES` in the results.
        digest: of the list.

    Raises:
        SourceError: the list is missing, or another.
    """
    path = folder / f"{digest}.json"
    try:
        files: list[str] = read_json(path)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: missing, the list of the files that this job reads; start the run again") from error
    if digest_of(files) != digest:
        raise SourceError(f"{path}: is not the list of files that was planned; delete it and start the run again")
    return files


@dataclass(frozen=True)
class _Input:
    """One input file: where, when and how much work; or its pin, which is what tells a remote file not there yet."""

    path: Path
    state: State | None
    pin: str | None
    wanted: Wanted | None = None
    size: int = 0

    def weight(self) -> tuple[int, int, int]:
        """Bytes for which the file counts, one file, and bytes of it in the command line of the job that fetches it."""
        if not self.wanted:
            return self.size, 1, 0
        told = canonical([str(self.path), self.pin])
        return self.size, 1, len(shlex.quote(told).encode("utf-8", "surrogateescape")) + 1


def units(sources: Sequence[Source], unit_bytes: int, results: Path | None) -> list[Unit]:
    """Cut the files of all sources into units, in the order of their numbers.

    Args:
        sources: the sections.
        unit_bytes: of the files of a unit, at most; a larger file is a unit of its own.
        results: the folder of an earlier run's results; None where there is none to compare with.

    Raises:
        SourceError: a path of a source is missing or no file, or a pattern matches nothing.
        ConfigError: the workflow cannot carry the name of a file.
    """
    found: list[tuple[Unit, list[_Input]]] = []
    for priority, source in enumerate(sources):
        inputs = _inputs(source, priority, unit_bytes)
        groups = [[one] for one in inputs] if source.stands_alone else _cut(inputs, unit_bytes)
        for group in groups:
            unit = _unit(source, priority, group)
            found += [(replace(unit, part=part), group) for part in _parts(source, group, unit_bytes)]
    placed = _placed(found, {} if results is None else _numbers(results))
    beside = [_beside(unit) for unit, _ in placed]
    records = [None if results is None else _record(results, number, unit) for number, (unit, _) in enumerate(placed)]
    hashes = KnownHashes(results)
    # Of another size it holds something else, and a file of the recorded size and time is taken for unchanged.
    hashes.look_up(
        (one.path, one.state)
        for (_, group), others, record in zip(placed, beside, records, strict=True)
        if isinstance(record, ReadRecord)
        for one, known in itertools.chain(
            zip(group, record.files, strict=True),
            zip(others, record.governing, strict=True) if _same_paths(others, record.governing) else (),
        )
        if one.state and not one.pin
        if one.state.bytes == known.bytes and one.state.mtime_ns != known.mtime_ns
    )
    return [
        _compared(unit, group, others, record, hashes)
        for (unit, group), others, record in zip(placed, beside, records, strict=True)
    ]


def remember(planned: Sequence[Unit], results: Path) -> None:
    """Write down the units of a run that begins: their numbers, for the next one to repeat, and long lists of files.

    Raises:
        OSError: a list cannot be written, which its job needs.
    """
    keep_json(results / PLAN, [list(unit.key) for unit in planned])
    lists = {f"{unit.listed}.json": unit.names for unit in planned if unit.listed is not None}
    folder = results / NAMES
    for name, files in lists.items():
        if kept_json(folder / name) != files:
            write_json(folder / name, files, indented=False)
    for path in folder.glob("*.json") if folder.is_dir() else ():
        if path.name not in lists:
            path.unlink()


def _inputs(source: Source, priority: int, unit_bytes: int) -> list[_Input]:
    pins = source.pinned_hashes()
    remote = source.remote_files()
    found = []
    for path in source.input_files():
        if (wanted := remote.get(path)) is not None:
            # What may be large, as nobody says how large it is, is read by a job of its own.
            size = wanted.bytes if wanted.bytes is not None else source.small_bytes or unit_bytes
            found.append(_Input(path, None, wanted.identity, wanted, size))
            continue
        try:
            if source.awaits_files:
                workflow_path(path)
        except ValueError as error:
            raise ConfigError(f"sources[{priority}].paths ({source.name}): {error}") from error
        pin = pins.get(path)
        state = None if pin else NO_FILE if source.unread(str(path)) else state_of(path)
        found.append(_Input(path, state, pin, size=source.work(path, state.bytes) if state else 0))
    return found


def _unit(source: Source, priority: int, group: Sequence[_Input]) -> Unit:
    no_files = frozenset(one.path for one in group if one.state == NO_FILE)
    files = tuple(one.path for one in group)
    remote = {one.path: one.wanted for one in group if one.wanted is not None}
    governing = tuple(source.governing(files))
    return Unit(source, priority, files, no_files=no_files, governing=governing, remote=remote)


def _beside(unit: Unit) -> list[_Input]:
    """The files that govern a unit."""
    remote = with_others(unit.remote)
    found = [(path, remote.get(path)) for path in unit.governing]
    return [
        _Input(path, state_of(path), None) if wanted is None else _Input(path, None, wanted.identity, wanted)
        for path, wanted in found
    ]


def _parts(source: Source, group: Sequence[_Input], unit_bytes: int) -> Sequence[Part | None]:
    """The parts in which the files of a unit are read: none but for one large file."""
    one = group[0]
    if len(group) > 1:
        return [None]
    return parts_of(source, one.path, one.state.bytes if one.state else 0, one.wanted, unit_bytes)


def fetchers(planned: Sequence[Unit]) -> list[int]:
    """For each unit the number of the one whose job fetches its files: the first part of a file fetches all of it."""
    first = {
        (unit.source.name, unit.files): number
        for number, unit in enumerate(planned)
        if unit.part is None or unit.part.number == 0
    }
    return [first[unit.source.name, unit.files] for unit in planned]


def _cut(inputs: Sequence[_Input], unit_bytes: int) -> list[list[_Input]]:
    """Cut a sequence of files where it will be cut again when some files come or go."""
    bounds = (unit_bytes, UNIT_FILES, FETCHED_NAME_BYTES)
    weights = [one.weight() for one in inputs]
    groups, start = [], 0
    while start < len(inputs):
        end, total = start, (0, 0, 0)
        cuts: list[int] = []
        while end < len(inputs):
            size, count, name = weights[end]
            total = (total[0] + size, total[1] + count, total[2] + name)
            if end > start and (total[0] > bounds[0] or total[1] > bounds[1] or total[2] > bounds[2]):
                break
            end += 1
            if total[0] * FULL > bounds[0] or total[1] * FULL > bounds[1] or total[2] * FULL > bounds[2]:
                cuts.append(end)
        if end < len(inputs) and cuts:
            end = min(cuts, key=lambda cut: blake2b(os.fsencode(inputs[cut].path)).digest())
        groups.append(list(inputs[start:end]))
        start = end
    return groups


def _numbers(results: Path) -> dict[tuple[str, ...], int]:
    """The numbers that the units of the last run had; none where that is not known."""
    plan = kept_json(results / PLAN)
    if not isinstance(plan, list):
        return {}
    return {tuple(key): number for number, key in enumerate(plan) if isinstance(key, list)}


def _placed(
    found: Sequence[tuple[Unit, list[_Input]]], numbers: dict[tuple[str, ...], int]
) -> list[tuple[Unit, list[_Input]]]:
    """Units in the order of their numbers: those of the last run where they were, the others in the gaps."""
    places: list[tuple[Unit, list[_Input]] | None] = [None] * len(found)
    rest = []
    for unit, group in found:
        number = numbers.get(unit.key, len(places))
        if number < len(places) and places[number] is None:
            places[number] = (unit, group)
        else:
            rest.append((unit, group))
    others = iter(rest)
    return [place or next(others) for place in places]


DAMAGED = "damaged"


def _record(results: Path, number: int, unit: Unit) -> ReadRecord | str | None:
    """What the last run has read as this unit; `DAMAGED` where that cannot be known; None where it never was read."""
    path = results / "ingest" / "read" / f"{part_name(number)}.json"
    if not path.exists():
        return None
    try:
        record = ReadRecord.model_validate(read_json(path))
    except (ValueError, OSError, TamisError):  # an older version's, or damaged: the job is done again
        return DAMAGED
    return record if key_of(record.source, [file.path for file in record.files], record.part) == unit.key else None


def _same_paths(beside: Sequence[_Input], governing: Sequence[ReadFile]) -> bool:
    """Whether the files that govern a unit are those of the last run."""
    return [str(one.path) for one in beside] == [known.path for known in governing]


def _compared(
    unit: Unit,
    group: Sequence[_Input],
    beside: Sequence[_Input],
    record: ReadRecord | str | None,
    hashes: KnownHashes,
) -> Unit:
    """The unit with the recorded token where its files hold what was read, else with one of these files and times."""
    if (
        isinstance(record, ReadRecord)
        and _same_paths(beside, record.governing)
        and all(_same(one, known, hashes) for one, known in zip(group, record.files, strict=True))
        and all(_same(one, known, hashes) for one, known in zip(beside, record.governing, strict=True))
    ):
        if not any(file.bad for file in record.files):
            # What is to be done with bad files is nothing to a unit that has none: it is not read again for that.
            unit = replace(unit, source=unit.source.model_copy(update={"on_bad_file": record.on_bad_file}))
        return replace(unit, token=record.token)
    # The job of a damaged record, or of a file that could not be opened and now can, may well have had the token that
    # these sizes and times give: another one makes it run again.
    again = record == DAMAGED
    states: list[Any] = [one.pin or one.state for one in group]
    if isinstance(record, ReadRecord) and any(one.wanted for one in group):
        # What will be fetched is not known yet: whatever it is, it is read again.
        states.append(record.token)
    if isinstance(record, ReadRecord):
        again = any(file.mtime_ns == NO_FILE.mtime_ns for file in record.files)
        for place, (one, known) in enumerate(zip(group, record.files, strict=True)):
            if one.pin and not one.wanted and known.bad:
                states[place] = [one.pin, state_of(one.path)]
    others = [[str(one.path), one.state] for one in beside]
    text = canonical([states, *(["again"] if again else []), *([others] if others else [])])
    return replace(unit, token=blake2b(text.encode(), digest_size=8).hexdigest())


def _same(one: _Input, known: ReadFile, hashes: KnownHashes) -> bool:
    if one.wanted:
        return _fetched_as_read(one.path, one.wanted, known)
    if one.pin:
        # What is pinned and yet bad is looked at anew when it was fetched anew.
        return known.bad is None or state_of(one.path) == State(known.bytes, known.mtime_ns)
    if one.state == State(known.bytes, known.mtime_ns):
        return True
    return known.sha256 is not None and known.sha256 == hashes.of(one.path, one.state)


def _fetched_as_read(path: Path, wanted: Wanted, known: ReadFile) -> bool:
    """Whether what lies there of a remote file is what was read; it need not lie there any more."""
    origin = origin_of(path)
    if origin is None or origin.address != wanted.address:
        return False
    if origin.failed is not None:
        return known.bad is not None
    return known.sha256 == origin.sha256 and wanted.sha256 in (None, origin.sha256)

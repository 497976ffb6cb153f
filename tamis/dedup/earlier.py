"""The index that a finished run leaves for later ones, so that a corpus can grow run by run.

An index is a folder beside the results of a stage: `index.json` (settings and sizes) and numbered files. A stage that
is told the indexes of earlier runs (`against`) looks up there what those runs kept. The runs are given in the order in
which they were made: where two hold the same, the first keeps it.
"""

from __future__ import annotations

import json
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import exchange
from tamis.errors import ConfigError, SourceError
from tamis.section import Section
from tamis.shards import part_name, read_json, table_batches

log = logging.getLogger(__name__)

FILE = "index.json"
REASON = "in_earlier_corpus"
"""Of documents that an earlier run holds; no document of this run stays for them, so `kept_id` is null."""

WriteIndex = Annotated[bool, Field(description="Write the folder index beside the results, for later runs (against).")]


def against(stage: str, agree: str) -> Any:
    """The key `against` of a stage: no earlier run by default.

    Args:
        stage: whose indexes are named.
        agree: the settings that must be those of the earlier run, for the description.
    """
    text = (
        f"Folders {stage}/index of earlier runs (finished, with write_index), in the order in which these were made: "
        f"what they hold goes, naming the document there. {agree} must be as in those runs."
    )
    return Field((), description=text)


def part_file(folder: Path, number: int, what: str = "part") -> Path:
    """A numbered file of an index: `part-00000.arrow`, or one of what else a part consists of."""
    return folder / f"{part_name(number, what)}.arrow"


class Index(NamedTuple):
    """The index of one earlier run: its folder, how many files it has, and what else its description says."""

    folder: Path
    parts: int
    told: Mapping[str, Any]

    def part(self, number: int, what: str = "part") -> Path:
        """One of its files."""
        return part_file(self.folder, number, what)

    def files(self, numbers: Iterable[int] | None = None, what: str = "part") -> list[Path]:
        """Its description and some of its files, all by default, as inputs of a job."""
        numbers = range(self.parts) if numbers is None else numbers
        return [self.folder / FILE, *(self.part(number, what) for number in numbers)]

    def meeting(self, shard: int, shards: int) -> range:
        """The files of an index by home shard that hold what may belong to one shard of this run.

        A hash has its home at `hash % shards`; what is in shard s of N can lie in file p of M where p and s agree
        modulo the greatest common divisor of N and M: one file where the numbers are equal.

        Args:
            shard: of this run, s.
            shards: of this run, N.
        """
        step = math.gcd(self.parts, shards)
        return range(shard % step, self.parts, step)


def open_index(stage: str, folder: Path, ours: Mapping[str, Any]) -> Index:
    """An index, after a look at its settings.

    Args:
        stage: which stage's index it must be.
        folder: the index.
        ours: the settings that must agree.

    Raises:
        SourceError: there is no index, or a damaged one.
        ConfigError: it was made under other settings; the message names each.
    """
    path = folder / FILE
    try:
        value = read_json(path)
        found, parts = dict(value["settings"]), int(value["parts"])
    except FileNotFoundError as error:
        msg = (
            f"{stage}.against: {path} is missing. Name the folder {stage}/index of an earlier run that has "
            "write_index set, and that is finished."
        )
        raise SourceError(msg) from error
    except (OSError, ValueError, KeyError, TypeError, SourceError) as error:
        msg = f"{stage}.against: {path} is not the description of an index ({error}). Write the index again."
        raise SourceError(msg) from error
    differ = [
        f"{name} is {json.dumps(found.get(name))} there and {json.dumps(ours.get(name))} here"
        for name in sorted(found.keys() | ours.keys())
        if found.get(name) != ours.get(name)
    ]
    if differ:
        msg = (
            f"{stage}.against: {path} was made under other settings: {'; '.join(differ)}. Make them agree, or "
            "write the earlier index again."
        )
        raise ConfigError(msg)
    return Index(folder, parts, value)


class Growing(Section, ABC):
    """The section of a stage that knows earlier runs; it has the keys `against` and `write_index`."""

    STAGE: ClassVar[str]
    FILES: ClassVar[tuple[str, ...]] = ("part",)
    """What a part of its index consists of."""

    if TYPE_CHECKING:  # each stage says which settings must agree, and where among its keys they stand
        against: tuple[str, ...]
        write_index: bool

    def for_documents(self) -> Self:
        """The section without what changes no document of this run."""
        return self.model_copy(update={"write_index": False})

    @abstractmethod
    def agreed(self) -> dict[str, Any]:
        """What must agree between the run that writes an index and one that reads it."""

    def earlier(self) -> list[Index]:
        """The indexes of earlier runs, each after a look at its settings.

        Raises:
            SourceError: one is missing or damaged.
            ConfigError: one was made under other settings.
        """
        return [open_index(self.STAGE, Path(folder), self.agreed()) for folder in self.against]

    def described(self, parts: int, files: Iterable[Path], **more: float | None) -> dict[str, Any]:
        """The value of `index.json`.

        Args:
            parts: how many parts it has.
            files: all of them.
            more: further numbers.
        """
        size = sum(path.stat().st_size for path in files)
        return {"settings": self.agreed(), "parts": parts, "bytes": size, **more}


HELD = pa.schema([("id", pa.string()), ("matched_id", pa.string())])
"""A document that went because an earlier run held the other."""


def write_held(dropped: Path, output: Path) -> None:
    """Note what the run before dropped for earlier runs, before this one writes its ledgers again.

    An earlier run may have lost documents since, by a takedown, so that their twins here come back; how many did can
    only be said beside what was dropped before (`tamis.report.takedowns`).

    Args:
        dropped: folder of the ledgers of the stage, whatever number of shards that run had; there may be none.
        output: exchange file of `HELD` to write.
    """
    tables = [HELD.empty_table()]
    for path in sorted(dropped.glob("part-*.parquet")):
        try:
            for rows in table_batches(path, ["id", "matched_id", "reason"]):
                mine = rows.filter(pc.equal(rows["reason"].cast(pa.string()), REASON))
                tables.append(mine.select(HELD.names).cast(HELD))
        except SourceError as error:
            log.warning("what the run before dropped for earlier runs is not looked at in %s: %s", path, error)
    exchange.write(output, HELD, [pa.concat_tables(tables)])


def stretch(partition: int, partitions: int, there: int) -> range:
    """The partitions of an index that one of this run overlaps.

    Partitions are equal stretches of the hashes: p of P overlaps those of M from p·M/P on, up to (p + 1)·M/P.

    Args:
        partition: of this run, p.
        partitions: of this run, P.
        there: partitions of the index, M.
    """
    return range(partition * there // partitions, -(-(partition + 1) * there // partitions))

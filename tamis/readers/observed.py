"""Reading the files of a unit and writing down what was read: size, time, hash, counts, and what was wrong.

A file is looked at, hashed, read, and looked at again: one that changes while it is read fails its job, because nobody
could say what became of it. The record (`ReadRecord`, one a unit) is what the next parse of the workflow compares with.

With `on_bad_file: skip` a file that turns out damaged gives nothing, not even the records before the damage: what a
file gives waits, in memory up to `WAITING_BYTES` and beyond that on disk, until the file has been read to its end.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
from pydantic import Field

from tamis import schemas
from tamis.errors import SourceError
from tamis.file_states import NO_FILE, State, sha256_of
from tamis.readers.columns import Columns
from tamis.readers.patterns import GONE, irregular
from tamis.readers.record import OnBadFile, Part, Passed, Record, Skip, Source
from tamis.readers.remote.addresses import is_place
from tamis.readers.remote.origin import Origin, origin_of
from tamis.readers.signatures import check
from tamis.readers.small_files import TOGETHER_BYTES, TOGETHER_FILES, ReadSmall, Small, held
from tamis.readers.values import shorten
from tamis.section import Section

log = logging.getLogger(__name__)

Convert = Callable[[Iterator[Record | Columns]], Iterator[pa.Table]]
"""Documents → tables of one schema."""

WAITING_BYTES = 32 << 20
SKIPS = 4_096
"""Skips that are held as Python objects."""


class ReadFile(Section):
    """What was read of one file."""

    path: str = Field(description="The file, as the configuration names it.")
    records: int = Field(0, description="Records that were read.")
    skipped: int = Field(0, description="Records that could not be read; 1 for a bad file.")
    passed: dict[str, int] = Field(
        default_factory=dict,
        description="Records that are no documents by what they are (of a web archive: requests, metadata …), by that.",
    )
    bytes: int = Field(0, description="Its size.")
    mtime_ns: int = Field(description="Its modification time, in nanoseconds since 1970; -1 where no file is.")
    sha256: str | None = Field(None, description="Hash of the bytes that were read; null where none could be.")
    fields: dict[str, int] = Field(
        default_factory=dict,
        description="For each field or column that the configuration names: the records in which it was not null.",
    )
    bad: str | None = Field(None, description="Why nothing of the file was used, or null.")
    address: str | None = Field(None, description="Where it was fetched from; null for a local file.")
    etag: str | None = Field(None, description="Of a fetched file: by which its server told it from others then.")
    last_modified: str | None = Field(None, description="Of a fetched file: since when it had been as it was, there.")

    def as_json(self) -> dict[str, Any]:
        """As the record of the unit has it."""
        return self.model_dump(mode="json")


class ReadRecord(Section):
    """What the job of a unit has read: `<results>/ingest/read/part-*.json`."""

    source: str = Field(description="Name of the source.")
    token: str = Field(description="Stands for the content of the files; the same token makes the same documents.")
    on_bad_file: OnBadFile = Field(description="What the source said of bad files.")
    part: Part | None = Field(
        None, description="Which of several parts of the one file, from 0, and how many there are."
    )
    files: tuple[ReadFile, ...] = Field(description="Its files, in order.")
    governing: tuple[ReadFile, ...] = Field(
        (), description="Other files that decided what became of them (licences of the folders above), in order."
    )


@contextmanager
def _unchanged(path: Path) -> Iterator[tuple[State, str]]:
    """Size, time and hash of a file that is read meanwhile, by its path.

    Raises:
        SourceError: missing, cannot be opened, or another file or other content than at first.
    """
    try:
        before = path.stat()
        digest = sha256_of(path)
    except OSError as error:
        msg = f"{path}: cannot be opened ({error.strerror or error}); check the paths of the source"
        raise SourceError(msg) from error
    try:
        yield State(before.st_size, before.st_mtime_ns), digest
    finally:
        # Also where the reader has found it damaged: half of a file that is being written is no damaged one.
        _compare(path, before)


def _compare(path: Path, before: os.stat_result) -> None:
    try:
        after = path.stat()
    except FileNotFoundError as error:
        msg = f"{path}: taken away while it was read; nothing of it is used. Run again when its folder is settled."
        raise ChangedError(msg) from error
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
        what = f"{before.st_size} bytes, then {after.st_size}" if before.st_size != after.st_size else "written to"
        msg = (
            f"{path}: changed while it was read ({what}); nothing of it is used. Run again when what writes it is done."
        )
        raise ChangedError(msg)


def _changed(path: str) -> SourceError:
    msg = f"{path}: changed while it was read; nothing of it is used. Run again when what writes it is done."
    return ChangedError(msg)


class ChangedError(SourceError):
    """A file changed while it was read."""


def _had(path: Path) -> Origin | None:
    """The record of a fetched file, which lies there then; None for another.

    Raises:
        SourceError: it could not be fetched.
    """
    if not is_place(path):
        return None
    # What fetches is needed where somebody has deleted the file.
    from tamis.readers.remote.fetched import had

    return had(path)


def _check_fetched(path: Path, origin: Origin | None, digest: str) -> None:
    """Hold that a fetched file is what came.

    Raises:
        SourceError: it is not.
    """
    if origin is not None and digest != origin.sha256:
        msg = f"{path}: is not what was fetched from {origin.address}; delete it and run again"
        raise SourceError(msg)


def _told(origin: Origin | None) -> dict[str, str | None]:
    """What the record of a file says of one that was fetched."""
    if origin is None:
        return {}
    whole = origin.whole
    pins = {} if whole is None else {"etag": whole.etag, "last_modified": whole.last_modified}
    return {"address": origin.address, **pins}


class _Waiting:
    """Tables of one schema that wait until a file has been read to its end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def add(self, table: pa.Table) -> None:
        """One more."""
        if self._writer is None:
            self._writer = pa.ipc.new_stream(self._file, table.schema)
        self._writer.write_table(table)

    def tables(self) -> Iterator[pa.Table]:
        """All of them, in order."""
        if self._writer is None:
            return
        self._writer.close()
        self._file.seek(0)
        with pa.ipc.open_stream(self._file) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])


@contextmanager
def _waiting(folder: Path) -> Iterator[_Waiting]:
    with tempfile.SpooledTemporaryFile(WAITING_BYTES, dir=str(folder)) as file:
        yield _Waiting(file)


class Reading:
    """Reads the files of a unit, one after the other, and keeps count of what was in them."""

    def __init__(
        self,
        source: Source,
        files: Sequence[str],
        skipped: Callable[[pa.Table], None],
        folder: Path,
        fields: Iterable[str] = (),
        part: Part | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            source: the section of the files' source.
            files: paths.
            skipped: takes the records that could not be read, some at a time, as rows of `tamis.schemas.SKIPPED`.
            folder: for what waits on disk, with `on_bad_file: skip`.
            fields: names of fields to say of in how many records they were; those that the reader does not know are
                left out.
            part: of the one file; None: all of them.
        """
        self.files: list[ReadFile | ReadSmall] = []
        """What was read of each file, of those that were read to their end."""
        self.governing: list[ReadFile] = []
        """What other files held that the reader went by."""
        self._source, self._names, self._fields = source, files, sorted(fields)
        self._skipped, self._folder, self._part = skipped, folder, part
        self._skips: list[Skip] = []

    def tables(self, convert: Convert) -> Iterator[pa.Table]:
        """The records of all files as tables.

        Args:
            convert: records → tables of one schema, at least one, if without rows.

        Raises:
            SourceError: a file changed while it was read; or it is missing, damaged or of another format, where the
                source does not skip such files.
        """
        with ExitStack() as held:
            for path in self._governing_files():
                self.governing.append(self._governing(path, held))
            yield from self._tables(convert)

    def _governing(self, path: Path, held: ExitStack) -> ReadFile:
        """What another file holds, which does not change while it is held; or why it could not be fetched."""
        origin = origin_of(path) if is_place(path) else None
        if origin is not None and origin.failed is not None:
            # Whoever reads with it says so, and is a bad file then.
            return ReadFile(path=str(path), bad=origin.failed, **_told(origin), **NO_FILE._asdict())
        origin = _had(path)
        state, digest = held.enter_context(_unchanged(path))
        _check_fetched(path, origin, digest)
        return ReadFile(path=str(path), sha256=digest, **_told(origin), **state._asdict())

    def _tables(self, convert: Convert) -> Iterator[pa.Table]:
        if self._source.on_bad_file == "fail":
            try:
                yield from convert(
                    record
                    for run in self._runs()
                    for record in (self._records(run) if isinstance(run, Path) else self._held(run))
                )
            except ChangedError:
                raise
            except SourceError as error:
                msg = f"{error} (With on_bad_file: skip its source lists such files and goes on without them.)"
                raise SourceError(msg) from error
        else:
            yield from convert(iter(()))
            for run in self._runs():
                # What is held whole has been read to its end.
                yield from self._whole(run, convert) if isinstance(run, Path) else convert(self._held(run))
        self._settle(self._skipped)

    def record(self, token: str) -> dict[str, Any]:
        """What was read, to be written down: a `ReadRecord` as JSON.

        Args:
            token: of the unit, as the workflow was parsed.
        """
        source = self._source
        record = ReadRecord(
            source=source.name,
            token=token,
            on_bad_file=source.on_bad_file,
            part=self._part,
            files=(),
            governing=tuple(self.governing),
        )
        return record.model_dump(mode="json") | {"files": [file.as_json() for file in self.files]}

    def _governing_files(self) -> list[Path]:
        # A path takes 3 µs, of each of a hundred thousand files.
        if type(self._source).governing is Source.governing:
            return []
        return self._source.governing([Path(name) for name in self._names])

    def _runs(self) -> Iterator[Path | list[Small | Skip]]:
        """The files in their order: small ones that are held and those that are not opened together, others alone."""
        source = self._source
        whole = source.takes_whole and self._part is None
        leaves = type(source).unread is not Source.unread
        run: list[Small | Skip] = []
        size = 0
        for name in self._names:
            one: Small | Skip | None = source.unread(name) if leaves else None
            if one is None and whole and not is_place(name):
                one = held(name, source.reads, source.is_whole, _changed)
            if one is not None:
                run.append(one)
                size += len(one.data) if isinstance(one, Small) else 0
            if run and (one is None or len(run) == TOGETHER_FILES or size >= TOGETHER_BYTES):
                yield run
                run, size = [], 0
            if one is None:
                yield Path(name)
        if run:
            yield run

    def _held(self, run: Sequence[Small | Skip]) -> Iterator[Record | Columns]:
        """The documents of files that are held, and of some that are not opened."""
        files = [one for one in run if isinstance(one, Small)]
        columns, left = self._source.together(files)
        if columns is not None and len(columns):
            yield columns
        others = {id(files[place]) for place in left}
        for one in run:
            if isinstance(one, Skip):
                self._skip(one, self._skipped)
                self.files.append(ReadFile(path=one.path, skipped=1, **NO_FILE._asdict()))
                continue
            item = self._source.whole(one.path, one.data) if id(one) in others else None
            if isinstance(item, Skip):
                self._skip(item, self._skipped)
            elif item is not None:
                yield item
            self.files.append(one.was_read(document=not isinstance(item, Skip)))

    def _records(self, path: Path, skipped: Callable[[pa.Table], None] | None = None) -> Iterator[Record | Columns]:
        origin = _had(path)
        if what := irregular(path):
            no_file = "" if what == GONE else ", not a file"
            msg = f"{path}: is {what}{no_file}; check the paths of source {self._source.name!r}"
            raise SourceError(msg)
        with _unchanged(path) as (state, digest):
            _check_fetched(path, origin, digest)
            check(path, self._source.name, self._source.format, self._source.reads)
            counts: Counter[str] = Counter()
            passed: Counter[str] = Counter()
            records = skips = 0
            found = (
                self._source.read_together(path, counts)
                if self._part is None
                else self._source.read_part(path, counts, self._part)
            )
            for item in found:
                if isinstance(item, Skip):
                    skips += 1
                    self._skip(item, skipped or self._skipped)
                elif isinstance(item, Passed):
                    passed[item.what] += 1
                else:
                    records += len(item) if isinstance(item, Columns) else 1
                    yield item
        fields = {name: counts[name] for name in self._fields if name in counts}
        read = ReadFile(
            path=str(path),
            records=records,
            skipped=skips,
            passed=dict(sorted(passed.items())),
            sha256=digest,
            fields=fields,
            **_told(origin),
            **state._asdict(),
        )
        self.files.append(read)
        log.info("%s: %d records, %d skipped, %d passed over", path, records, skips, passed.total())

    def _whole(self, path: Path, convert: Convert) -> Iterator[pa.Table]:
        """The tables of a file that can be read to its end; none of another, which is listed."""
        self._settle(self._skipped)
        with _waiting(self._folder) as rows, _waiting(self._folder) as skips:
            try:
                for table in convert(self._records(path, skips.add)):
                    rows.add(table)
            except ChangedError:
                raise
            except SourceError as error:
                self._skips.clear()
                self._bad(path, str(error))
                return
            self._settle(skips.add)
            for table in skips.tables():
                self._skipped(table)
            yield from rows.tables()

    def _bad(self, path: Path, why: str) -> None:
        log.warning("skipped as a whole: %s", why)
        self._skip(Skip(str(path), 0, "bad_file", shorten(why)), self._skipped)
        state, digest = NO_FILE, None
        # What cannot be opened has no hash, and is looked at again by the next run.
        if os.access(path, os.R_OK) and not irregular(path):
            with _unchanged(path) as (state, digest):
                pass
        told = _told(origin_of(path) if is_place(path) else None)
        self.files.append(ReadFile(path=str(path), skipped=1, sha256=digest, bad=why, **told, **state._asdict()))

    def _skip(self, item: Skip, skipped: Callable[[pa.Table], None]) -> None:
        self._skips.append(item)
        if len(self._skips) == SKIPS:
            self._settle(skipped)

    def _settle(self, skipped: Callable[[pa.Table], None]) -> None:
        # A column at a time: of trees with as many images as sources a dictionary of each was 4 % of the job.
        columns = {name: [getattr(skip, name) for skip in self._skips] for name in schemas.SKIPPED.names[1:]}
        skipped(pa.table({"source": [self._source.name] * len(self._skips), **columns}, schemas.SKIPPED))
        self._skips.clear()

"""Fetch the remote files of a unit, whole, so that ingest reads local ones.

One job a unit, on the machine that starts the workflow. What lies there already is not asked for again; what cannot be
had fails the job, or is written down as bad where its source says `on_bad_file: skip`, and ingest lists it. The params
hold which files these are; how they are fetched comes beside them (`ways`), so that another time limit fetches nothing
again. Memory: a block of each of the files that come at the same time.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tamis.readers.record import OnBadFile
from tamis.readers.remote.origin import Origin
from tamis.readers.remote.section import Remote
from tamis.section import Section
from tamis.shards import write_json

log = logging.getLogger(__name__)

VERSION = 1

AT_A_TIME = 8
"""Files of one unit that come at the same time; those of a unit with several are small."""


class Ways(Section):
    """How the files of a unit are fetched."""

    remote: Remote
    hosts: tuple[str, ...]
    on_bad_file: OnBadFile


def run_unit(*, files: list[dict[str, Any]], token: str, ways: str, output: Path) -> None:
    """Fetch.

    Args:
        files: path, address, endpoint and sha256 (or null) of each.
        token: of the unit, by which a file that changed on its server is fetched again.
        ways: JSON of `Ways`.
        output: JSON to write: what came of each.

    Raises:
        UnfetchedError: a file cannot be fetched, and its source does not skip such files.
        FolderError: the disk is full.
    """
    from tamis.readers.remote.fetched import fetch, give_up
    from tamis.readers.remote.http import UnfetchedError

    del token
    way = Ways.model_validate(json.loads(ways))

    def one(file: dict[str, Any]) -> Origin:
        origin = Origin(address=file["address"], endpoint=file["endpoint"], named=way.hosts, remote=way.remote)
        try:
            return fetch(origin, Path(file["path"]), file["sha256"])
        except UnfetchedError as error:
            if way.on_bad_file == "fail":
                msg = f"{error} (With on_bad_file: skip its source lists such files and goes on without them.)"
                raise UnfetchedError(msg) from error
            log.warning("left out: %s", error)
            return give_up(origin, Path(file["path"]), str(error))

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        waiting = [threads.submit(one, file) for file in files]
        try:
            done = [each.result() for each in waiting]
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    told = [
        {"path": file["path"], "sha256": origin.sha256, "failed": origin.failed}
        for file, origin in zip(files, done, strict=True)
    ]
    write_json(output, told)
    log.info("%d files are there, %d cannot be fetched", *_count(done))


def _count(done: list[Origin]) -> tuple[int, int]:
    bad = sum(origin.failed is not None for origin in done)
    return len(done) - bad, bad

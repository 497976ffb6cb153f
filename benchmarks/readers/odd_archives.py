"""How many pages of odd archives each library finds: tamis, fastwarc, warcio.

    PYTHONPATH=tests/support python benchmarks/readers/odd_archives.py

Each archive has ten pages, one of which may be beyond help; what each finds is held against what was written, byte by
byte. `stops` means that an error ended the archive; `(n other)` counts blocks that nobody wrote so.
"""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Callable

import web_archives as made

from tamis.readers.webarchive.records import Found, records

LIMIT = 100 << 20
BLOCKS = [made.http(made.page(number)) for number in range(10)]
PAGES = [made.record(block, url=f"http://x.example/{number}") for number, block in enumerate(BLOCKS)]
FIFTH = PAGES[4]


def with_fifth(record: bytes) -> list[bytes]:
    """The ten pages, with another fifth one."""
    return [*PAGES[:4], record, *PAGES[5:]]


def damaged(pack: Callable[[list[bytes]], bytes]) -> bytes:
    """A member in the middle with forty bytes overwritten."""
    members = [pack([page]) for page in PAGES]
    middle = len(members[4]) // 2
    members[4] = members[4][:middle] + b"\xff" * 40 + members[4][middle + 40 :]
    return b"".join(members)


def relength(by: int) -> bytes:
    """The fifth page with a length that is wrong by so many bytes."""
    return made.record(BLOCKS[4], length=len(BLOCKS[4]) + by)


ARCHIVES = {
    "gzip, a member a record": made.gz(PAGES),
    "gzip, one member": gzip.compress(b"".join(PAGES)),
    "gzip, members of 333 bytes": made.gz(
        [b"".join(PAGES)[at : at + 333] for at in range(0, len(b"".join(PAGES)), 333)]
    ),
    "LZ4": made.lz4_frames(PAGES),
    "zstd": made.zstd_frames(PAGES),
    "zstd with a dictionary": made.zstd_with_dictionary(PAGES),
    "ARC": b"".join([made.filedesc(), *(made.arc("http://x.example/", block) for block in BLOCKS)]),
    "ARC, gzip": made.gz([made.filedesc(), *(made.arc("http://x.example/", block) for block in BLOCKS)]),
    "a damaged gzip member": damaged(made.gz),
    "a damaged LZ4 frame": damaged(made.lz4_frames),
    "a damaged zstd frame": damaged(made.zstd_frames),
    "cut in the last gzip member": made.gz(PAGES)[:-50],
    "garbage between records": b"".join([*PAGES[:5], b"noise and noise\n" * 9, *PAGES[5:]]),
    "garbage between gzip members": made.gz(PAGES[:5]) + b"noise and noise\n" * 9 + made.gz(PAGES[5:]),
    "a length 20 too large": b"".join(with_fifth(relength(20))),
    "a length 20 too large, gzip": made.gz(with_fifth(relength(20))),
    "a length 10^9 too large": b"".join(with_fifth(relength(10**9))),
    "a length 20 too small": b"".join(with_fifth(relength(-20))),
    "a record without a length": b"".join(with_fifth(FIFTH.replace(b"Content-Length: ", b"Content-Lost: ", 1))),
    "line feeds alone": b"".join(made.record(block, line_end=b"\n", trailer=b"\n\n") for block in BLOCKS),
}


def by_tamis(data: bytes) -> list[bytes]:
    """Blocks of responses."""
    found = records(io.BytesIO(data), LIMIT, lambda _: True)
    return [one.block or b"" for one in found if isinstance(one, Found) and one.head.type == "response"]


def by_fastwarc(data: bytes, found: list[bytes]) -> None:
    """Blocks of responses, as far as they come."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    archive = ArchiveIterator(io.BytesIO(data), record_types=WarcRecordType.response, parse_http=False)
    found.extend(one.reader.read() for one in archive)


def by_warcio(data: bytes, found: list[bytes]) -> None:
    """Blocks of responses, as far as they come."""
    from warcio.archiveiterator import ArchiveIterator

    with contextlib.redirect_stderr(io.StringIO()):
        for one in ArchiveIterator(io.BytesIO(data), no_record_parse=True):
            if one.rec_type == "response":
                found.append(one.raw_stream.read())  # noqa: PERF401 - what came before an error counts


def told(data: bytes, read: Callable[[bytes, list[bytes]], object]) -> str:
    """How many of the blocks came back."""
    found: list[bytes] = []
    stops = ""
    try:
        read(data, found)
    except Exception as error:  # noqa: BLE001 - every library has its own
        stops = f", stops ({type(error).__name__})"
    right = len(set(found) & set(BLOCKS))
    other = len(found) - right
    return f"{right}{f' ({other} other)' if other else ''}{stops}"


def main() -> None:
    """Print the table."""
    print("| archive of ten pages | tamis | fastwarc | warcio |\n|---|---|---|---|")
    for name, data in ARCHIVES.items():
        readers = (lambda data, found: found.extend(by_tamis(data)), by_fastwarc, by_warcio)
        print(f"| {name} | {' | '.join(told(data, read) for read in readers)} |")


if __name__ == "__main__":
    main()

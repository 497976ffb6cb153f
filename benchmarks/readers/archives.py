"""Web archives to text, side by side with datatrove in one run, and reading alone beside fastwarc and warcio.

    python benchmarks/readers/archives.py [--pages 400] [--runs 3] [FILE ...]

Files are WARCs with a gzip member a record; of them the given number of pages is taken, evenly spread, into one
archive. By default the archives of `../shared/data/web`. Medians over runs in which the readers take turns; seconds of
the wall, and of CPU with child processes. datatrove's reader wants python-magic (with libmagic) and faust-cchardet;
without them its rows are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tamis.extraction import Extraction, shared
from tamis.readers import Record
from tamis.readers.warc import WarcSource
from tamis.readers.webarchive.payload import NoPageError, payload_of
from tamis.readers.webarchive.records import Found, records
from tamis.stages.ingest import documents_of

LIMIT = 100 << 20
DATA = Path(__file__).parents[3] / "shared/data/web"


def sample(files: list[Path], pages: int, output: Path) -> tuple[int, int]:
    """An archive of some pages of several; how many, and their bytes of HTML."""
    places = []
    for path in files:
        with path.open("rb") as file:
            found = [
                (path, item.place.offset, item.head.type)
                for item in records(file, LIMIT, lambda _: False)
                if isinstance(item, Found)
            ]
        ends = [place for _, place, _ in found[1:]] + [path.stat().st_size]
        places += [(path, start, end) for (_, start, kind), end in zip(found, ends, strict=True) if kind == "response"]
    taken = places[:: max(1, len(places) // pages)][:pages]
    with output.open("wb") as file:
        for path, start, end in taken:
            with path.open("rb") as source:
                source.seek(start)
                file.write(source.read(end - start))
    return len(taken), sum(len(data) for data in payloads(output))


def payloads(path: Path) -> list[bytes]:
    """What tamis makes of an archive without extraction."""
    found = []
    with path.open("rb") as file:
        for item in records(file, LIMIT, lambda head: head.type == "response"):
            if isinstance(item, Found):
                try:
                    found.append(payload_of(item, (200,), LIMIT, verify=False).data)
                except NoPageError:
                    continue
    return found


def by_fastwarc(path: Path) -> list[bytes]:
    """The same by fastwarc."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with path.open("rb") as file:
        return [one.reader.read() for one in ArchiveIterator(file, record_types=WarcRecordType.response)]


def by_warcio(path: Path) -> list[bytes]:
    """The same by warcio."""
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as file:
        return [one.content_stream().read() for one in ArchiveIterator(file) if one.rec_type == "response"]


def by_datatrove(path: Path) -> list[str]:
    """The same by datatrove, which decodes it too."""
    from datatrove.pipeline.readers import WarcReader

    return [document.text for document in WarcReader(str(path.parent), glob_pattern=path.name).run()]


def documents(path: Path, extraction: Extraction | None = None) -> list[str]:
    """The texts as a job of ingest reads them."""
    source = WarcSource(name="web", paths=(str(path),), extraction=extraction or Extraction())
    items = (item for item in source.read(path) if isinstance(item, Record))
    texts = [text for table in documents_of(items, "web", 0) for text in table["text"].to_pylist()]
    # The CPU of a process is known when it has ended.
    shared(source.extraction).close()
    return texts


def documents_by_datatrove(path: Path) -> list[str]:
    """The texts by datatrove's reader and extractor, as in its example of FineWeb."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader

    reader = WarcReader(str(path.parent), glob_pattern=path.name)
    return [document.text for document in Trafilatura(favour_precision=True, timeout=10).run(reader.run())]


def measured(work: Callable[[Path], list[bytes] | list[str]], path: Path) -> tuple[float, float, int]:
    """Seconds of the wall and of CPU, and how many pages came out."""

    def cpu() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in used)

    started, before = time.perf_counter(), cpu()
    count = len(work(path))
    return time.perf_counter() - started, cpu() - before, count


def main() -> None:
    """Take the pages, let the readers take turns, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=sorted(DATA.glob("*.warc.gz")))
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pages.warc.gz")
        pages, size = sample(options.files, options.pages, path)
        print(f"{pages} pages, {size / 1e6:.1f} MB of HTML, {path.stat().st_size / 1e6:.1f} MB on disk\n")
        rows: dict[str, Callable[[Path], list[bytes] | list[str]]] = {
            "read: tamis": payloads,
            "read: fastwarc": by_fastwarc,
            "read: warcio": by_warcio,
            f"text: tamis, {Extraction().extractor} (default)": documents,
            "text: tamis, resiliparse": lambda path: documents(path, Extraction(extractor="resiliparse")),
        }
        if all(importlib.util.find_spec(name) for name in ("magic", "cchardet")):
            rows |= {"read: datatrove": by_datatrove, "text: datatrove, trafilatura": documents_by_datatrove}
        else:
            print("datatrove's reader is left out: python-magic or faust-cchardet is not installed\n")
        taken: dict[str, list[tuple[float, float, int]]] = {name: [] for name in rows}
        for _ in range(options.runs):
            for name, work in rows.items():
                taken[name].append(measured(work, path))
        print("| | pages | seconds | CPU seconds | pages a CPU second | MB of HTML a CPU second |")
        print("|---|---|---|---|---|---|")
        for name in sorted(rows):
            wall, used, count = (statistics.median(column) for column in zip(*taken[name], strict=True))
            print(f"| {name} | {count:.0f} | {wall:.2f} | {used:.2f} | {pages / used:.0f} | {size / 1e6 / used:.1f} |")


if __name__ == "__main__":
    main()

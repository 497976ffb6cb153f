"""A small corpus of real text: what the locked packages themselves hold.

Docstring pages, modules, licences and translation catalogues of packages of the lock are found wherever tamis is
installed, need no network and are the same bytes for the same lock. They are written in the shapes that users have: JSON
Lines in zstd and gzip, Parquet, and text files. Some pages stand twice, as an earlier capture with less in it.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import importlib.metadata
import io
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from tests.support import tiny_models

PAGES, MODULES, CATALOGUES, LICENCES = 190, 60, 8, 40
"""Most of each; about 300 documents."""

SHORTEST, LONGEST = 700, 9_000
"""Characters of a page or module that is taken."""

HOSTILE = (
    "<script>document.title='executed'</script><img src=x onerror=alert(1)> $(touch executed) `touch executed` ; '\n"
    "'); DROP TABLE documents; -- \x1b]0;executed\x07\x1b[2J {results} {{ 7 * 7 }} ../../executed \u202egnp.exe\n"
)
"""A text that must stay text wherever it is shown: page, terminal, SQL, shell, template."""

HOSTILE_URL = "javascript:alert(1)//'); DROP TABLE documents; --<b>$(touch executed)\x1b[2J"


DAMAGED = "It was a na\u00adive page about a cafÃ© in Köln, written with R&amp;eacute;my for the M\u0075\u0308nster of the town.\n"
"""What `text_repair` puts right: a soft hyphen, mojibake, an entity twice escaped, a letter in two characters."""

ASIDES = {
    # So many pages apart, the first of them; a line of one text in many pages would be cut as a banner.
    7: "Ask keeper{number}@web.de or call +49 30 {phone}; the lamp of pier {number} answers at 81.2.69.{number}.\n",
    8: "The mate of ship {number} is a bilge rat, and so is his cook.\n",
    16: "The owner of ship {number} is a bilge rat as well.\n",
    40: "Pier {number} has the addresses " + " ".join(f"clerk{{number}}{letter}@web.de" for letter in "abcd") + ".\n",
}
"""What `privacy` and `toxicity` look for: values of persons, entries of the list below, and too many of them."""

WORDS = "# Insults of sailors\nbilge rat\nscurvy dog\n"

ITEMS = (
    (
        "Which lantern does the keeper of the northern lighthouse extinguish first when fog creeps over the estuary?",
        "red",
    ),
    ("How many barrels of salted herring fit into a schooner whose hold measures ninety fathoms below deck?", "forty"),
    ("Why did the cartographer refuse to draw the sandbank that three captains swore they sounded?", "It had moved."),
    ("Which question of eleven or more words in all stands in no document of this corpus at all?", "this one"),
)
"""Of a benchmark; all but the last stand in some pages."""


def aside(number: int) -> str:
    """What stands behind the text of a page for the stages that look for what must not be there."""
    said = [
        text.format(number=number, phone=2_345_600 + number) for every, text in ASIDES.items() if number % every == 3
    ]
    if number % 6 == 5:
        said.append("{} {}\n".format(*ITEMS[number // 6 % 3]))
    return "".join(f"\n{text}" for text in said)


def package_files(package: str, suffix: str) -> list[Path]:
    """Files of an installed distribution, sorted by name, without tests."""
    files = importlib.metadata.files(package) or []
    found = [Path(str(file.locate())) for file in sorted(files, key=str) if file.name.endswith(suffix)]
    return [path for path in found if "tests" not in path.parts and path.is_file()]


def fitting(text: str | None) -> bool:
    """Whether a text is of a size that the corpus takes."""
    return text is not None and SHORTEST <= len(text) <= LONGEST


def pages() -> Iterator[tuple[str, str]]:
    """(name, docstring) of what networkx documents, every third."""
    count = 0
    for path in package_files("networkx", ".py"):
        module = "/".join(path.with_suffix("").parts[-3:])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node)
                count += fitting(text)
                if text and fitting(text) and count % 3 == 0:
                    yield f"{module}/{getattr(node, 'name', 'module')}", text


def modules() -> Iterator[tuple[str, str]]:
    """(name, source) of modules of networkx and Pygments."""
    for package in ("networkx", "pygments"):
        texts = ((path, path.read_text(encoding="utf-8")) for path in package_files(package, ".py"))
        chosen = [("/".join(path.parts[-3:]), text) for path, text in texts if fitting(text)]
        yield from chosen[:: max(1, len(chosen) // (MODULES // 2))][: MODULES // 2]


def licences() -> Iterator[tuple[str, str]]:
    """(name, text) of one licence of each distribution."""
    found = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"].lower()
        texts = [file for file in distribution.files or [] if file.name.upper().startswith("LICENSE")]
        if texts and fitting(
            text := Path(str(min(texts, key=str).locate())).read_text(encoding="utf-8", errors="replace")
        ):
            found[name] = text
    yield from sorted(found.items())[:LICENCES]


def catalogues() -> Iterator[tuple[str, str]]:
    """(name, text) of translation catalogues."""
    for path in package_files("humanize", ".po")[:CATALOGUES]:
        yield path.parts[-3], path.read_text(encoding="utf-8")


def day(number: int) -> str:
    """A date that depends on the number alone."""
    return (datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records of the newest crawl and those of an earlier one."""
    crawl, earlier = [], []
    for number, (name, text) in enumerate(list(pages())[:PAGES]):
        url = f"https://docs.example.org/{name}"
        damaged = f"{text}\n\n{DAMAGED}" if number % 13 == 3 else text
        # Pages with examples are what `domains` tells the few of mathematics by: they stay as they are.
        damaged += aside(number) if ">>> " not in text else ""
        crawl.append({"url": url, "date": day(number), "kind": "prose", "text": damaged, "licence": "BSD-3-Clause"})
        if number % 9 == 0:
            earlier.append({"url": url, "date": day(-400), "kind": "prose", "text": text.rpartition("\n\n")[0] or text})
        if number % 11 == 0:
            mirror = f"https://mirror.example.net/{number}"
            earlier.append({"url": mirror, "date": day(-300), "kind": "prose", "text": text + "\n\nMirrored page.\n"})
    for number, (name, text) in enumerate(catalogues()):
        url = f"https://docs.example.org/locale/{name}"
        crawl.append({"url": url, "date": day(number), "kind": "catalogue", "text": text})
    body = crawl[0]["text"]
    for number in range(3):
        text = f"{HOSTILE}{number}\n\n{crawl[number + 1]['text']}"
        crawl.append({"url": f"{HOSTILE_URL}{number}", "date": day(5), "kind": "prose", "text": text, "by": HOSTILE})
    crawl.append({"url": "https://docs.example.org/short", "date": "no date", "kind": "prose", "text": HOSTILE})
    crawl.append({"url": "https://docs.example.org/again", "date": day(-20), "kind": "prose", "text": body})
    return crawl, earlier


def lines(values: list[dict[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n" for value in values)


def compressed(data: bytes) -> bytes:
    """Zstandard with a checksum, as crawls come."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)


def write(folder: Path, *, encoder: bool = True) -> None:
    """Write all sources, the lists of what goes and an encoder below a folder, the same bytes for the same lock."""
    (folder / "crawl").mkdir(parents=True)
    crawl, earlier = records()
    random.Random(1).shuffle(crawl)  # noqa: S311 - the order of a crawl is no secret
    bad = [b'{"url": "https://bad.example/1", "text": null}', b'{"url": "https://bad.example/2", "text": "cut sh']
    half = len(crawl) // 2
    (folder / "crawl" / "part-0.jsonl.zst").write_bytes(compressed(lines(crawl[:half])))
    (folder / "crawl" / "part-1.jsonl.zst").write_bytes(compressed(lines(crawl[half:]) + b"\n".join(bad) + b"\n"))
    (folder / "earlier.jsonl.gz").write_bytes(gzip.compress(lines(earlier), mtime=0))
    rows = [
        {"body": text, "address": f"pkg:pypi/networkx#{name}", "seen": day(number)}
        for number, (name, text) in enumerate(modules())
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "code.parquet", compression="zstd")
    for name, text in licences():
        path = folder / "licences" / name / "LICENSE.txt"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    (folder / "remove.txt").write_text("# asked for\nhttps://docs.example.org/again\n", encoding="utf-8")
    (folder / "words.txt").write_text(WORDS, encoding="utf-8")
    items = [{"q": question, "a": answer, "n": number} for number, (question, answer) in enumerate(ITEMS)]
    (folder / "items.jsonl").write_bytes(lines(items))
    if encoder:
        with contextlib.redirect_stderr(io.StringIO()):
            tiny_models.write_roberta(folder / "backbone")

"""Pages with gold text, in two halves by host: one to choose and learn from, one to measure on.

The halves were fixed before any page was read. Pages and gold are `*.S.warc.gz` and `*.S.gold.jsonl.zst` of the shared
test data, folder `web`; each corpus has its own idea of what main content is (titles, captions, comments).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import zstandard
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from tamis.kernels.words import buffers, word_hashes

CORPORA = ("wcxb", "waddle", "aeb", "readability", "trafilatura")
KEY = b"tamis extraction 1"

Half = Literal["choose", "held-out"]


@dataclass
class GoldPage:
    """A page and what its annotators say of it.

    Attributes:
        text: gold main content; None where there are only snippets.
        group: type of page or language.
        wanted: snippets that must be in the text.
        unwanted: snippets that must not.
    """

    corpus: str
    url: str
    data: bytes
    half: Half
    text: str | None
    group: str
    wanted: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)


def half_of(host: str) -> Half:
    """The half of a host, by keyed hash."""
    return "choose" if hashlib.blake2b(host.encode(), key=KEY).digest()[0] & 1 else "held-out"


def host_of(page: GoldPage) -> str:
    """The host that pages are drawn by."""
    return page.url if page.corpus == "readability" else urlsplit(page.url).hostname or page.url


def load(folder: Path, corpora: Sequence[str] = CORPORA) -> list[GoldPage]:
    """All pages of some corpora, in the order of the archives."""
    pages = []
    for corpus in corpora:
        with (folder / f"{corpus}.S.gold.jsonl.zst").open("rb") as file:
            lines = zstandard.ZstdDecompressor().stream_reader(file).read().decode().split("\n")
        gold = [json.loads(line) for line in lines if line]
        with (folder / f"{corpus}.S.warc.gz").open("rb") as file:
            records = ArchiveIterator(file, record_types=WarcRecordType.response)
            found = [(record.headers["WARC-Target-URI"], record.reader.read()) for record in records]
        if [url for url, _ in found] != [one["url"] for one in gold]:
            raise ValueError(f"{corpus}: pages and gold do not name the same URLs")
        for (url, data), one in zip(found, gold, strict=True):
            # All of one host in name only: each page is a site of its own.
            host = one["id"] if corpus == "readability" else urlsplit(url).hostname or one["id"]
            text = one.get("text")
            if "html" in one:
                text = extract_plain_text(HTMLTree.parse(one["html"]), preserve_formatting=True)
            group = one.get("page_type") or one.get("lang") or ""
            wanted, unwanted = one.get("with_") or [], one.get("without") or []
            pages.append(GoldPage(corpus, url, data, half_of(host), text, group, wanted, unwanted))
    return pages


def hashes_of(texts: Iterable[str]) -> list[np.ndarray]:
    """Hashes of the words of each text (`tamis.text`)."""
    offsets, data = buffers(pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.large_string()))
    ends, hashes = word_hashes(offsets, data)
    return [hashes[ends[i] : ends[i + 1]] for i in range(len(ends) - 1)]


def token_scores(gold: np.ndarray, text: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of words with their counts; 1 where both are empty."""
    if not len(gold) and not len(text):
        return 1.0, 1.0, 1.0
    common = sum((Counter(gold.tolist()) & Counter(text.tolist())).values())
    precision, recall = common / max(len(text), 1), common / max(len(gold), 1)
    return precision, recall, 2 * common / (len(gold) + len(text))

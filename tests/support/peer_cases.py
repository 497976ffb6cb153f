"""Cases of the kinds that other tools test their de-duplication with, made anew: no text or number is theirs.

Each says in a line what the peer does with it and what tamis does. Texts are words `w12`, of which equal numbers are
equal words, so that every similarity is known by counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """Documents, a stage with its settings, and what is left.

    what: the peers, what they do, what tamis does.
    stage: of `stage_jobs`.
    settings: of its section.
    texts: of the documents, in keep order.
    left: the text of each afterwards, None for a document that is dropped.
    columns: of the documents, besides their texts.
    """

    what: str
    stage: str
    settings: dict[str, Any]
    texts: Sequence[str]
    left: Sequence[str | None]
    columns: dict[str, Sequence[object]] = field(default_factory=dict)

    def __str__(self) -> str:
        """For the name of the test."""
        return self.what.replace(" ", "-")[:90]


def words(first: int, last: int) -> str:
    """The words of these numbers, the last one left out."""
    return " ".join(f"w{number}" for number in range(first, last))


def kept(texts: Sequence[str], *gone: int) -> list[str | None]:
    """All texts but those that are dropped."""
    return [None if number in gone else text for number, text in enumerate(texts)]


def whole(
    what: str, texts: Sequence[str], *gone: int, columns: dict[str, Sequence[object]] | None = None, **settings: Any
):
    """A case of documents that stay or go whole, by minhash_dedup."""
    return Case(what, "minhash_dedup", settings, texts, kept(texts, *gone), columns or {})


def edited(text: str, places: Sequence[int]) -> str:
    """Other words in some places."""
    found = text.split()
    for place in places:
        found[place] = f"other{place}"
    return " ".join(found)


A, B, C, D = (words(1_000 * number, 1_000 * number + 60) for number in range(1, 5))
BYTES = {"exact": "bytes"}

EXACT = [
    whole("data-prep-kit ededup, Curator exact: equal bytes are one; so here", [A, B, A, A, C, B], 2, 3, 5, **BYTES),
    whole("Curator exact (md5): a final space makes another text; by bytes so here", [A, A + " ", A + "\n"], **BYTES),
    whole("by words a final space does not count", [A, A + " ", A + "\n"], 1, 2),
    whole("data-prep-kit ededup: one corpus without copies stays whole", [A, B, C, D], **BYTES),
    whole("text-dedup exact hash: only copies: the first stays", [A] * 7, *range(1, 7), **BYTES),
    whole("data-juicer document_deduplicator, lowercase: case does not count; by words so here", [A, A.upper()], 1),
    whole("data-juicer document_deduplicator: case counts by default; by bytes so here", [A, A.upper()], **BYTES),
    whole(
        "data-juicer ignore_non_character: marks do not count; by words so here",
        [A, A.replace(" ", ", "), f"«{A}»!"],
        1,
        2,
    ),
    whole(
        "data-juicer ignore_non_character: digits do not count, so these are one; here digits are words",
        ["page 1 of the report", "page 2 of the report"],
    ),
    whole(
        "text-dedup, data-juicer normalise width and accents where asked; here composed and decomposed are two",
        ["café au lait", "cafe\u0301 au lait"],
    ),
    whole("dolma: documents without text are passed over; here they stay, each for itself", ["", "", " \n", "…", "…"]),
    whole("data-prep-kit ededup: equal texts without a word are one; by bytes so here", ["", "", "…", "…"], 3, **BYTES),
    whole("Curator: a text in no Latin letter is compared like any other", ["Привет, мир", "привет мир!", "Γειά"], 1),
    whole(
        "datatrove exact dedup: across files the first by priority stays",
        [B, A, B],
        2,
        columns={"source": ["b", "a", "a"]},
    ),
    whole(
        "Curator exact: two kinds of document with one text are one",
        [A, A],
        1,
        columns={"kind": ["prose", "licence"]},
    ),
]

BASE = words(0, 104)  # 100 5-grams
NEAR = [
    # One word in the middle changes five 5-grams: 95 of 105, then 90 of 110 and so on.
    whole("datatrove, Curator: similarity .90 is above .7", [BASE, edited(BASE, [50])], 1),
    whole("datatrove, Curator: similarity .74 is above .7", [BASE, edited(BASE, [10, 40, 70])], 1),
    whole("datatrove, Curator: similarity .67 is below .7", [BASE, edited(BASE, [10, 30, 50, 70])]),
    whole("text-dedup at .85: .90 goes", [BASE, edited(BASE, [50])], 1, threshold=0.85),
    whole("text-dedup at .85: .82 stays", [BASE, edited(BASE, [30, 60])], threshold=0.85),
    whole(
        "Curator without false_positive_check drops what its buckets meet; every pair is verified here",
        [BASE, f"{words(0, 52)} {words(500, 552)}"],
    ),
    whole("datatrove: exactly at the threshold is a copy: 70 of 100 5-grams", [words(0, 104), words(0, 74)], 1),
    whole("datatrove: one 5-gram less than the threshold is none", [words(0, 104), words(0, 73)]),
    whole("data-prep-kit fdedup: words in another order share no 5-gram", [BASE, " ".join(reversed(BASE.split()))]),
    whole("data-juicer minhash, Chinese by character: one changed character is a near-copy", ["天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳", "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阴"], 1),
    whole("data-juicer minhash, Chinese without spaces: punctuation does not count", ["天地玄黄、宇宙洪荒。日月盈昃", "天地玄黄宇宙洪荒 日月盈昃"], 1),
    whole("data-juicer minhash, Chinese: other texts stay", ["天地玄黄宇宙洪荒", "日月盈昃辰宿列张"]),
    whole("Curator: Japanese and Thai work like English", ["ひらがなのぶんしょうです。", "ひらがなのぶんしょうです", "ภาษาไทยไม่มีเว้นวรรค", "ภาษาไทย ไม่มีเว้นวรรค"], 1, 3),
    whole("text-dedup skips texts shorter than its n-gram; here a short text equals another or none", ["one two", "One, two!", "one two three"], 1),
    whole("datatrove: a document of one word", ["word", "Word", "words"], 1),
]  # fmt: skip

CHAIN = [words(start, start + 44) for start in (0, 6, 12, 18)]
CLUSTERS = [
    whole("datatrove, text-dedup, Curator: a chain is one cluster, of which one stays", CHAIN, 1, 2, 3, grouping="components"),
    whole("greedy: what resembles only dropped documents stays", CHAIN, 1, 3),
    whole("data-prep-kit fdedup: two clusters and a text of its own", [A, B, f"{A} end", C, f"{B} end", f"{A} fin"], 2, 4, 5),
    whole("Curator: a cluster over three partitions of the input", [A, C, f"{A} one", B, f"{A} two"], 2, 4, columns={"source": list("xxyyz")}),
    whole("Curator: clusters only inside a group, where asked", [A, A, A, B], 2, within="source", columns={"source": list("xyxy")}),
    whole("data-juicer: an exact copy of a near-copy goes with it", [A, f"{A} end", f"{A} END", B], 1, 2),
    whole("datatrove with several components of one hub: hub first", [A, f"{A} x1 x2", f"y1 y2 {A}"], 1, 2),
]  # fmt: skip


def urls(what: str, addresses: Sequence[str | None], *gone: int) -> Case:
    """A case of addresses; texts are all different."""
    texts = [words(100 * number, 100 * number + 30) for number in range(len(addresses))]
    return Case(what, "url_dedup", {}, texts, kept(texts, *gone), {"url": addresses})


PAGE = "https://example.org/a"
URLS = [
    urls("datatrove UrlDedup: one capture of an address stays", [PAGE, PAGE, "https://example.org/b", PAGE], 1, 3),
    urls("dolma (url as key) takes spellings for two; here scheme, port and fragment do not count", [PAGE, "http://example.org/a", "https://EXAMPLE.org:443/a#top"], 1, 2),
    urls("tracking parameters do not count, others do", [PAGE, f"{PAGE}?utm_source=x", f"{PAGE}?id=1", f"{PAGE}?id=2"], 1),
    urls("the order of parameters and percent-encoding do not count", [f"{PAGE}?b=%7e&a=1", f"{PAGE}?a=1&b=~"], 1),
    urls("www. and a final slash are the site's choice: two pages (remove.urls takes both)", [PAGE, f"{PAGE}/", "https://www.example.org/a"]),
    urls("datatrove hashes a missing address like any other; here documents without one stay", [None, None, PAGE, None]),
    urls("the case of a path counts, that of a host does not", [PAGE, "https://Example.ORG/a", "https://example.org/A"], 1),
    urls("hosts beyond ASCII and their punycode are one", ["https://bücher.example/x", "https://xn--bcher-kva.example/x"], 1),
]  # fmt: skip

LONG, OTHER, THIRD = words(0, 20), words(100, 120), words(200, 220)
OWN = [words(1_000 * number, 1_000 * number + 40) for number in range(1, 7)]


def paragraphs(what: str, texts: Sequence[str], left: Sequence[str | None], **settings: Any) -> Case:
    """A case of paragraphs that go with their second copy, as peers have it; near-copies are left to other cases."""
    peers = {"unit": "paragraph", "min_documents": 1, "near_copy_share": None, "min_characters": 0}
    return Case(what, "paragraph_dedup", peers | settings, texts, left)


PARAGRAPHS = [
    paragraphs(
        "dolma paragraphs: what an earlier document had goes",
        [f"{OWN[0]}\n\n{LONG}", f"{LONG}\n\n{OWN[1]}"],
        [f"{OWN[0]}\n\n{LONG}", OWN[1]],
    ),
    paragraphs(
        "dolma paragraphs: what one document repeats goes from the second time on",
        [f"{LONG}\n\n{OWN[0]}\n\n{LONG}\n\n{LONG}\n"],
        [f"{LONG}\n\n{OWN[0]}\n"],
    ),
    paragraphs("dolma min_words: short paragraphs stay", ["See also\n\nx y z", "See also\n\nx y z"], ["See also\n\nx y z"] * 2),
    paragraphs(
        "dolma splits at every line; here so where a page has no blank line",
        [f"{OWN[0]}\n{LONG}\n{OWN[1]}", f"Menu\n{OWN[2]}\n{LONG}\n{OWN[3]}"],
        [f"{OWN[0]}\n{LONG}\n{OWN[1]}", f"Menu\n{OWN[2]}\n{OWN[3]}"],
        unit="automatic",
    ),
    paragraphs(
        "text-dedup ccnet: lines by their words, case and marks aside; so here with unit line",
        [f"{LONG}\n{OWN[0]}", f"{LONG.upper()}!\n{OWN[1]}\n\n{OWN[2]}"],
        [f"{LONG}\n{OWN[0]}", f"{OWN[1]}\n\n{OWN[2]}"],
        unit="line",
    ),
    paragraphs(
        "datatrove sentence dedup takes spans of three sentences; here whole paragraphs only",
        [f"{LONG}. {OTHER}. {THIRD}. {OWN[0]}.", f"{OWN[1]}. {LONG}. {OTHER}. {THIRD}."],
        [f"{LONG}. {OTHER}. {THIRD}. {OWN[0]}.", f"{OWN[1]}. {LONG}. {OTHER}. {THIRD}."],
    ),
    paragraphs("dolma: empty texts and blank paragraphs", ["", "\n\n\n", " \n\n ", LONG], ["", "\n\n\n", " \n\n ", LONG]),
    paragraphs(
        "dolma: CRLF and LF part paragraphs alike",
        [f"{OWN[0]}\r\n\r\n{LONG}\r\n", f"{LONG}\n\n{OWN[1]}\n"],
        [f"{OWN[0]}\r\n\r\n{LONG}\r\n", f"{OWN[1]}\n"],
    ),
    paragraphs(
        "data-juicer, CJK: an ideograph is a word, so 20 of them are a paragraph that counts",
        ["天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往\n\n秋", "冬\n\n天地玄黄、宇宙洪荒、日月盈昃、辰宿列张、寒来暑往。"],
        ["天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往\n\n秋", "冬"],
    ),
    Case(
        "dolma leaves a document whose paragraphs all go empty; here it is dropped, and named",
        "paragraph_dedup",
        {"unit": "paragraph", "min_documents": 1},
        [f"{LONG}\n\n{OTHER}\n\n{OWN[0]}", f"{OTHER}\n\n{LONG}"],
        [f"{LONG}\n\n{OTHER}\n\n{OWN[0]}", None],
    ),
]  # fmt: skip


def spans(
    what: str, texts: Sequence[str], left: Sequence[str | None], tokens: int = 10, **columns: Sequence[object]
) -> Case:
    """A case of repeated spans."""
    return Case(what, "substring_dedup", {"tokens": tokens, "min_characters": 0}, texts, left, columns)


SPAN = words(0, 12)
SPANS = [
    spans("text-dedup suffix array: a span in the middle", [f"a {SPAN} b", f"c {SPAN} d"], [f"a {SPAN} b", "c d"]),
    spans("at the very beginning", [f"a {SPAN} b", f"{SPAN} d"], [f"a {SPAN} b", "d"]),
    spans("at the very end: the space before it stays", [f"a {SPAN} b", f"c {SPAN}"], [f"a {SPAN} b", "c "]),
    spans("the whole document: nothing is left, so it goes", [f"a {SPAN} b", SPAN], [f"a {SPAN} b", None]),
    spans("one token short of a span", [f"a {words(0, 9)} b", f"c {words(0, 9)} d"], [f"a {words(0, 9)} b", f"c {words(0, 9)} d"]),
    spans("exactly a span", [f"a {words(0, 10)} b", f"c {words(0, 10)} d"], [f"a {words(0, 10)} b", "c d"]),
    spans("twice in one document", [f"a {SPAN} b {SPAN} c"], [f"a {SPAN} b c"]),
    spans("two spans of two documents that overlap are one cut", [f"{words(0, 12)} b", f"{words(6, 20)} c", f"d {words(0, 20)} e"], [f"{words(0, 12)} b", f"{words(6, 20)} c", "d e"]),
    spans("text-dedup, datatrove (suffix array): offsets in bytes, so a cut may split a character; never here", [f"é {SPAN} 語", f"語 {SPAN} é"], [f"é {SPAN} 語", "語 é"]),
    spans("spans do not go over the end of a document into the next one", [f"a {words(0, 6)}", f"{words(6, 12)} b", f"c {SPAN} d"], [f"a {words(0, 6)}", f"{words(6, 12)} b", f"c {SPAN} d"]),
    spans("a sign belongs to the word after it", [f"{SPAN} 7 degrees", f"at {SPAN} -40 degrees"], [f"{SPAN} 7 degrees", "at -40 degrees"]),
    spans("a heading keeps its mark", [f"{SPAN}.\n\nNext", f"One.\n\n{SPAN}.\n\n## Two"], [f"{SPAN}.\n\nNext", "One.\n\n## Two"]),
    spans("bytes decide: another case or spacing is another span", [f"a {SPAN}", f"b {SPAN.upper()}", "c " + SPAN.replace(" ", "  ")], [f"a {SPAN}", f"b {SPAN.upper()}", "c " + SPAN.replace(" ", "  ")]),
    spans("Chinese, ten characters", ["天地玄黄宇宙洪荒日月甲", "乙天地玄黄宇宙洪荒日月丙"], ["天地玄黄宇宙洪荒日月甲", "乙丙"]),
    spans("code is not looked at", [SPAN, SPAN], [SPAN, SPAN], kind=["code", "code"]),
]  # fmt: skip

ALL = [*EXACT, *NEAR, *CLUSTERS, *URLS, *PARAGRAPHS, *SPANS]

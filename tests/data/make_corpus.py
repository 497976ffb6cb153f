"""Make the small test corpus: `python tests/data/make_corpus.py OUT_DIR [--documents 400] [--backbone]`.

Writes four sources (zstd and gzip JSON Lines, Parquet, a folder of text), label files for the classifiers, and
`truth.json`, which says what was planted: copies, captures of one URL, near-copies at a Jaccard of word 5-grams that is
counted here by brute force, banners, repeated paragraphs, records that cannot be read. The same arguments give the same
bytes. `--backbone` adds a tiny RoBERTa with random weights, made without a network.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grammar
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from grammar import Dice

SEED = 2025
JACCARDS = (0.5, 0.6, 0.65, 0.68, 0.69, 0.695, 0.7, 0.705, 0.71, 0.75, 0.8, 0.9, 0.95)
"""Targets of the near-copies; 0.7 is hit exactly, because a threshold must say on which side it lies."""

PAIRS_EACH = 3
EXACT_BANNER = (
    "We use cookies and similar tools on this site to count visits; by reading on you agree to our use of them."
)
VARYING_BANNER = "This page was saved by the Harbour Reading Room for its members and may not be sold, saved on {}."
HOSTILE = "{} <script>document.title='owned'</script><img src=x onerror=alert(1)> $(touch owned) `touch owned` ; '"
"""A text that must stay text wherever it is shown."""

REPEATED = 6
NGRAM = 5


@dataclass
class Corpus:
    """Records by source, and what was planted in them."""

    web: list[dict[str, Any]] = field(default_factory=list)
    archive: list[dict[str, Any]] = field(default_factory=list)
    papers: list[dict[str, Any]] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def add(
        self,
        source: str,
        category: str,
        text: str,
        *,
        kind: str = "prose",
        language: str = "en",
        url: str | None = None,
        days: int | None = None,
        **planted: Any,
    ) -> str:
        """Add one record and return its URL; later days are newer."""
        self.count += 1
        dice = Dice(SEED, "record", self.count)
        url = url or f"https://{dice.name().lower()}.example/{category}/{self.count}"
        date = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=dice.below(1000) if days is None else days)
        record = {
            "id": f"r{self.count}",
            "text": text,
            "url": url,
            "date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "kind": kind,
        }
        getattr(self, source).append(record | {"lang": language})
        self.truth.setdefault("documents", {})[url] = {
            "category": category,
            "kind": kind,
            "language": language,
            **planted,
        }
        return url

    def plant(self, case: str, **what: Any) -> None:
        """Write one planted case down."""
        self.truth.setdefault(case, []).append(what)


def words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits: enough for the English near-copies."""
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(text: str) -> set[tuple[str, ...]]:
    """The set of word 5-grams."""
    found = words(text)
    return {tuple(found[at : at + NGRAM]) for at in range(len(found) - NGRAM + 1)}


def jaccard(first: str, second: str) -> float:
    """Exact Jaccard of the 5-gram sets."""
    one, two = ngrams(first), ngrams(second)
    return len(one & two) / len(one | two)


def near_copy(dice: Dice, text: str, target: float) -> str:
    """A copy of a one-line text, with words replaced and added, whose Jaccard with it is as near to the target as can be.

    Replacing one word changes five 5-grams; a word added at the end adds one to the union. So some words are replaced,
    shared and united 5-grams are counted, and as many words added as bring the ratio to the target.
    """
    pieces = text.removesuffix(".").split(" ")
    share = (1 - target) / (1 + target) / NGRAM
    best: tuple[float, str] = (1.0, "")
    for attempt in range(40):
        changed = list(pieces)
        replaced = max(1, round(share * len(pieces)) - attempt % 5)
        for place in dice.shuffled(range(NGRAM, len(pieces) - NGRAM, NGRAM + 1))[:replaced]:
            changed[place] = dice.name() + dice.name().lower()
        one, two = ngrams(text), ngrams(" ".join(changed))
        added = max(0, round(len(one & two) / target) - len(one | two))
        changed += [dice.name() + dice.name().lower() for _ in range(added)]
        copy = " ".join(changed) + "."
        best = min(best, (abs(jaccard(text, copy) - target), copy))
    return best[1]


def plain_line(dice: Dice, least: int) -> str:
    """Sentences of at least so many words in one line, with no mark but stops."""
    found: list[str] = []
    while len(found) < least:
        found += grammar.paragraph(dice, "en", 1).replace(",", "").split(" ")
    return " ".join(found)


def near_copies(corpus: Corpus) -> None:
    """Pairs on both sides of 0.7, each with a base of its own, the older one first."""
    for target in JACCARDS:
        for number in range(PAIRS_EACH):
            dice = Dice(SEED, "near", target, number)
            base = plain_line(dice, 200 + 40 * number)
            copy = near_copy(dice, base, target)
            first = corpus.add("archive", "near_base", base, days=10 + number)
            second = corpus.add("web", "near_copy", copy, days=400 + number)
            corpus.plant("near_copies", older=first, newer=second, target=target, jaccard=jaccard(base, copy))


def copies(corpus: Corpus, count: int) -> None:
    """Exact copies under another URL, captures of one URL, and copies that only look different."""
    for number in range(count):
        dice = Dice(SEED, "copies", number)
        text = grammar.prose(dice, "en", 3)
        old = corpus.add("archive", "copied", text, days=5)
        new = corpus.add("web", "copied", text, days=700)
        corpus.plant("exact_copies", older=old, newer=new)

        page = f"https://{dice.name().lower()}.example/page/{number}"
        for days, spelling in ((3, page), (800, f"{page}?utm_source=feed#top"), (400, page.replace("https", "http"))):
            text = grammar.prose(dice, "en", 3)
            corpus.add("web" if days == 800 else "archive", "capture", text, url=spelling, days=days)
        corpus.plant("captures", newest=f"{page}?utm_source=feed#top", older=[page, page.replace("https", "http")])

        text = plain_line(dice, 160)
        pieces = text.split(" ")
        broken = "\n".join(" ".join(pieces[at : at + 9]) for at in range(0, len(pieces), 9))
        form = (broken, text.upper(), text.replace(" ", " - "))[number % 3]
        old = corpus.add("archive", "rewrapped", form, days=7)
        new = corpus.add("web", "rewrapped", text, days=600)
        corpus.plant("rewrapped", older=old, newer=new)


def pages(corpus: Corpus, count: int) -> None:
    """Ordinary prose, most of it good; every second page carries a banner, some a repeated paragraph."""
    shared = [grammar.paragraph(Dice(SEED, "shared", number), "en", 5) for number in range(4)]
    for number in range(count):
        dice = Dice(SEED, "page", number)
        good = dice.below(3) > 0
        blocks = grammar.prose(dice, "en" if good else "chatter", 4).split("\n\n")
        planted: dict[str, Any] = {"quality": "good" if good else "poor"}
        if number % 4 == 0:
            blocks.insert(0, EXACT_BANNER)
            planted["banner"] = "exact"
        elif number % 4 == 1:
            month = dice.pick(grammar.ENGLISH["month"])
            blocks[1] += "\n" + VARYING_BANNER.format(f"{dice.between(1, 28)} {month} {dice.between(2001, 2020)}")
            planted["banner"] = "varying"
        elif number % 4 == 2 and number < 4 * REPEATED * len(shared):
            which = number // 4 % len(shared)
            blocks.insert(2, shared[which])
            planted["repeated"] = which
        corpus.add("web", "page", "\n\n".join(blocks), **planted)
    corpus.truth["banners"] = {"exact": EXACT_BANNER, "varying": VARYING_BANNER.split("{", maxsplit=1)[0]}
    corpus.truth["repeated"] = shared


def other_kinds(corpus: Corpus, count: int) -> None:
    """Languages, maths, code, licences, catalogues, and what rules should drop."""
    for number in range(count):
        dice = Dice(SEED, "other", number)
        corpus.add("web", "german", grammar.prose(dice, "de", 3), language="de")
        corpus.add("archive", "chinese", grammar.prose(dice, "zh", 5), language="zh")
        corpus.add("papers", "french", grammar.prose(dice, "fr", 3), language="fr")
        corpus.add("papers", "maths", grammar.maths(dice), kind="maths")
        corpus.add("web", "code", grammar.code(dice), kind="code", url=f"pkg:generic/{dice.name()}#src/{number}.py")
        if number % 4 == 0:
            mark = "# This file was generated by a tool; do not edit it.\n"
            corpus.add("web", "generated_code", mark + grammar.code(dice), kind="code")
            rows = "\n".join(f"    {dice.below(10**9)}, {dice.below(10**9)}, {dice.below(10**9)}," for _ in range(60))
            corpus.add("web", "data_code", f"TABLE = [\n{rows}\n]\n", kind="code")
            corpus.add("web", "catalogue", catalogue(dice), kind="catalogue")
            listed = "\n".join(dice.pick(grammar.ENGLISH["noun"]) + " " + dice.name() for _ in range(80))
            corpus.add("web", "word_list", listed)
            corpus.add("web", "symbols", " ".join(dice.pick(("#", "...", "***", "a#", "%%")) for _ in range(200)))
            corpus.add("web", "short", f"{dice.name()} is closed.")
            corpus.add("web", "hostile", HOSTILE.format(dice.name()))


def catalogue(dice: Dice) -> str:
    """A translation catalogue."""
    entries = []
    for _ in range(30):
        ours, theirs = grammar.paragraph(dice, "en", 1), grammar.paragraph(dice, "de", 1)
        entries.append(f'msgid "{ours}"\nmsgstr "{theirs}"')
    return "\n\n".join(entries)


def licence(dice: Dice) -> str:
    """Terms in our own words, another holder and numbering each time."""
    holder = dice.name()
    return "\n\n".join(
        [
            f"TERMS OF USE OF {holder.upper()}",
            f"Copyright {dice.between(1990, 2020)} {holder}. To {dice.name()} and everybody else the use of it is permitted.",
            *(f"{n}. {grammar.paragraph(dice, 'en', 3)}" for n in range(1, 5)),
            f"THE WORK OF {holder.upper()} IS PROVIDED AS IT IS, WITHOUT WARRANTY OF {dice.name().upper()} OR ANY KIND.",
        ]
    )


def unreadable() -> tuple[list[bytes], dict[str, int]]:
    """Lines of a JSONL file that ingest must skip, and how many for each reason."""
    lines = [
        b'{"url": "https://bad.example/1", "text": null}',
        b'{"url": "https://bad.example/2"}',
        b'{"url": "https://bad.example/3", "text": "  \\n "}',
        b'{"url": "https://bad.example/4", "text": "cut sho',
        b'{"url": "https://bad.example/5", "text": "caf\xe9 and more"}',
        b'{"url": "https://bad.example/6", "text": 7}',
        b'["https://bad.example/7"]',
    ]
    reasons = ("null_text", "missing_text", "empty_text", "invalid_json", "invalid_utf8", "not_text", "not_an_object")
    return lines, dict.fromkeys(reasons, 1)


def make(documents: int) -> Corpus:
    """The corpus of about so many documents, before it is written."""
    corpus = Corpus()
    near_copies(corpus)
    copies(corpus, max(3, documents // 40))
    pages(corpus, documents // 3)
    other_kinds(corpus, max(4, documents // 16))
    # The same record twice, as a crawl that was read twice; and one of the source's own ids for two texts.
    corpus.truth["duplicate_records"] = 5
    corpus.web += corpus.web[:5]
    corpus.web[20]["id"] = corpus.web[21]["id"]
    return corpus


def lines_of(records: Iterable[dict[str, Any]]) -> list[bytes]:
    """One JSON object a line."""
    return [json.dumps(record, ensure_ascii=False).encode() for record in records]


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """A JSONL file, compressed as its name says, the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(line + b"\n" for line in lines)
    compress: dict[str, Callable[[bytes], bytes]] = {
        ".zst": lambda plain: zstandard.ZstdCompressor(level=3, write_checksum=True).compress(plain),
        ".gz": lambda plain: gzip.compress(plain, mtime=0),
    }
    path.write_bytes(compress.get(path.suffix, bytes)(data))


def write(corpus: Corpus, out: Path) -> None:
    """Write sources, labels and truth."""
    bad, reasons = unreadable()
    corpus.truth["skipped"] = {"web": reasons}
    lines = lines_of(corpus.web)
    middle = len(lines) // 2
    write_lines(out / "web" / "part-0.jsonl.zst", lines[:middle])
    write_lines(out / "web" / "part-1.jsonl.zst", lines[middle:] + bad)
    write_lines(out / "archive.jsonl.gz", lines_of(corpus.archive))
    papers = [
        {"body": row["text"], "address": row["url"], "seen": row["date"], "form": row["kind"]} for row in corpus.papers
    ]
    pq.write_table(pa.Table.from_pylist(papers), out / "papers.parquet", compression="zstd")
    for number in range(8):
        dice = Dice(SEED, "file", number)
        folder = out / "files" / dice.name().lower()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(
            f"# {dice.name()}\n\n" + grammar.prose(dice, "en", 3) + "\n", encoding="utf-8"
        )
        (folder / "module.py").write_text(grammar.code(dice), encoding="utf-8")
        (folder / "LICENSE.txt").write_text(licence(dice) + "\n", encoding="utf-8")
    corpus.truth["files"] = 24
    labels = [{"text": labelled(n), "label": ("poor", "good")[n % 2]} for n in range(160)]
    write_lines(out / "labels" / "quality.jsonl", lines_of(labels))
    makers = {"general": labelled_prose, "reasoning": argument, "math": grammar.maths, "code": grammar.code}
    labels = [
        {"text": maker(Dice(SEED, "domain", name, n)), "label": name}
        for name, maker in makers.items()
        for n in range(25)
    ]
    write_lines(out / "labels" / "domains.jsonl", lines_of(labels))
    text = json.dumps(corpus.truth, ensure_ascii=False, indent=1, sort_keys=True)
    (out / "truth.json").write_text(text + "\n", encoding="utf-8")


def labelled(number: int) -> str:
    """A text for the classifiers that no source holds."""
    return grammar.prose(Dice(SEED, "label", number), ("chatter", "en")[number % 2], 2)


def labelled_prose(dice: Dice) -> str:
    """Good English prose."""
    return grammar.prose(dice, "en", 2)


def argument(dice: Dice) -> str:
    """Sentences joined into an argument."""
    joints = ("Suppose that", "Because of this", "It follows that", "Therefore", "On the other hand")
    sentences = grammar.paragraph(dice, "en", 8).removesuffix(".").split(". ")
    return " ".join(f"{dice.pick(joints)} {sentence[0].lower()}{sentence[1:]}." for sentence in sentences)


def write_backbone(folder: Path) -> None:
    """A RoBERTa of one layer and 32 dimensions, random weights from a fixed seed, with a tokenizer of its own."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    folder.mkdir(parents=True, exist_ok=True)
    special = {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator((labelled(n) for n in range(40)), trainer)
    trained.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, model_max_length=128, **special)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(SEED)
    model = RobertaModel(
        RobertaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=132,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        ),
    )
    model.save_pretrained(folder, safe_serialization=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--documents", type=int, default=400, help="about how many documents (plants come on top)")
    parser.add_argument("--backbone", action="store_true", help="also write OUT/backbone, a tiny RoBERTa")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    write(make(given.documents), given.out)
    if given.backbone:
        write_backbone(given.out / "backbone")


if __name__ == "__main__":
    main()

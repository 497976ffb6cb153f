"""The dataset card of an export, and the list of its files.

README.md is YAML front matter that the Hugging Face Hub and `datasets` read, then tables; export.json gives rows,
tokens, bytes and sha256 of each file. Sources, licences and languages come from the corpus, so every such word is
escaped before it enters the page.

Writes `export/<name>/{README.md,export.json}`. Nothing in them depends on the shards of the pool, on paths or time.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.barrier import Files, paths
from tamis.decontamination.card import markdown, table
from tamis.errors import ConservationError
from tamis.export import FORMATS
from tamis.export.files import Format
from tamis.export.order import Config
from tamis.shards import part_name, read_json, read_table, whole_file, write_json
from tamis.toxicity.card import NO_BOUND, Shown, by_language_and_source

VERSION = 4

LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")

SIZES = (
    ("n<1K", 10**3),
    ("1K<n<10K", 10**4),
    ("10K<n<100K", 10**5),
    ("100K<n<1M", 10**6),
    ("1M<n<10M", 10**7),
    ("10M<n<100M", 10**8),
    ("100M<n<1B", 10**9),
    ("1B<n<10B", 10**10),
    ("10B<n<100B", 10**11),
    ("100B<n<1T", 10**12),
)
"""Names of the Hub for numbers of rows, with their upper bounds."""

LISTED = 30
"""Licences and sources listed by name; the rest is one line."""

WHAT = {
    "validation": "The validation split: reserved before any other set was chosen, the same share of each stratum.",
    "annealing": "An annealing set: the documents of the highest score of its domains, for the last phase of training.",
    "mixtures": "A mixture: sampled by keyed hash of the document id to a token budget, by weight.",
}


@dataclass(frozen=True)
class Facts:
    """What the card of one export says."""

    name: str
    rows: int
    tokens: int
    seed: int
    files: Mapping[str, int]
    """Format → number of its files."""
    columns: Mapping[str, str]
    counts: Sequence[Mapping[str, Any]]
    groups: Sequence[Mapping[str, Any]]
    licences: Counter[str]
    training: Mapping[str, Any]
    contamination: Mapping[str, Any] | None = None
    """What was found of benchmarks, where the run has looked for any."""
    private: Counter[tuple[str, str]] | None = None
    """Documents by outcome and reason of the stage `privacy`, where the run has it."""
    toxicity: tuple[str, Sequence[Shown]] | None = None
    """The bound in force, and by language and source what has entries of word lists, where the run has looked."""


def _format(name: str) -> Format:
    found: Format = FORMATS[name].FORMAT
    return found


def cell(value: object) -> str:
    """A word of the corpus as a table cell: one line, at most 80 characters, no markup."""
    text = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in str(value))).strip()
    shortened = text if len(text) <= 80 else text[:79] + "…"
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", html.escape(shortened))


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _sums(counts: Sequence[Mapping[str, Any]], column: str) -> list[tuple[str, int, int]]:
    """Value, documents and tokens of each value of a column, most tokens first."""
    documents: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for row in counts:
        documents[str(row[column])] += row["documents"]
        tokens[str(row[column])] += row["tokens"]
    return [
        (value, documents[value], tokens[value])
        for value in sorted(documents, key=lambda value: (-tokens[value], value))
    ]


def _by(facts: Facts, column: str) -> str:
    if not facts.counts or column not in facts.counts[0]:
        return ""
    rows = _sums(facts.counts, column)
    listed = [
        (cell(value), f"{documents:,}", f"{tokens:,}", f"{tokens / facts.tokens:.2%}" if facts.tokens else "")
        for value, documents, tokens in rows[:LISTED]
    ]
    if rest := rows[LISTED:]:
        listed.append(
            (f"{len(rest)} others", f"{sum(row[1] for row in rest):,}", f"{sum(row[2] for row in rest):,}", "")
        )
    return f"\n## By {column}\n\n" + _table((column, "documents", "tokens", "share of tokens"), listed) + "\n"


def _licences(facts: Facts) -> str:
    seen = sorted(facts.licences.items(), key=lambda item: (-item[1], item[0]))
    rows = [(cell(name) if name else "none named", f"{documents:,}") for name, documents in seen[:LISTED]]
    if rest := seen[LISTED:]:
        rows.append((f"{len(rest)} others", f"{sum(documents for _, documents in rest):,}"))
    return (
        "\n## Licences seen\n\nAs the documents' own metadata name them; nothing here is legal advice.\n\n"
        + _table(("licence", "documents"), rows)
        + "\n"
    )


def _plan(facts: Facts) -> str:
    rows = [
        (
            cell(group["domain"]),
            f"{group['weight']:.4g}",
            f"{group['available_tokens']:,}",
            f"{group['target_tokens']:,}",
            f"{group['taken_tokens']:,}",
            f"{group['share']:.2%}",
            f"{group['epochs']:.3g}",
            group["outcome"],
        )
        for group in facts.groups
    ]
    heads = ("group", "weight", "available tokens", "target", "taken", "share", "epochs", "outcome")
    return "\n## Plan\n\n" + _table(heads, rows) + "\n"


def _private(counts: Counter[tuple[str, str]]) -> str:
    replaced = sorted((reason, documents) for (outcome, reason), documents in counts.items() if outcome == "cut")
    gone = sum(documents for (outcome, _), documents in counts.items() if outcome == "dropped")
    dropped = f" {gone:,} documents with too many of them were dropped." if gone else ""
    names = "names of persons that the model missed" if ("cut", "name") in counts else "names of persons"
    rows = [(kind.replace("_", " "), f"{documents:,}") for kind, documents in replaced] or [("nothing", "0")]
    return (
        "\n## Private values\n\nOf the corpus that this set is drawn from, the documents in which the stage `privacy` "
        "put placeholders such as `[EMAIL_1]` in the place of a value; a number tells equal values within a document. "
        f"What has no form that a detector knows stays, such as {names}.{dropped}\n\n"
        + _table(("replaced", "documents"), rows)
        + "\n"
    )


def _word_lists(bound: str, tables: Sequence[Shown]) -> str:
    if bound == NO_BOUND:
        said = "Nothing was dropped for it; the columns of bounds are the shares that each would drop."
    else:
        said = f"`dropped` is the share that went ({cell(bound)}), the columns after it what other bounds would drop."
    found = (
        "\n## Word lists\n\nOf the documents of the corpus that came to the stage `toxicity`, how many have entries "
        f"of word lists; `with hits` is a share of those that a list was for. {said} Such lists hit whom they were not "
        "made for (names of minorities, dialects, medicine): the rows show whom.\n"
    )
    for one in tables:
        blank = [""] * (len(one.heads) - 1)
        rows = [(cell(row[0]), *row[1:]) for row in one.rows] + ([(f"{one.more} others", *blank)] if one.more else [])
        found += "\n" + _table(one.heads, rows) + "\n"
    return found


def _front_matter(facts: Facts) -> str:
    """YAML; every value is written as JSON, which YAML contains, so that no word can break out."""
    name = facts.name.split("/")[-1]
    languages = sorted({str(row["language"]) for row in facts.counts if row.get("language")})
    size = next((word for word, bound in SIZES if facts.rows < bound), "n>1T")
    split = "validation" if facts.name == "validation" else "train"
    on_hub = [f"{each}/*{_format(each).suffix}" for each in facts.files if _format(each).on_hub]
    fields: dict[str, object] = {
        "pretty_name": name,
        "license": "other",
        "language": [code for code in languages if LANGUAGE_CODE.fullmatch(code)],
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "configs": [{"config_name": "default", "data_files": [{"split": split, "path": path}]} for path in on_hub[:1]],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items() if value != []]
    return "---\n" + "\n".join(lines) + "\n---\n"


def dataset_card(facts: Facts) -> str:
    """The whole README.md of an export."""
    stage, _, name = facts.name.partition("/")
    trained = (
        "a byte-level BPE trained on a sample of the pool"
        if facts.training.get("trained")
        else "the tokenizer that the configuration gives"
    )
    files = " and ".join(f"{count} {_format(each).files}" for each, count in facts.files.items())
    columns = _table(("column", "type"), ((f"`{column}`", f"`{kind}`") for column, kind in facts.columns.items()))
    return (
        _front_matter(facts)
        + f"\n# {cell(name or stage)}\n\n{WHAT[stage]}\n\n"
        + f"{facts.rows:,} rows, {facts.tokens:,} tokens in {files}. Tokens are counted with "
        + f"{trained} ({facts.training['vocabulary_size']:,} entries), without end-of-document tokens.\n\n"
        + "".join(f"{_format(each).loading}\n\n" for each in facts.files)
        + "Rows are in one global random order: the files read one after the other are a random permutation, made by a "
        + f"keyed hash of (id, epoch) with seed {facts.seed}. `export.json` gives rows, tokens and sha256 a file.\n"
        + _plan(facts)
        + _by(facts, "domain")
        + _by(facts, "kind")
        + _by(facts, "source")
        + _by(facts, "language")
        + _licences(facts)
        + (_private(facts.private) if facts.private is not None else "")
        + (_word_lists(*facts.toxicity) if facts.toxicity else "")
        + (markdown(table(facts.contamination)) if facts.contamination else "")
        + f"\n## Columns\n\n{columns}\n\n"
        + "`id` is a hash of what the document is, stable over runs; `copies` counts the captures and near-copies that "
        + "the document stands for; `epoch` counts the repeats of a document in this set from 0.\n\n"
        + "Made with tamis: de-duplicated, filtered and sampled as the run's manifest records.\n"
    )


def _outcomes(files: Iterable[Path]) -> Counter[tuple[str, str]]:
    """Documents by outcome and reason, of the stats of all shards of a stage."""
    found: Counter[tuple[str, str]] = Counter()
    for path in files:
        for row in read_json(path)["counts"]:
            found[row["outcome"], row["reason"]] += row["documents"]
    return found


def run_write(
    config: Config,
    *,
    name: str,
    shards: int,
    formats: list[str],
    stats: Path,
    summary: Path,
    training: Path,
    readme: Path,
    manifest: Path,
    contamination: Path | None = None,
    retention: Path | None = None,
    privacy: Files | None = None,
) -> None:
    """Write the card and the list of files of a set.

    Args:
        formats: what was written of it.
        stats: of the first shard in the first format (`tamis.export.files.describe`); other shards lie beside it, other
            formats in folders beside its own.
        summary: the set's summary, which the export is held to.
        training: the tokenizer's report.
        contamination: the table of `decontamination`, where the pipeline has that stage.
        retention: that of `toxicity`, likewise.
        privacy: the stats of all shards of `privacy`, likewise.

    Raises:
        ConservationError: a format does not hold the documents and tokens of the set.
    """
    chosen = read_json(summary)
    files: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for each in formats:
        names = [f"{part_name(shard)}{_format(each).suffix}" for shard in range(shards)]
        parts = [read_json(stats.parents[1] / each / f"{file}.json") for file in names]
        rows, tokens = (sum(part[measure] for part in parts) for measure in ("rows", "tokens"))
        if (rows, tokens) != (chosen["documents"], chosen["tokens"]):
            raise ConservationError(
                f"export of {name} as {each}: {rows} rows and {tokens} tokens were written, the set has "
                f"{chosen['documents']} and {chosen['tokens']}; delete the export and run again"
            )
        files += [
            {
                "path": f"{each}/{file}",
                **{key: part[key] for key in ("rows", "tokens", "bytes", "sha256")},
            }
            for file, part in zip(names, parts, strict=True)
        ]
    sizes = {"rows": chosen["documents"], "tokens": chosen["tokens"]}
    write_json(manifest, {"set": name, "format": ", ".join(formats), "seed": config.seed, **sizes, "files": files})
    seen: Counter[str] = Counter()
    for part in parts:
        seen.update(part["licences"])
    facts = Facts(
        name=name,
        **sizes,
        seed=config.seed,
        files=dict.fromkeys(formats, shards),
        columns=parts[0]["columns"],
        counts=[row for part in parts for row in part["counts"]],
        groups=chosen["groups"],
        licences=seen,
        training=read_json(training),
        contamination=read_json(contamination) if contamination else None,
        private=_outcomes(paths(privacy)) if privacy else None,
        toxicity=by_language_and_source(read_table(retention)) if retention else None,
    )
    with whole_file(readme) as temporary:
        temporary.write_text(dataset_card(facts), encoding="utf-8")

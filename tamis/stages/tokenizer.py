"""Train a byte-level BPE tokenizer on a sample of the pool, or take a given one, and count every document's tokens.

The sample is the prefix of the pool in the order of a keyed hash of the id, up to `sample_characters`: the same
documents whatever the shards. Each shard emits its own prefix (`sample`), the one training job keeps the global
one and hands it to the trainer in that order (`train`). Training of `tokenizers` gives the same merges over runs,
threads and orders (tested). A given `tokenizer.json` is copied (`given`). `count` adds the column `tokens`: tokens of
the text alone, without the end-of-document token that a trainer appends; text that spells a special token is text.

Byte-level BPE (Radford et al. 2019, section 2.2) has no unknown text. Digits are cut into groups of at most three
before merging, as Llama 3's tokenizer does.

Writes `tokenizer/{tokenizer.json,training.json}`, documents, stats (notes: tokens, UTF-8 bytes, characters per token)
and the index that all plans read (`tamis/sets/plan.py`). Memory: a batch of documents and the row group that is being
written, or twice the sample. Ties of the hash end in the id.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from tamis import checksums, exchange, schemas
from tamis.barrier import Files
from tamis.errors import ModelError
from tamis.ids import keyed_hash
from tamis.ledger import Outputs, outcome_writer
from tamis.scaling import Learnt
from tamis.section import FilePath, Section, Sha256
from tamis.sets.plan import index_of
from tamis.shards import document_batches, read_json, whole_file, write_json

log = logging.getLogger(__name__)

VERSION = 2

SAMPLE = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("text", pa.large_string())])

BATCH_CHARACTERS = 1_000_000
"""Characters handed to the tokenizer at once; an encoding takes about 100 bytes a token."""

PIECE_CHARACTERS = 1_000_000
"""Longer documents are counted piece by piece, cut before a line that starts with a word."""

_LINE_START = re.compile(r"(?<=\n)(?=\w)")


class Config(Section):
    """The tokenizer and its training sample."""

    file: FilePath | None = Field(
        None,
        description="Path of a tokenizer.json to use instead of training one; the other keys then mean nothing.",
    )
    sha256: Sha256 | None = Field(None, description="SHA-256 that `file` must have; null: any.")
    vocabulary_size: int = Field(
        32_768,
        ge=257,
        le=1_000_000,
        description="Entries, with the 256 bytes and the special tokens. Llama 3 has 128,000 for 15 T tokens; a small "
        "pool has use for fewer.",
    )
    minimum_frequency: int = Field(2, ge=1, description="Times that a pair must occur in the sample to be merged.")
    digits_per_token: int = Field(3, ge=1, le=100, description="Longest run of digits in one token (Llama 3: 3).")
    special_tokens: tuple[str, ...] = Field(
        ("<|endoftext|>",),
        description="Tokens that no text can spell; the first numbers are theirs.",
    )
    sample_characters: int = Field(
        10_000_000,
        ge=1,
        description="Characters of the training sample (held twice in memory by the training job).",
    )
    sample_document_characters: int = Field(
        20_000,
        ge=1,
        description="Characters taken of one document, so that no giant fills the sample.",
    )
    seed: int = Field(0, ge=0, description="Seed of the sample's keyed hash.")


def sample_prefix(table: pa.Table, characters: int) -> pa.Table:
    """The rows of `SAMPLE` with the smallest (key, id) whose texts reach a number of characters (else all)."""
    ordered = table.sort_by([("key", "ascending"), ("id", "ascending")])
    lengths = pc.utf8_length(ordered["text"]).to_numpy()
    before = np.cumsum(lengths) - lengths
    return ordered.slice(0, int(np.searchsorted(before, characters)))


def run_sample(config: Config, *, documents: Path, output: Path) -> None:
    """Emit the shard's part of the training sample: its own prefix, which contains its part of the global one.

    Args:
        output: exchange file of one batch.
    """
    sample = SAMPLE.empty_table()
    for table in document_batches(documents):
        # Lengths are counted on the shortened texts, here and in the global choice alike.
        text = pc.utf8_slice_codeunits(table["text"], 0, config.sample_document_characters)
        key = keyed_hash(table["id"], "tokenizer", config.seed)
        rows = pa.table({"key": key, "id": table["id"], "text": text}, SAMPLE)
        sample = sample_prefix(pa.concat_tables([sample, rows]), config.sample_characters)
    exchange.write(output, SAMPLE, [sample])


def gathered_sample(barrier: Files, characters: int) -> pa.Table:
    """The global prefix of all shards' samples, read one shard at a time."""
    sample = SAMPLE.empty_table()
    for table in exchange.read_each(barrier, 0, 1):
        sample = sample_prefix(pa.concat_tables([sample, table]), characters)
    return sample


def trained(config: Config, texts: Iterator[str]) -> Any:
    """Train a byte-level BPE on texts; the order of the texts does not matter."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Split(Regex(rf"\p{{N}}{{1,{config.digits_per_token}}}"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary_size,
        min_frequency=config.minimum_frequency,
        special_tokens=list(config.special_tokens),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.encode_special_tokens = True
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _write_tokenizer(tokenizer: Any, output: Path) -> None:
    with whole_file(output) as temporary:
        temporary.write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")


def run_train(config: Config, *, barrier: Files, output: Path, report: Path, threads: int) -> None:
    """Train the tokenizer.

    Args:
        barrier: over the samples of all shards.
        report: JSON file with the sizes of sample and vocabulary.
        threads: threads of the trainer; the result does not depend on them.
    """
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    sample = gathered_sample(barrier, config.sample_characters)
    tokenizer = trained(config, (text.as_py() for chunk in sample["text"].chunks for text in chunk))
    _write_tokenizer(tokenizer, output)
    characters = pc.sum(pc.utf8_length(sample["text"])).as_py() or 0
    sizes = {
        "vocabulary_size": tokenizer.get_vocab_size(),
        "sample_documents": sample.num_rows,
        "sample_characters": characters,
        "trained": True,
    }
    write_json(report, sizes | {"model_sha256": checksums.sha256(output)})
    log.info("tokenizer: %d entries from %d documents, %d characters", *list(sizes.values())[:3])


def learnt(config: Config, report: Mapping[str, Any]) -> dict[str, Learnt]:
    """Characters that a tokenizer was trained on, for what a larger corpus takes; nothing of a given one.

    Args:
        config: the section.
        report: of `run_train`.
    """
    seen = report.get("sample_characters")
    return {} if seen is None else {"text": Learnt(float(seen), float(config.sample_characters))}


def load(path: Path) -> Any:
    """Load a tokenizer.json for counting: nothing is cut off, padded, or read as a special token.

    Raises:
        ModelError: it is missing or no tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises bare Exception
        raise ModelError(f"{path}: not a readable tokenizer.json ({error}); see tokenizer.file") from error
    # A file saved from a training run may carry both, and would count every long document alike.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def run_given(config: Config, *, given: Path, output: Path, report: Path) -> None:
    """Take a given tokenizer.

    Args:
        output: tokenizer.json to write, byte for byte the same.
        report: JSON file with the size of the vocabulary.
    """
    checksums.check_given(given, config.sha256, "tokenizer.sha256")
    size = load(given).get_vocab_size()
    with whole_file(output) as temporary:
        temporary.write_bytes(given.read_bytes())
    told = {"vocabulary_size": size, "trained": False, "model_sha256": checksums.sha256(output)}
    write_json(report, told)
    log.info("tokenizer: %d entries, from %s", size, config.file)


def pieces(text: str, characters: int = PIECE_CHARACTERS) -> list[str]:
    """Cut a long text before lines that start with a word, into pieces of at most `characters` (anywhere, if none)."""
    found = []
    while len(text) > characters:
        cut = max((match.start() for match in _LINE_START.finditer(text, 1, characters)), default=characters)
        found.append(text[:cut])
        text = text[cut:]
    return [*found, text]


def token_counts(tokenizer: Any, texts: pa.ChunkedArray, batch_characters: int = BATCH_CHARACTERS) -> np.ndarray:
    """Tokens of each of n texts, int64, without special tokens."""
    counts = np.zeros(len(texts), dtype=np.int64)
    batch: list[str] = []
    owners: list[int] = []

    def flush() -> None:
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        np.add.at(counts, owners, [len(encoding) for encoding in encodings])
        batch.clear()
        owners.clear()

    waiting = 0
    for row, text in enumerate(texts):
        for piece in pieces(text.as_py()):
            batch.append(piece)
            owners.append(row)
            waiting += len(piece)
            if waiting >= batch_characters:
                flush()
                waiting = 0
    if batch:
        flush()
    return counts


def run_count(
    *,
    shard: int,
    documents: Path,
    model: Path,
    report: Path,
    kept: Path,
    dropped: Path,
    stats: Path,
    index: Path,
) -> None:
    """Count the tokens of one shard.

    Args:
        report: beside the model, which says its hash.
        kept: documents to write, with the column `tokens`.
        dropped: ledger to write, always empty.
        index: exchange file of one batch to write, what plans read.
    """
    # Shards are what runs side by side; threads inside would only compete.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    checksums.check_model(model, read_json(report))
    tokenizer = load(model)
    tokens = characters = size = 0
    rows: list[pa.Table] = []
    with outcome_writer(Outputs(kept, dropped, stats), "tokenizer", shard) as writer:
        for table in document_batches(documents):
            counts = pa.array(token_counts(tokenizer, table["text"]), pa.int64())
            counted = schemas.conform_documents(table.append_column("tokens", counts), str(documents))
            tokens += pc.sum(counts).as_py() or 0
            characters += pc.sum(pc.utf8_length(table["text"])).as_py() or 0
            size += pc.sum(pc.binary_length(table["text"])).as_py() or 0
            rows.append(index_of(counted))
            writer.add(table, counted, schemas.empty(schemas.LEDGER))
        writer.notes.update(
            {
                "tokens": tokens,
                "bytes": size,
                "characters_per_token": characters / tokens if tokens else 0.0,
                "vocabulary_size": tokenizer.get_vocab_size(),
            }
        )
        exchange.write(index, rows[0].schema, [pa.concat_tables(rows)])

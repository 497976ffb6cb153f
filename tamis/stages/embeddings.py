"""Embeddings of documents, made once by an encoder for every classifier that reads them.

Steps: backbone (one job) loads the encoder and writes what it is; embed (a shard). They depend on the encoder and on
the kinds that are embedded, neither on labels nor on a selection.

Writes backbone.json and embeddings (id, embedding and, where the backbone classifies, its score; `embedding_files`).
Memory: the encoder (about 600 MB with torch) and a few thousand documents.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from tamis.classifiers import embedding_files
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.kinds import AnyEncoder
from tamis.classifiers.scores import chosen
from tamis.errors import ModelError
from tamis.schemas import of_kinds
from tamis.shards import read_json, read_table, write_json, write_tables

log = logging.getLogger(__name__)

VERSION = 4


def run_backbone(config: AnyEncoder, *, output: Path) -> None:
    """Load the encoder once, so that a missing one is found before any work, and write what it is."""
    described = load_encoder(config.backbone, classifies=config.classifies).describe()
    write_json(output, described | {"model": config.model})
    log.info("backbone %s", described)


def run_embed(config: AnyEncoder, *, documents: Path, backbone: Path, embeddings: Path) -> None:
    """Embed one shard's documents.

    Raises:
        ModelError: the weights are not those that `backbone.json` describes.
    """
    encoder = load_encoder(config.backbone, classifies=config.classifies)
    expected, found = read_json(backbone)["weights_sha256"], encoder.describe()["weights_sha256"]
    if expected != found:
        msg = (
            f"{backbone}: describes weights {expected}, those of {config.backbone.name!r} are now {found}. Delete it "
            "and run the workflow again."
        )
        raise ModelError(msg)
    known = read_table(documents, ["id", "kind"])
    where = of_kinds(known, config.embed)
    ids = known["id"].combine_chunks().filter(pa.array(where))

    def embedded() -> Iterator[pa.Table]:
        first = 0
        for encoded in encoder.encode_each(table["text"] for table in chosen(documents, where, ["text"])):
            count = len(encoded.vectors)
            yield embedding_files.rows(ids.slice(first, count), encoded.vectors, encoded.score())
            first += count

    write_tables(embeddings, embedded())
    log.info("embedded %d of %d documents", len(ids), known.num_rows)

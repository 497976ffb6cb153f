"""Embeddings of documents, made once by an encoder for every classifier that reads them.

Steps: backbone (one job) loads the encoder and writes what it is; embed (a shard). They depend on the encoder and on
the kinds that are embedded, neither on labels nor on a selection.

Writes backbone.json and embeddings (id, embedding, digest, shape and, where the backbone classifies, its score;
`embedding_files`). Texts whose embeddings an earlier run has made are not encoded again (`kept_embeddings`).
Memory: the encoder (about 600 MB with torch), a few thousand documents, and about 70 bytes a document of the shard.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.classifiers import kept_embeddings
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.kept_embeddings import Kept
from tamis.classifiers.kinds import AnyEmbedder
from tamis.classifiers.scores import chosen
from tamis.classifiers.shape import FEATURES, shapes
from tamis.errors import ModelError
from tamis.machine import this_processor
from tamis.shards import read_json, read_table, write_json, write_tables

log = logging.getLogger(__name__)

VERSION = 7
"""7: attention in one fused step and no mean of a text's only window, both of which change the last bits."""


def run_backbone(config: AnyEmbedder, *, output: Path) -> None:
    """Load the encoder once, so that a missing one is found before any work, and write what it is."""
    described = load_encoder(config.backbone, classifies=config.classifies, scores=config.scored_by).describe()
    write_json(output, described | {"model": config.model})
    log.info("backbone %s", described)


def run_embed(config: AnyEmbedder, *, documents: Path, backbone: Path, embeddings: Path) -> None:
    """Embed one shard's documents.

    Raises:
        ModelError: the weights are not those that `backbone.json` describes.
    """
    encoder = load_encoder(config.backbone, classifies=config.classifies, scores=config.scored_by)
    described = encoder.describe()
    expected, found = read_json(backbone)["weights_sha256"], described["weights_sha256"]
    if expected != found:
        msg = (
            f"{backbone}: describes weights {expected}, those of {config.backbone.name!r} are now {found}. Delete it "
            "and run the workflow again."
        )
        raise ModelError(msg)
    known = read_table(documents, config.reads)
    inside, sampled = config.seen(known, config.embed)
    where = inside | sampled
    ids = known["id"].combine_chunks().filter(pa.array(where))
    own = kept_embeddings.identity(described, VERSION, _computes_with(config.backbone))
    place = kept_embeddings.place(embeddings, own)
    kept = Kept(place, ["embedding", *(["score"] if config.classifies else [])])

    shape = [np.zeros((0, len(FEATURES)), np.float32)]

    def texts() -> Iterator[pa.ChunkedArray]:
        for table in chosen(documents, where, ["text"]):
            shape.append(shapes(table["text"]))
            yield table["text"]

    def embedded() -> Iterator[pa.Table]:
        first = 0
        for tokens in encoder.tokens_of(texts()):
            some = ids.slice(first, len(tokens))
            # The tokens are those of all texts that were read since the last.
            yield kept_embeddings.embed(encoder, some, tokens, kept, np.concatenate(shape))
            first += len(tokens)
            del shape[1:]

    write_tables(embeddings, embedded())
    kept_embeddings.keep(embeddings, place)
    log.info("embedded %d of %d documents, %d of them as in an earlier run", len(ids), known.num_rows, kept.used)


def _computes_with(backbone: Backbone) -> str:
    """What the bits of embeddings depend on beside the encoder; nothing where they are the same everywhere."""
    if backbone.device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return "" if backbone.portable else this_processor()

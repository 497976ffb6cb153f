"""The vectors of labelled documents: out of the embedding files, or encoded here for texts of label files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.classifiers import embedding_files
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.checkpoints import Scores
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.shape import shapes


def vectors_of(
    backbone: Backbone, rows: pa.Table, paths: list[Path], scores: Scores | None, sees: Sequence[str]
) -> tuple[pa.Table, dict[str, np.ndarray], np.ndarray | None]:
    """Labelled rows with their vectors, and with their scores where the backbone classifies.

    Texts from label files are no documents of the corpus and are encoded here.

    Args:
        backbone: what made the embeddings.
        rows: n rows of `tamis.classifiers.labels.LABELLED`.
        paths: the embedding files of all shards.
        scores: how the backbone's own classification head gives scores; None where it does not.
        sees: columns of vectors that are wanted: embedding, shape.

    Returns:
        The n rows, those of the corpus first; by column, n × its size; n scores or None.
    """
    classifies = scores is not None
    found = embedding_files.collect(paths, rows["id"].combine_chunks(), [*sees, *(["score"] if classifies else [])])
    known = np.isin(rows["id"].to_numpy(zero_copy_only=False), found["id"].to_numpy(zero_copy_only=False))
    vectors = {name: embedding_files.matrix(found, name) for name in sees}
    score = found["score"].to_numpy() if classifies else None
    ordered, extra = rows.filter(pa.array(known, pa.bool_())), rows.filter(pa.array(~known, pa.bool_()))
    if extra.num_rows:
        encoded = load_encoder(backbone, classifies=classifies, scores=scores).encode(extra["text"])
        own = {"embedding": encoded.vectors, "shape": shapes(extra["text"], extra["characters"].to_numpy())}
        vectors = {name: np.concatenate([vectors[name], own[name]]) for name in sees}
        more = encoded.score()
        if score is not None and more is not None:
            score = np.concatenate([score, more])
        ordered = pa.concat_tables([ordered, extra])
    return ordered, vectors, score

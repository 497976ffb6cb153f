"""The vectors of labelled documents: out of the embedding files, or encoded here for texts of label files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tamis.classifiers import embedding_files
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.checkpoints import Scores
from tamis.classifiers.encoder import load_encoder
from tamis.classifiers.shape import shapes


def vectors_of(
    backbone: Backbone, rows: pa.Table, paths: list[Path], scores: Scores | None, *, shaped: bool = False
) -> tuple[pa.Table, np.ndarray, np.ndarray | None]:
    """Labelled rows with their vectors, and with their scores where the backbone classifies.

    Texts from label files are no documents of the corpus and are encoded here.

    Args:
        backbone: what made the embeddings.
        rows: n rows of `tamis.classifiers.labels.LABELLED`.
        paths: the embedding files of all shards.
        scores: how the backbone's own classification head gives scores; None where it does not.
        shaped: whether the cheap features of a text stand behind its embedding.

    Returns:
        The n rows, those of the corpus first; n × hidden (and features); n scores or None.
    """
    classifies = scores is not None
    columns = ["embedding", *(["shape"] if shaped else []), *(["score"] if classifies else [])]
    found = embedding_files.collect(paths, rows["id"].combine_chunks(), columns)
    known = np.isin(rows["id"].to_numpy(zero_copy_only=False), found["id"].to_numpy(zero_copy_only=False))
    vectors, score = embedding_files.matrix(found), found["score"].to_numpy() if classifies else None
    if shaped:
        vectors = np.concatenate([vectors, embedding_files.matrix(found, "shape")], axis=1)
    ordered, extra = rows.filter(pa.array(known, pa.bool_())), rows.filter(pa.array(~known, pa.bool_()))
    if extra.num_rows:
        encoded = load_encoder(backbone, classifies=classifies, scores=scores).encode(extra["text"])
        own = [encoded.vectors]
        if shaped:
            own.append(shapes(extra["text"], extra["characters"].to_numpy()))
        vectors = np.concatenate([vectors, np.concatenate(own, axis=1)])
        more = encoded.score()
        if score is not None and more is not None:
            score = np.concatenate([score, more])
        ordered = pa.concat_tables([ordered, extra])
    return ordered, vectors, score

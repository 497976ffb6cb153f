"""Run as a program by `test_arithmetic.py`: what a process of its own computes, with the variables it was started with.

    python print_bits.py CHECKPOINT fast|portable

Prints JSON: for vectors, logits and scores of the checkpoint, and vectors and head probabilities of the packaged MiniLM,
the hexadecimal bytes of each text's row (`values`); and which of them changed with the order or the company of the
texts (`changed`).
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa

from tamis.classifiers import linear_head
from tamis.classifiers.backbone import Backbone
from tamis.classifiers.encoder import Encoder, load_encoder

TEXTS = [
    "A short text.",
    "",
    "Because the matrix is symmetric, its eigenvalues are real. " * 9,
    "Ünïcode und 因为 и так далее",
    *(f"Document {index} says {'much ' * (6 * index)}." for index in range(6)),
]
CLASSES = ("even", "odd", "third")


def values_of(texts: list[str], encoders: list[Encoder], head: linear_head.Head | None) -> dict[str, np.ndarray]:
    found = {}
    column = pa.chunked_array([pa.array(texts, pa.large_string())])
    for name, encoder in zip(("checkpoint", "minilm"), encoders, strict=True):
        encoded = encoder.encode(column)
        found[f"{name} vectors"] = encoded.vectors
        if encoded.logits is not None:
            found["checkpoint logits"] = encoded.logits
            found["checkpoint scores"] = encoded.score()
    if head is not None:
        found["head probabilities"] = head.probabilities(found["minilm vectors"])
    return found


def fitted(vectors: np.ndarray) -> linear_head.Head:
    labels = [CLASSES[index % 3] for index in range(len(vectors))]
    return linear_head.fit(
        vectors, linear_head.truth_of(labels, [None] * len(labels), CLASSES), CLASSES, np.ones(len(vectors)), 0.1
    )


def main(folder: str, *, portable: bool) -> None:
    encoders = [
        load_encoder(Backbone(name=folder, max_tokens=64, batch=4, portable=portable), classifies=True),
        load_encoder(Backbone(max_tokens=32, batch=4, portable=portable)),
    ]
    head = fitted(values_of(TEXTS, encoders, None)["minilm vectors"])
    whole = values_of(TEXTS, encoders, head)
    order = np.random.default_rng(7).permutation(len(TEXTS))
    shuffled = values_of([TEXTS[index] for index in order], encoders, head)
    part = values_of(TEXTS[5:], encoders, head)
    changed = [
        name
        for name, value in whole.items()
        if not (np.array_equal(shuffled[name], value[order]) and np.array_equal(part[name], value[5:]))
    ]
    shown = {name: [row.tobytes().hex() for row in value] for name, value in whole.items()}
    shown["head weights"] = [head.weights.tobytes().hex()]
    json.dump({"changed": changed, "values": shown}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], portable=sys.argv[2] == "portable")

"""Texts that no rule of form drops, and documents with a language."""

from __future__ import annotations

import pyarrow as pa
from documents import make_documents

GOOD = (
    "The miller had three sons, and when he died the mill went to the eldest. The second received the donkey, which was "
    "old but patient, and carried sacks over the hill until the snow came. Nothing was left for the youngest except a "
    "grey cat that slept behind the stove.\n\n"
    '"What shall I do with you?" he asked. The cat stretched, looked out of the window and answered that a pair of '
    "boots would be enough to begin with. He laughed at first. Then he sold his good coat and bought the boots, because "
    "he had heard stranger things in that house.\n\n"
    "They left before sunrise. Fields lay white on both sides of the road, while somewhere behind them a dog barked at "
    "nobody in particular. By noon the two of them had reached the bridge where carts from the king's kitchens pass."
)
CODE = (
    '"""Sieve."""\n\n\ndef sieve(grains, mesh):\n    return [grain for grain in grains if grain.size < mesh]\n\n\n'
    "def weigh(grains):\n    return sum(grain.weight for grain in grains)\n"
)


def documents_of(texts: list[str], kind: str = "prose", language: str = "en") -> pa.Table:
    documents = make_documents(texts, kind=[kind] * len(texts))
    return documents.append_column("language", pa.array([language] * len(texts), pa.string()))

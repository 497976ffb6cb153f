"""A fastText file that identifies languages: lid.176, GlotLID."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from tamis.classifiers import fasttext_file
from tamis.errors import ModelError
from tamis.language_codes import UNDECIDED, language_code


@functools.cache
def _loaded(path: str) -> Any:
    import fasttext

    if not Path(path).is_file():
        raise ModelError(
            f"language_id.model: {path} does not exist; give the path of a fastText model, or null for py3langid"
        )
    fasttext_file.check(Path(path))
    try:
        return fasttext.load_model(path)
    except ValueError as error:
        raise ModelError(f"language_id.model: {path} is not a fastText model ({error})") from error


def identify(path: str, bounds: np.ndarray, data: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Language and score of each sample by a fastText model; an empty sample is undecided."""
    model = _loaded(path)
    languages = []
    score = np.zeros(len(bounds) - 1, np.float32)
    for row in range(len(bounds) - 1):
        sample = data[bounds[row] : bounds[row + 1]].tobytes().decode()
        if not sample.strip():
            languages.append(UNDECIDED)
            continue
        # White space of other scripts may hold a line break, which ends the text for fastText.
        labels, probabilities = model.predict(" ".join(sample.split()), k=1)
        languages.append(language_code(labels[0]) if labels else UNDECIDED)
        # fastText's softmax table can exceed 1 by a few 1e-5.
        score[row] = min(float(probabilities[0]), 1.0) if labels else 0.0
    return languages, score

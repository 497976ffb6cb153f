"""Texts for a reader, with what is private blotted out: as many characters as before, and the places of edits stay."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from tamis.privacy.kinds import DEFAULT_KINDS, DEFAULT_REGIONS, PrivateKind

BLOT = "█"

_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""Characters that nobody sees: a value with one of them within is found after they are repaired away, and read before."""


def blot(
    texts: list[str], kinds: Collection[PrivateKind] = DEFAULT_KINDS, regions: Sequence[str] = DEFAULT_REGIONS
) -> list[str]:
    """Texts with each character of a private span replaced by a block.

    Args:
        texts: n texts, whole: of one that is cut short the value at its end is not known.
        kinds: what is looked for.
        regions: countries whose telephone numbers are known without the code of the country, ISO 3166.
    """
    unseen = [at for at, text in enumerate(texts) if _UNSEEN.search(text)]
    places = [[place for place, letter in enumerate(texts[at]) if not _UNSEEN.match(letter)] for at in unseen]
    bare = [_UNSEEN.sub("", texts[at]) for at in unseen]
    shown = list(texts)
    for row, first, last in _private(texts + bare, kinds, regions):
        at, start, end = row, first, last
        if row >= len(texts):
            at, kept = unseen[row - len(texts)], places[row - len(texts)]
            start, end = kept[first], kept[last - 1] + 1
        shown[at] = shown[at][:start] + BLOT * (end - start) + shown[at][end:]
    return shown


def _private(
    texts: list[str], kinds: Collection[PrivateKind], regions: Sequence[str]
) -> Iterator[tuple[int, int, int]]:
    """Text, first character and character after the last of each private span."""
    if not texts:
        return
    import numpy as np
    import pyarrow as pa

    from tamis.kernels.spans import characters_of
    from tamis.kernels.words import buffers
    from tamis.privacy.detect import private_spans

    column = pa.array(texts, pa.large_string())
    spans, _ = private_spans(column, np.ones(len(texts), bool), kinds, regions)
    if len(spans.rows):
        first, last = characters_of(*buffers(column), *spans)
        yield from zip(spans.rows.tolist(), first.tolist(), last.tolist(), strict=True)

"""What the model sees of a line: the line, three on each side, the stretches it lies in, the page.

Counts are places among half powers of two, shares are sixteenths, flags are 4: all between 0 and about 35.
"""

from __future__ import annotations

import numpy as np

from tamis.extraction.lines import Own, share, steps

FLAG = 4
RADII = (2, 6, 20)
"""Lines on both sides of a stretch."""

FAR = 1_000
NEIGHBOURS = (1, -1, 2, -2, 3, -3)
_NEAR = (0, 2, 4, 8, 12, 13, 14, 15, 16, 19)
_NEAR_GROUPS = (0, 2, 3, 4, 5, 6, 7, 8, 9)
PROSE_WORDS = 7


def features_of(own: Own) -> np.ndarray:
    """The model's input, int16[lines, features]."""
    alone = _alone(own)
    near = np.concatenate([alone[:, _NEAR], FLAG * np.minimum(own.groups, 1)[:, _NEAR_GROUPS]], 1)
    prose = np.where((own.full_stop > 0) & (2 * own.linked < own.letters) & (own.words >= PROSE_WORDS), own.mass, 0)
    parts = [
        alone,
        FLAG * own.groups,
        _stretches(own, prose),
        _places(own, prose),
        *(_moved(near, by) for by in NEIGHBOURS),
        _page(own, prose),
    ]
    return np.concatenate(parts, 1).astype(np.int16)


def _alone(own: Own) -> np.ndarray:
    columns = [
        steps(own.mass),
        steps(own.words),
        share(own.linked, own.letters),
        steps(own.links),
        share(own.digits, own.letters),
        share(own.upper, own.letters),
        np.minimum(8 * own.letters // np.maximum(own.words, 1), 120) // 4,
        FLAG * own.ends_well,
        FLAG * own.full_stop,
        FLAG * own.upper_first,
        steps(own.commas),
        steps(own.odd),
        FLAG * (own.heading == 1),
        FLAG * (own.heading == 2),
        FLAG * (own.heading > 2),
        FLAG * own.paragraph,
        FLAG * own.item,
        FLAG * own.pre,
        np.minimum(own.cells, 8),
        own.repeats,
    ]
    return np.stack(columns, 1)


def _moved(rows: np.ndarray, by: int) -> np.ndarray:
    """The rows of lines before (positive) or after; zeros beyond the page."""
    moved = np.zeros_like(rows)
    if abs(by) < len(rows):
        if by > 0:
            moved[by:] = rows[:-by]
        else:
            moved[:by] = rows[-by:]
    return moved


def _stretches(own: Own, prose: np.ndarray) -> np.ndarray:
    n = len(prose)
    linked = own.linked * own.mass // own.letters
    ones = np.ones(n, np.int64)
    total = np.zeros((n + 1, 6), np.int64)
    np.cumsum(np.stack([ones, own.mass, linked, prose, own.paragraph, own.full_stop], 1), axis=0, out=total[1:])
    places = np.arange(n)
    columns: list[np.ndarray] = []
    near = prose
    for radius in RADII:
        around = total[np.minimum(places + radius + 1, n)] - total[np.maximum(places - radius, 0)]
        lines, mass, links, near, paragraphs, stops = around.T
        columns += [
            steps(mass // lines),
            share(links, mass),
            share(near, mass),
            share(paragraphs, lines),
            steps(near),
            share(stops, lines),
        ]
    return np.stack([*columns, share(near, near.max())], 1)


def _places(own: Own, prose: np.ndarray) -> np.ndarray:
    n = len(prose)
    places = np.arange(n)
    mass_before, prose_before = np.cumsum(own.mass) - own.mass, np.cumsum(prose) - prose
    mass, all_prose = int(own.mass.sum()), int(prose.sum())
    title = np.maximum.accumulate(np.where(own.heading == 1, places, -1))
    heading = np.maximum.accumulate(np.where((own.heading > 0) & (own.heading < 4), places, -1))
    last = places - np.maximum.accumulate(np.where(prose > 0, places, -FAR))
    following = np.minimum.accumulate(np.where(prose > 0, places, n + FAR)[::-1])[::-1] - places
    columns = [
        16 * places // n,
        share(mass_before, mass),
        share(prose_before, all_prose),
        FLAG * (prose_before == 0),
        FLAG * (prose_before + prose == all_prose),
        FLAG * (title >= 0),
        steps(np.where(title >= 0, places - title, FAR)),
        FLAG * ((title < 0) & bool((own.heading == 1).any())),
        steps(np.where(heading >= 0, places - heading, FAR)),
        steps(following),
        steps(last),
    ]
    return np.stack(columns, 1)


def _page(own: Own, prose: np.ndarray) -> np.ndarray:
    mass = int(own.mass.sum())
    linked = int((own.linked * own.mass // own.letters).sum())
    inside = [int(own.mass[own.groups[:, group] > 0].sum()) for group in range(own.groups.shape[1])]
    all_prose = int(prose.sum())
    row = [steps(mass), share(linked, mass), share(all_prose, mass), steps(len(prose)), steps(all_prose)]
    row += [share(one, mass) for one in inside]
    return np.broadcast_to(np.array(row, np.int64), (len(prose), len(row)))

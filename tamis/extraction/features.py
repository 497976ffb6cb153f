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
    inside = np.minimum(own.groups, 1)
    near = np.concatenate([alone[:, _NEAR], FLAG * inside[:, _NEAR_GROUPS]], 1, dtype=np.int16)
    linked = own.linked * own.mass // own.letters
    prose = np.where((own.full_stop > 0) & (2 * own.linked < own.letters) & (own.words >= PROSE_WORDS), own.mass, 0)
    parts = [
        alone,
        FLAG * own.groups,
        _stretches(own, linked, prose),
        _places(own, prose),
        *(_moved(near, by) for by in NEIGHBOURS),
        _page(own, linked, prose),
    ]
    return np.concatenate(parts, 1, dtype=np.int16, casting="unsafe")


def _alone(own: Own) -> np.ndarray:
    mass, words, links, commas, odd = steps(np.stack([own.mass, own.words, own.links, own.commas, own.odd]))
    linked, digits, upper = share(np.stack([own.linked, own.digits, own.upper]), own.letters)
    columns = [
        mass,
        words,
        linked,
        links,
        digits,
        upper,
        np.minimum(8 * own.letters // np.maximum(own.words, 1), 120) // 4,
        FLAG * own.ends_well,
        FLAG * own.full_stop,
        FLAG * own.upper_first,
        commas,
        odd,
        FLAG * (own.heading == 1),
        FLAG * (own.heading == 2),
        FLAG * (own.heading > 2),
        FLAG * own.paragraph,
        FLAG * own.item,
        FLAG * own.pre,
        np.minimum(own.cells, 8),
        own.repeats,
    ]
    return np.array(columns, np.int16).T


def _moved(rows: np.ndarray, by: int) -> np.ndarray:
    """The rows of lines before (positive) or after; zeros beyond the page."""
    moved = np.zeros_like(rows)
    if abs(by) < len(rows):
        if by > 0:
            moved[by:] = rows[:-by]
        else:
            moved[:by] = rows[-by:]
    return moved


def _stretches(own: Own, linked: np.ndarray, prose: np.ndarray) -> np.ndarray:
    n = len(prose)
    total = np.zeros((6, n + 1), np.int64)
    counted = [np.ones(n, np.int64), own.mass, linked, prose, own.paragraph, own.full_stop]
    np.cumsum(counted, axis=1, out=total[:, 1:])
    places, radii = np.arange(n), np.array(RADII)[:, None]
    around = total[:, np.minimum(places + radii + 1, n)] - total[:, np.maximum(places - radii, 0)]
    lines, mass, _, near = around[:4]
    long, much = steps(np.stack([mass // lines, near]))
    of_mass, of_lines = share(around[2:4], mass), share(around[4:6], lines)
    by_radius = np.stack([long, of_mass[0], of_mass[1], of_lines[0], much, of_lines[1]], 1)
    last = near[-1]
    return np.concatenate([by_radius.reshape(-1, n), share(last, last.max())[None]]).T


def _places(own: Own, prose: np.ndarray) -> np.ndarray:
    n = len(prose)
    places = np.arange(n)
    mass_before, prose_before = np.cumsum(own.mass) - own.mass, np.cumsum(prose) - prose
    mass, all_prose = int(own.mass.sum()), int(prose.sum())
    is_title, is_prose = own.heading == 1, prose > 0
    title = np.maximum.accumulate(np.where(is_title, places, -1))
    heading = np.maximum.accumulate(np.where((own.heading > 0) & (own.heading < 4), places, -1))
    last = places - np.maximum.accumulate(np.where(is_prose, places, -FAR))
    following = np.minimum.accumulate(np.where(is_prose, places, n + FAR)[::-1])[::-1] - places
    far = [np.where(title >= 0, places - title, FAR), np.where(heading >= 0, places - heading, FAR), following, last]
    from_title, from_heading, to_prose, from_prose = steps(np.stack(far))
    columns = [
        16 * places // n,
        share(mass_before, mass),
        share(prose_before, all_prose),
        FLAG * (prose_before == 0),
        FLAG * (prose_before + prose == all_prose),
        FLAG * (title >= 0),
        from_title,
        FLAG * ((title < 0) & bool(is_title.any())),
        from_heading,
        to_prose,
        from_prose,
    ]
    return np.stack(columns, 1)


def _page(own: Own, linked: np.ndarray, prose: np.ndarray) -> np.ndarray:
    """Not which kinds of containers a page has: on corpora that were not learnt from that cost .004."""
    mass, all_prose = int(own.mass.sum()), int(prose.sum())
    much, lines, much_prose = steps(np.array([mass, len(prose), all_prose]))
    row = np.array([much, *share(np.array([int(linked.sum()), all_prose]), mass), lines, much_prose])
    return np.broadcast_to(row, (len(prose), len(row)))

"""Merging sorted lists of multi-word keys."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _less(keys: np.ndarray, one: int, other: int) -> bool:
    for column in range(keys.shape[1]):
        if keys[one, column] != keys[other, column]:
            return keys[one, column] < keys[other, column]
    return False


@njit(cache=True, nogil=True)
def merge_sorted(keys: np.ndarray, offsets: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge windows of sorted lists as far as they allow.

    Args:
        keys: uint64, the windows one after the other, each sorted; rows compare from the first column on.
        offsets: where each window begins, and the end: number of windows + 1.
        last: whether a window reaches the end of its list; the merge stops where another window runs out.

    Returns:
        How many rows of each window were merged, and for each of those rows its place in the merged order.
    """
    lists = len(offsets) - 1
    cursor = offsets[:-1].copy()
    placed = np.full(len(keys), -1, np.int64)
    heap = np.empty(lists, np.int64)
    size = 0
    for index in range(lists):
        if cursor[index] < offsets[index + 1]:
            heap[size] = index
            child = size
            size += 1
            while child > 0:
                parent = (child - 1) // 2
                if not _less(keys, cursor[heap[child]], cursor[heap[parent]]):
                    break
                heap[child], heap[parent] = heap[parent], heap[child]
                child = parent
    place = 0
    while size > 0:
        index = heap[0]
        placed[cursor[index]] = place
        place += 1
        cursor[index] += 1
        if cursor[index] == offsets[index + 1]:
            if not last[index]:
                break
            size -= 1
            heap[0] = heap[size]
        parent = 0
        while True:
            child = 2 * parent + 1
            if child >= size:
                break
            if child + 1 < size and _less(keys, cursor[heap[child + 1]], cursor[heap[child]]):
                child += 1
            if not _less(keys, cursor[heap[child]], cursor[heap[parent]]):
                break
            heap[child], heap[parent] = heap[parent], heap[child]
            parent = child
    return cursor - offsets[:-1], placed

"""Documents side by side: what `make` does with one record, for many whose values have nothing odd about them.

A format that has the values of many records in Arrow columns gives them to `apart`. Texts that must be changed or
skipped, dates that cannot be read and the like are `make`'s, one record at a time; nearly no record has any, and what
comes of the others is the same either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tamis.arrow_buffers import buffers
from tamis.readers.forms import kinds_of
from tamis.readers.values import EPOCH, parse_date
from tamis.schemas import KINDS

UNKNOWN = np.uint8(255)
"""Stands for a kind that the text must tell."""

PLACES = {kind: place for place, kind in enumerate(KINDS)}

MOMENT = pa.timestamp("s", tz="UTC")


@dataclass(frozen=True, slots=True)
class Columns:
    """Many documents as read, the columns of as many records.

    Attributes:
        text: large_string, as `Record.data`.
        kind: string.
        url: large_string; null where there is none.
        date: timestamp[s, UTC]; null where there is none.
        fields: large_string; null where there are none.
        parent: large_string; null where there is none.
    """

    text: pa.Array
    kind: pa.Array
    url: pa.Array
    date: pa.Array
    fields: pa.Array
    parent: pa.Array

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class RawColumns:
    """Values of n records as a format has read them.

    Attributes:
        text: large_string of valid UTF-8; null where there is none.
        url: likewise, or None where there are none at all.
        parent: likewise.
        date: seconds since 1970, int64; null where there is none.
        fields: large_string, JSON objects; null where there are none.
        kinds: uint8, places in `KINDS` of those that are known, else `UNKNOWN`.
        odd: bool, the records that are to be taken one at a time.
    """

    text: pa.Array
    url: pa.Array | None
    parent: pa.Array | None
    date: pa.Array
    fields: pa.Array
    kinds: np.ndarray
    odd: np.ndarray


def apart(raw: RawColumns, limit: int, url_limit: int) -> tuple[Columns, np.ndarray]:
    """The documents of records with nothing odd about them, and which the others are.

    Args:
        raw: their values.
        limit: bytes of a text, and of the fields, at most.
        url_limit: bytes of a URL, at most.

    Returns:
        The documents, and the places of the records that are left, int64[…].
    """
    from tamis.kernels.raw_values import odd_texts

    data, offsets = buffers(raw.text)
    odd = raw.odd | odd_texts(data, offsets, limit) | _longer(raw.fields, limit)
    if raw.text.null_count:
        odd |= raw.text.is_null().to_numpy(zero_copy_only=False)
    nothing = pa.nulls(len(odd), pa.large_string())
    url, parent = (nothing if array is None else array for array in (raw.url, raw.parent))
    odd |= _longer(url, url_limit) | _longer(parent, url_limit)
    arrays, kinds = [raw.text, url, parent, raw.date, raw.fields], raw.kinds
    if odd.any():
        even = pa.array(~odd)
        arrays, kinds = [array.filter(even) for array in arrays], kinds[~odd]
    text, url, parent, date, fields = arrays
    columns = Columns(
        text=text,
        kind=kinds_told(text, kinds),
        url=_not_empty(url),
        date=date.cast(pa.timestamp("s")).cast(MOMENT),
        fields=fields,
        parent=_not_empty(parent),
    )
    return columns, np.flatnonzero(odd)


def kinds_told(text: pa.Array, kinds: np.ndarray) -> pa.Array:
    """The kinds of texts: string[n].

    Args:
        text: large_string, without nulls.
        kinds: uint8[n], places in `KINDS` of those that are known, else `UNKNOWN`.
    """
    unknown = kinds == UNKNOWN
    if unknown.any():
        data, offsets = buffers(text)
        kinds = kinds.copy()
        kinds[unknown] = kinds_of(data, np.stack([offsets[:-1], offsets[1:]], axis=1)[unknown])
    return pa.array(KINDS).take(pa.array(kinds))


def _longer(array: pa.Array, limit: int) -> np.ndarray:
    """Which strings have more bytes than a limit: bool[n]."""
    if array.null_count == len(array):
        return np.zeros(len(array), np.bool_)
    return np.asarray(np.diff(buffers(array)[1]) > limit)


def _not_empty(array: pa.Array) -> pa.Array:
    """Strings, null for empty ones."""
    if array.null_count == len(array):
        return array
    return pc.if_else(pc.greater(pc.binary_length(array), 0), array, pa.scalar(None, array.type))


def dates_of(array: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Seconds since 1970 of dates as written, and which of them cannot be read.

    Args:
        array: large_string.

    Returns:
        int64[n], null where there is no date, and bool[n].
    """
    from tamis.kernels.raw_values import NO_DATE, written_dates

    seconds = written_dates(*buffers(array))
    unread = np.zeros(len(array), np.bool_)
    missing = seconds == NO_DATE
    for row in np.flatnonzero(missing):
        value = array[int(row)].as_py()
        if value:
            when = parse_date(value)
            if when is None:
                unread[row] = True
            else:
                seconds[row], missing[row] = moment(when), False
    return pa.array(seconds, mask=missing), unread


def moment(when: object) -> int:
    """Seconds since 1970 of a moment in UTC, of whole seconds."""
    return (when - EPOCH) // _SECOND  # type: ignore[operator]


_SECOND = EPOCH.replace(second=1) - EPOCH


def kinds_named(array: pa.Array) -> np.ndarray:
    """Places in `KINDS` of names of kinds; `UNKNOWN` for what is none: uint8[n]."""
    places = pc.index_in(array, value_set=pa.array(KINDS, array.type))
    return places.fill_null(int(UNKNOWN)).to_numpy(zero_copy_only=False).astype(np.uint8)

"""Private spans of a column of texts: the kernel's suspects, decided one by one, and joined where they overlap."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import pyarrow as pa

from tamis.edits import Spans
from tamis.privacy import machines, mail, numbers, phones, secrets
from tamis.privacy.kinds import PRIORITY, SPAN_KINDS, Found, Place, PrivateKind, SpanKind
from tamis.privacy.streets import streets

BEFORE, AFTER = 80, 40
"""Bytes before and behind a suspect that deciders see: words that say what a number is, what goes on behind it."""


def _bits(kinds: Collection[str]) -> int:
    """What the kernel looks for."""
    from tamis.kernels import suspects as kernel

    of = {
        "secret": kernel.TOKEN | kernel.ASSIGNED | kernel.PRIVATE_KEY,
        "url_credentials": kernel.CREDENTIALS,
        "email": kernel.MAIL | kernel.HIDDEN_MAIL,
        "iban": kernel.LETTERED,
        "payment_card": kernel.NUMBER,
        "ip_address": kernel.NUMBER | kernel.COLONS,
        "national_id": kernel.NUMBER | kernel.LETTERED,
        "phone_number": kernel.NUMBER,
    }
    wanted = 0
    for kind in kinds:
        wanted |= int(of.get(kind, 0))
    return wanted


def _deciders(kinds: Collection[str], regions: Sequence[str]) -> dict[int, Callable[[Place], list[Found]]]:
    """What decides on a suspect of a bit."""
    from tamis.kernels import suspects as kernel

    def run_of_numbers(place: Place) -> list[Found]:
        found: list[Found] = []
        groups = numbers.groups_of(place)
        if "ip_address" in kinds and len(groups.digits) > 3:
            found += machines.four_numbers(place)
        if "payment_card" in kinds:
            found += numbers.cards(place, groups)
        if "national_id" in kinds:
            found += numbers.persons(place, groups)
        if "phone_number" in kinds and not found:
            found += phones.phones(place, groups, regions)
        return found

    def lettered(place: Place) -> list[Found]:
        found = numbers.ibans(place) if "iban" in kinds else []
        return found or (numbers.codes(place) if "national_id" in kinds else [])

    deciders = {
        kernel.MAIL: mail.plain,
        kernel.HIDDEN_MAIL: mail.hidden,
        kernel.NUMBER: run_of_numbers,
        kernel.LETTERED: lettered,
        kernel.COLONS: machines.colons,
        kernel.CREDENTIALS: secrets.credentials,
        kernel.TOKEN: secrets.tokens,
        kernel.ASSIGNED: secrets.assigned,
        kernel.PRIVATE_KEY: secrets.private_key,
    }
    return {int(bit): decider for bit, decider in deciders.items()}


def private_spans(
    texts: pa.Array | pa.ChunkedArray,
    chosen: np.ndarray,
    kinds: Collection[PrivateKind],
    regions: Sequence[str],
    names: Iterable[tuple[int, int, int]] = (),
) -> tuple[Spans, list[SpanKind]]:
    """Find what is private.

    Args:
        texts: n texts.
        chosen: bool[n], rows to look at.
        kinds: what is looked for.
        regions: countries whose telephone numbers are known without the code of the country, ISO 3166.
        names: row, first byte and byte after the last in the text of each person's name, which a model found.

    Returns:
        k spans, and the kind of each; what overlaps is one span, of the kind that comes first in `SPAN_KINDS`.
    """
    from tamis.kernels.suspects import suspects
    from tamis.kernels.words import buffers

    offsets, data = buffers(texts)
    decide = _deciders(kinds, regions)
    found: list[tuple[int, int, int, int]] = []
    view = data.data
    for row, start, end, bits in suspects(offsets, data, chosen, _bits(kinds)).tolist():
        first = max(int(offsets[row]), start - BEFORE)
        until = min(int(offsets[row + 1]), end + AFTER)
        place = Place(bytes(view[first:until]), start - first, end - first)
        for one in decide[bits](place):
            found.append((row, first + one.start, first + one.end, PRIORITY[one.kind]))
    if "street_address" in kinds:
        for row in np.flatnonzero(chosen).tolist():
            first = int(offsets[row])
            for start, end in streets(bytes(view[first : int(offsets[row + 1])])):
                found.append((row, first + start, first + end, PRIORITY["street_address"]))
    for row, start, end in names:
        found.append((row, int(offsets[row]) + start, int(offsets[row]) + end, PRIORITY["name"]))
    joined = _joined(sorted(found), data)
    columns = np.array(joined, np.int64).reshape(-1, 4)
    return Spans(columns[:, 0], columns[:, 1], columns[:, 2]), [SPAN_KINDS[kind] for kind in columns[:, 3].tolist()]


def _joined(found: Sequence[tuple[int, int, int, int]], data: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Spans on whole characters; those that overlap as one."""
    joined: list[tuple[int, int, int, int]] = []
    for row, begin, finish, kind in found:
        start, end = begin, finish
        while data[start] & 0xC0 == 0x80:
            start -= 1
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        if joined and joined[-1][0] == row and start < joined[-1][2]:
            _, earlier, until, other = joined[-1]
            joined[-1] = (row, earlier, max(until, end), min(other, kind))
        else:
            joined.append((row, start, end, kind))
    return joined

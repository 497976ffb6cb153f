"""What every format does with single values: texts, dates, JSON for metadata, details of what was skipped.

Texts are treated as UTF-8 bytes, because a Python string of one wide character and a hundred million letters takes four
bytes for each of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

NUL_SHARE = 0.001
"""More than one NUL in a thousand characters: not a text. UTF-16 read as UTF-8 has one in two."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 2100
"""Last year of a date that is believed."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HEAD_BYTES = 4_096
"""Beginning of a text that settles, for nearly every text, whether it is white space only."""


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def clean_text(value: object) -> tuple[bytes, int] | tuple[bytes, str, str]:
    """Bring a value to a text: no byte order mark, one kind of line end, no NUL.

    Args:
        value: a string, or bytes that are to be UTF-8.

    Returns:
        the text as UTF-8 and the number of NULs taken out of it, or (b"", reason, detail) when it must be skipped.
    """
    if value is None:
        return b"", "null_text", "the text is null"
    paired = True
    if isinstance(value, str):
        try:
            data = value.encode()
        except UnicodeEncodeError:
            data, paired = value.encode("utf-8", "surrogatepass"), False
    elif isinstance(value, bytes):
        data = value
    else:
        return b"", "not_text", f"the text is {type(value).__name__}, not a string"
    data = data.removeprefix(BYTE_ORDER_MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    nuls = data.count(0) if b"\0" in data else 0
    if nuls:
        characters = characters_of(data)
        if nuls > NUL_SHARE * characters:
            return b"", "binary", f"{nuls} NUL characters among {characters}"
        data = data.replace(b"\0", b"")
    if is_blank(data):
        return b"", "empty_text", "no character but white space"
    if not paired:
        return b"", "invalid_unicode", "unpaired surrogates"
    return data, nuls


def characters_of(data: bytes) -> int:
    """Code points of UTF-8: the bytes that do not go on with a character."""
    return len(data) if data.isascii() else int(np.count_nonzero(np.frombuffer(data, np.int8) > -0x41))


def is_blank(data: bytes) -> bool:
    """Whether a text holds nothing but white space (`str.isspace`), or nothing at all."""
    head = data[:HEAD_BYTES].decode("utf-8", "ignore")
    if head and not head.isspace():
        return False
    whole = data.decode("utf-8", "surrogatepass")
    return not whole or whole.isspace()


def invalid_utf8(data: bytes) -> str | None:
    """What is wrong with bytes that are no UTF-8; None when nothing is."""
    if len(data) > 1 << 20:
        # Checked without a string: one wide character would make four bytes of each.
        offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
        column = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data))
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            pass
        else:
            return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return shorten(error)
    return None


def unix_lines(value: str) -> str:
    """The text with every line end, CR LF or CR, as one line feed."""
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


def has_surrogates(value: str) -> bool:
    """Whether a string holds unpaired surrogates, which no UTF-8 can carry."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def parse_date(value: object) -> datetime | None:
    """A moment in UTC, whole seconds, or None when the value says none.

    Understood are dates and datetimes, ISO 8601 (also year and month, or the year alone), and seconds since
    1970 as a number or digits. A number in 1000…9999 is a year, one of 8, 12 or 14 digits that name a day of the
    calendar in 1980…2100 is that day, with hour, minute and second. Without a zone, UTC is meant. What lies after
    `LAST_YEAR` was never written: a damaged date, which would otherwise be the newest of all.
    """
    when = _parsed(value)
    return None if when is None or when.year > LAST_YEAR else when


def _parsed(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return _whole(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return _written(value.strip())
    return None


def _whole(value: datetime) -> datetime | None:
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    try:
        return value.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def _number(value: float) -> datetime | None:
    try:
        if not math.isfinite(value):
            return None
        if 19_800_101 <= value < 1e14 and value == int(value) and (day := _calendar(str(int(value)))) is not None:
            return day
        if 1000 <= value <= 9999 and value == int(value):
            return datetime(int(value), 1, 1, tzinfo=UTC)
        return EPOCH + timedelta(seconds=math.floor(value))
    except OverflowError:
        return None


def _calendar(digits: str) -> datetime | None:
    """What digits say as year, month, day and perhaps hour, minute and second; None where that is no date."""
    if len(digits) not in (8, 12, 14) or not 1980 <= int(digits[:4]) <= LAST_YEAR:
        return None
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _written(value: str) -> datetime | None:
    if re.fullmatch(r"[0-9]{14}", value):
        return _calendar(value)
    if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,9})?", value) and not re.fullmatch(r"[0-9]{8}", value):
        return _number(float(value))
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", value):
        value += "-01"
    try:
        return _whole(datetime.fromisoformat(value))
    except ValueError:
        return None


def json_bytes(fields: Mapping[str, Any]) -> bytes:
    """Fields as compact JSON in UTF-8, each value as `json_value` has it."""
    return json_text(fields).encode()


def json_text(value: object) -> str:
    """A value as compact JSON, as `json_value` has it; no unpaired surrogates."""
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
    except (TypeError, ValueError, OverflowError):
        # Something that JSON or UTF-8 cannot carry, in one record of many.
        return _encode(json_value(value))
    return text


def json_value(value: object) -> Any:
    """The value as JSON can carry it: no NaN, no bytes, no dates, no unpaired surrogates."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if has_surrogates(value) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _json_container(value)


def _json_container(value: object) -> Any:
    # Loops and no comprehensions, which would be one more call a level.
    if isinstance(value, Mapping):
        fields = {}
        for name, field in value.items():
            fields[json_value(str(name))] = json_value(field)
        return fields
    if isinstance(value, list | tuple):
        items = []
        for item in value:
            items.append(json_value(item))  # noqa: PERF401
        return items
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return json_value(str(value))


def shorten(value: object, limit: int = 200) -> str:
    """A value as one printable line of at most `limit` characters, for `Skip.detail` and messages."""
    # Ten times as much is enough, however much of it is white space: a value may be hundreds of megabytes.
    line = " ".join(str(value)[: 10 * limit].encode("utf-8", "backslashreplace").decode("utf-8").split())
    line = line[: 2 * limit]
    if not line.isprintable():
        line = "".join(character if character.isprintable() else "�" for character in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"

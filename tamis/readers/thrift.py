"""Thrift's compact protocol, read as far as the headers and footers of Parquet need it."""

from __future__ import annotations

from typing import Any

DEPTH = 12


class ThriftError(ValueError):
    """Bytes that are no struct, or one that says what cannot be."""


class Compact:
    """Reads structs as dictionaries by field number, and lists; of strings and maps nothing is kept."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0
        self._depth = 0

    def struct(self) -> dict[int, Any]:
        """A struct.

        Raises:
            IndexError: the data end before it does.
            ThriftError: they are no struct.
        """
        self._depth += 1
        if self._depth > DEPTH:
            raise ThriftError("structs in structs")
        fields: dict[int, Any] = {}
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._integer()
            fields[number] = self._value(kind & 15)
        self._depth -= 1
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind in (7, 8):
            return self._pass(8 if kind == 7 else self._varint())
        if kind in (9, 10):
            return self._list()
        if kind == 12:
            return self.struct()
        raise ThriftError(f"a field of type {kind}")

    def _list(self) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        # A truth value in a list is a byte of its own.
        kind = 3 if head & 15 in (1, 2) else head & 15
        return [self._value(kind) for _ in range(count)]

    def _pass(self, count: int) -> None:
        self.position += count
        if self.position > len(self._data):
            raise IndexError(self.position)

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ThriftError("a number without an end")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

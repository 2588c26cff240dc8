"""The raw bytes of attribute values (`AnyValue`): what shape each has. All have passed `decode`.

Nearly all values are one field that fills its bytes exactly: a string, int64, double or bool in
the one way that protobuf libraries write it. Those are recognised by tag and length with numpy.
Whatever is left (arrays, maps, bytes, fields twice, odd varints) goes through opentelemetry-proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

_STRING = 0x0A  # field 1, length-delimited
_BOOL = 0x10  # field 2, varint
_INT = 0x18  # field 3, varint
_DOUBLE = 0x21  # field 4, 64 bits
_LONGEST = (1, 129, 16_386, 2_097_155)
"""Bytes of a string value (tag, length, text) up to which the header has 1, 2, 3, 4 bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """What each value of a binary array is; the masks exclude each other."""

    data: NDArray[np.uint8]
    start: Ints
    """Where in `data` each value begins."""
    length: Ints
    """In bytes, tag included; 0: no value."""
    header: Ints
    """Bytes before the text, were the value a string (of two bytes at least)."""
    string: Bools
    integer: Bools
    double: Bools
    boolean: Bools
    other: Bools
    """Not empty and none of the above: for opentelemetry-proto."""


def shapes(values: pa.BinaryArray) -> Shapes:
    """Look at tags and lengths of all values at once; total on any bytes."""
    every = np.frombuffer(values.buffers()[1] or b"\0" * 4, np.int32)
    offsets = every[values.offset : values.offset + len(values) + 1].astype(np.int64)
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    start: Ints = offsets[:-1]
    length: Ints = np.diff(offsets)
    # Two bytes exist wherever they are looked at, so that no index is out of bounds.
    padded = np.concatenate([data, np.zeros(2, np.uint8)]) if _at_the_end(data, start) else data
    tag, second = padded[start], padded[start + 1]
    tag = np.where(length > 0, tag, np.uint8(0))
    header = np.full(len(values), 2)
    if (long := np.flatnonzero(length > _LONGEST[1])).size:
        header[long] = 1 + np.searchsorted(_LONGEST, length[long])
    string = (tag == _STRING) & (length >= 2)
    short = string & (header == 2)
    string[short] = second[short] == length[short] - 2
    if long.size:
        _check_long(string, data, start, length, header)
    boolean = (tag == _BOOL) & (length == 2) & (second < 2)
    double = (tag == _DOUBLE) & (length == 9)
    integer = _integers(tag == _INT, data, start, length)
    other = (length > 0) & ~(string | boolean | double | integer)
    return Shapes(data, start, length, header, string, integer, double, boolean, other)


def distinct(values: pa.BinaryArray, chosen: Bools) -> list[bytes]:
    """Return each different value among the chosen ones once."""
    found: list[bytes] = values.filter(pa.array(chosen)).unique().to_pylist()
    return found


def varints(found: Shapes, rows: Ints) -> Ints:
    """Return the int64 of each row; all of them must be `integer`."""
    start, digits = found.start[rows] + 1, found.length[rows] - 1
    result = np.zeros(len(rows), np.uint64)
    for place in range(int(digits.max(initial=0))):
        more = place < digits
        bits = found.data[(start + place)[more]].astype(np.uint64) & np.uint64(127)
        result[more] |= bits << np.uint64(7 * place)
    return result.view(np.int64)


def doubles(found: Shapes, rows: Ints) -> NDArray[np.float64]:
    """Return the double of each row; all of them must be `double`."""
    octets = found.data[(found.start[rows] + 1)[:, None] + np.arange(8)]
    numbers: NDArray[np.float64] = octets.copy().view(np.float64).reshape(-1)
    return numbers


def _at_the_end(data: NDArray[np.uint8], start: Ints) -> bool:
    return bool(len(start)) and int(start[-1]) + 1 >= len(data)


def _check_long(
    string: Bools, data: NDArray[np.uint8], start: Ints, length: Ints, header: Ints
) -> None:
    """Clear `string` where the length written over several bytes is not the value's."""
    rows = np.flatnonzero(string & (header > 2))
    left = length[rows] - header[rows]
    places = header[rows] - 1
    sound = np.ones(len(rows), np.bool_)
    for place in range(int(places.max(initial=0))):
        here = place < places
        digit = (left >> (7 * place)) & 127 | np.where(place < places - 1, 128, 0)
        sound[here] &= data[(start[rows] + 1 + place)[here]] == digit[here]
    string[rows] = sound


def _integers(tagged: Bools, data: NDArray[np.uint8], start: Ints, length: Ints) -> Bools:
    """Return the rows among `tagged` that are one varint of 64 bits and nothing more."""
    result = np.zeros(len(tagged), np.bool_)
    rows = np.flatnonzero(tagged & (length >= 2) & (length <= 11))
    if not rows.size:
        return result
    digits, sound = length[rows] - 1, np.ones(len(rows), np.bool_)
    for place in range(int(digits.max(initial=0))):
        here = place < digits
        octet = data[(start[rows] + 1 + place)[here]]
        sound[here] &= (octet >= 128) == (place < digits - 1)[here]
        if place == 9:  # the tenth digit has room for one bit
            sound[here] &= octet == 1
    result[rows] = sound
    return result

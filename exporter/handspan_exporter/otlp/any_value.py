"""The raw bytes of attribute values (`AnyValue`): what shape each has, and whether all are sound.

Nearly all values are one field that fills its bytes exactly: a string, int64, double or bool in
the one way that protobuf libraries write it. Those are recognised by tag and length with numpy.
Whatever is left (arrays, maps, bytes, fields twice, odd varints) goes through opentelemetry-proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from handspan_exporter.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def check(values: Sequence[tuple[pa.BinaryArray, int]]) -> None:
    """Refuse values that opentelemetry-proto would refuse, so that kernels after it are total.

    All at once: looking at seven thousand values costs little more than looking at seven.

    Args:
        values: Raw, and how many messages they are inside of: protobuf takes 100 in one another.

    Raises:
        MalformedRequest: a value is not protobuf, or holds text that is not UTF-8.
    """
    some = [(part, depth) for part, depth in values if len(part)]
    if not some:
        return
    found = shapes(pa.concat_arrays([part for part, _ in some]))
    _check_utf8(found)
    if found.other.any():
        _check_others(some, found.other)


def _check_others(values: Sequence[tuple[pa.BinaryArray, int]], other: Bools) -> None:
    """Parse each different one of the chosen values as deep as it stands."""
    first = 0
    for part, depth in values:
        for value in distinct(part, other[first : first + len(part)]):
            (_parse_short if len(value) <= _SHORT else _parse)(value, depth)
        first += len(part)


def _parse(value: bytes, depth: int) -> None:
    try:
        AnyValue.FromString(_inside(value, depth))
    except DecodeError as error:
        raise MalformedRequest("an attribute's value cannot be decoded") from error


_SHORT = 256
"""Bytes of a value that is remembered as sound: plans, stop reasons, tags come in every request."""
_parse_short = lru_cache(4096)(_parse)


def _inside(value: bytes, depth: int) -> bytes:
    """Return a value that has the given one inside of so many messages, at least 3 or an even."""
    if depth % 2:  # a map is three messages: the list, the pair, the value
        value, depth = _framed(_framed(_framed(value, 0x12), 0x0A), 0x32), depth - 3
    for _ in range(depth // 2):  # an array is two
        value = _framed(_framed(value, 0x0A), 0x2A)
    return value


def _framed(part: bytes, tag: int) -> bytes:
    head, left = [tag], len(part)
    while left > 127:
        head.append(left & 127 | 128)
        left >>= 7
    return bytes([*head, left]) + part


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


def _check_utf8(found: Shapes) -> None:
    """Check the text of all strings at once: what stands between them is made ASCII."""
    first, last = int(found.start[0]), int(found.start[-1] + found.length[-1])
    if not (found.data[first:last] >= 128).any():
        return
    text = found.data[first:last].copy()
    rows = np.flatnonzero(~found.string & (found.length > 0))
    text[_ranges(found.start[rows], found.length[rows]) - first] = 0
    rows = np.flatnonzero(found.string & (found.header > 2))
    text[_ranges(found.start[rows], found.header[rows]) - first] = 0
    ends = pa.py_buffer(np.array([0, len(text)], np.int64))
    joined = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(text)])
    try:
        joined.validate(full=True)
    except pa.ArrowInvalid as error:
        raise MalformedRequest("an attribute's text is not UTF-8") from error


def _ranges(start: Ints, length: Ints) -> Ints:
    """Return start, start + 1, ... of each pair, joined."""
    before = np.cumsum(length) - length
    return np.repeat(start - before, length) + np.arange(int(length.sum()))

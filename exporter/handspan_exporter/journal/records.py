"""How requests stand in a segment: each preceded by its length as a varint.

This is protobuf's own "delimited" format, which `otlp.decode.decode_segment` reads whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

_LENGTH_DIGITS = 5
"""A varint of a length below 4 GiB has no more."""


def record(body: bytes) -> bytes:
    """Return the length of a request and the request."""
    digits = []
    left = len(body)
    while left > 127:
        digits.append(left & 127 | 128)
        left >>= 7
    return bytes([*digits, left]) + body


def bodies(data: bytes) -> tuple[list[bytes], int]:
    """Return the whole requests in `data`, and how many bytes they take with their lengths.

    What follows them is a record that was not written to its end: the request was never
    acknowledged. So is a length of 0, which some file systems leave behind a crash.
    """
    places = list(spots(data))
    return [data[start:end] for start, end in places], places[-1][1] if places else 0


def spots(data: bytes | mmap) -> Iterator[tuple[int, int]]:
    """Yield where each whole request begins and ends; of a mapped file only lengths are read."""
    place = 0
    while (head := _length(data, place)) is not None:
        start, length = head
        if length == 0 or start + length > len(data):
            return
        place = start + length
        yield start, place


def _length(data: bytes | mmap, place: int) -> tuple[int, int] | None:
    """Return where the body begins and how long it is; None when the varint is not whole."""
    length = 0
    for digit, octet in enumerate(data[place : place + _LENGTH_DIGITS]):
        length |= (octet & 127) << (7 * digit)
        if octet < 128:
            return place + digit + 1, length
    return None

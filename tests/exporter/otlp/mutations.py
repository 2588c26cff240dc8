"""Requests damaged as networks, defects and attackers damage them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_MOST_BYTES = 1 << 16


def mutated(body: bytes, chance: Random) -> bytes:
    """Return the body with one to four changes, at most 64 KiB."""
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 5)):
        chance.choice(_CHANGES)(changed, chance)
    return bytes(changed[:_MOST_BYTES])


def _place(body: bytearray, chance: Random) -> int:
    return chance.randrange(len(body) + 1)


def _replace(body: bytearray, chance: Random) -> None:
    place = _place(body, chance)
    body[place : place + 1] = bytes([chance.randrange(256)])


def _flip(body: bytearray, chance: Random) -> None:
    if body:
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)


def _insert(body: bytearray, chance: Random) -> None:
    place = _place(body, chance)
    body[place:place] = chance.randbytes(chance.randrange(1, 9))


def _remove(body: bytearray, chance: Random) -> None:
    place = _place(body, chance)
    del body[place : place + chance.randrange(1, 9)]


def _cut(body: bytearray, chance: Random) -> None:
    del body[_place(body, chance) :]


def _repeat(body: bytearray, chance: Random) -> None:
    """Copy a part to another place: fields twice, messages inside others."""
    start = _place(body, chance)
    part = body[start : start + chance.randrange(1, 65)]
    place = _place(body, chance)
    body[place:place] = part


def _count(body: bytearray, chance: Random) -> None:
    """Put a huge number where a length may stand."""
    place = _place(body, chance)
    body[place : place + 1] = b"\xff" * chance.randrange(1, 11) + bytes([chance.randrange(128)])


def _nest(body: bytearray, chance: Random) -> None:
    """Put arrays in arrays, past what a parser takes."""
    inner = b""
    for _ in range(chance.choice((3, 40, 99, 101, 300))):
        inner = b"\x2a" + _length(b"\x0a" + _length(inner))
    place = _place(body, chance)
    body[place:place] = inner


def _group(body: bytearray, chance: Random) -> None:
    """Put protobuf's forgotten groups in, closed or not."""
    place = _place(body, chance)
    number = chance.randrange(1, 16) << 3
    closed = [number | 3, number | 4] if chance.random() < 0.5 else [number | 3]
    body[place:place] = bytes(closed)


def _length(part: bytes) -> bytes:
    digits, left = [], len(part)
    while left > 127:
        digits.append(left & 127 | 128)
        left >>= 7
    return bytes([*digits, left]) + part


_CHANGES = (
    *(_replace, _flip, _insert, _remove, _cut, _repeat, _count, _nest, _group),
    *(_replace, _flip),  # more often: they keep lengths as they are, and reach deeper
)

"""Requests damaged as networks, defects and attackers damage them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

_MOST_BYTES = 1 << 16
_MOST_TAG_BYTES = 5


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


def has_odd_tag(body: bytes, kept: Any) -> bool:  # noqa: ANN401 - a descriptor
    """Tell whether a message has tags that no encoder of OTLP writes and `ptars` lets pass.

    In two things it is laxer than protobuf. It skips a group, which OTLP never had, without
    looking whether what is inside, and its end, are sound: nothing of it is ever stored. And of
    a tag past 32 bits, or of more than five bytes, it takes the lower 32 bits.
    """
    place = 0
    while place < len(body):
        start = place
        tag, place = _varint(body, place)
        if tag & 7 in (3, 4) or place - start > _MOST_TAG_BYTES or tag >> 32:
            return True
        if tag & 7 == 2:
            size, place = _varint(body, place)
            field = kept.fields_by_number.get(tag >> 3)
            inner = field.message_type if field else None
            if inner is not None and has_odd_tag(body[place : place + size], inner):
                return True
            place += size
        else:
            place = {1: place + 8, 5: place + 4}.get(tag & 7) or _varint(body, place)[1]
    return False


def _varint(body: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    for octet in body[place : place + 10]:
        number, shift, place = number | (octet & 127) << shift, shift + 7, place + 1
        if octet < 128:
            break
    return number, place

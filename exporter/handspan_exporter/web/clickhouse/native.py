"""ClickHouse's Native format, as far as one answer must be written by hand."""

from __future__ import annotations

import struct
from typing import Final

GREETING: Final = "SELECT displayName(), version(), revision(), timezone()"
"""What clickhouse-go asks first. It reads the answer at its own protocol revision, which the engine
inside a process does not know, and all later answers at the revision that this one names."""

_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""No overflow, no bucket: it precedes a block at every revision but 0."""


def greeting(version: str) -> bytes:
    """Return the block that answers `GREETING`, naming revision 0: plain Native from now on."""
    columns = [
        ("displayName()", "String", _string("handspan")),
        ("version()", "String", _string(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", _string("UTC")),
    ]
    block = _BLOCK_INFO + _varint(len(columns)) + _varint(1)
    for name, kind, value in columns:
        block += _string(name) + _string(kind) + b"\x00" + value
    return block


def _varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _varint(len(encoded)) + encoded

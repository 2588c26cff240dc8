"""ClickHouse's Native format, as far as one answer must be written by hand."""

from __future__ import annotations

import struct

GREETING = "displayName(), version(), revision(), timezone()"
"""What clickhouse-go asks first. It reads the answer at its own protocol revision, which chdb
does not know, and all later answers at the revision that this one names."""

_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""No overflow, no bucket: it precedes a block at every revision but 0."""


def varint(number: int) -> bytes:
    """Return a number in base 128, lowest digits first."""
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def string(text: str) -> bytes:
    """Return a text with its length before it."""
    encoded = text.encode()
    return varint(len(encoded)) + encoded


def greeting(version: str) -> bytes:
    """Return the block that answers `GREETING`, naming revision 0: plain Native from now on."""
    columns = [
        ("displayName()", "String", string("chdb")),
        ("version()", "String", string(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", string("UTC")),
    ]
    block = _BLOCK_INFO + varint(len(columns)) + varint(1)
    for name, kind, value in columns:
        block += string(name) + string(kind) + b"\x00" + value
    return block

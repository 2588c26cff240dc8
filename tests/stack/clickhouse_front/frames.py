"""ClickHouse's own compressed frames: 16 bytes checksum, method, two sizes, data."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import lz4.block

if TYPE_CHECKING:
    from collections.abc import Callable

from tests.stack.clickhouse_front.city_hash import city_hash_128

_CHECKSUM, _HEADER = 16, 9
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90


def unframed(data: bytes) -> bytes:
    """Return what the frames hold, one after another.

    The checksums are not looked at: this server is on the same machine.

    Raises:
        ValueError: a frame has a method that ClickHouse's clients do not use here.
    """
    parts, place = [], 0
    while place < len(data):
        method, size, raw_size = struct.unpack_from("<BII", data, place + _CHECKSUM)
        body = data[place + _CHECKSUM + _HEADER : place + _CHECKSUM + size]
        parts.append(_body(method, body, raw_size))
        place += _CHECKSUM + size
    return b"".join(parts)


def framed(data: bytes) -> bytes:
    """Return one frame, lz4."""
    packed: bytes = lz4.block.compress(data, store_size=False)
    frame = struct.pack("<BII", _LZ4, len(packed) + _HEADER, len(data)) + packed
    return struct.pack("<QQ", *city_hash_128(frame)) + frame


def _body(method: int, body: bytes, raw_size: int) -> bytes:
    if method == _NONE:
        return body
    if method == _LZ4:
        unpacked: bytes = lz4.block.decompress(body, uncompressed_size=raw_size)
        return unpacked
    if method == _ZSTD:
        return zstd_decompress(body)
    raise ValueError(f"a frame with the unknown method {method:#x}")


def zstd_decompress(data: bytes) -> bytes:
    """Return the content; the package comes with clickhouse-connect."""
    from backports import zstd  # noqa: PLC0415 - rarely needed

    decompress: Callable[[bytes], bytes] = zstd.decompress
    return decompress(data)

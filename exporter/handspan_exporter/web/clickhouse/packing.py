"""How an answer is packed: by HTTP's `Accept-Encoding`, or in ClickHouse's own frames.

A frame is 16 bytes of checksum, the method, two sizes, the data. Ours are not compressed, which is
a method too: who is far away asks for gzip or zstd, which pack better.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from handspan_exporter.web.clickhouse.city_hash import city_hash_128

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PLAIN: Final = 0x02
_HEADER: Final = 9
_BLOCK_BYTES: Final = 4096
_LEVEL: Final = 1
"""The answer goes to the same machine or the next one: time counts more than bytes."""


def framed(data: bytes) -> bytes:
    """Return the data in frames, for `compress=1`."""
    whole = len(data) - len(data) % _BLOCK_BYTES
    return _frames(data[:whole], _BLOCK_BYTES) + _frames(data[whole:], len(data) - whole)


def _frames(data: bytes, size: int) -> bytes:
    """Return frames of blocks that are all of one size."""
    if not data:
        return b""
    blocks = np.frombuffer(data, np.uint8).reshape(-1, size)
    header = np.frombuffer(struct.pack("<BII", _PLAIN, size + _HEADER, size), np.uint8)
    bodies = np.hstack([np.broadcast_to(header, (len(blocks), _HEADER)), blocks])
    sums = np.stack(city_hash_128(bodies), axis=1).astype("<u8")
    return np.hstack([sums.view(np.uint8), bodies]).tobytes()


def encoding(headers: Mapping[str, str], asked: Mapping[str, str]) -> str:
    """Return the content encoding of the answer to a request, '' for none."""
    if asked.get("enable_http_compression") == "0":
        return ""
    for one in headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = one.strip().partition(";")
        if name in _PACKERS and quality.replace(" ", "") not in ("q=0", "q=0.0"):
            return name
    return ""


def packed(data: bytes, name: str) -> bytes:
    """Return the data in a content encoding that `encoding` chose."""
    return _PACKERS[name](data)


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        out: bytes = pa.Codec(codec).compress(data, asbytes=True)
        return out

    return pack


_PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _gzip,
    "deflate": lambda data: zlib.compress(data, _LEVEL),
    "zstd": _by_arrow("zstd"),
    "lz4": _by_arrow("lz4"),
    "br": _by_arrow("brotli"),
}

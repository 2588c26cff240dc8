"""The body of an HTTP request, read and decompressed, never more of it than allowed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""zlib's name for each content encoding."""
_ENCODINGS = ("identity", "zstd", *_WINDOW_BITS)


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body; a few kilobytes can unpack to gigabytes, so both sizes are bounded.

    Raises:
        HTTPException: 400 it is not what its encoding says, 413 it is too large, 415 its
            encoding is not known.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower() or "identity"
    if encoding not in _ENCODINGS:
        raise HTTPException(
            415, f"the content encoding must be gzip, deflate or zstd, not {encoding}"
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    packed = bytearray()
    async for chunk in request.stream():
        packed += chunk
        if len(packed) > max_bytes:
            raise _too_large(max_bytes)
    if encoding == "identity":
        return bytes(packed)
    unpack = _unpacked_zstd if encoding == "zstd" else _unpacked
    return await run_in_threadpool(unpack, bytes(packed), encoding, max_bytes)


def _unpacked(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body; gzip may have several members."""
    parts: list[bytes] = []
    room = max_bytes + 1
    while packed or not parts:
        unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
        try:
            parts.append(unpacker.decompress(packed, room))
        except zlib.error as error:
            raise HTTPException(400, f"the body is not {encoding}: {error}") from error
        room -= len(parts[-1])
        if room <= 0:
            raise _too_large(max_bytes)
        if not unpacker.eof:
            raise HTTPException(400, f"the body ends in the middle of its {encoding}")
        packed = unpacker.unused_data
    return b"".join(parts)


def _unpacked_zstd(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body; zstd may have several frames."""
    try:
        with pa.CompressedInputStream(pa.BufferReader(packed), encoding) as stream:
            # Not `read`: it never gives its memory back when what it reads is damaged.
            body: bytes = stream.read_buffer(max_bytes + 1).to_pybytes()
    except (OSError, pa.ArrowException) as error:
        raise HTTPException(400, f"the body is not {encoding}: {error}") from error
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if packed == b"":
        raise HTTPException(400, f"the body ends in the middle of its {encoding}")
    return body


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(
        413, f"the request has more than {max_bytes} bytes: see --max-request-bytes"
    )

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
_FIRST_BYTES = 512
"""Of a member of gzip, given to zlib at once; then twice as many, and so on."""
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
    room, place = max_bytes + 1, 0
    while place < len(packed) or not parts:
        try:
            part, place = _member(packed, place, encoding, room)
        except zlib.error as error:
            raise HTTPException(400, f"the body is not {encoding}: {error}") from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise _too_large(max_bytes)
    return b"".join(parts)


def _member(packed: bytes, place: int, encoding: str, room: int) -> tuple[bytes, int]:
    """Return what one member holds, at most `room` bytes of it, and the place behind it.

    zlib copies what is left behind a member: given all of a body of a million empty ones at once it
    would copy terabytes. So it is given little, then ever more.
    """
    unpacker, parts = zlib.decompressobj(_WINDOW_BITS[encoding]), []
    step = _FIRST_BYTES
    while not unpacker.eof:
        if place >= len(packed):
            raise HTTPException(400, f"the body ends in the middle of its {encoding}")
        part = unpacker.decompress(packed[place : place + step], room)
        parts.append(part)
        room -= len(part)
        if room <= 0:
            break
        place = min(place + step, len(packed)) - len(unpacker.unused_data)
        step *= 2
    return b"".join(parts), place


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

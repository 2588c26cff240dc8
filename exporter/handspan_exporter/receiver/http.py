"""OTLP over HTTP: POST /v1/traces with a protobuf body."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import grpc
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from handspan_exporter.access.http import Guarded
from handspan_exporter.asgi import AsgiServer
from handspan_exporter.errors import MalformedRequest, TryAgain
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.receiver.grpc import answer

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request

    from handspan_exporter.access.guard import Door
    from handspan_exporter.receiver.ingest import Ingest

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_OPTION = "--otlp-http"
_RETRY_AFTER_S = 5
_WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""zlib's name for each content encoding."""
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.UNIMPLEMENTED,
    405: grpc.StatusCode.UNIMPLEMENTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""HTTP status -> what gRPC would have said."""


def http_server(
    ingest: Ingest,
    address: str,
    *,
    max_request_bytes: int,
    door: Door | None = None,
) -> AsgiServer:
    """Return the server for an address; nothing is opened before its `start`.

    Without a `door` everyone is let in, unencrypted.

    Raises:
        UsageError: the address is not `host:port`.
    """
    app = http_app(ingest, max_request_bytes=max_request_bytes)
    if door is None:
        return AsgiServer(app, address, option=_OPTION)
    guarded = Guarded(app, door, "ingest", ("/v1/",), _refusal)
    return AsgiServer(guarded, address, option=_OPTION, tls=door.tls)


def http_app(ingest: Ingest, *, max_request_bytes: int) -> Starlette:
    """Return the application; `max_request_bytes` counts after decompression."""

    async def traces(request: Request) -> Response:
        _check_type(request)
        body = await _body(request, max_request_bytes)
        try:
            accepted = await run_in_threadpool(ingest.accept, TRACES, body)
        except MalformedRequest as error:
            raise HTTPException(400, str(error)) from error
        except TryAgain as error:
            pause = {"Retry-After": str(_RETRY_AFTER_S)}
            raise HTTPException(503, str(error), pause) from error
        return Response(answer(accepted), media_type=_PROTOBUF)

    return Starlette(
        routes=[Route("/v1/traces", traces, methods=["POST"])],
        exception_handlers={HTTPException: _failure},
    )


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _PROTOBUF:
        return
    if kind == _JSON:
        raise HTTPException(
            415, "OTLP/JSON is not taken yet: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        )
    raise HTTPException(415, f"the content type must be {_PROTOBUF}, not {kind or 'missing'}")


async def _body(request: Request, max_bytes: int) -> bytes:
    """Read the body, never more of it than allowed: a few kilobytes can unpack to gigabytes."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity" and encoding not in _WINDOW_BITS:
        raise HTTPException(415, f"the content encoding must be gzip or deflate, not {encoding}")
    packed = bytearray()
    async for chunk in request.stream():
        packed += chunk
        if len(packed) > max_bytes:
            raise _too_large(max_bytes)
    if encoding == "identity":
        return bytes(packed)
    return await run_in_threadpool(_unpacked, bytes(packed), encoding, max_bytes)


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


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(
        413, f"the request has more than {max_bytes} bytes: see --max-request-bytes"
    )


def _failure(request: Request, error: Exception) -> Response:
    """Answer as OTLP says: a google.rpc.Status in the request's own format."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for no other
    return _refusal(request.headers, error.status_code, error.detail, dict(error.headers or {}))


def _refusal(asked: Headers, http_status: int, message: str, headers: dict[str, str]) -> Response:
    code = _CODES.get(http_status, grpc.StatusCode.UNKNOWN).value[0]
    if asked.get("content-type", "").startswith(_JSON):
        text = json.dumps({"code": code, "message": message})
        return Response(text, http_status, headers, media_type=_JSON)
    status = Status(code=code, message=message).SerializeToString()
    return Response(status, http_status, headers, media_type=_PROTOBUF)

"""OTLP over HTTP: POST /v1/traces and /v1/logs with a protobuf or JSON body; GET /healthz."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import grpc
from anyio import CapacityLimiter, to_thread
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handspan_exporter.access.body import read_body
from handspan_exporter.access.http import Guarded
from handspan_exporter.asgi import AsgiServer
from handspan_exporter.errors import MalformedRequest, TryAgain
from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import SIGNALS
from handspan_exporter.receiver.answers import as_json, as_protobuf

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from handspan_exporter.access.guard import Door
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.receiver.ingest import Ingest

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_OPTION = "--otlp-http"
_RETRY_AFTER_S = 5
_PREFLIGHT_S = 3600
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.UNIMPLEMENTED,
    405: grpc.StatusCode.UNIMPLEMENTED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    415: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""HTTP status -> what gRPC would have said."""


def http_server(
    ingest: Ingest,
    address: str,
    *,
    max_request_bytes: int,
    cors_origins: str = "",
    door: Door | None = None,
) -> AsgiServer:
    """Return the server for an address; nothing is opened before its `start`.

    Args:
        ingest: Takes the requests.
        address: `host:port`, or `[host]:port` for IPv6; port 0 takes a free one.
        max_request_bytes: After decompression.
        cors_origins: Web pages of these origins, with commas between, may send; `*`: all.
            Without any, browsers let only pages of our own origin.
        door: Who is let in, and TLS; without one everyone is, unencrypted.

    Raises:
        UsageError: the address is not `host:port`.
    """
    app: ASGIApp = http_app(ingest, max_request_bytes=max_request_bytes)
    if door is not None:
        app = Guarded(app, door, "ingest", ("/v1/",), _refusal)
    # Outside the guard: a browser asks first without its token, and must see each refusal.
    app = _for_pages_of(cors_origins, app) if cors_origins else app
    return AsgiServer(app, address, option=_OPTION, tls=door.tls if door else None)


def http_app(ingest: Ingest, *, max_request_bytes: int) -> Starlette:
    """Return the application; `max_request_bytes` counts after decompression."""
    one_by_one = CapacityLimiter(1)  # JSON takes memory and the interpreter: never two at once

    async def export(signal: Signal, request: Request) -> Response:
        in_json = _is_json(request)
        body = await read_body(request, max_request_bytes)
        try:
            if in_json:
                body = await to_thread.run_sync(to_protobuf, signal, body, limiter=one_by_one)
            accepted = await run_in_threadpool(ingest.accept, signal, body)
        except MalformedRequest as error:
            raise HTTPException(400, str(error)) from error
        except TryAgain as error:
            pause = {"Retry-After": str(_RETRY_AFTER_S)}
            raise HTTPException(503, str(error), pause) from error
        if in_json:
            return Response(as_json(signal, accepted), media_type=_JSON)
        return Response(as_protobuf(signal, accepted), media_type=_PROTOBUF)

    doors = [
        Route(f"/v1/{signal}", partial(export, signal), methods=["POST"])
        for signal in SIGNALS.values()
    ]
    return Starlette(
        routes=[
            *doors,
            Route("/v1/metrics", _declined, methods=["POST"]),
            Route("/healthz", _healthy),
        ],
        exception_handlers={HTTPException: _failure, ClientDisconnect: _gone, Exception: _defect},
    )


def _for_pages_of(origins: str, app: ASGIApp) -> ASGIApp:
    return CORSMiddleware(
        app,
        allow_origins=origins.replace(",", " ").split(),
        allow_methods=["POST"],
        allow_headers=["*"],
        max_age=_PREFLIGHT_S,
    )


async def _healthy(_request: Request) -> Response:
    """Say that this process answers; whether the store does, the journal bridges."""
    return JSONResponse({"status": "ok"})


async def _declined(_request: Request) -> Response:
    raise HTTPException(404, "no metrics are taken here: set OTEL_METRICS_EXPORTER=none")


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_PROTOBUF, _JSON):
        said = kind or "missing"
        raise HTTPException(415, f"the content type must be {_PROTOBUF} or {_JSON}, not {said}")
    return kind == _JSON


def _failure(request: Request, error: Exception) -> Response:
    """Answer as OTLP says: a google.rpc.Status in the request's own format."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for no other
    return _refusal(request.headers, error.status_code, error.detail, dict(error.headers or {}))


def _refusal(asked: Headers, http_status: int, message: str, headers: dict[str, str]) -> Response:
    code = _CODES.get(http_status, grpc.StatusCode.UNKNOWN).value[0]
    if asked.get("content-type", "").lower().startswith(_JSON):
        text = json.dumps({"code": code, "message": message})
        return Response(text, http_status, headers, media_type=_JSON)
    status = Status(code=code, message=message).SerializeToString()
    return Response(status, http_status, headers, media_type=_PROTOBUF)


def _defect(request: Request, _error: Exception) -> Response:
    """Answer in the same form; the server logs the error itself."""
    return _failure(request, HTTPException(500, "a defect of Handspan: see its log"))


def _gone(request: Request, _error: Exception) -> Response:
    """A client that hangs up in the middle is no defect; nobody reads this answer."""
    return _failure(request, HTTPException(400, "the body did not come to its end"))

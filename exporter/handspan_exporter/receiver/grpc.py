"""OTLP over gRPC: bytes in, bytes out; protobuf classes are used for answers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from handspan_exporter.access.grpc import GuardInterceptor
from handspan_exporter.errors import MalformedRequest, TryAgain
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.receiver.answers import as_protobuf
from handspan_exporter.receiver.health import health_handler
from handspan_exporter.rpc import RpcServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.access.guard import Door
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.receiver.ingest import Ingest

_OPTION = "--otlp-grpc"
_THREADS = 16
"""Requests at once, twice what a token may have: each waits for the disk most of its time."""


class GrpcServer(RpcServer):
    """Serves traces, logs and the health service on one address until `stop`."""

    def __init__(
        self,
        ingest: Ingest,
        address: str,
        *,
        max_request_bytes: int,
        door: Door | None = None,
    ) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            ingest: Takes the requests.
            address: `host:port`, or `[host]:port` for IPv6; port 0 takes a free one.
            max_request_bytes: After decompression; a larger one gets RESOURCE_EXHAUSTED.
            door: Lets clients in, over TLS or not; None: everyone, unencrypted.

        Raises:
            UsageError: the address is not of that form.
        """
        super().__init__(
            address,
            option=_OPTION,
            handlers=_handlers(ingest),
            threads=_THREADS,
            max_request_bytes=max_request_bytes,
            interceptors=[GuardInterceptor(door)] if door else [],
            tls=door.tls if door else None,
        )


def _handlers(ingest: Ingest) -> list[grpc.GenericRpcHandler]:
    def door(signal: Signal) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        return lambda body, context: _answered(ingest, signal, body, context)

    services = {
        _service("trace"): door(TRACES),
        _service("logs"): door(LOGS),
        _service("metrics"): _declined,
    }
    exports = [
        grpc.method_handlers_generic_handler(
            name, {"Export": grpc.unary_unary_rpc_method_handler(export)}
        )
        for name, export in services.items()
    ]
    return [*exports, health_handler(frozenset({_service("trace"), _service("logs")}))]


def _service(name: str) -> str:
    return f"opentelemetry.proto.collector.{name}.v1.{name.capitalize()}Service"


def _answered(ingest: Ingest, signal: Signal, body: bytes, context: grpc.ServicerContext) -> bytes:
    """Turn each outcome into its status code: the one place that knows them for gRPC."""
    try:
        return as_protobuf(signal, ingest.accept(signal, body))
    except MalformedRequest as error:
        code, said = grpc.StatusCode.INVALID_ARGUMENT, str(error)
    except TryAgain as error:
        code, said = grpc.StatusCode.UNAVAILABLE, str(error)
    context.abort(code, said)
    raise AssertionError  # `abort` never returns, which its types do not say


def _declined(_body: bytes, context: grpc.ServicerContext) -> bytes:
    said = "Handspan takes traces and logs, no metrics: set OTEL_METRICS_EXPORTER=none"
    context.abort(grpc.StatusCode.UNIMPLEMENTED, said)
    raise AssertionError  # as above

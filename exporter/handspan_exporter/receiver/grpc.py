"""OTLP over gRPC: bytes in, bytes out; protobuf classes are used for answers only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from handspan_exporter.access.grpc import GuardInterceptor
from handspan_exporter.access.tls import grpc_credentials
from handspan_exporter.asgi import split_address
from handspan_exporter.errors import MalformedRequest, PortTaken, TryAgain
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.receiver.answers import as_protobuf
from handspan_exporter.receiver.health import health_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.access.guard import Door
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.receiver.ingest import Ingest

_OPTION = "--otlp-grpc"
_THREADS = 16
"""Requests at once, twice what a token may have: each waits for the disk most of its time."""
_MOST_STREAMS = 128
"""Calls under way of one connection; the client itself keeps further ones back."""
_GRACE_S = 5


class GrpcServer:
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
        self._host, self._port = split_address(address, option=_OPTION)
        self._tls = door.tls if door else None
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="otlp-grpc"),
            handlers=_handlers(ingest),
            interceptors=[GuardInterceptor(door)] if door else [],
            options=[
                ("grpc.max_receive_message_length", max_request_bytes),
                ("grpc.max_concurrent_streams", _MOST_STREAMS),
                # The default would share the port with another program without a word.
                ("grpc.so_reuseport", 0),
            ],
        )

    @property
    def address(self) -> str:
        """`host:port` as bound: with the port that port 0 became."""
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def start(self) -> None:
        """Bind, and return once requests are answered.

        Raises:
            PortTaken: another program listens there, or this machine has no such address.
        """
        try:
            self._port = self._bound()
        except RuntimeError as error:
            other = self._port + 10_000 if self._port + 10_000 < 65_536 else 0
            raise PortTaken(
                f"cannot listen on {self.address}: another program may have it; stop it, or "
                f"choose another address with {_OPTION} {self._host}:{other}"
            ) from error
        self._server.start()

    def _bound(self) -> int:
        if self._tls is None:
            return int(self._server.add_insecure_port(self.address))
        return int(self._server.add_secure_port(self.address, grpc_credentials(self._tls)))

    def stop(self) -> None:
        """Let the requests under way end, then close. Blocks for at most about `_GRACE_S`."""
        self._server.stop(_GRACE_S).wait()


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

"""OTLP over gRPC: bytes in, bytes out; protobuf classes are used for answers only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from handspan_exporter.access.grpc import GuardInterceptor
from handspan_exporter.access.tls import grpc_credentials
from handspan_exporter.asgi import split_address
from handspan_exporter.errors import MalformedRequest, PortTaken, TryAgain
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.access.guard import Door
    from handspan_exporter.receiver.ingest import Accepted, Ingest

_OPTION = "--otlp-grpc"
_THREADS = 16
"""Requests at once, twice what a token may have: each waits for the disk most of its time."""
_MOST_STREAMS = 128
"""Calls under way of one connection; the client itself keeps further ones back."""
_GRACE_S = 5


class GrpcServer:
    """Serves `TraceService/Export` on one address until `stop`."""

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
    def export_traces(body: bytes, context: grpc.ServicerContext) -> bytes:
        return _answered(lambda: ingest.accept(TRACES, body), context)

    services = {"trace": export_traces, "metrics": _traces_only, "logs": _traces_only}
    return [
        grpc.method_handlers_generic_handler(
            f"opentelemetry.proto.collector.{name}.v1.{name.capitalize()}Service",
            {"Export": grpc.unary_unary_rpc_method_handler(export)},
        )
        for name, export in services.items()
    ]


def _answered(accept: Callable[[], Accepted], context: grpc.ServicerContext) -> bytes:
    """Turn each outcome into its status code: the one place that knows them for gRPC."""
    try:
        accepted = accept()
    except MalformedRequest as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except TryAgain as error:
        context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
    return answer(accepted)


def answer(accepted: Accepted) -> bytes:
    """Return the ExportTraceServiceResponse, also for OTLP over HTTP."""
    if not accepted.rejected:
        return b""  # what a response without a partial success serialises to
    partial = ExportTracePartialSuccess(
        rejected_spans=accepted.rejected, error_message=accepted.reason
    )
    return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


def _traces_only(_body: Any, context: grpc.ServicerContext) -> NoReturn:  # noqa: ANN401
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "Handspan takes traces; nothing else yet")
    raise AssertionError  # `abort` never returns, which its types do not say

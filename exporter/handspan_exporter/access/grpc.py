"""The guard in front of gRPC services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from handspan_exporter.access.guard import acting
from handspan_exporter.errors import NotAuthenticated, NotPermitted, OverLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.access.guard import Door

_GUARDED = "/opentelemetry.proto.collector."
"""Other services are open: whoever asks for the health has no token."""


class GuardInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Asks at the door before a request's message is waited for.

    A unary handler would begin with that wait, and hold a thread for whoever opens a call and
    sends nothing. On the wire a stream of one message is the same.
    """

    def __init__(self, door: Door) -> None:
        """Remember who lets in."""
        self._door = door

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """Return the handler of a call with the guard before it."""
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_GUARDED):
            return handler
        metadata = dict(handler_call_details.invocation_metadata)
        shown = metadata.get("authorization")

        def guarded(requests: Iterator[bytes], context: grpc.ServicerContext) -> Any:  # noqa: ANN401
            try:
                with self._door.visit(shown) as client, acting(client):
                    return handler.unary_unary(_only(requests, context), context)
            except NotAuthenticated as error:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
            except NotPermitted as error:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
            except OverLimit as error:
                _come_again(error, context)

        return grpc.stream_unary_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )


def _only(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
    """Return the one message of a call."""
    try:
        return next(requests)
    except StopIteration:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no message")
        raise AssertionError from None  # `abort` never returns, which its types do not say


def _come_again(error: OverLimit, context: grpc.ServicerContext) -> NoReturn:
    """Refuse with RetryInfo: without it the Collector drops the batch."""
    nanos = round(error.retry_s * 1e9)
    pause = Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=pause))
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    status = Status(code=code.value[0], message=str(error), details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, str(error))
    raise AssertionError  # `abort` never returns, which its types do not say

"""TraceReader and DependencyReader of jaeger.storage.v2 over gRPC.

Dependencies are between services, or between agents (handoffs) for a Jaeger that sends the header
`handspan-dependencies: handoffs`, which its `grpc` storage can be told to.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import grpc
import pyarrow as pa
from google.protobuf.message import DecodeError

from handspan_exporter.columns.any_value import texts
from handspan_exporter.errors import (
    HandspanError,
    NotAuthenticated,
    NotPermitted,
    QueryFailed,
    TryAgain,
    UsageError,
)
from handspan_exporter.jaeger.messages import DEPENDENCY_READER, TRACE_READER, message
from handspan_exporter.jaeger.reader import MOST_TRACES, VIEWS, Reader, Search
from handspan_exporter.rpc import RpcServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from handspan_exporter.access.guard import Door
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn

    Ask = Callable[[Any, grpc.ServicerContext], Any]

OPTION: Final = "--jaeger"
VIEW_HEADER: Final = "handspan-dependencies"
SOURCE: Final = "handspan"
"""Who Jaeger is told to have found the dependencies."""

_THREADS: Final = 4
_MOST_REQUEST_BYTES: Final = 1 << 20
_LAST_NS: Final = (1 << 63) - 1
_CODES: Final[tuple[tuple[type[HandspanError], grpc.StatusCode], ...]] = (
    (NotAuthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (NotPermitted, grpc.StatusCode.PERMISSION_DENIED),
    (UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (TryAgain, grpc.StatusCode.UNAVAILABLE),
    (QueryFailed, grpc.StatusCode.INTERNAL),
)

_log = logging.getLogger(__name__)


class JaegerServer:
    """Lets Jaeger read at one address between `start` and `stop`."""

    def __init__(self, dsn: Dsn, settings: Settings, *, door: Door) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            dsn: The store, migrated; an embedded one is held by this process.
            settings: For `jaeger`, its address (port 0 takes a free one).
            door: Lets clients in, over TLS or not.

        Raises:
            UsageError: the address is not one.
        """
        self._reader = Reader(dsn, sessions=_THREADS)
        self._server = RpcServer(
            settings.jaeger,
            option=OPTION,
            handlers=_Calls(self._reader, door).handlers(),
            threads=_THREADS,
            max_request_bytes=_MOST_REQUEST_BYTES,
            tls=door.tls,
        )

    @property
    def url(self) -> str:
        """Where it answers: `host:port`."""
        return self._server.address

    def start(self) -> None:
        """Return once questions are answered.

        Raises:
            PortTaken: another program listens there.
        """
        self._server.start()

    def stop(self) -> None:
        """Let the questions under way end, then close."""
        self._server.stop()
        self._reader.close()


class _Calls:
    """One method per call."""

    def __init__(self, reader: Reader, door: Door) -> None:
        self._reader = reader
        self._door = door

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        traces = {
            "GetTraces": self._stream("GetTracesRequest", self.get_traces),
            "FindTraces": self._stream("FindTracesRequest", self.find_traces),
            "GetServices": self._answer("", self.get_services),
            "GetOperations": self._answer("GetOperationsRequest", self.get_operations),
            "FindTraceIDs": self._answer("FindTracesRequest", self.find_trace_ids),
        }
        dependencies = {
            "GetDependencies": self._answer("GetDependenciesRequest", self.get_dependencies)
        }
        return [
            grpc.method_handlers_generic_handler(TRACE_READER, traces),
            grpc.method_handlers_generic_handler(DEPENDENCY_READER, dependencies),
        ]

    def get_traces(self, request: Any, _context: grpc.ServicerContext) -> Iterator[bytes]:  # noqa: ANN401
        return self._reader.traces([one.trace_id.hex() for one in request.query])

    def find_traces(self, request: Any, _context: grpc.ServicerContext) -> Iterator[bytes]:  # noqa: ANN401
        found = self._reader.found(_search(request.query))
        return self._reader.traces([row["trace_id"] for row in found])

    def get_services(self, _request: None, _context: grpc.ServicerContext) -> Message:
        answer: Message = message("GetServicesResponse")(services=self._reader.services())
        return answer

    def get_operations(self, request: Any, _context: grpc.ServicerContext) -> Message:  # noqa: ANN401
        rows = self._reader.operations(request.service, request.span_kind)
        operations = [message("Operation")(**row) for row in rows]
        answer: Message = message("GetOperationsResponse")(operations=operations)
        return answer

    def find_trace_ids(self, request: Any, _context: grpc.ServicerContext) -> Message:  # noqa: ANN401
        answer: Message = message("FindTraceIDsResponse")()
        for row in self._reader.found(_search(request.query)):
            one = answer.trace_ids.add(trace_id=bytes.fromhex(row["trace_id"]))  # type: ignore[attr-defined]
            one.start.FromNanoseconds(row["first_ns"])
            one.end.FromNanoseconds(row["last_ns"])
        return answer

    def get_dependencies(self, request: Any, context: grpc.ServicerContext) -> Message:  # noqa: ANN401
        view = dict(context.invocation_metadata()).get(VIEW_HEADER, "services")
        if view not in VIEWS:
            raise UsageError(f"{VIEW_HEADER} must be {' or '.join(VIEWS)}, not {view[:60]!r}")
        rows = self._reader.dependencies(
            view, _time_ns(request, "start_time", 0), _time_ns(request, "end_time", _LAST_NS)
        )
        found = [
            message("Dependency")(
                parent=row["parent"], child=row["child"], call_count=row["calls"], source=SOURCE
            )
            for row in rows
        ]
        answer: Message = message("GetDependenciesResponse")(dependencies=found)
        return answer

    def _answer(self, name: str, ask: Ask) -> grpc.RpcMethodHandler:
        """Return the handler of a call with one answer."""

        def call(body: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                answer: bytes = ask(self._let_in(name, body, context), context).SerializeToString()
            except (HandspanError, DecodeError) as error:
                _abort(error, context)
            return answer

        return grpc.unary_unary_rpc_method_handler(call)

    def _stream(self, name: str, ask: Ask) -> grpc.RpcMethodHandler:
        """Return the handler of a call that is answered in pieces."""

        def call(body: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            try:
                yield from ask(self._let_in(name, body, context), context)
            except (HandspanError, DecodeError) as error:
                _abort(error, context)

        return grpc.unary_stream_rpc_method_handler(call)

    def _let_in(self, name: str, body: bytes, context: grpc.ServicerContext) -> Any:  # noqa: ANN401
        """Return the request once its sender is known."""
        shown = dict(context.invocation_metadata()).get("authorization", "")
        # A configuration whose variable for the token is not set sends the word alone.
        self._door.identify(shown if len(shown.split()) > 1 else None, "read")
        return message(name).FromString(body) if name else None


def _search(asked: Any) -> Search:  # noqa: ANN401
    """Return what a TraceQueryParameters asks; zero and negative mean nothing, as in Go."""
    keys = [one.key for one in asked.attributes]
    values = pa.array([one.value.SerializeToString() for one in asked.attributes], pa.binary())
    least, most = asked.duration_min.ToNanoseconds(), asked.duration_max.ToNanoseconds()
    return Search(
        service=asked.service_name,
        operation=asked.operation_name,
        attributes=dict(zip(keys, texts(values).to_pylist(), strict=True)),
        since_ns=_time_ns(asked, "start_time_min", 0),
        until_ns=_time_ns(asked, "start_time_max", _LAST_NS),
        least_ns=max(least, 0),
        most_ns=most if most > 0 else _LAST_NS,
        limit=asked.search_depth if asked.search_depth > 0 else MOST_TRACES,
    )


def _time_ns(asked: Any, name: str, absent: int) -> int:  # noqa: ANN401
    """Return a Timestamp in ns since the epoch; Go's own zero time lies long before it."""
    found: int = getattr(asked, name).ToNanoseconds()
    return min(found, _LAST_NS) if found > 0 else absent


def _abort(error: Exception, context: grpc.ServicerContext) -> None:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    if isinstance(error, DecodeError):
        code = grpc.StatusCode.INVALID_ARGUMENT
    if code in (None, grpc.StatusCode.INTERNAL):
        _log.warning("a question of Jaeger failed: %s", error)
    context.abort(code or grpc.StatusCode.INTERNAL, str(error))

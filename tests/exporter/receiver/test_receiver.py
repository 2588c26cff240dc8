"""Real clients, unchanged defaults, over both protocols; and every way to be refused."""

from __future__ import annotations

import gzip
import socket
import time
import zlib
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pyarrow as pa
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpExporter,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ProtoResource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.exporter.receiver.doors import EXPORT, MAX_REQUEST_BYTES, PROTOBUF, Receiver, refusal

from handspan_exporter.errors import PortTaken, UsageError
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.http import http_server
from handspan_exporter.telemetry import (
    REQUESTS_FAILED,
    REQUESTS_REPEATED,
    SPANS_ACCEPTED,
    SPANS_REFUSED,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace.export import SpanExporter

    from handspan_exporter.store.connection import Connection

DAY_NS = 86_400 * 10**9


def zstd(body: bytes) -> bytes:
    """Pack a body as one frame."""
    packed: bytes = pa.compress(body, "zstd", asbytes=True)
    return packed


@pytest.mark.parametrize("over", ["grpc", "http"])
def test_the_sdks_exporters_work_with_their_defaults(
    receiver: Receiver, connection: Connection, over: str
) -> None:
    """What every user has; a span is in the store as it was recorded."""
    exporter: SpanExporter = (
        GrpcExporter(endpoint=receiver.grpc, insecure=True)
        if over == "grpc"
        else HttpExporter(endpoint=f"{receiver.http}/v1/traces")
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test", "1.0")
    with tracer.start_as_current_span("outer", attributes={"n": 0, "yes": False, "empty": ""}):
        tracer.start_span("inner").end()
    provider.shutdown()
    receiver.stored.acquire()

    rows = connection.rows("SELECT * FROM otel_traces ORDER BY ParentSpanId")

    assert [row["SpanName"] for row in rows] == ["outer", "inner"]
    assert rows[1]["ParentSpanId"] == rows[0]["SpanId"]
    assert rows[0]["SpanAttributes"] == {"n": "0", "yes": "false", "empty": ""}
    assert {row["ServiceName"] for row in rows} == {"shop"}
    assert {row["ScopeName"] for row in rows} == {"test"}


def test_bad_spans_are_refused_and_their_neighbours_kept(
    receiver: Receiver, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """One wrong clock must not cost a whole batch, and its owner must learn of it."""
    now_ns = time.time_ns()
    request = ExportTraceServiceRequest()
    for part in (
        trace_request(1, first=1),
        trace_request(2, first=10, start_ns=now_ns - 31 * DAY_NS),
        trace_request(1, first=20, start_ns=now_ns + DAY_NS),
        trace_request(1, first=0),
        trace_request(1, first=30),
    ):
        request.MergeFromString(part)
    request.resource_spans[4].scope_spans[0].spans[0].end_time_unix_nano = 1
    request.resource_spans[4].scope_spans[0].spans.add().CopyFrom(
        request.resource_spans[0].scope_spans[0].spans[0]
    )
    request.resource_spans[4].scope_spans[0].spans[1].span_id = b"\2"
    body = request.SerializeToString()

    answers = [receiver.call(body), receiver.post(body).content, receiver.call(body)]

    partial = ExportTraceServiceResponse.FromString(answers[0]).partial_success
    assert partial.rejected_spans == 6
    assert partial.error_message == (
        "1 no valid trace id; 1 no valid span id; 1 ends before it starts; "
        "2 starts more than 30 days ago; 1 starts in the future"
    )
    assert answers == [answers[0]] * 3, "a repetition gets the same answer"
    receiver.stored.acquire()
    (row,) = connection.rows("SELECT SpanId FROM otel_traces")
    assert row["SpanId"] == f"{1:016x}"
    assert receiver.counters.total(SPANS_REFUSED, "starts in the future") == 1


def test_an_identical_request_is_acknowledged_and_not_stored_again(
    receiver: Receiver, trace_request: Callable[..., bytes]
) -> None:
    """A client sends again what it believes lost; both protocols share the memory."""
    body = trace_request(3)

    assert receiver.call(body) == b""
    assert receiver.post(body, content_encoding="gzip").status_code == 400
    assert receiver.post(gzip.compress(body, mtime=0), content_encoding="gzip").content == b""

    assert receiver.counters.total(SPANS_ACCEPTED) == 3
    assert receiver.counters.total(REQUESTS_REPEATED) == 1


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstd),
        ("zstd", lambda body: zstd(body[:20]) + zstd(body[20:])),
        ("identity", bytes),
        ("gzip", lambda body: gzip.compress(body[:20], mtime=0) + gzip.compress(body[20:])),
        ("gzip", lambda body: b"".join(gzip.compress(bytes([octet])) for octet in body)),
        ("gzip", lambda body: gzip.compress(b"", mtime=0) * 200 + gzip.compress(body)),
    ],
)
def test_a_packed_body_is_unpacked(
    receiver: Receiver,
    trace_request: Callable[..., bytes],
    encoding: str,
    pack: Callable[[bytes], bytes],
) -> None:
    """The Collector packs by default; gzip may come in members."""
    answer = receiver.post(pack(trace_request(5)), content_encoding=encoding)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert receiver.counters.total(SPANS_ACCEPTED) == 5


@pytest.mark.parametrize("signal", ["traces", "logs"])
@pytest.mark.parametrize("shared", ["resource", "scope"])
def test_a_request_whose_rows_would_be_huge_is_refused(
    receiver: Receiver, signal: str, shared: str
) -> None:
    """Each row has a copy of resource and scope: 300 KB could ask for gigabytes, 4 KB packed."""
    body = _copying(signal, shared, items=2000)

    answer = receiver.post(gzip.compress(body), signal, content_encoding="gzip")

    assert answer.status_code == 400
    assert "send fewer at once" in Status.FromString(answer.content).message
    assert receiver.counters.total(REQUESTS_FAILED, "malformed") == 1
    fewer = _copying(signal, shared, items=3)
    assert receiver.post(fewer, signal).content == b""


def _copying(signal: str, shared: str, items: int) -> bytes:
    """Return a request whose items have 100 KB in common."""
    large, now_ns = "x" * 100_000, time.time_ns()
    pair = KeyValue(key="k", value=AnyValue(string_value=large))
    resource = ProtoResource(attributes=[pair] if shared == "resource" else [])
    scope = InstrumentationScope(name=large if shared == "scope" else "")
    if signal == "logs":
        records = [LogRecord(time_unix_nano=now_ns, observed_time_unix_nano=now_ns)] * items
        of_logs = ResourceLogs(
            resource=resource, scope_logs=[ScopeLogs(scope=scope, log_records=records)]
        )
        return ExportLogsServiceRequest(resource_logs=[of_logs]).SerializeToString()
    spans = [
        Span(
            trace_id=b"t" * 16,
            span_id=number.to_bytes(8, "big"),
            start_time_unix_nano=now_ns,
            end_time_unix_nano=now_ns,
        )
        for number in range(1, items + 1)
    ]
    of_spans = ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[of_spans]).SerializeToString()


def test_a_body_of_empty_members_is_read_about_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows a member is copied: 16 MiB of them would keep a core busy for minutes."""
    given = 0

    class Counting:
        def __init__(self, window_bits: int) -> None:
            self._unpacker = unpacker(window_bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal given
            given += len(data)
            return bytes(self._unpacker.decompress(data, most))

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401
            return getattr(self._unpacker, name)

    unpacker = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Counting)
    members = 2000
    body = gzip.compress(b"", mtime=0) * members

    assert receiver.post(body, content_encoding="gzip").status_code == 200
    assert given < 1024 * members


@pytest.mark.parametrize("packing", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_grpc_takes_packed_messages(
    receiver: Receiver, trace_request: Callable[..., bytes], packing: grpc.Compression
) -> None:
    """Gzip is what the Collector's exporter sends by default."""
    with grpc.insecure_channel(receiver.grpc, compression=packing) as channel:
        assert channel.unary_unary(EXPORT)(trace_request(500), timeout=30) == b""

    assert receiver.counters.total(SPANS_ACCEPTED) == 500


BOMB = bytes(50 * MAX_REQUEST_BYTES)


@pytest.mark.parametrize(
    ("body", "headers", "code", "says"),
    [
        (b"\xff", {}, 400, "not an OTLP traces request"),
        (b"abc", {"content_encoding": "gzip"}, 400, "not gzip"),
        (
            gzip.compress(b"abcdef", mtime=0)[:-9],
            {"content_encoding": "gzip"},
            400,
            "in the middle",
        ),
        (b"", {"content_encoding": "gzip"}, 400, "in the middle"),
        (b"abc", {"content_encoding": "zstd"}, 400, "not zstd"),
        (b"", {"content_encoding": "zstd"}, 400, "in the middle"),
        (zstd(b"abcdef")[:-3], {"content_encoding": "zstd"}, 400, "not zstd"),
        (zstd(BOMB), {"content_encoding": "zstd"}, 413, "--max-request-bytes"),
        (bytes(MAX_REQUEST_BYTES + 1), {}, 413, "--max-request-bytes"),
        (gzip.compress(BOMB, mtime=0), {"content_encoding": "gzip"}, 413, "--max-request-bytes"),
        (zlib.compress(BOMB), {"content_encoding": "deflate"}, 413, "--max-request-bytes"),
        (b"", {"content_encoding": "br"}, 415, "gzip, deflate or zstd"),
        (b"", {"content_type": "text/plain"}, 415, "application/x-protobuf"),
        (b"", {"content_type": ""}, 415, "missing"),
    ],
)
def test_http_says_what_is_wrong_as_otlp_wants_it(
    receiver: Receiver, body: bytes, headers: dict[str, str], code: int, says: str
) -> None:
    """A google.rpc.Status in protobuf: what OTLP clients read and log."""
    answer = receiver.post(body, **headers)

    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert says in Status.FromString(answer.content).message
    assert receiver.counters.total(SPANS_ACCEPTED) == 0


@pytest.mark.parametrize(("method", "path", "code"), [("GET", "traces", 405), ("POST", "x", 404)])
def test_other_paths_and_methods_are_declined(
    receiver: Receiver, method: str, path: str, code: int
) -> None:
    """No page, no traceback: the same kind of answer as for everything else."""
    answer = httpx.request(method, f"{receiver.http}/v1/{path}", headers=PROTOBUF)

    assert answer.status_code == code
    assert Status.FromString(answer.content).message


def test_grpc_says_what_is_wrong(receiver: Receiver, trace_request: Callable[..., bytes]) -> None:
    """A client drops what is malformed and keeps the connection."""
    code, text = refusal(lambda: receiver.call(b"\xff"))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "not an OTLP traces request" in text

    code, _ = refusal(lambda: receiver.call(bytes(MAX_REQUEST_BYTES + 1)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED

    code, _ = refusal(lambda: receiver.call(b"", "/some.other/Method"))
    assert code is grpc.StatusCode.UNIMPLEMENTED

    assert receiver.call(trace_request(1)) == b""
    assert receiver.counters.total(REQUESTS_FAILED, "malformed") == 1


def test_a_grpc_bomb_is_stopped(receiver: Receiver) -> None:
    """Fifty megabytes of nothing pack into fifty kilobytes."""
    with grpc.insecure_channel(receiver.grpc, compression=grpc.Compression.Gzip) as channel:
        code, _ = refusal(lambda: channel.unary_unary(EXPORT)(BOMB, timeout=30))

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_full_journal_tells_clients_to_come_back(
    full_receiver: Receiver, trace_request: Callable[..., bytes]
) -> None:
    """UNAVAILABLE and 503 are retried by every client; anything else loses spans."""
    bodies = [trace_request(5000, first=1 + number) for number in range(4)]
    for body in bodies[:2]:
        full_receiver.call(body)

    code, text = refusal(lambda: full_receiver.call(bodies[2]))
    answer = full_receiver.post(bodies[3])

    assert code is grpc.StatusCode.UNAVAILABLE
    assert "--journal-max-bytes" in text
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert full_receiver.counters.total(REQUESTS_FAILED, "journal_full") == 2


def test_a_port_in_use_is_one_line_that_helps(receiver: Receiver) -> None:
    """By default grpcio would share the port, and each program would get half of the spans."""
    ingest: Any = None
    taken = int(receiver.grpc.rpartition(":")[2])
    with pytest.raises(PortTaken, match=r"--otlp-grpc 127\.0\.0\.1:\d+$"):
        GrpcServer(ingest, f"127.0.0.1:{taken}", max_request_bytes=1).start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match="--otlp-grpc"):
            GrpcServer(ingest, f"127.0.0.1:{port}", max_request_bytes=1).start()
        with pytest.raises(PortTaken, match="--otlp-http"):
            http_server(ingest, f"127.0.0.1:{port}", max_request_bytes=1).start()


def test_an_address_that_is_none_is_a_usage_error() -> None:
    """A typing mistake on the command line, not a fault of the machine."""
    with pytest.raises(UsageError, match="--otlp-grpc"):
        GrpcServer(None, "nonsense", max_request_bytes=1)  # type: ignore[arg-type]

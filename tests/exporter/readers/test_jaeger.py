"""What Jaeger asks and gets, call by call; `tests/stack` has the real Jaeger."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status, TracesData

from handspan_exporter.access.guard import Guard
from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.jaeger.kinds import kinds
from handspan_exporter.jaeger.messages import DEPENDENCY_READER, TRACE_READER, message
from handspan_exporter.jaeger.server import JaegerServer
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import Counters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

BEGAN_NS = 1_767_225_600_123_456_789
NEVER_DAYS = 10_000
ANNOUNCED = """
INSERT INTO otel_logs
    (Timestamp, TraceId, SpanId, ServiceName, Body, EventName, LogAttributes, ResourceAttributes)
SELECT
    fromUnixTimestamp64Nano({at:Int64}), {trace:String}, {span:String}, 'shop', 'run',
    'handspan.started',
    map('handspan.parent_span_id', '000000000000000b', 'handspan.attempt', '2'),
    map('service.name', 'shop')
"""


def text(value: str) -> AnyValue:
    """Return a string value."""
    return AnyValue(string_value=value)


def pairs(**values: AnyValue) -> list[KeyValue]:
    """Return attributes; two underscores in a name stand for a dot."""
    return [KeyValue(key=name.replace("__", "."), value=value) for name, value in values.items()]


def span(trace: int, number: int, name: str, **fields: Any) -> Span:  # noqa: ANN401
    """Return a span of a second."""
    return Span(
        **{
            "trace_id": trace.to_bytes(16, "big"),
            "span_id": number.to_bytes(8, "big"),
            "name": name,
            "kind": Span.SPAN_KIND_CLIENT,
            "start_time_unix_nano": BEGAN_NS + number,
            "end_time_unix_nano": BEGAN_NS + number + 1_000_000_000,
            **fields,
        }
    )


def sent() -> ExportTraceServiceRequest:
    """Return two traces over two services, with everything that the table can hold."""
    request = ExportTraceServiceRequest()
    shop = request.resource_spans.add()
    shop.resource.attributes.extend(pairs(service__name=text("shop"), region=text("eu")))
    scope = shop.scope_spans.add()
    scope.scope.name, scope.scope.version = "tests", "1.0"
    root = span(1, 1, "checkout", trace_state="a=1", kind=Span.SPAN_KIND_SERVER)
    root.attributes.extend(
        pairs(
            gen_ai__usage__input_tokens=AnyValue(int_value=-(1 << 63)),
            handspan__cost__usd=AnyValue(double_value=1e-7),
            handspan__usage__partial=AnyValue(bool_value=False),
            handspan__workflow__plan=AnyValue(
                array_value=ArrayValue(values=[text("a"), text('"b"')])
            ),
            long=text("ü" * 5000),
            empty=text(""),
        )
    )
    root.events.add(time_unix_nano=BEGAN_NS + 7, name="paid", attributes=pairs(amount=text("12")))
    root.links.add(
        trace_id=(9).to_bytes(16, "big"),
        span_id=(8).to_bytes(8, "big"),
        trace_state="b=2",
        attributes=pairs(handspan__link=text("handoff")),
    )
    root.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="no stock"))
    scope.spans.extend([root, span(2, 3, "browse")])
    bank = request.resource_spans.add()
    bank.resource.attributes.extend(pairs(service__name=text("bank")))
    bank.scope_spans.add(spans=[span(1, 2, "charge", parent_span_id=(1).to_bytes(8, "big"))])
    return request


@pytest.fixture(scope="module")
def store(engine: Dsn) -> Iterator[tuple[Dsn, Connection]]:
    """Return a database with the two traces, one of them delivered twice, and a handoff."""
    dsn = replace(engine, database="jaeger")
    connection = connect(dsn)
    migrate(connection, Settings(raw_days=NEVER_DAYS, fact_days=NEVER_DAYS))
    rows = traces_table(decode(TRACES, sent().SerializeToString()))
    for number in range(2):
        connection.insert("otel_traces", rows, token=f"delivery {number}")
    connection.command(
        "INSERT INTO handoffs (trace_id, span_id, source, target, started_at, revision) SELECT 't',"
        " toString(number), 'triage', 'writer', fromUnixTimestamp64Nano({at:Int64}), 1 "
        "FROM numbers(2)",
        {"at": BEGAN_NS},
    )
    yield dsn, connection
    connection.command("DROP DATABASE jaeger")
    connection.close()


@pytest.fixture(scope="module")
def channel(
    store: tuple[Dsn, Connection], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[grpc.Channel]:
    """Return a channel to a server on the loopback interface, without tokens."""
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.json"
    with served(store[0], tokens) as opened:
        yield opened


@contextmanager
def served(dsn: Dsn, tokens: Path, **settings: Any) -> Iterator[grpc.Channel]:  # noqa: ANN401
    """Yield a channel to a server that runs for the length of the block."""
    chosen = Settings(jaeger="127.0.0.1:0", **settings)
    door = Guard(TokenFile(tokens), Counters()).door("--jaeger", chosen)
    server = JaegerServer(dsn, chosen, door=door)
    server.start()
    try:
        with grpc.insecure_channel(server.url) as channel:
            yield channel
    finally:
        server.stop()


def call(channel: grpc.Channel, name: str, request: bytes = b"", **metadata: str) -> bytes:
    """Return the answer to one call."""
    service = DEPENDENCY_READER if name == "GetDependencies" else TRACE_READER
    headers = [(key.replace("_", "-"), value) for key, value in metadata.items()]
    answer: bytes = channel.unary_unary(f"/{service}/{name}")(request, timeout=30, metadata=headers)
    return answer


def traces(channel: grpc.Channel, name: str, request: Any) -> list[TracesData]:  # noqa: ANN401
    """Return the pieces that a call is answered with."""
    stream = channel.unary_stream(f"/{TRACE_READER}/{name}")
    body = request.SerializeToString()
    return [TracesData.FromString(piece) for piece in stream(body, timeout=30)]


def by_id(*trace_ids: int) -> Any:  # noqa: ANN401
    """Return a request for traces."""
    request = message("GetTracesRequest")()
    for trace in trace_ids:
        request.query.add(trace_id=trace.to_bytes(16, "big"))
    return request


def search(**fields: Any) -> Any:  # noqa: ANN401
    """Return a search for ten traces of the time of the test's data."""
    request = message("FindTracesRequest")()
    query = request.query
    query.search_depth = fields.pop("search_depth", 10)
    for name in ("duration_min", "duration_max", "start_time_min", "start_time_max"):
        if name in fields:
            getattr(query, name).FromNanoseconds(fields.pop(name))
    for pair in fields.pop("attributes", []):  # Jaeger has a KeyValue of its own, numbered alike
        query.attributes.add().ParseFromString(pair.SerializeToString())
    for name, value in fields.items():
        setattr(query, name, value)
    return request


def test_a_whole_trace_comes_back_as_it_was_sent(channel: grpc.Channel) -> None:
    """Ids, nanoseconds, links, events, status, scope, resource; what came twice is there once."""
    found = {
        (dict(_plain(group.resource.attributes))["service.name"], one.name): (group, scope, one)
        for piece in traces(channel, "GetTraces", by_id(1))
        for group in piece.resource_spans
        for scope in group.scope_spans
        for one in scope.spans
    }
    assert sorted(found) == [("bank", "charge"), ("shop", "checkout")]
    shop = sent().resource_spans[0]
    group, scope, root = found["shop", "checkout"]
    assert _sorted(group.resource.attributes) == _sorted(shop.resource.attributes)
    assert scope.scope == shop.scope_spans[0].scope
    expected = shop.scope_spans[0].spans[0]
    assert _sorted(root.attributes) == _sorted(expected.attributes)
    del root.attributes[:], expected.attributes[:]
    assert root == expected
    charge = sent().resource_spans[1].scope_spans[0].spans[0]
    charge.status.SetInParent()
    assert found["bank", "charge"][2] == charge


def test_traces_follow_each_other_and_what_is_not_there_is_left_out(channel: grpc.Channel) -> None:
    """Jaeger joins pieces of one trace only while they follow each other."""
    pieces = traces(channel, "GetTraces", by_id(2, 77, 1))
    ids = [
        int.from_bytes(one.trace_id, "big")
        for piece in pieces
        for group in piece.resource_spans
        for scope in group.scope_spans
        for one in scope.spans
    ]
    assert ids == [2, 1, 1]
    for piece in pieces:
        within = {s.trace_id for g in piece.resource_spans for c in g.scope_spans for s in c.spans}
        assert len(within) == 1


def test_services_and_operations(channel: grpc.Channel) -> None:
    """Jaeger's lists, kinds in its own words."""
    services = message("GetServicesResponse").FromString(call(channel, "GetServices"))
    assert list(services.services) == ["bank", "shop"]
    for kind, expected in (
        ("", [("browse", "client"), ("checkout", "server")]),
        ("server", [("checkout", "server")]),
    ):
        request = message("GetOperationsRequest")(service="shop", span_kind=kind)
        answer = call(channel, "GetOperations", request.SerializeToString())
        found = message("GetOperationsResponse").FromString(answer).operations
        assert [(one.name, one.span_kind) for one in found] == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [2, 1]),
        ({"search_depth": 1}, [2]),
        ({"service_name": "bank"}, [1]),
        ({"service_name": "shop", "operation_name": "checkout"}, [1]),
        ({"service_name": "bank", "operation_name": "checkout"}, []),
        ({"attributes": pairs(region=text("eu"))}, [2, 1]),
        ({"attributes": pairs(amount=text("12"))}, [1]),
        ({"attributes": pairs(empty=text(""))}, [1]),
        ({"attributes": pairs(nowhere=text(""))}, []),
        ({"attributes": pairs(region=text("eu"), amount=text("12"))}, [1]),
        ({"attributes": pairs(gen_ai__usage__input_tokens=AnyValue(int_value=-(1 << 63)))}, [1]),
        ({"attributes": pairs(error=text("true"))}, [1]),
        ({"attributes": pairs(error=AnyValue(bool_value=True))}, [1]),
        ({"attributes": pairs(error=text("false"))}, [2, 1]),
        ({"duration_min": 1_000_000_001}, []),
        ({"duration_min": 1_000_000_000, "duration_max": 1_000_000_000}, [2, 1]),
        ({"duration_max": 999_999_999}, []),
        ({"start_time_min": BEGAN_NS + 3}, [2]),
        ({"start_time_max": BEGAN_NS + 2}, [1]),
        ({"start_time_min": -62_135_596_800 * 10**9}, [2, 1]),
    ],
)
def test_a_search_finds_what_one_span_is_all_of(
    channel: grpc.Channel, asked: dict[str, Any], expected: list[int]
) -> None:
    """By service, operation, attributes of span, resource and events, duration, time, and limit."""
    body = search(**asked).SerializeToString()
    answer = message("FindTraceIDsResponse").FromString(call(channel, "FindTraceIDs", body))
    assert [int.from_bytes(one.trace_id, "big") for one in answer.trace_ids] == expected
    whole = traces(channel, "FindTraces", search(**asked))
    spans = [s for p in whole for g in p.resource_spans for c in g.scope_spans for s in c.spans]
    assert len(spans) == sum({1: 2, 2: 1}[trace] for trace in expected)


def test_dependencies_are_calls_between_services_or_handoffs_between_agents(
    channel: grpc.Channel,
) -> None:
    """The header that Jaeger's storage sends chooses; what came twice counts once."""
    request = message("GetDependenciesRequest")()
    request.start_time.FromNanoseconds(BEGAN_NS)
    request.end_time.FromNanoseconds(BEGAN_NS + 10**9)
    body = request.SerializeToString()
    for view, expected in (
        ("services", [("shop", "bank", 1)]),
        ("handoffs", [("triage", "writer", 2)]),
    ):
        answer = call(channel, "GetDependencies", body, handspan_dependencies=view)
        found = message("GetDependenciesResponse").FromString(answer).dependencies
        assert [(one.parent, one.child, one.call_count) for one in found] == expected
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, "GetDependencies", body, handspan_dependencies="moons")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_work_that_has_not_ended_is_shown_until_now(
    store: tuple[Dsn, Connection], channel: grpc.Channel
) -> None:
    """A run that hangs is what people look for; once its end is here, it is shown once."""
    connection, began_ns = store[1], time.time_ns() - 10**10
    trace, hangs, ended = f"{5:032x}", f"{10:016x}", f"{11:016x}"
    for one in (hangs, ended):
        connection.command(ANNOUNCED, {"at": began_ns, "trace": trace, "span": one})
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.append(
        span(5, 11, "parent", start_time_unix_nano=began_ns, end_time_unix_nano=began_ns + 5)
    )
    rows = traces_table(decode(TRACES, request.SerializeToString()))
    connection.insert("otel_traces", rows, token="the end of one")  # noqa: S106 - no password
    shown = {
        one.name: one
        for piece in traces(channel, "GetTraces", by_id(5))
        for group in piece.resource_spans
        for scope in group.scope_spans
        for one in scope.spans
    }
    assert set(shown) == {"run", "parent"}
    run = shown["run"]
    assert (run.start_time_unix_nano, run.parent_span_id.hex()) == (began_ns, ended)
    assert run.end_time_unix_nano - began_ns >= 10**10
    assert run.status.message == "has not ended"
    assert _sorted(run.attributes) == _sorted(pairs(handspan__attempt=AnyValue(int_value=2)))
    asked = search(service_name="shop", operation_name="run").SerializeToString()
    answer = message("FindTraceIDsResponse").FromString(call(channel, "FindTraceIDs", asked))
    assert [one.trace_id.hex() for one in answer.trace_ids] == [trace]
    for table in ("otel_logs", "otel_traces"):
        statement = f"ALTER TABLE {table} DELETE WHERE TraceId = {{trace:String}}"
        connection.command(statement, {"trace": trace})


def test_a_token_for_reading_is_asked_for(store: tuple[Dsn, Connection], tmp_path: Path) -> None:
    """Jaeger's storage sends it as a header."""
    tokens = TokenFile(tmp_path / "tokens.json")
    reader, writer = tokens.add("jaeger", ("read",)), tokens.add("agents", ("ingest",))
    with served(store[0], tokens.path, require_tokens=True) as channel:
        for shown, code in (
            ("Bearer", grpc.StatusCode.UNAUTHENTICATED),
            ("Bearer wrong", grpc.StatusCode.UNAUTHENTICATED),
            (f"Bearer {writer}", grpc.StatusCode.PERMISSION_DENIED),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                call(channel, "GetServices", authorization=shown)
            assert refused.value.code() == code
        assert call(channel, "GetServices", authorization=f"Bearer {reader}")


def test_what_is_no_request_is_refused(channel: grpc.Channel) -> None:
    """Bytes of anybody who finds the port."""
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, "GetOperations", b"\xff\xff")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_kinds_are_those_of_the_names() -> None:
    """A name without a type would come back as text."""
    found = kinds()
    assert found["gen_ai.usage.input_tokens"] == "int"
    assert found["handspan.workflow.plan"] == "string[]"
    assert found["llm.cost.total"] == "double"
    assert "handspan.agent.name" not in found


def _plain(attributes: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    return [(one.key, one.value.string_value) for one in attributes]


def _sorted(attributes: Any) -> list[bytes]:  # noqa: ANN401
    return sorted(one.SerializeToString() for one in attributes)

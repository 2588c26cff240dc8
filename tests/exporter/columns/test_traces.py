"""Every column of otel_traces, against a second, slow reading of the same bytes."""

from __future__ import annotations

import base64
import json
import math
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.exporter.otlp.strategies import TRACES_REQUESTS

from handspan_exporter.columns.traces import COLUMNS, traces_table
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from handspan_exporter.store.connection import Connection


@settings(max_examples=100, deadline=None)
@given(st.lists(TRACES_REQUESTS, min_size=1, max_size=3))
def test_every_column_is_what_a_slow_reader_says(requests: list[ExportTraceServiceRequest]) -> None:
    """The kernels work on offsets and tags; only a reader that knows none of that can judge."""
    batches = [decode(TRACES, request.SerializeToString()) for request in requests]

    table = traces_table(pa.concat_batches(batches))

    table.validate(full=True)
    assert tuple(table.column_names) == COLUMNS
    expected = [row for request in requests for row in _rows(request)]
    found = _plain_times(table).to_pylist()
    for one, other in zip(found, expected, strict=True):
        for name in COLUMNS:
            assert one[name] == other[name], name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(string_value=""), ""),
        (AnyValue(string_value="0"), "0"),
        (AnyValue(bool_value=False), "false"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(int_value=0), "0"),
        (AnyValue(int_value=-(2**63)), "-9223372036854775808"),
        (AnyValue(double_value=0.0), "0"),
        (AnyValue(double_value=1.0), "1"),
        (AnyValue(double_value=0.1), "0.1"),
        (AnyValue(double_value=1e20), "100000000000000000000"),
        (AnyValue(double_value=1e21), "1e+21"),
        (AnyValue(double_value=1e-7), "1e-7"),
        (AnyValue(double_value=0.000001), "0.000001"),
        (AnyValue(double_value=float("nan")), "NaN"),
        (AnyValue(double_value=float("-inf")), "-Infinity"),
        (AnyValue(bytes_value=b"\x00\xff"), "AP8="),
        (AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="stop")])), '["stop"]'),
        (
            AnyValue(
                array_value=ArrayValue(values=[AnyValue(double_value=2), AnyValue(int_value=2)])
            ),
            "[2.0,2]",
        ),
        (AnyValue(), ""),
    ],
)
def test_a_value_is_written_as_the_collector_writes_it(value: AnyValue, text: str) -> None:
    """Dashboards made for the Collector's table compare these texts."""
    request = _request(Span(attributes=[KeyValue(key="k", value=value)]))

    (row,) = traces_table(decode(TRACES, request)).to_pylist()

    assert row["SpanAttributes"] == [("k", text)]


def test_the_table_takes_every_column(connection: Connection) -> None:
    """Names, order and types are the Collector's; ClickHouse itself is the judge."""
    start_ns = time.time_ns()  # older than the retention, it would vanish at once
    span = Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + 1_000_000_001,
        attributes=[KeyValue(key="a.b", value=AnyValue(int_value=7))],
        events=[Span.Event(time_unix_nano=5, name="e")],
        links=[Span.Link(trace_id=bytes(range(16)))],
    )
    table = traces_table(decode(TRACES, _request(span)))

    connection.insert("otel_traces", table, token="t-1")  # noqa: S106 - of the insert

    columns = connection.rows("DESCRIBE TABLE otel_traces")
    assert tuple(column["name"] for column in columns) == COLUMNS
    (stored,) = connection.arrow("SELECT * FROM otel_traces").to_pylist()
    assert stored["TraceId"] == "000102030405060708090a0b0c0d0e0f"
    assert stored["Timestamp"].value == start_ns
    assert stored["Duration"] == 1_000_000_001
    assert stored["SpanKind"] == "Client"
    assert dict(stored["SpanAttributes"]) == {"a.b": "7"}
    assert stored["Events.Name"] == ["e"]
    assert stored["Links.TraceId"] == ["000102030405060708090a0b0c0d0e0f"]


def _request(span: Span) -> bytes:
    scope = ScopeSpans(spans=[span])
    resource = ResourceSpans(scope_spans=[scope])
    return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()


def _plain_times(table: pa.Table) -> pa.Table:
    """Times as integers: Python's own datetime has no nanoseconds."""
    integers = {
        "Timestamp": pa.int64(),
        "Events.Timestamp": pa.list_(pa.int64()),
    }
    fields = [pa.field(field.name, integers.get(field.name, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def _rows(request: ExportTraceServiceRequest) -> Iterator[dict[str, Any]]:
    for resource_spans in request.resource_spans:
        resource = _map(resource_spans.resource.attributes)
        service = next((text for key, text in resource if key == "service.name"), "")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _row(span) | {
                    "ServiceName": service,
                    "ResourceAttributes": resource,
                    "ScopeName": scope_spans.scope.name,
                    "ScopeVersion": scope_spans.scope.version,
                }


def _row(span: Span) -> dict[str, Any]:
    kinds = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
    return {
        "Timestamp": _time(span.start_time_unix_nano),
        "TraceId": _id(span.trace_id),
        "SpanId": _id(span.span_id),
        "ParentSpanId": _id(span.parent_span_id),
        "TraceState": span.trace_state,
        "SpanName": span.name,
        "SpanKind": kinds[span.kind] if 0 <= span.kind < 6 else "",
        "SpanAttributes": _map(span.attributes),
        "Duration": max(0, span.end_time_unix_nano - span.start_time_unix_nano),
        "StatusCode": {0: "Unset", 1: "Ok", 2: "Error"}.get(span.status.code, ""),
        "StatusMessage": span.status.message,
        "Events.Timestamp": [_time(event.time_unix_nano) for event in span.events],
        "Events.Name": [event.name for event in span.events],
        "Events.Attributes": [_map(event.attributes) for event in span.events],
        "Links.TraceId": [_id(link.trace_id) for link in span.links],
        "Links.SpanId": [_id(link.span_id) for link in span.links],
        "Links.TraceState": [link.trace_state for link in span.links],
        "Links.Attributes": [_map(link.attributes) for link in span.links],
    }


def _time(nanoseconds: int) -> int:
    return min(nanoseconds, 2**63 - 1)


def _id(octets: bytes) -> str:
    return octets.hex() if any(octets) else ""


def _map(attributes: Iterable[KeyValue]) -> list[tuple[str, str]]:
    return [(pair.key, _text(pair.value)) for pair in attributes]


def _text(value: AnyValue) -> str:
    match _plain(value):
        case None:
            return ""
        case bool() as truth:
            return str(truth).lower()
        case float() as number:
            return _number(number)
        case list() | dict() as nested:
            return json.dumps(nested, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        case plain:
            return str(plain)


def _plain(value: AnyValue) -> Any:  # noqa: ANN401
    readers: dict[str, Callable[[], Any]] = {
        "string_value": lambda: value.string_value,
        "bool_value": lambda: value.bool_value,
        "int_value": lambda: value.int_value,
        "double_value": lambda: value.double_value,
        "bytes_value": lambda: base64.b64encode(value.bytes_value).decode(),
        "array_value": lambda: [_in_json(one) for one in value.array_value.values],
        "kvlist_value": lambda: {
            pair.key: _in_json(pair.value) for pair in value.kvlist_value.values
        },
    }
    return readers.get(str(value.WhichOneof("value")), lambda: None)()


def _in_json(value: AnyValue) -> Any:  # noqa: ANN401
    plain = _plain(value)
    odd = isinstance(plain, float) and not math.isfinite(plain)
    return _number(plain) if odd else plain


def _number(number: float) -> str:
    """Return ECMAScript's number to string, from Python's shortest digits."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent
    text = "".join(map(str, digits))
    minus = "-" if sign else ""
    if number == 0:
        return f"{minus}0"
    if 0 < point <= 21:
        whole = text[:point].ljust(point, "0")
        return minus + whole + (f".{text[point:]}" if len(text) > point else "")
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[0]}{'.' + text[1:] if text[1:] else ''}e{point - 1:+d}"

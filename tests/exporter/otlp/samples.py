"""Valid requests by chance, fast: every kind of value and field, at the present time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

if TYPE_CHECKING:
    from random import Random

_TEXTS = ("", "chat", "gpt-5", "é" * 9, "a<b>&c", '"quoted"\n', "\u2028", "x" * 130, "0", "🦊")
_INTEGERS = (0, 1, -1, 7, 300, 2**31, 2**53 + 1, -(2**63), 2**63 - 1)
_DOUBLES = (0.0, -0.0, 1.0, 0.1, -2.5, 1e-7, 1e20, 1e21, 1e300, 5e-324, 123456789.125)
_ODD_DOUBLES = (float("nan"), float("inf"), float("-inf"))


def traces_request(chance: Random, now_ns: int) -> ExportTraceServiceRequest:
    """Return a request of one to four spans that Handspan and the Collector both take."""
    spans = [_span(chance, now_ns) for _ in range(chance.randrange(1, 5))]
    scope = ScopeSpans(scope=_scope(chance), spans=spans, schema_url="http://scope")
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=_resource(chance), scope_spans=[scope])]
    )


def logs_request(chance: Random, now_ns: int) -> ExportLogsServiceRequest:
    """Return a request of one to four log records that Handspan and the Collector both take."""
    records = [_record(chance, now_ns) for _ in range(chance.randrange(1, 5))]
    scope = ScopeLogs(scope=_scope(chance), log_records=records, schema_url="http://scope")
    resource = ResourceLogs(
        resource=_resource(chance), scope_logs=[scope], schema_url="http://resource"
    )
    return ExportLogsServiceRequest(resource_logs=[resource])


def _span(chance: Random, now_ns: int) -> Span:
    began_ns = now_ns - chance.randrange(10**9)
    return Span(
        trace_id=_id(chance, 16),
        span_id=_id(chance, 8),
        parent_span_id=chance.choice((b"", _id(chance, 8))),
        trace_state=chance.choice(("", "vendor=1")),
        name=chance.choice(_TEXTS),
        kind=chance.choice(Span.SpanKind.values()),
        start_time_unix_nano=began_ns,
        end_time_unix_nano=began_ns + chance.choice((0, 1, 10**9 + 1)),
        attributes=_attributes(chance),
        dropped_attributes_count=chance.randrange(3),
        events=[
            Span.Event(
                time_unix_nano=began_ns, name=chance.choice(_TEXTS), attributes=_attributes(chance)
            )
            for _ in range(chance.randrange(3))
        ],
        links=[
            Span.Link(
                trace_id=_id(chance, 16),
                span_id=_id(chance, 8),
                trace_state=chance.choice(_TEXTS),
                attributes=_attributes(chance),
            )
            for _ in range(chance.randrange(2))
        ],
        status=Status(
            code=chance.choice(Status.StatusCode.values()), message=chance.choice(_TEXTS)
        ),
        flags=chance.choice((0, 1, 0x301)),
    )


def _record(chance: Random, now_ns: int) -> LogRecord:
    traced = chance.random() < 0.5
    observed = chance.random() < 0.3
    return LogRecord(
        time_unix_nano=0 if observed else now_ns,
        observed_time_unix_nano=now_ns + 1,
        severity_number=chance.choice(SeverityNumber.values()),
        severity_text=chance.choice(("", "INFO", "error")),
        body=_value(chance, 2),
        attributes=_attributes(chance),
        flags=chance.choice((0, 1)),
        trace_id=_id(chance, 16) if traced else b"",
        span_id=_id(chance, 8) if traced else b"",
        event_name=chance.choice(("", "handspan.started")),
    )


def _scope(chance: Random) -> InstrumentationScope:
    return InstrumentationScope(
        name=chance.choice(_TEXTS),
        version=chance.choice(("", "1.0")),
        attributes=_attributes(chance),
    )


def _resource(chance: Random) -> Resource:
    service = KeyValue(key="service.name", value=AnyValue(string_value=chance.choice(_TEXTS)))
    return Resource(attributes=[service, *_attributes(chance)])


def _attributes(chance: Random) -> list[KeyValue]:
    """Return attributes with different keys."""
    numbers = range(chance.randrange(5))
    return [KeyValue(key=f"k.{number}", value=_value(chance, 2)) for number in numbers]


def _value(chance: Random, depth: int) -> AnyValue:
    kind = chance.randrange(8 if depth else 6)
    if kind == 6:
        inner = [_value(chance, depth - 1) for _ in range(chance.randrange(3))]
        return AnyValue(array_value=ArrayValue(values=inner))
    if kind == 7:
        names = range(chance.randrange(3))
        pairs = [KeyValue(key=f"n{name}", value=_value(chance, depth - 1)) for name in names]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    return _scalar(chance, kind)


def _scalar(chance: Random, kind: int) -> AnyValue:
    if kind == 0:
        return AnyValue(int_value=chance.choice(_INTEGERS))
    if kind == 1:
        return AnyValue(double_value=_double(chance))
    if kind == 2:
        return AnyValue(bool_value=chance.random() < 0.5)
    if kind == 3:
        return AnyValue(bytes_value=chance.randbytes(chance.randrange(5)))
    return AnyValue() if kind == 4 else AnyValue(string_value=chance.choice(_TEXTS))


def _double(chance: Random) -> float:
    """Return any double at all, often a telling one."""
    some: float = struct.unpack("<d", chance.randbytes(8))[0]
    return chance.choice((*_DOUBLES, *_ODD_DOUBLES, some, some))


def _id(chance: Random, size: int) -> bytes:
    return chance.randbytes(size - 1) + b"\1"

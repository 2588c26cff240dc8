"""Traces for the comparison with Jaeger: a few with everything in them, and one of 30,000 spans."""

from __future__ import annotations

import time
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

BEGAN_US: Final = int(time.time()) * 1_000_000 - 3600 * 1_000_000
"""An hour ago: spans older than the retention would not be taken."""
LARGE_SPANS: Final = 30_000
SMALL_TRACES: Final = tuple(f"{number:032x}" for number in range(1, 7))
FAILED_TRACE: Final = SMALL_TRACES[4]
LARGE_TRACE: Final = "f" * 32
UNKNOWN_TYPES: Final = frozenset({"items", "ratio", "open"})
"""Attributes whose type no convention says: from Handspan they come as text."""


def small() -> ExportTraceServiceRequest:
    """Return six traces: a sale at the shop, its handoff, and a charge at the bank."""
    request = ExportTraceServiceRequest()
    shop = _service(request, "shop", region="eu")
    bank = _service(request, "bank", region="us")
    for number, trace in enumerate(SMALL_TRACES, start=1):
        began_ns = BEGAN_US * 1000 + number * 10**9 + number
        sale = _span(trace, 1, "" if number % 2 else "browse", began_ns, number * 400_000_000)
        sale.name = sale.name or "sale"
        _fill(sale, number)
        shop.spans.append(sale)
        handoff = _span(trace, 2, "handoff triage writer", began_ns + 10, 1_000_000)
        handoff.parent_span_id = sale.span_id
        handoff.attributes.extend(
            _pairs(
                {
                    "handspan.kind": "handoff",
                    "handspan.handoff.source": "triage",
                    "handspan.handoff.target": "writer",
                }
            )
        )
        shop.spans.append(handoff)
        charge = _span(trace, 3, "charge", began_ns + 20, number * 5_000_000)
        charge.parent_span_id = sale.span_id
        charge.kind = Span.SPAN_KIND_SERVER
        bank.spans.append(charge)
    return request


def large() -> ExportTraceServiceRequest:
    """Return one trace of 30,000 spans, each below the one a hundred before it."""
    request = ExportTraceServiceRequest()
    scope = _service(request, "warehouse", region="eu")
    began_ns = BEGAN_US * 1000 + 10**11
    for number in range(1, LARGE_SPANS + 1):
        span = _span(LARGE_TRACE, number, f"step {number % 7}", began_ns + number, 1_000_000)
        if number > 100:
            span.parent_span_id = (number - 100).to_bytes(8, "big")
        span.attributes.extend(
            _pairs({"number": str(number), "handspan.attempt": number, "text": "x" * 60})
        )
        scope.spans.append(span)
    return request


def _fill(span: Span, number: int) -> None:
    span.kind = Span.SPAN_KIND_CLIENT
    span.trace_state = "vendor=1"
    span.attributes.extend(
        _pairs(
            {
                "number": str(number),
                "gen_ai.usage.input_tokens": 100 + number,
                "handspan.cost.usd": 0.25 * number,
                "handspan.usage.partial": number % 2 == 0,
                "handspan.workflow.plan": ["triage", "writer"],
                "items": number,
                "ratio": 0.5 * number + 0.125,
                "open": True,
                "empty": "",
                "text": "größe\n\t\"'\\" * number,
            }
        )
    )
    span.events.add(
        time_unix_nano=span.start_time_unix_nano + 5_000,
        name="paid",
        attributes=_pairs({"paid.with": f"card {number}"}),
    )
    span.links.add(
        trace_id=bytes.fromhex(SMALL_TRACES[0]),
        span_id=(77).to_bytes(8, "big"),
        attributes=_pairs({"handspan.link": "resumes"}),
    )
    if SMALL_TRACES[number - 1] == FAILED_TRACE:
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="declined"))


def _service(request: ExportTraceServiceRequest, name: str, **attributes: str) -> ScopeSpans:
    one = request.resource_spans.add()
    one.resource.attributes.extend(_pairs({"service.name": name, **attributes}))
    scope = one.scope_spans.add()
    scope.scope.name, scope.scope.version = "tests.stack", "2.0"
    return scope


def _span(trace: str, number: int, name: str, began_ns: int, duration_ns: int) -> Span:
    return Span(
        trace_id=bytes.fromhex(trace),
        span_id=number.to_bytes(8, "big"),
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=began_ns,
        end_time_unix_nano=began_ns + duration_ns,
    )


def _pairs(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:  # noqa: ANN401
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_value(one) for one in value]))
    return AnyValue(string_value=value)

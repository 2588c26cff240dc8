"""Recordings as requests, and what a backend that knows the standard names alone makes of them."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from stack.collector.normalising import FOREIGN

from handspan_exporter.columns import mapping
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span
    from tests.exporter.conventions.replaying import Recording

Json = dict[str, Any]

NOT_EXPRESSED = ("convention", "received_at")
"""Whose names a span used is gone once it uses the standard ones."""

LOCAL_NAMES = frozenset(
    {*FOREIGN, *(rule.key for rule in mapping.KIND_RULES if rule.convention != mapping.HANDSPAN)}
)
"""What a backend that knows the standard names alone does not read."""


def whole(recording: Recording) -> ExportTraceServiceRequest:
    """Return a recording as one request."""
    return _request(recording.requests)


def by_service(file: Path) -> dict[str, list[Json]]:
    """Return what a Collector wrote to a file, by service."""
    found: dict[str, list[Json]] = {}
    complete, _, _ = file.read_text(encoding="utf-8").rpartition("\n")
    for line in complete.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            found.setdefault(_service(resource), []).append({"resourceSpans": [resource]})
    return found


def spans(requests: list[Json]) -> list[Json]:
    """Return all spans of requests."""
    return [
        span
        for one in requests
        for resource in one["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope.get("spans", [])
    ]


def as_sent(requests: list[Json]) -> dict[bytes, Span]:
    """Return all spans of requests as OTLP has them, by their ids."""
    return {
        span.span_id: span
        for resource in _request(requests).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def differences(recording: Recording, normalised: list[Json]) -> list[Any]:
    """Return where the typed rows of spans in standard names alone differ from the recording's."""
    raw = _rows(recording.requests)
    assert raw
    told = _rows(_standard_only(copy.deepcopy(normalised)))
    assert told.keys() == raw.keys()
    return [
        (key, name, row[name], told[key][name])
        for key, row in raw.items()
        for name in row
        if row[name] != told[key][name] and not _allowed(name, row, told[key])
    ]


def _request(requests: list[Json]) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(_protobuf(requests))


def _protobuf(requests: list[Json]) -> bytes:
    return to_protobuf(TRACES, json.dumps(_joined(requests)).encode())


def _joined(requests: list[Json]) -> Json:
    return {"resourceSpans": [part for one in requests for part in one["resourceSpans"]]}


def _service(resource: Json) -> str:
    (name,) = (
        one["value"]["stringValue"]
        for one in resource["resource"]["attributes"]
        if one["key"] == "service.name"
    )
    return str(name)


def _standard_only(requests: list[Json]) -> list[Json]:
    """Take away the names of other conventions, and who recorded the spans; return these."""
    for one in requests:
        for resource in one["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                scope["scope"] = {}
    for span in spans(requests):
        span["attributes"] = [
            one for one in span.get("attributes", []) if one["key"] not in LOCAL_NAMES
        ]
    return requests


def _rows(requests: list[Json]) -> dict[tuple[str, str], Json]:
    """Return the agent spans of the requests, by trace and span."""
    batch = decode(TRACES, _protobuf(requests))
    table = agent_spans_table(traces_table(batch), 0).drop_columns(list(NOT_EXPRESSED))
    return {(row["trace_id"], row["span_id"]): row for row in table.to_pylist()}


def _allowed(name: str, raw: Json, told: Json) -> bool:
    """Tell whether a column may differ, and does so as the README says."""
    if name == "status":
        # Which scopes never say that a workflow failed is told by their name alone.
        return bool(raw[name] == mapping.UNTOLD)
    # An agent that only its instrumentor names is, once it has the standard name, the source too.
    return bool(name == "handoff_source" and not raw[name] and told[name] == raw["agent"])

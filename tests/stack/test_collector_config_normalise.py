"""normalise.yaml in the real Collector: every recording, told again in standard names alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from stack.collector.normalising import FOREIGN, STANDARD
from tests.end_to_end.processes import wait_for
from tests.exporter.conventions.replaying import Recording, recordings
from tests.stack.collector.sending import export
from tests.stack.collector.shipped import Shipped

from handspan_exporter.columns import mapping
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

Json = dict[str, Any]

NOT_EXPRESSED = ("convention", "received_at")
"""Whose names a span used is gone once it uses the standard ones."""

LOCAL_NAMES = frozenset(
    {*FOREIGN, *(rule.key for rule in mapping.KIND_RULES if rule.convention != mapping.HANDSPAN)}
)
"""What a backend that knows the standard names alone does not read."""


@pytest.fixture(scope="module")
def normalised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Json]]]:
    """Return what left the Collector, by service."""
    folder = tmp_path_factory.mktemp("normalised")
    file = folder / "spans.json"
    sent = recordings()
    with Shipped("to_file", folder, {"FILE": str(file)}) as backend:
        with Shipped("normalise", folder, {"BACKEND": backend.address}) as collector:
            for one in sent:
                export(collector.address, _request(_joined(one.requests)))
        wanted = sum(len(_spans(one.requests)) for one in sent)
        wait_for(lambda: len(_spans(_lines(file))) == wanted, f"{wanted} spans")
        assert '"error"' not in collector.said, collector.said
        found: dict[str, list[Json]] = {}
        for line in _lines(file):
            for resource in line["resourceSpans"]:
                found.setdefault(_service(resource), []).append({"resourceSpans": [resource]})
        yield found


def _request(body: Json) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(to_protobuf(TRACES, json.dumps(body).encode()))


def _joined(requests: list[Json]) -> Json:
    return {"resourceSpans": [one for request in requests for one in request["resourceSpans"]]}


def _lines(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _service(resource: Json) -> str:
    (name,) = (
        one["value"]["stringValue"]
        for one in resource["resource"]["attributes"]
        if one["key"] == "service.name"
    )
    return str(name)


def _spans(requests: list[Json]) -> list[Json]:
    return [
        span
        for request in requests
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope.get("spans", [])
    ]


def _standard_only(requests: list[Json]) -> list[Json]:
    """Return the spans without the names of other conventions, and without who recorded them."""
    for request in requests:
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                scope["scope"] = {}
    for span in _spans(requests):
        span["attributes"] = [
            one for one in span.get("attributes", []) if one["key"] not in LOCAL_NAMES
        ]
    return requests


def _rows(requests: list[Json]) -> dict[tuple[str, str], Json]:
    """Return the agent spans of the requests, by trace and span."""
    batch = decode(TRACES, to_protobuf(TRACES, json.dumps(_joined(requests)).encode()))
    table = agent_spans_table(traces_table(batch), 0).drop_columns(list(NOT_EXPRESSED))
    return {(row["trace_id"], row["span_id"]): row for row in table.to_pylist()}


def _allowed(name: str, raw: Json, told: Json) -> bool:
    """Tell whether a column may differ, and does so as the README says."""
    if name == "status":
        # Which scopes never say that a workflow failed is told by their name alone.
        return bool(raw[name] == mapping.UNTOLD)
    # An agent that only its instrumentor names is, once it has the standard name, the source too.
    return bool(name == "handoff_source" and not raw[name] and told[name] == raw["agent"])


@pytest.mark.parametrize("recording", recordings(), ids=lambda one: one.service)
def test_standard_names_alone_say_what_the_recording_said(
    normalised: dict[str, list[Json]], recording: Recording
) -> None:
    """Every column of every agent span, from a backend that has never heard of the instrumentor."""
    raw = _rows(recording.requests)
    assert raw
    told = _rows(_standard_only(normalised[recording.service]))
    different = [
        (key, name, row[name], told[key][name])
        for key, row in raw.items()
        if key in told
        for name in row
        if row[name] != told[key][name] and not _allowed(name, row, told[key])
    ]
    assert not different
    assert told.keys() == raw.keys()


def test_every_column_that_others_name_has_a_standard_name() -> None:
    """A source that is added to the mapping must not be forgotten here."""
    named = {
        column.name
        for column in mapping.COLUMNS
        for source in column.sources
        if source.convention not in (mapping.HANDSPAN, mapping.OTEL)
    }
    assert named == set(STANDARD)


def test_nothing_of_the_normaliser_itself_is_left_on_spans(
    normalised: dict[str, list[Json]],
) -> None:
    """What one step hands to the next is nobody's attribute."""
    keys = {
        one["key"]
        for requests in normalised.values()
        for span in _spans(requests)
        for one in span.get("attributes", [])
    }
    assert not [key for key in keys if key.startswith("handspan.normalise.")]

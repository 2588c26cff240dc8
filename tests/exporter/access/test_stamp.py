"""The tenant is the token's, on every resource, whatever the client says of itself."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from handspan import semconv
from handspan_exporter.access.stamp import stamped
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.errors import MalformedRequest
from handspan_exporter.otlp import native
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import TRACES


def _pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


_pairs = st.builds(_pair, st.sampled_from(["a", "service.name", semconv.TENANT]), st.text())
_resources = st.builds(Resource, attributes=st.lists(_pairs), dropped_attributes_count=st.just(7))
_spans = st.builds(
    Span,
    trace_id=st.just(b"t" * 16),
    span_id=st.just(b"s" * 8),
    start_time_unix_nano=st.just(1),
    end_time_unix_nano=st.just(2),
    attributes=st.lists(_pairs, max_size=2),
)
_requests = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=st.none() | _resources,
            scope_spans=st.lists(st.builds(ScopeSpans, spans=st.lists(_spans, max_size=2))),
            schema_url=st.text(),
        ),
        max_size=4,
    ),
)


@given(request=_requests, tenant=st.text(min_size=1))
def test_every_resource_says_the_tenant_first_and_all_else_is_as_it_was(
    request: ExportTraceServiceRequest, tenant: str
) -> None:
    """Compared with the same change made by opentelemetry-proto's own classes."""
    wanted = ExportTraceServiceRequest.FromString(request.SerializeToString())
    for one in wanted.resource_spans:
        kept = [pair for pair in one.resource.attributes if pair.key != semconv.TENANT]
        del one.resource.attributes[:]
        one.resource.attributes.extend([_pair(semconv.TENANT, tenant), *kept])

    body = stamped(request.SerializeToString(), tenant)

    assert ExportTraceServiceRequest.FromString(body) == wanted
    assert traces_table(decode(TRACES, body)) == traces_table(
        decode(TRACES, wanted.SerializeToString())
    )


def test_logs_are_stamped_as_traces_are() -> None:
    """The layout of a request is the same for every signal."""
    logs = ResourceLogs(scope_logs=[ScopeLogs(log_records=[LogRecord(severity_text="x")])])
    request = ExportLogsServiceRequest(resource_logs=[logs])

    found = ExportLogsServiceRequest.FromString(stamped(request.SerializeToString(), "acme"))

    assert found.resource_logs[0].resource.attributes[0] == _pair(semconv.TENANT, "acme")
    assert found.resource_logs[0].scope_logs == request.resource_logs[0].scope_logs


@given(first=_resources, second=_resources, tenant=st.text(min_size=1))
def test_a_resource_in_pieces_is_stamped_once(
    first: Resource, second: Resource, tenant: str
) -> None:
    """Protobuf reads the pieces as one, and so does what is stamped; other kinds are no pieces."""
    whole = ResourceSpans(resource=first, scope_spans=[ScopeSpans(spans=[Span(name="a")])])
    pieces = [one.SerializeToString() for one in (whole, ResourceSpans(resource=second))]
    varint = b"\x08\x07"  # field 1, but no message: unknown to protobuf
    inside = varint + b"".join(pieces)
    body = varint + b"\x0a" + _varint(len(inside)) + inside

    (found,) = ExportTraceServiceRequest.FromString(stamped(body, tenant)).resource_spans

    said = [*first.attributes, *second.attributes]
    kept = [pair for pair in said if pair.key != semconv.TENANT]
    assert list(found.resource.attributes) == [_pair(semconv.TENANT, tenant), *kept]
    assert found.scope_spans == whole.scope_spans


def _varint(number: int) -> bytes:
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])


@pytest.mark.parametrize("own", [(), ("a", "b"), (semconv.TENANT, "service.name")])
def test_what_is_stamped_is_still_ordinary(own: tuple[str, ...]) -> None:
    """A tenant's requests cost no more than others: a second resource goes the slow way."""
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=1, end_time_unix_nano=2)
    spans = ResourceSpans(
        resource=Resource(attributes=[_pair(key, "x") for key in own]),
        scope_spans=[ScopeSpans(spans=[span])],
    )
    body = ExportTraceServiceRequest(resource_spans=[spans, spans]).SerializeToString()

    sound = native.sound(stamped(body, "acme"), oldest_ns=0, newest_ns=9)

    assert (sound.spans if sound else 0) == (2 if native.LOADED else 0)


@given(body=st.binary(max_size=60))
def test_what_is_no_protobuf_is_malformed_and_nothing_else(body: bytes) -> None:
    """Whoever sends noise gets 400, not a defect."""
    with suppress(MalformedRequest):
        stamped(body, "acme")


@pytest.mark.parametrize("body", [b"\x0a", b"\x0a\x05ab", b"\xff" * 11, b"\x0b", b"\x09abc"])
def test_a_broken_body_is_refused(body: bytes) -> None:
    """No length, too short, a number without an end, a group, too short a fixed field."""
    with pytest.raises(MalformedRequest, match="not OTLP"):
        stamped(body, "acme")

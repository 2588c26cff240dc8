"""Every request that OTLP allows, as Hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_TEXT = st.one_of(
    st.text(max_size=8),
    st.sampled_from([126, 127, 128, 129, 130, 16383, 16384, 16385]).map("x".__mul__),
    st.just(9000).map("é".__mul__),
)
_SCALAR = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=_TEXT),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, bytes_value=st.binary(max_size=6)),
    st.builds(AnyValue, string_value_strindex=st.integers(0, 9)),
)
_KEY = st.text(max_size=4)


def _nested(inner: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pair = st.builds(KeyValue, key=_KEY, value=inner)
    return st.one_of(
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3))),
        st.builds(
            AnyValue, kvlist_value=st.builds(KeyValueList, values=st.lists(pair, max_size=3))
        ),
    )


_VALUE = st.recursive(_SCALAR, _nested, max_leaves=4)
_ATTRIBUTES = st.lists(
    st.one_of(
        st.builds(KeyValue, key=_KEY, value=_VALUE),
        st.builds(KeyValue, key=st.just("service.name"), value=_SCALAR),
        st.builds(KeyValue, key=_KEY),
    ),
    max_size=5,
)
_TIME = st.one_of(st.integers(0, 2**64 - 1), st.just(1_770_000_000_123_456_789))
_TRACE_ID = st.one_of(st.binary(min_size=16, max_size=16), st.just(bytes(16)), st.just(b""))
_SPAN_ID = st.one_of(st.binary(min_size=8, max_size=8), st.just(bytes(8)), st.just(b""))
_EVENT = st.builds(
    Span.Event, time_unix_nano=_TIME, name=st.text(max_size=5), attributes=_ATTRIBUTES
)
_LINK = st.builds(
    Span.Link,
    trace_id=_TRACE_ID,
    span_id=_SPAN_ID,
    trace_state=st.text(max_size=3),
    attributes=_ATTRIBUTES,
)
_STATUS = st.builds(Status, code=st.integers(0, 4), message=st.text(max_size=4))
_SPAN = st.builds(
    Span,
    trace_id=_TRACE_ID,
    span_id=_SPAN_ID,
    parent_span_id=_SPAN_ID,
    trace_state=st.text(max_size=3),
    name=st.text(max_size=5),
    kind=st.integers(-1, 7),
    start_time_unix_nano=_TIME,
    end_time_unix_nano=_TIME,
    attributes=_ATTRIBUTES,
    events=st.lists(_EVENT, max_size=2),
    links=st.lists(_LINK, max_size=2),
    status=st.one_of(st.none(), _STATUS),
    flags=st.integers(0, 300),
    dropped_attributes_count=st.integers(0, 3),
)
_SCOPE = st.builds(
    InstrumentationScope,
    name=st.text(max_size=3),
    version=st.text(max_size=3),
    attributes=_ATTRIBUTES,
)
_SCOPE_SPANS = st.builds(
    ScopeSpans,
    scope=st.one_of(st.none(), _SCOPE),
    spans=st.lists(_SPAN, max_size=3),
    schema_url=st.text(max_size=3),
)
_ENTITY = st.builds(EntityRef, type=st.text(max_size=3), id_keys=st.lists(_KEY, max_size=2))
_RESOURCE = st.builds(Resource, attributes=_ATTRIBUTES, entity_refs=st.lists(_ENTITY, max_size=1))
_RESOURCE_SPANS = st.builds(
    ResourceSpans,
    resource=st.one_of(st.none(), _RESOURCE),
    scope_spans=st.lists(_SCOPE_SPANS, max_size=2),
    schema_url=st.text(max_size=3),
)
TRACES_REQUESTS = st.builds(
    ExportTraceServiceRequest, resource_spans=st.lists(_RESOURCE_SPANS, max_size=2)
)
_RECORD = st.builds(
    LogRecord,
    time_unix_nano=_TIME,
    observed_time_unix_nano=_TIME,
    severity_number=st.integers(-1, 300),
    severity_text=st.text(max_size=4),
    body=st.one_of(st.none(), _VALUE),
    attributes=_ATTRIBUTES,
    dropped_attributes_count=st.integers(0, 3),
    flags=st.integers(0, 2**32 - 1),
    trace_id=_TRACE_ID,
    span_id=_SPAN_ID,
    event_name=st.text(max_size=4),
)
_SCOPE_LOGS = st.builds(
    ScopeLogs,
    scope=st.one_of(st.none(), _SCOPE),
    log_records=st.lists(_RECORD, max_size=3),
    schema_url=st.text(max_size=3),
)
_RESOURCE_LOGS = st.builds(
    ResourceLogs,
    resource=st.one_of(st.none(), _RESOURCE),
    scope_logs=st.lists(_SCOPE_LOGS, max_size=2),
    schema_url=st.text(max_size=3),
)
LOGS_REQUESTS = st.builds(
    ExportLogsServiceRequest, resource_logs=st.lists(_RESOURCE_LOGS, max_size=2)
)

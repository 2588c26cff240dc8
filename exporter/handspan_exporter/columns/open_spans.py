"""The columns of `open_spans`: spans that were announced because they stay open.

A log record `handspan.started` has the ids, the start and the attributes of its span, so it is read
as that span would be; only how it ends is not there yet.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from handspan import semconv
from handspan_exporter.columns.agent_spans import READS, SCHEMA, agent_spans_table

_LASTING: Final = pa.array(["workflow", "agent", "handoff", "human"])
"""Kinds of span that are announced; anything else that a stranger announces counts nowhere."""

_SCHEMA: Final = SCHEMA.append(pa.field("instance", pa.string()))


def open_spans_table(logs: pa.Table, received_at_ns: int) -> pa.Table:
    """Return a row for each record among rows of `otel_logs` that announces a span.

    Total, as `agent_spans_table` is. `received_at_ns` (Unix time) is when the records came.
    """
    announced = pc.equal(logs["EventName"], semconv.EVENT_STARTED)
    identified = pc.and_(pc.not_equal(logs["TraceId"], ""), pc.not_equal(logs["SpanId"], ""))
    records = logs.filter(pc.and_(announced, identified)).combine_chunks()
    if not records.num_rows:
        return _SCHEMA.empty_table()
    spans = agent_spans_table(_as_traces(records), received_at_ns)
    spans = spans.filter(pc.is_in(spans["kind"], value_set=_LASTING))
    return spans.append_column("instance", _instances(records, spans))


def _as_traces(records: pa.Table) -> pa.Table:
    """Return the records as rows of `otel_traces`."""
    rows = records.num_rows
    parents = pc.map_lookup(records["LogAttributes"], pa.scalar(semconv.PARENT_SPAN_ID), "first")
    nothing = pa.repeat(pa.scalar(""), rows)
    known = {
        "Timestamp": records["Timestamp"],
        "TraceId": records["TraceId"],
        "SpanId": records["SpanId"],
        "ParentSpanId": parents.fill_null(""),
        "SpanName": records["Body"],
        "ServiceName": records["ServiceName"],
        "ScopeName": records["ScopeName"],
        "SpanAttributes": records["LogAttributes"],
        "Duration": pa.repeat(pa.scalar(0, pa.uint64()), rows),
        "StatusCode": nothing,
        "StatusMessage": nothing,
    }
    return pa.table({name: known.get(name, _no_items(name, rows)) for name in READS})


def _no_items(name: str, rows: int) -> pa.Array:
    """Return an empty list for each row: what has not ended has no events and links yet."""
    attributes = name.endswith(".Attributes")
    kind = pa.map_(pa.string(), pa.string()) if attributes else pa.string()
    return pa.repeat(pa.scalar([], pa.list_(kind)), rows)


def _instances(records: pa.Table, spans: pa.Table) -> pa.Array:
    """Return who has each span open: `spans` are some of the records, in any order."""
    said = pc.map_lookup(
        records["ResourceAttributes"], pa.scalar(semconv.SERVICE_INSTANCE_ID), "first"
    )
    own = pc.binary_join_element_wise(records["TraceId"], records["SpanId"], "\0")
    wanted = pc.binary_join_element_wise(spans["trace_id"], spans["span_id"], "\0")
    places = pc.index_in(wanted, value_set=own.combine_chunks())
    return said.fill_null("").combine_chunks().take(places.combine_chunks())

"""The columns of `otel_traces`: names, order and spelling of the Collector's clickhouseexporter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.fields import hexes, maps, of_owner, timestamps
from handspan_exporter.otlp.levels import flat

SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
"""By number; one that OpenTelemetry does not know yet becomes ''."""
STATUS_CODES = ("Unset", "Ok", "Error")


def traces_table(batch: pa.RecordBatch) -> pa.Table:
    """Return the spans of a decoded batch, one row each, in the order of the wire.

    Total: it fails on nothing that `otlp.decode.decode` accepts. Missing ids are '' (so
    are ids of only zeros), int 0, false and '' stay what they are, an absent attribute is absent.
    Of a key that stands twice in one map both stay, and a lookup finds the first. Times and
    durations are exact; a time past the year 2262 becomes the last nanosecond that fits.
    """
    levels = flat(batch)
    spans = levels.items
    start, end = spans.field("start_time_unix_nano"), spans.field("end_time_unix_nano")
    status = spans.field("status")
    columns = {
        "Timestamp": timestamps(start),
        "TraceId": hexes(spans.field("trace_id")),
        "SpanId": hexes(spans.field("span_id")),
        "ParentSpanId": hexes(spans.field("parent_span_id")),
        "TraceState": spans.field("trace_state"),
        "SpanName": spans.field("name").dictionary_encode(),
        "SpanKind": _named(spans.field("kind"), SPAN_KINDS),
        **of_owner(levels),
        "SpanAttributes": maps(spans.field("attributes")),
        "Duration": _durations(start, end),
        "StatusCode": _named(status.field("code"), STATUS_CODES),
        "StatusMessage": status.field("message"),
        **_events(spans.field("events")),
        **_links(spans.field("links")),
    }
    return pa.table({name: columns[name] for name in COLUMNS})


COLUMNS = (
    "Timestamp",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "TraceState",
    "SpanName",
    "SpanKind",
    "ServiceName",
    "ResourceAttributes",
    "ScopeName",
    "ScopeVersion",
    "SpanAttributes",
    "Duration",
    "StatusCode",
    "StatusMessage",
    "Events.Timestamp",
    "Events.Name",
    "Events.Attributes",
    "Links.TraceId",
    "Links.SpanId",
    "Links.TraceState",
    "Links.Attributes",
)
"""As the Collector inserts them (its `traces_insert.sql`)."""


def trace_times_table(traces: pa.Table) -> pa.Table:
    """Return from when to when each trace has spans: the rows of `otel_traces_trace_id_ts`."""
    times = traces.group_by("TraceId", use_threads=False).aggregate(
        [("Timestamp", "min"), ("Timestamp", "max")]
    )
    seconds = pa.timestamp("s")
    return pa.table(
        {
            "TraceId": times["TraceId"],
            "Start": times["Timestamp_min"].cast(seconds, safe=False),
            "End": times["Timestamp_max"].cast(seconds, safe=False),
        }
    )


def _events(events: pa.ListArray) -> dict[str, pa.Array]:
    every = events.flatten()
    return {
        "Events.Timestamp": _like(events, timestamps(every.field("time_unix_nano"))),
        "Events.Name": _like(events, every.field("name")),
        "Events.Attributes": _like(events, maps(every.field("attributes"))),
    }


def _links(links: pa.ListArray) -> dict[str, pa.Array]:
    every = links.flatten()
    return {
        "Links.TraceId": _like(links, hexes(every.field("trace_id"))),
        "Links.SpanId": _like(links, hexes(every.field("span_id"))),
        "Links.TraceState": _like(links, every.field("trace_state")),
        "Links.Attributes": _like(links, maps(every.field("attributes"))),
    }


def _like(lists: pa.ListArray, values: pa.Array) -> pa.ListArray:
    """Return lists as long as the given ones, of other values."""
    return pa.ListArray.from_arrays(lists.offsets, values)


def _durations(start: pa.UInt64Array, end: pa.UInt64Array) -> pa.Array:
    """Return end - start, 0 where the end comes first."""
    return pc.subtract(pc.max_element_wise(start, end), start)


def _named(numbers: pa.Int32Array, names: tuple[str, ...]) -> pa.DictionaryArray:
    known = np.asarray(numbers)
    index = np.where((known >= 0) & (known < len(names)), known, len(names))
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array([*names, ""]))

"""The columns of `otel_traces`: names, order and spelling of the Collector's clickhouseexporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.any_value import texts
from handspan_exporter.otlp.spans import flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from handspan_exporter.otlp.spans import Flat

SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
"""By number; one that OpenTelemetry does not know yet becomes ''."""
STATUS_CODES = ("Unset", "Ok", "Error")

_HEX = np.array([int.from_bytes(b"%02x" % octet, "little") for octet in range(256)], "<u2")
_SERVICE_NAME = "service.name"


def traces_table(batch: pa.RecordBatch) -> pa.Table:
    """Return the spans of a decoded batch, one row each, in the order of the wire.

    Total: it fails on nothing that `otlp.decode.decode_traces` accepts. Missing ids are '' (so
    are ids of only zeros), int 0, false and '' stay what they are, an absent attribute is absent.
    Of a key that stands twice in one map both stay, and a lookup finds the first. Times and
    durations are exact; a time past the year 2262 becomes the last nanosecond that fits.
    """
    levels = flat(batch)
    spans = levels.spans
    start, end = spans.field("start_time_unix_nano"), spans.field("end_time_unix_nano")
    status = spans.field("status")
    columns = {
        "Timestamp": _timestamps(start),
        "TraceId": _hex(spans.field("trace_id")),
        "SpanId": _hex(spans.field("span_id")),
        "ParentSpanId": _hex(spans.field("parent_span_id")),
        "TraceState": spans.field("trace_state"),
        "SpanName": spans.field("name").dictionary_encode(),
        "SpanKind": _named(spans.field("kind"), SPAN_KINDS),
        **_of_owner(levels),
        "SpanAttributes": _map(spans.field("attributes")),
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


def _of_owner(levels: Flat) -> dict[str, pa.Array]:
    """Return what a span has from its resource and its scope."""
    resource, scope = pa.array(levels.resource_of_span), pa.array(levels.scope_of_span)
    attributes = _map(levels.resources.field("resource").field("attributes"))
    service = pc.map_lookup(attributes, pa.scalar(_SERVICE_NAME), "first").fill_null("")
    described = levels.scopes.field("scope")
    return {
        "ServiceName": service.dictionary_encode().take(resource),
        "ResourceAttributes": attributes.take(resource),
        "ScopeName": described.field("name").take(scope),
        "ScopeVersion": described.field("version").take(scope),
    }


def _events(events: pa.ListArray) -> dict[str, pa.Array]:
    every = events.flatten()
    return {
        "Events.Timestamp": _like(events, _timestamps(every.field("time_unix_nano"))),
        "Events.Name": _like(events, every.field("name")),
        "Events.Attributes": _like(events, _map(every.field("attributes"))),
    }


def _links(links: pa.ListArray) -> dict[str, pa.Array]:
    every = links.flatten()
    return {
        "Links.TraceId": _like(links, _hex(every.field("trace_id"))),
        "Links.SpanId": _like(links, _hex(every.field("span_id"))),
        "Links.TraceState": _like(links, every.field("trace_state")),
        "Links.Attributes": _like(links, _map(every.field("attributes"))),
    }


def _like(lists: pa.ListArray, values: pa.Array) -> pa.ListArray:
    """Return lists as long as the given ones, of other values."""
    return pa.ListArray.from_arrays(lists.offsets, values)


def _map(pairs: pa.ListArray) -> pa.MapArray:
    """Turn lists of key and raw value into maps of text."""
    every = pairs.flatten()
    return pa.MapArray.from_arrays(pairs.offsets, every.field("key"), texts(every.field("value")))


def _timestamps(nanoseconds: pa.UInt64Array) -> pa.Array:
    return pc.min_element_wise(nanoseconds, _LAST).view(pa.timestamp("ns"))


_LAST = pa.scalar((1 << 63) - 1, pa.uint64())


def _durations(start: pa.UInt64Array, end: pa.UInt64Array) -> pa.Array:
    """Return end - start, 0 where the end comes first."""
    return pc.subtract(pc.max_element_wise(start, end), start)


def _named(numbers: pa.Int32Array, names: tuple[str, ...]) -> pa.DictionaryArray:
    known = np.asarray(numbers)
    index = np.where((known >= 0) & (known < len(names)), known, len(names))
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array([*names, ""]))


def _hex(ids: pa.BinaryArray) -> pa.StringArray:
    """Return ids in lower hex, '' for an id that is missing or only zeros."""
    octets = np.frombuffer(ids.buffers()[2] or b"", np.uint8)
    offsets = np.frombuffer(ids.buffers()[1] or b"\0" * 4, np.int32)
    offsets = offsets[ids.offset : ids.offset + len(ids) + 1]
    octets = octets[offsets[0] : offsets[-1]]
    offsets = offsets - offsets[0]
    written = _strings(_HEX[octets], offsets * 2)
    zeros = ~_any_set(octets, offsets)
    return pc.if_else(pa.array(zeros), "", written) if zeros.any() else written


def _any_set(octets: NDArray[np.uint8], offsets: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for each id whether one of its octets is not zero."""
    set_before = np.concatenate([[0], np.cumsum(octets != 0)])
    found: NDArray[np.bool_] = set_before[offsets[1:]] > set_before[offsets[:-1]]
    return found


def _strings(data: NDArray[np.uint16], offsets: NDArray[np.int32]) -> pa.StringArray:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)

"""The columns of `otel_logs`: names, order and spelling of the Collector's clickhouseexporter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.any_value import texts
from handspan_exporter.columns.fields import hexes, maps, of_owner, timestamps
from handspan_exporter.otlp.levels import flat, values


def logs_table(batch: pa.RecordBatch) -> pa.Table:
    """Return the log records of a decoded batch, one row each, in the order of the wire.

    Total: it fails on nothing that `otlp.decode.decode` accepts. A record without a time of its
    own has that of its observation. The body is a text whatever it was, as attributes are.
    """
    levels = flat(batch)
    records = levels.items
    resource, scope = pa.array(levels.resource_of_item), pa.array(levels.scope_of_item)
    columns = {
        "Timestamp": timestamps(moments(records)),
        "TraceId": hexes(records.field("trace_id")),
        "SpanId": hexes(records.field("span_id")),
        "TraceFlags": _low_octet(records.field("flags")),
        "SeverityText": records.field("severity_text").dictionary_encode(),
        "SeverityNumber": _low_octet(records.field("severity_number")),
        "Body": texts(values(records.field("body"))),
        **of_owner(levels),
        "ResourceSchemaUrl": levels.resources.field("schema_url").take(resource),
        "ScopeSchemaUrl": levels.scopes.field("schema_url").take(scope),
        "ScopeAttributes": maps(levels.scopes.field("scope").field("attributes")).take(scope),
        "LogAttributes": maps(records.field("attributes")),
        "EventName": records.field("event_name"),
    }
    return pa.table({name: columns[name] for name in COLUMNS})


COLUMNS = (
    "Timestamp",
    "TraceId",
    "SpanId",
    "TraceFlags",
    "SeverityText",
    "SeverityNumber",
    "ServiceName",
    "Body",
    "ResourceSchemaUrl",
    "ResourceAttributes",
    "ScopeSchemaUrl",
    "ScopeName",
    "ScopeVersion",
    "ScopeAttributes",
    "LogAttributes",
    "EventName",
)
"""As the Collector inserts them."""


def moments(records: pa.StructArray) -> pa.UInt64Array:
    """Return when each record happened, or was observed, in Unix ns; 0: nobody knows."""
    own, observed = records.field("time_unix_nano"), records.field("observed_time_unix_nano")
    return pc.if_else(pc.equal(own, _NONE), observed, own)


_NONE = pa.scalar(0, pa.uint64())


def _low_octet(numbers: pa.Array) -> pa.UInt8Array:
    """Return the lowest eight bits: of the flags only they have a meaning."""
    return pa.array((np.asarray(numbers) & 0xFF).astype(np.uint8))

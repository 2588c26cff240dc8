"""Rows of `otel_traces` as OTLP, in pieces that a gRPC client takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns.traces import SPAN_KINDS, STATUS_CODES
from handspan_exporter.jaeger.kinds import kinds
from handspan_exporter.otlp.encode import attributes, like, octets, span_field, traces_data

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_SPANS: Final = 2000
"""Of one piece."""
_MOST_BYTES: Final = 2 << 20
"""Of one piece: a gRPC client takes 4 MiB unless told otherwise."""


def pieces(rows: pa.Table) -> Iterator[bytes]:
    """Yield all spans of one trace as OTLP; a span that is larger than a piece comes alone.

    Args:
        rows: As sql/jaeger/spans.sql answers: rows with the same `owner` follow each other.
    """
    waiting = [
        rows.slice(first, _MOST_SPANS) for first in reversed(range(0, len(rows), _MOST_SPANS))
    ]
    while waiting:
        part = waiting.pop()
        piece = _piece(part)
        if len(piece) <= _MOST_BYTES or len(part) == 1:
            yield piece
        else:
            half = len(part) // 2
            waiting += [part.slice(half), part.slice(0, half)]


def _piece(rows: pa.Table) -> bytes:
    # Taken, not sliced: the arrays of a slice have offsets of their own.
    (batch,) = rows.take(pa.array(np.arange(len(rows)))).combine_chunks().to_batches()
    begins = _begins(batch)
    first = batch.take(pa.array(begins))
    owners = {
        "resource": attributes(first["ResourceAttributes"], kinds()),
        "scope_name": _text(first, "ScopeName"),
        "scope_version": _text(first, "ScopeVersion"),
    }
    sizes = np.diff(np.append(begins, len(batch)))
    return traces_data(_spans(batch), owners, sizes)


def _begins(batch: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return where each group of rows with one resource and scope begins."""
    group = np.asarray(batch["owner"])
    return np.flatnonzero(np.append(True, group[1:] != group[:-1]))


def _spans(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    start = batch["start_ns"].cast(pa.uint64())
    status = span_field("status")
    messages = {"message": _text(batch, "StatusMessage"), "code": _numbers(batch, "StatusCode")}
    return {
        "trace_id": octets(_text(batch, "TraceId")),
        "span_id": octets(_text(batch, "SpanId")),
        "trace_state": _text(batch, "TraceState"),
        "parent_span_id": octets(_text(batch, "ParentSpanId")),
        "name": _text(batch, "SpanName"),
        "kind": _numbers(batch, "SpanKind"),
        "start_time_unix_nano": start,
        "end_time_unix_nano": pc.add(start, batch["Duration"].cast(pa.uint64())),
        "attributes": attributes(batch["SpanAttributes"], kinds()),
        "events": _events(batch),
        "links": _links(batch),
        "status": pa.StructArray.from_arrays(
            [messages[one.name] for one in status], fields=list(status)
        ),
    }


def _events(batch: pa.RecordBatch) -> pa.ListArray:
    times = batch["event_ns"]
    fields = {
        "time_unix_nano": times.flatten().cast(pa.uint64()),
        "name": batch["Events.Name"].flatten().cast(pa.string()),
        "attributes": attributes(batch["Events.Attributes"].flatten(), kinds()),
    }
    return like(times, span_field("events"), fields)


def _links(batch: pa.RecordBatch) -> pa.ListArray:
    ids = batch["Links.TraceId"]
    fields = {
        "trace_id": octets(ids.flatten().cast(pa.string())),
        "span_id": octets(batch["Links.SpanId"].flatten().cast(pa.string())),
        "trace_state": batch["Links.TraceState"].flatten().cast(pa.string()),
        "attributes": attributes(batch["Links.Attributes"].flatten(), kinds()),
    }
    return like(ids, span_field("links"), fields)


def _text(batch: pa.RecordBatch, name: str) -> pa.StringArray:
    return batch[name].cast(pa.string())


_NUMBERS: Final = {"SpanKind": SPAN_KINDS, "StatusCode": STATUS_CODES}


def _numbers(batch: pa.RecordBatch, name: str) -> pa.Int32Array:
    """Return the number of each word; one that is not known is the first, which means unset."""
    words = pa.array(_NUMBERS[name], pa.string())
    return pc.index_in(_text(batch, name), value_set=words).fill_null(0)

"""Span events that are agent work, as if each were a span without length below its span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.columns import mapping
from handspan_exporter.columns.attributes import as_bytes, as_strings

if TYPE_CHECKING:
    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]


_LISTS: Final = ("Events.Attributes", "Links.TraceId", "Links.SpanId", "Links.Attributes")


def event_spans(batch: pa.RecordBatch) -> tuple[pa.RecordBatch | None, Positions]:
    """Return rows of `otel_traces` for the events in `mapping.EVENT_KINDS`, and the span of each.

    None where there is none. The id of such a row is the span's, a dot, and the event's number in
    the span: the same event delivered twice has the same id.
    """
    spans = np.asarray(pc.list_parent_indices(batch["Events.Name"])).astype(np.int64)
    names = as_bytes(batch["Events.Name"].flatten())
    known = pa.array([name.encode() for name in mapping.EVENT_KINDS], pa.binary())
    chosen = np.flatnonzero(np.asarray(pc.is_in(names, value_set=known)))
    times = batch["Events.Timestamp"].flatten()
    attributes = batch["Events.Attributes"].flatten()
    # Lists of one nested column are equally long; a table made by hand may differ.
    if not len(chosen) or not len(names) == len(times) == len(attributes):
        return None, np.zeros(0, np.int64)
    span_of = spans[chosen]
    number = chosen - np.searchsorted(spans, span_of)
    return _rows(batch, span_of, _Events(names, times, attributes, chosen, number)), span_of


class _Events:
    """The chosen events of a batch."""

    def __init__(
        self,
        names: pa.Array,
        times: pa.Array,
        attributes: pa.Array,
        chosen: Positions,
        number: Positions,
    ) -> None:
        places = pa.array(chosen)
        self.names = names.take(places)
        self.times = times.take(places)
        self.attributes = attributes.take(places)
        self.number = pa.array(number).cast(pa.string())


def _rows(batch: pa.RecordBatch, span_of: Positions, events: _Events) -> pa.RecordBatch:
    """Return the events with what their spans say of them; columns that they lack are empty."""
    span = {
        name: as_bytes(batch[name].take(pa.array(span_of))).fill_null(b"")
        for name in ("TraceId", "SpanId", "ServiceName", "ScopeName")
    }
    count = len(span_of)
    none = pa.array([b""] * count, pa.binary())
    dot = pa.scalar(b".", pa.binary())
    ids = pc.binary_join_element_wise(span["SpanId"], events.number.view(pa.binary()), dot)
    return pa.RecordBatch.from_pydict(
        {
            **{name: as_strings(column) for name, column in span.items()},
            "SpanId": as_strings(ids),
            "ParentSpanId": as_strings(span["SpanId"]),
            "Timestamp": events.times,
            "SpanName": as_strings(events.names),
            "SpanAttributes": events.attributes,
            "Duration": pa.array(np.zeros(count, np.uint64)),
            "StatusCode": as_strings(none),
            "StatusMessage": as_strings(none),
            **{name: _empty_lists(batch[name], count) for name in _LISTS},
        }
    )


def _empty_lists(like: pa.Array, count: int) -> pa.Array:
    return pa.ListArray.from_arrays(
        pa.array(np.zeros(count + 1, np.int32)), like.flatten().slice(0, 0)
    )

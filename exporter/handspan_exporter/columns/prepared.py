"""The requests of a segment as one, whichever decoder has read each of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from handspan_exporter.columns.fields import resources_of
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.otlp import levels, native
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.native import Sound
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Requests of traces, ready to be stored."""

    traces: pa.Table
    """Rows of `otel_traces`."""
    resources: pa.MapArray
    """The attributes of each resource."""


def joined(requests: Sequence[pa.RecordBatch | Sound]) -> pa.RecordBatch | Prepared:
    """Return all requests as one, in their order; decoded ones stay as they are if all are.

    Those that are only judged become rows, a run of them at once.
    """
    runs = [(of, list(run)) for of, run in groupby(requests, type)]
    if all(of is not Sound for of, _ in runs):
        return pa.concat_batches(requests)
    parts = [_sound_rows(run) if of is Sound else _decoded_rows(run) for of, run in runs]
    if len(parts) == 1:
        return parts[0]
    tables = pa.concat_tables([part.traces for part in parts])
    return Prepared(
        tables.unify_dictionaries().combine_chunks(),
        pa.concat_arrays([part.resources for part in parts]),
    )


def again(body: bytes) -> pa.RecordBatch | Sound:
    """Return a trace request of the journal, all of whose spans were let in when it came.

    Raises:
        MalformedRequest: a disk forgot a part of it.
    """
    return native.sound(body, oldest_ns=0, newest_ns=(1 << 64) - 1) or decode(TRACES, body)


def copied_bytes(request: pa.RecordBatch | Sound) -> int:
    """Return the bytes of resources and scopes once each row of a request has its own."""
    if isinstance(request, Sound):
        return request.copied_bytes
    return levels.copied_bytes(request)


def traces_of(batch: pa.RecordBatch | Prepared) -> pa.Table:
    """Return the rows of `otel_traces` of what `joined` has returned."""
    return batch.traces if isinstance(batch, Prepared) else traces_table(batch)


def _sound_rows(requests: Sequence[Sound]) -> Prepared:
    schema = _schema()
    found = native.rows(requests, schema, schema.field("ResourceAttributes").type)
    if found is None:
        return _decoded_rows([decode(TRACES, one.body) for one in requests])
    batch, resources = found
    return Prepared(pa.Table.from_batches([batch]), resources)


def _decoded_rows(batches: Sequence[pa.RecordBatch]) -> Prepared:
    batch = pa.concat_batches(batches)
    return Prepared(traces_table(batch), resources_of(batch))


@cache
def _schema() -> pa.Schema:
    return traces_table(decode(TRACES, b"")).schema

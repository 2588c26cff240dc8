"""Which rows are not in the store although their token is.

ClickHouse notes a token before it makes the part visible (MergeTreeSink: `addPart`, then rename).
Killed in between, it has the token and not the rows, and drops every replay without a word:
reproduced with `strace -e inject=rename:signal=SIGKILL` on engine 26.9. So whoever
inserts after a crash, or again after an unknown outcome, must look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from handspan_exporter import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.connection import Connection

_GAP_NS = 60 * 10**9
"""Rows further apart are looked for separately: one odd clock must not make us read a month."""


class _Identity(NamedTuple):
    time: str
    ids: tuple[str, ...]


_IDENTITY = {
    "otel_traces": _Identity("Timestamp", ("TraceId", "SpanId")),
    "agent_spans": _Identity("started_at", ("trace_id", "span_id")),
    "open_spans": _Identity("started_at", ("trace_id", "span_id")),
    "trace_arrivals": _Identity("arrived_at", ("arrived_at", "trace_id")),
    "otel_logs": _Identity("Timestamp", ("Timestamp", "ServiceName", "SpanId", "Body")),
}
"""Table -> by what a row of it is recognised. A log record has no id; a part is there or not."""

RECOGNISED = frozenset(_IDENTITY)
"""Tables that can be asked; of all others a row does no harm twice."""


def missing(connection: Connection, table: str, rows: pa.Table) -> pa.Table:
    """Return those rows that the table does not have.

    Raises:
        StoreDown: the store did not answer.
    """
    identity = _IDENTITY[table]
    times = np.sort(np.asarray(rows[identity.time].cast(pa.int64())))
    holes = {"table": table, "time": identity.time, "ids": ", ".join(identity.ids)}
    stored = [
        connection.arrow(sql.render("ingest/stored", holes), {"first_ns": first, "last_ns": last})
        for first, last in _stretches(times)
    ]
    wanted = pa.table({name: _text(rows[name]) for name in identity.ids})
    numbered = wanted.append_column("row", pa.array(np.arange(len(rows))))
    every = pa.concat_tables(stored)
    found = pa.table({name: _text(every[name]) for name in identity.ids})
    left = numbered.join(found, list(identity.ids), join_type="left anti")
    return rows.take(left["row"].sort())


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ids as text; a time in nanoseconds, which needs no zone."""
    moment = pa.types.is_timestamp(column.type)
    return (column.cast(pa.int64()) if moment else column).cast(pa.string())


def _stretches(times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[tuple[int, int]]:
    """Return first and last of each group of sorted times without a gap."""
    cuts = np.flatnonzero(np.diff(times) > _GAP_NS) + 1
    for group in np.split(times, cuts):
        yield int(group[0]), int(group[-1])

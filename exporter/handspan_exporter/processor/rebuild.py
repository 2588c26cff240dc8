"""Makes agent spans anew from the raw ones, and with them all facts: the numbers stay the same."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

from handspan_exporter import sql
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.processor.queue import AHEAD_NS, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from handspan_exporter.store.connection import Connection

SLICE_SPANS = 50_000
"""Raw spans read at once, about; an hour with more is cut into equal parts."""

_HOUR_NS = 3600 * SECOND_NS


def rebuild(
    connection: Connection, since_ns: int = 0, *, clock_ns: Callable[[], int] = time.time_ns
) -> int:
    """Replace the agent spans that started at `since_ns` (Unix time) or later; queue their traces.

    Facts follow as the processor ticks, from ten seconds later on. Safe to repeat and to interrupt.

    Returns:
        How many raw spans were read.

    Raises:
        QueryFailed: the store refused a statement.
        RowsRefused: the store refused the new rows.
        StoreDown: the store cannot be reached.
    """
    read = 0
    for from_ns, until_ns in _slices(connection, since_ns):
        window = {"from_ns": max(from_ns, since_ns), "until_ns": until_ns}
        traces = connection.arrow(sql.load("facts/rebuild_read"), window)
        connection.command(sql.render("facts/drop", {"table": "rebuilt"}))
        connection.command(sql.load("facts/rebuild_table"))
        connection.insert("rebuilt", agent_spans_table(traces, clock_ns()), token="")
        connection.command(sql.load("facts/rebuild_replace"))
        gone = _gone(connection, traces)
        arrived = {"arrived_ns": clock_ns() + AHEAD_NS, "gone_trace_ids": gone["trace_ids"]}
        connection.command(sql.load("facts/rebuild_arrivals"), arrived)
        if gone["span_ids"]:
            connection.command(sql.load("facts/rebuild_remove"), gone)
        read += traces.num_rows
    return read


def _gone(connection: Connection, traces: pa.Table) -> dict[str, list[str]]:
    """Return the ids of agent spans that the raw spans in `traces` yield no longer."""
    connection.command(sql.render("facts/drop", {"table": "reread"}))
    connection.command(sql.load("facts/rebuild_reread_table"))
    ids = traces.select(["TraceId", "SpanId"]).rename_columns(["trace_id", "span_id"])
    connection.insert("reread", ids, token="")
    found = connection.rows(sql.load("facts/rebuild_gone"))
    return {f"{name}s": [row[name] for row in found] for name in ("trace_id", "span_id")}


def _slices(connection: Connection, since_ns: int) -> Iterator[tuple[int, int]]:
    """Yield [from, until) in ns, each with about `SLICE_SPANS` raw spans at most."""
    for row in connection.rows(sql.load("facts/rebuild_slices"), {"since_ns": since_ns}):
        parts = -(-row["spans"] // SLICE_SPANS)
        edges = [row["hour_s"] * SECOND_NS + _HOUR_NS * part // parts for part in range(parts + 1)]
        yield from pairwise(edges)

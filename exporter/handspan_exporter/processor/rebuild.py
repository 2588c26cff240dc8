"""Makes agent spans anew from the raw ones, and with them all facts: the numbers stay the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from handspan_exporter import sql
from handspan_exporter.columns.agent_spans import READS, agent_spans_table
from handspan_exporter.processor.queue import AHEAD_NS
from handspan_exporter.processor.slices import Slices, untold

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from handspan_exporter.processor.slices import Told
    from handspan_exporter.store.connection import Connection

SLICE_SPANS: Final = 50_000
"""Raw spans read at once, at most about."""
SLICE_BYTES: Final = 64 << 20
"""Of those spans in memory, about: fewer are read at once where they say much."""
_FIRST_SPANS: Final = 5_000
_LEAST_SPANS: Final = 500


def rebuild(
    connection: Connection,
    since_ns: int = 0,
    *,
    clock_ns: Callable[[], int] = time.time_ns,
    told: Told = untold,
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
    columns = ", ".join(f"`{name}`" for name in READS)
    statement = sql.render("facts/rebuild_read", {"columns": columns})
    slices = Slices(
        connection, "facts/rebuild_counts", since_ns, most=min(_FIRST_SPANS, SLICE_SPANS)
    )
    read = 0
    told(read, slices.spans)
    for from_ns, until_ns, _ in slices:
        traces = connection.arrow(statement, {"from_ns": from_ns, "until_ns": until_ns})
        _replace(connection, traces, clock_ns)
        read += traces.num_rows
        if traces.num_rows:
            fitting = SLICE_BYTES * traces.num_rows // max(traces.nbytes, 1)
            slices.most = min(max(fitting, _LEAST_SPANS), SLICE_SPANS)
        told(read, max(slices.spans, read))
    return read


def _replace(connection: Connection, traces: pa.Table, clock_ns: Callable[[], int]) -> None:
    """Bring the agent spans of some raw spans up to date, and have their traces computed."""
    connection.command(sql.render("facts/drop", {"table": "rebuilt"}))
    connection.command(sql.load("facts/rebuild_table"))
    connection.insert("rebuilt", agent_spans_table(traces, clock_ns()), token="")
    connection.command(sql.load("facts/rebuild_replace"))
    gone = _gone(connection, traces)
    arrived = {"arrived_ns": clock_ns() + AHEAD_NS, "gone_trace_ids": gone["trace_ids"]}
    connection.command(sql.load("facts/rebuild_arrivals"), arrived)
    if gone["span_ids"]:
        connection.command(sql.load("facts/rebuild_remove"), gone)


def _gone(connection: Connection, traces: pa.Table) -> dict[str, list[str]]:
    """Return the ids of agent spans that the raw spans in `traces` yield no longer."""
    connection.command(sql.render("facts/drop", {"table": "reread"}))
    connection.command(sql.load("facts/rebuild_reread_table"))
    ids = traces.select(["TraceId", "SpanId"]).rename_columns(["trace_id", "span_id"])
    connection.insert("reread", ids, token="")
    found = connection.rows(sql.load("facts/rebuild_gone"))
    return {f"{name}s": [row[name] for row in found] for name in ("trace_id", "span_id")}

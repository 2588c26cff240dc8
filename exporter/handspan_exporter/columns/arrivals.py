"""The columns of `trace_arrivals`: which traces got agent spans, and if a run may have ended."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def arrivals_table(agent_spans: pa.Table, arrived_at_ns: int) -> pa.Table:
    """Return one row per trace of one flush, in the order in which the traces first come up."""
    root = pc.or_(
        pc.equal(agent_spans["kind"].cast(pa.string()), "workflow"),
        pc.equal(agent_spans["parent_span_id"].cast(pa.string()), ""),
    )
    rows = pa.table({"trace_id": agent_spans["trace_id"].cast(pa.string()), "root": root})
    # One thread: a replayed segment must yield the very same rows in the same order.
    traces = rows.group_by("trace_id", use_threads=False).aggregate(
        [("root", "any"), ("root", "count")]
    )
    moment = pa.scalar(arrived_at_ns, pa.timestamp("ns", "UTC"))
    return pa.table(
        {
            "arrived_at": pa.repeat(moment, len(traces)),
            "trace_id": traces["trace_id"],
            "spans": traces["root_count"].cast(pa.uint32()),
            "has_root": traces["root_any"],
        }
    )

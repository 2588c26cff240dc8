"""The columns of `trace_arrivals`: which traces got agent spans, and if a run may have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCHEMA: Final = pa.schema([("trace_id", pa.string()), ("root", pa.bool_()), ("span", pa.int64())])


def arrivals_table(
    agent_spans: pa.Table, arrived_at_ns: int, late: pa.Table | None = None
) -> pa.Table:
    """Return one row per trace of one flush, in the order in which the traces first come up.

    Args:
        agent_spans: Of the flush.
        arrived_at_ns: Unix time.
        late: What `late_spans` found: spans of others may close a gap between agent spans. A trace
            that has only such gets a row that counts no span.
    """
    root = pc.or_(
        pc.equal(agent_spans["kind"].cast(pa.string()), "workflow"),
        pc.equal(agent_spans["parent_span_id"].cast(pa.string()), ""),
    )
    came = [_rows(agent_spans["trace_id"], root, 1)]
    if late is not None and late.num_rows:
        came.append(_rows(late["TraceId"], pa.repeat(pa.scalar(False), late.num_rows), 0))
    # One thread: a replayed segment must yield the very same rows in the same order.
    traces = (
        pa.concat_tables(came)
        .group_by("trace_id", use_threads=False)
        .aggregate([("root", "any"), ("span", "sum")])
    )
    moment = pa.scalar(arrived_at_ns, pa.timestamp("ns", "UTC"))
    return pa.table(
        {
            "arrived_at": pa.repeat(moment, len(traces)),
            "trace_id": traces["trace_id"],
            "spans": traces["span_sum"].cast(pa.uint32()),
            "has_root": traces["root_any"],
        }
    )


def late_spans(traces: pa.Table, now_ns: int, idle_s: float) -> pa.Table:
    """Return the traces of those rows of `otel_traces` that may close a gap of an idle trace.

    What closes a gap began before an agent span that came `idle_s` ago; half of that is for clocks.
    The others are nearly all where spans come as they end, and need no row anywhere.

    Args:
        traces: Rows of `otel_traces`.
        now_ns: Unix time at which they are stored, or later.
        idle_s: After how many seconds without a span a trace is idle.
    """
    began_ns: NDArray[np.int64] = np.asarray(
        traces["Timestamp"].cast(pa.timestamp("ns")).cast(pa.int64())
    )
    late = (began_ns <= now_ns - int(idle_s * 5e8)) | (began_ns > now_ns)
    return traces.select(["TraceId"]).filter(pa.array(late))


def _rows(trace_ids: pa.ChunkedArray, root: pa.ChunkedArray, spans: int) -> pa.Table:
    ids = trace_ids.cast(pa.string())
    return pa.table([ids, root, pa.repeat(pa.scalar(spans), len(ids))], schema=_SCHEMA)

"""Every span's place among the spans of its trace: what is above it, and what it inherits.

Whole arrays at a time: ancestors are found by pointer doubling, so a trace may be as deep as it
likes. (A recursive statement joined all spans once per level: 0.3 s for 1,000 traces of 50 spans,
5 s for one that is 1,000 levels deep; this takes a tenth, whatever the depth.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handspan_exporter.processor.critical import critical_ns
from handspan_exporter.processor.forest import Forest

if TYPE_CHECKING:
    from handspan_exporter.processor.forest import Marks, Places

_INHERITED = (
    "workflow_id",
    "workflow",
    "project",
    "feature",
    "session_id",
    "conversation_id",
    "user_id",
)


def places(nodes: pa.Table) -> pa.Table:
    """Return a row of `work_tree` for every agent span in `nodes` (facts/work_nodes.sql)."""
    nodes = nodes.combine_chunks()
    forest = Forest(_parents(nodes))
    kind = nodes["kind"]
    agents, tools = _marks(pc.equal(kind, "agent")), _marks(pc.equal(kind, "tool"))
    usage, calls, opens = (_marks(nodes[name]) for name in ("has_usage", "is_call", "opens"))
    agent_at, opener_at = forest.at(agents), forest.at(opens)
    agent_above, opener_above = forest.above(agent_at), forest.above(opener_at)
    ids = nodes["span_id"]
    dangling = (forest.parent < 0) & ~_marks(pc.equal(nodes["parent_span_id"], ""))
    columns = {
        "trace_id": nodes["trace_id"],
        "span_id": ids,
        "depth": pa.array(forest.depth(), pa.uint32()),
        "parent_missing": pa.array(dangling),
        "in_gap": pa.array(forest.at(dangling) >= 0),
        "opener_at": _take(ids, opener_at),
        "opener_above": _take(ids, opener_above),
        "repeats_id": pa.array(_repeats(nodes["workflow_id"], opens, opener_above)),
        "topmost_agent_at": _take(ids, forest.at(agents & (agent_above < 0))),
        "agent_run": _take(ids, agent_above),
        "agent_name_at": _take(nodes["agent"], agent_at),
        "usage_above": _take(ids, forest.above(forest.at(usage))),
        "call_above": _take(ids, forest.above(forest.at(calls))),
        "usage_call_above": _take(ids, forest.above(forest.at(calls & usage))),
        "delegates": pa.array(_delegating(forest, agents, tools)),
        "coordinated": pa.array(_coordinated(forest, agents, kind)),
        **_hits(forest, tools | calls, kind, ids),
        **_critical(forest, nodes, opens & (opener_above < 0)),
    }
    for name in _INHERITED:
        said = nodes[name]
        columns[f"{name}_at"] = _take(said, forest.at(_marks(pc.not_equal(said, ""))))
    return pa.table(columns).filter(pc.not_equal(kind, "foreign"))


def _parents(nodes: pa.Table) -> Places:
    own = pc.binary_join_element_wise(nodes["trace_id"], nodes["span_id"], "\0")
    wanted = pc.binary_join_element_wise(nodes["trace_id"], nodes["parent_span_id"], "\0")
    rows = pc.fill_null(pc.index_in(wanted, value_set=own), -1)
    return np.asarray(rows, np.int64)


def _repeats(workflow_id: pa.ChunkedArray, opens: Marks, opener_above: Places) -> Marks:
    """Mark the openers whose workflow id an opener above has too: context handed it down."""
    ids = workflow_id.combine_chunks().dictionary_encode().indices.to_numpy()
    repeats = np.zeros(len(opens), np.bool_)
    who = np.flatnonzero(opens)
    above = opener_above[who]
    while (some := above >= 0).any():
        who, above = who[some], above[some]
        repeats[who[ids[who] == ids[above]]] = True
        above = opener_above[above]
    return repeats


def _delegating(forest: Forest, agents: Marks, tools: Marks) -> Marks:
    """Mark the tools that have an agent below them."""
    above = forest.above(forest.at(agents | tools))
    marked = np.zeros(len(agents), np.bool_)
    reached = above[agents]
    while (reached := np.unique(reached[reached >= 0])).size:
        reached = reached[tools[reached] & ~marked[reached]]
        marked[reached] = True
        reached = above[reached]
    return marked


def _coordinated(forest: Forest, agents: Marks, kind: pa.ChunkedArray) -> Marks:
    """Mark what lies in a plan or a handoff, with no agent in between."""
    gives = _marks(pc.is_in(kind, value_set=pa.array(["plan", "handoff"])))
    nearest = forest.above(forest.at(agents | gives))
    return (nearest >= 0) & gives[np.maximum(nearest, 0)]


def _hits(
    forest: Forest, acts: Marks, kind: pa.ChunkedArray, ids: pa.ChunkedArray
) -> dict[str, pa.Array]:
    """Return the call or tool around each fault, and mark those whose error is a fault's effect."""
    faults = _marks(pc.equal(kind, "fault"))
    hit = np.where(faults, forest.above(forest.at(acts)), -1)
    struck = forest.above(forest.at(faults)) >= 0
    struck[hit[hit >= 0]] = True
    return {"hit_at": _take(ids, hit), "struck": pa.array(struck)}


def _critical(forest: Forest, nodes: pa.Table, tops: Marks) -> dict[str, pa.Array]:
    """Return each span's own time on a critical path, and the span with which that begins.

    Whether it is the path of a run is known only later: of a topmost agent that may open one too.
    """
    agents = _marks(pc.equal(nodes["kind"], "agent"))
    homeless = forest.at(tops) < 0
    begins = tops | (agents & homeless & (forest.above(forest.at(agents)) < 0))
    start, end = (np.asarray(nodes[name], np.int64) for name in ("start_ns", "end_ns"))
    counts = _marks(pc.not_equal(nodes["kind"], "foreign"))
    own_ns = critical_ns(forest, counts, begins, start, end, nodes["span_id"])
    return {
        "critical_ns": pa.array(own_ns, pa.uint64()),
        "critical_at": _take(nodes["span_id"], forest.at(begins)),
    }


def _marks(column: pa.ChunkedArray) -> Marks:
    return np.asarray(column, np.bool_)


def _take(values: pa.ChunkedArray, where: Places) -> pa.Array:
    """Return the values at those rows, '' where there is none."""
    taken = values.take(pa.array(where, mask=where < 0))
    return pc.fill_null(taken, "")

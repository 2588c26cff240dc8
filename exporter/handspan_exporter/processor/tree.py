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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    """Row numbers; -1: there is none."""
    Marks = NDArray[np.bool_]

_INHERITED = (
    "workflow_id",
    "workflow",
    "project",
    "feature",
    "session_id",
    "conversation_id",
    "user_id",
)


class Forest:
    """The trees that parents form; a parent that is not there, or in a circle, ends the way up."""

    def __init__(self, parent: Places) -> None:
        self.parent = parent
        self._jumps = _jumps(parent)
        if (circling := self._jumps[-1] >= 0).any():
            self.parent = np.where(circling, -1, parent)
            self._jumps = _jumps(self.parent)

    def depth(self) -> Places:
        """Return how many spans are above each."""
        depth = np.zeros(len(self.parent), np.int64)
        for step, jump in enumerate(self._jumps):
            # A jump that leaves the tree is shorter than its step: count only those that do not.
            depth = np.where(jump >= 0, (1 << step) + depth[jump], depth)
        return depth

    def at(self, marks: Marks) -> Places:
        """Return for each span the nearest marked one, itself or above."""
        found = np.where(marks, np.arange(len(marks)), -1)
        for jump in self._jumps:
            found = np.where((found < 0) & (jump >= 0), found[jump], found)
        return found

    def above(self, at: Places) -> Places:
        """Return for each span what `at` says of its parent."""
        return np.where(self.parent >= 0, at[self.parent], -1)


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
    columns = {
        "trace_id": nodes["trace_id"],
        "span_id": ids,
        "depth": pa.array(forest.depth(), pa.uint32()),
        "parent_missing": pa.array(
            (forest.parent < 0) & ~_marks(pc.equal(nodes["parent_span_id"], ""))
        ),
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


def _jumps(parent: Places) -> list[Places]:
    """Return the ancestors 1, 2, 4, ... levels up, until there are none or it must be a circle."""
    jumps = [parent]
    while (jumps[-1] >= 0).any() and 1 << (len(jumps) - 1) <= len(parent):
        last = jumps[-1]
        jumps.append(np.where(last >= 0, last[last], -1))
    return jumps


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


def _marks(column: pa.ChunkedArray) -> Marks:
    return np.asarray(column, np.bool_)


def _take(values: pa.ChunkedArray, where: Places) -> pa.Array:
    """Return the values at those rows, '' where there is none."""
    taken = values.take(pa.array(where, mask=where < 0))
    return pc.fill_null(taken, "")

"""The critical path of each run: at every moment the one span that its end waited for.

From its end backwards a span waited for the child that ended last, before that for the last one
that had ended when this one began, and so on; what is left is the span's own. A child counts as
one of the nearest span above that holds it from start to end: work that outlives its caller is
waited for by whoever was still there. Found by sorting and pointer doubling, like the tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from handspan_exporter.processor.forest import Forest

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from handspan_exporter.processor.forest import Marks, Places

    Times = NDArray[np.int64]


def critical_ns(
    forest: Forest, counts: Marks, tops: Marks, start: Times, end: Times, ids: pa.ChunkedArray
) -> Times:
    """Return the time of each span's own on the critical path, ns; their sum is the run's length.

    Args:
        forest: of all spans.
        counts: the spans that can be on the path.
        tops: those among them with which a run's path begins.
        start: when each starts, ns.
        end: when each ends, ns.
        ids: what decides between two that began and ended together, text.
    """
    top_at = forest.at(tops)
    inside = np.maximum(top_at, 0)
    start, end = np.maximum(start, start[inside]), np.minimum(end, end[inside])
    usable = counts & (top_at >= 0) & (end > start)
    parent = _holders(forest.above(forest.at(counts)), usable & ~tops, start, end)
    waited_for = _waited_for(parent, start, end, ids)
    length = np.where(usable, end - start, 0)
    own = length.copy()
    np.subtract.at(own, parent[waited_for], length[waited_for])
    decided = Forest(parent).at(tops | ~waited_for)
    on_path = usable & (decided >= 0) & tops[np.maximum(decided, 0)]
    return np.where(on_path, own, 0)


def _holders(parent: Places, children: Marks, start: Times, end: Times) -> Places:
    """Return for each child the nearest span above that holds it whole, -1 for what is none."""
    above = np.where(children, parent, -1)
    who = np.flatnonzero(above >= 0)
    while who.size:
        there = above[who]
        outside = (start[there] > start[who]) | (end[there] < end[who])
        who = who[outside]
        above[who] = parent[above[who]]
        who = who[above[who] >= 0]
    return above


def _waited_for(parent: Places, start: Times, end: Times, ids: pa.ChunkedArray) -> Marks:
    """Mark the children that their parents waited for."""
    children = np.flatnonzero(parent >= 0)
    children = _in_order(children, parent, start, end, ids)
    marked = np.zeros(len(parent), np.bool_)
    if not children.size:
        return marked
    group = parent[children]
    times, ranks = np.unique(np.concatenate((end[children], start[children])), return_inverse=True)
    ends = group * len(times) + ranks[: len(children)]
    starts = group * len(times) + ranks[len(children) :]
    before = np.searchsorted(ends, starts, side="right") - 1
    before = np.where((before >= 0) & (group[before] == group), before, -1)
    last = np.append(group[1:] != group[:-1], True)
    marked[children[Forest(before).up(last)]] = True
    return marked


def _in_order(
    children: Places, parent: Places, start: Times, end: Times, ids: pa.ChunkedArray
) -> Places:
    """Return the children by parent, end and start; ids are looked at only where that is a tie."""
    keys = (-start, end, parent)
    found: Places = children[np.lexsort([key[children] for key in keys])]
    if np.logical_and.reduce([key[found[1:]] == key[found[:-1]] for key in keys]).any():
        rank = np.empty(len(parent), np.int64)
        rank[np.asarray(pc.sort_indices(ids))] = np.arange(len(parent))
        found = children[np.lexsort([key[children] for key in (rank, *keys)])]
    return found

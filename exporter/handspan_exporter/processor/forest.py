"""Trees given by everybody's parent, asked for all nodes at once: pointer doubling (D4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    """Row numbers; -1: there is none."""
    Marks = NDArray[np.bool_]


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

    def up(self, marks: Marks) -> Marks:
        """Mark also all that is above what is marked."""
        marked = marks.copy()
        for jump in self._jumps:
            reached = jump[marked]
            marked[reached[reached >= 0]] = True
        return marked


def _jumps(parent: Places) -> list[Places]:
    """Return the ancestors 1, 2, 4, ... levels up, until there are none or it must be a circle."""
    jumps = [parent]
    while (jumps[-1] >= 0).any() and 1 << (len(jumps) - 1) <= len(parent):
        last = jumps[-1]
        jumps.append(np.where(last >= 0, last[last], -1))
    return jumps

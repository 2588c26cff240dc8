"""How often the processor looks: a tick costs half a second of CPU, whatever it computes (D17)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handspan_exporter.attention import Attention

LONGEST_PAUSE_S = 10.0
"""Between two ticks while spans come and nobody looks."""

_RESTS = 19
"""A twentieth of a core: after a tick, nineteen times as long without one."""


class Pace:
    """Half of a core while somebody looks or traces wait, else a twentieth."""

    def __init__(self, attention: Attention, tick_s: float) -> None:
        """Remember who looks, and the longest pause while somebody does."""
        self._attention = attention
        self._tick_s = tick_s

    def pause_s(self, busy_s: float, *, behind: bool) -> float:
        """Return how long to rest after a tick.

        Args:
            busy_s: What it took.
            behind: More traces are due than one tick takes.
        """
        if behind or self._attention.is_paid:
            return min(busy_s, self._tick_s)
        return min(_RESTS * busy_s, LONGEST_PAUSE_S)

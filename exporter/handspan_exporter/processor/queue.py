"""Which traces wait for their facts, and when each is due."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from handspan_exporter.processor.facts import Done

SECOND_NS = 1_000_000_000
AHEAD_NS = 10 * SECOND_NS
"""A processor at work may already have read up to now; it has not read so far."""
_REMEMBERED = 100_000
_LONGEST_PAUSE_NS = 300 * SECOND_NS
_OPEN_AGAIN_NS = 300 * SECOND_NS
"""Between two looks whether a trace's open spans are lost."""


@dataclass(slots=True)
class _Waiting:
    first_ns: int
    """Arrival of its oldest span that is not in the facts."""
    due_ns: int
    spans: int
    """What came, and what was there before."""
    refused: int = 0
    """How often the store refused to compute it, alone."""


class Queue:
    """Traces with new spans: due at once with a root, else every max(1 s, 2 % of their age)."""

    def __init__(self, implicit_run_s: float) -> None:
        self._idle_ns = int(implicit_run_s * SECOND_NS)
        self._waiting: dict[str, _Waiting] = {}
        self._computed: dict[str, tuple[int, Done]] = {}
        self._unsettled: dict[str, int] = {}
        self._timers: list[tuple[int, str]] = []

    def __len__(self) -> int:
        """Return how many traces wait."""
        return len(self._waiting)

    def arrived(self, arrivals: Iterable[Mapping[str, Any]], now_ns: int) -> None:
        """Take in rows of facts/arrivals.sql."""
        for row in arrivals:
            trace_id = row["trace_id"]
            due_ns = now_ns if row["has_root"] else self._next_ns(trace_id, now_ns)
            if waiting := self._waiting.get(trace_id):
                if not waiting.refused:
                    waiting.due_ns = min(waiting.due_ns, due_ns)
                waiting.spans += row["spans"]
            else:
                known = self._computed.get(trace_id)
                spans = row["spans"] + (known[1].spans if known else 0)
                self._waiting[trace_id] = _Waiting(row["first_ns"], due_ns, spans)

    def settles(self, arrivals: Iterable[Mapping[str, Any]]) -> None:
        """Take in traces that an earlier process computed: time alone may still change them."""
        for row in arrivals:
            self._settle(row["trace_id"], row["last_ns"] + self._idle_ns)

    def may_be_lost(self, trace_ids: Iterable[str], now_ns: int) -> None:
        """Take in traces that an earlier process left open."""
        for trace_id in trace_ids:
            self._settle(trace_id, now_ns)

    def due(self, now_ns: int, *, traces: int, spans: int) -> list[str]:
        """Return the traces that are due, oldest first: at most so many, but at least one."""
        ready = sorted(
            (waiting.first_ns, trace_id)
            for trace_id, waiting in self._waiting.items()
            if waiting.due_ns <= now_ns
        )
        batch: list[str] = []
        for _, trace_id in ready[:traces]:
            spans -= self._waiting[trace_id].spans
            if batch and spans < 0:
                return batch
            batch.append(trace_id)
        return batch + self._idle(now_ns, traces - len(batch))

    def is_due(self, now_ns: int) -> bool:
        """Tell whether a trace is due: more were than one batch takes."""
        return any(waiting.due_ns <= now_ns for waiting in self._waiting.values())

    def done(self, done: Sequence[Done], now_ns: int) -> None:
        """Note that the facts of these traces are as new as their spans."""
        for one in done:
            self._waiting.pop(one.trace_id, None)
            self._computed.pop(one.trace_id, None)
            self._computed[one.trace_id] = (now_ns, one)
            self._unsettled.pop(one.trace_id, None)
            settled_ns = one.received_ns + self._idle_ns
            if one.unsettled and settled_ns > now_ns:
                self._settle(one.trace_id, settled_ns)
            elif one.open:
                self._settle(one.trace_id, now_ns + _OPEN_AGAIN_NS)
        while len(self._computed) > _REMEMBERED:
            del self._computed[next(iter(self._computed))]

    def nothing_stored(self, trace_ids: Iterable[str]) -> None:
        """Forget traces that have no spans any more: they outlived their retention."""
        for trace_id in trace_ids:
            self._waiting.pop(trace_id, None)
            self._unsettled.pop(trace_id, None)

    def missed(self, trace_ids: Iterable[str], now_ns: int) -> list[str]:
        """Take in traces whose facts lack a span and return them, without those that wait."""
        found = [one for one in trace_ids if one not in self._waiting]
        for one in found:
            known = self._computed.get(one)
            self._waiting[one] = _Waiting(now_ns, now_ns, known[1].spans if known else 1)
        return found

    def not_done(self, trace_ids: Iterable[str], now_ns: int) -> None:
        """Let those of these traces wait that only a timer had made due: it is gone."""
        for one in trace_ids:
            if one not in self._waiting and (at_ns := self._unsettled.get(one)) is not None:
                known = self._computed.get(one)
                spans = known[1].spans if known else 1
                self._waiting[one] = _Waiting(at_ns - self._idle_ns, now_ns, spans)

    def postpone(self, trace_id: str, now_ns: int) -> None:
        """Let others go first, each time for longer; the trace stays, and holds the cursor."""
        if waiting := self._waiting.get(trace_id):
            waiting.refused += 1
            waiting.due_ns = now_ns + min(SECOND_NS << waiting.refused, _LONGEST_PAUSE_NS)

    def oldest_ns(self) -> int | None:
        """Return the arrival of the oldest span that is not in the facts, None if all are."""
        return min((waiting.first_ns for waiting in self._waiting.values()), default=None)

    def next_timer_ns(self) -> int | None:
        """Return when the next trace settles by time alone, None when none does."""
        return self._timers[0][0] if self._timers else None

    def waiting_since(self, trace_ids: Iterable[str]) -> list[tuple[str, int]]:
        """Return each of the traces that has a new span, and the arrival of its oldest one."""
        return [
            (one, waiting.first_ns)
            for one in trace_ids
            if (waiting := self._waiting.get(one)) is not None
        ]

    def _next_ns(self, trace_id: str, now_ns: int) -> int:
        known = self._computed.get(trace_id)
        if known is None:
            return now_ns
        computed_ns, done = known
        return computed_ns + max(SECOND_NS, (now_ns - done.began_ns) // 50)

    def _settle(self, trace_id: str, at_ns: int) -> None:
        """Compute a trace again at a moment, though nothing new may have come."""
        self._unsettled[trace_id] = at_ns
        heapq.heappush(self._timers, (at_ns, trace_id))

    def _idle(self, now_ns: int, most: int) -> list[str]:
        """Return traces that nothing new came for; they stay noted until they are done."""
        idle: list[str] = []
        while self._timers and self._timers[0][0] <= now_ns and len(idle) < most:
            _, trace_id = heapq.heappop(self._timers)
            if (
                self._unsettled.get(trace_id, now_ns + 1) <= now_ns
                and trace_id not in self._waiting
            ):
                idle.append(trace_id)
        return idle

"""What was recorded and did not arrive, counted by reason, told at most once a minute."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Literal

from handspan.internal import in_forked_child, warn

if TYPE_CHECKING:
    from collections.abc import Callable

Reason = Literal["queue full", "not sent", "refused", "not redacted", "exit"]
"""Why: the queue was full; the receiver did not take the batch; it refuses this very span; the
redactor failed on it; the program ended before it was sent."""

_QUIET_S = 60.0


class Losses:
    """Counts lost spans of one process. Thread-safe; a forked child starts from nothing."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._forget()
        in_forked_child(self._forget)

    late: int
    """How many flushes reached their limit of time."""

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Reason, int] = {}
        self._told: dict[Reason, int] = {}
        self._told_at_s: float | None = None
        self._asked = 0
        self.late = 0

    def count(self, reason: Reason, spans: int, why: str = "") -> None:
        """Count lost spans; one warning a minute says what was lost since the last one."""
        with self._lock:
            self._counts[reason] = self._counts.get(reason, 0) + spans
            now_s = self._now_s()
            if self._told_at_s is not None and now_s - self._told_at_s < _QUIET_S:
                return
            self._told_at_s = now_s
            message = self._message(why)
            self._told = dict(self._counts)
        warn(message)

    def counts(self) -> dict[Reason, int]:
        """Return how many spans were lost since the start, by reason."""
        with self._lock:
            return dict(self._counts)

    def total(self) -> int:
        """Return how many spans were lost since the start."""
        return sum(self.counts().values())

    def since_last_asked(self) -> int:
        """Return how many spans were lost since the last call."""
        total = self.total()
        with self._lock:
            new, self._asked = total - self._asked, total
        return new

    def _message(self, why: str) -> str:
        new = {
            reason: count - self._told.get(reason, 0)
            for reason, count in self._counts.items()
            if count > self._told.get(reason, 0)
        }
        listed = ", ".join(f"{reason}: {count}" for reason, count in new.items())
        because = f": {why}" if why else ""
        return f"Handspan lost spans ({listed}){because}; your program goes on"


losses = Losses()
"""Of this process."""

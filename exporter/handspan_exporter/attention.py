"""Whether somebody looks: then spans and facts hurry, else they cost less."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from handspan_exporter.telemetry import QUESTIONS, READER_ANSWERED, READER_QUERIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.telemetry import Counters

WATCHED_S = 10.0
"""So long after a question somebody is taken to look still."""


class Attention:
    """Follows what the HTTP API and `--clickhouse-http` count; for one thread."""

    def __init__(
        self, counters: Counters, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin unwatched; `clock_s` is any steady clock."""
        self._counters = counters
        self._clock_s = clock_s
        self._asked = 0
        self._until_s = float("-inf")

    @property
    def is_paid(self) -> bool:
        """Whether somebody asked in the last `WATCHED_S`, as far as this was looked at."""
        asked = self._counters.total(QUESTIONS)
        # A dashboard looks as much as the page does. What is refused at the door is nobody's look.
        asked += self._counters.total(READER_QUERIES, READER_ANSWERED)
        now_s = self._clock_s()
        if asked != self._asked:
            self._asked, self._until_s = asked, now_s + WATCHED_S
        return now_s < self._until_s

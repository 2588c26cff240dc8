"""What went right and wrong on the way of a span, counted with reasons."""

from __future__ import annotations

import threading
from collections import Counter

SPANS_ACCEPTED = "spans_accepted"
"""Acknowledged: in the journal, and soon in the store."""
SPANS_REFUSED = "spans_refused"
"""Answered with partial success, by reason."""
REQUESTS_REPEATED = "requests_repeated"
"""Acknowledged and not stored again: the same body came a moment ago."""
REQUESTS_FAILED = "requests_failed"
"""Not taken at all, by reason: malformed, too_large, journal_full, ..."""
SPANS_STORED = "spans_stored"
ROWS_REJECTED = "rows_rejected"
"""ClickHouse refused them for their content; kept in rejected/, by table."""
ROWS_MISSED = "rows_missed"
"""ClickHouse knew the token after a crash, but not the rows; inserted once more, by table."""
SEGMENTS_STORED = "segments_stored"
SEGMENTS_READ_BACK = "segments_read_back"
"""Stored from the file: after a restart, or because memory was short."""
SEGMENTS_REJECTED = "segments_rejected"
"""Could not be turned into rows; kept in rejected/."""
RECORDS_UNREADABLE = "records_unreadable"
"""Journalled requests that can no longer be parsed; kept in rejected/."""
BYTES_TORN = "bytes_torn"
"""Of requests whose writing a crash cut off, so that they were never acknowledged."""
STORE_RETRIES = "store_retries"


class Counters:
    """Numbers that only grow, since the process began; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, number: int = 1, *, reason: str = "") -> None:
        """Count `number` more of `name` for `reason`."""
        if number:
            with self._lock:
                self._numbers[name, reason] += number

    def total(self, name: str, reason: str | None = None) -> int:
        """Return the count of a name, of all reasons or of one."""
        with self._lock:
            return sum(
                number
                for (one, why), number in self._numbers.items()
                if one == name and reason in (None, why)
            )

    def snapshot(self) -> dict[tuple[str, str], int]:
        """Return every (name, reason) that was counted."""
        with self._lock:
            return dict(self._numbers)

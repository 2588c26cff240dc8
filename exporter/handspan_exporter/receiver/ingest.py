"""What both protocols do with a request: decode, judge, write down, hand on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handspan_exporter.access.guard import current_client
from handspan_exporter.access.stamp import stamped
from handspan_exporter.columns.admission import admission, log_admission, our_time
from handspan_exporter.columns.prepared import copied_bytes
from handspan_exporter.errors import JournalFull, MalformedRequest
from handspan_exporter.journal.repeats import Refused, digest
from handspan_exporter.otlp import native
from handspan_exporter.otlp.decode import decode, encode
from handspan_exporter.otlp.levels import flat, only
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.telemetry import (
    BYTES_RECEIVED,
    LOGS_ACCEPTED,
    LOGS_REFUSED,
    REQUESTS_FAILED,
    REQUESTS_LEFT,
    REQUESTS_RECEIVED,
    REQUESTS_REPEATED,
    SPANS_ACCEPTED,
    SPANS_REFUSED,
    TOKEN_ITEMS,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from handspan_exporter.journal.journal import Journal
    from handspan_exporter.otlp.native import Sound
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.settings import Settings
    from handspan_exporter.telemetry import Counters
    from handspan_exporter.writer.writer import Writer


MOST_COPIED_BYTES = 128 << 20
"""A request of a few kilobytes, packed, could else ask for all memory: each of its rows has a copy
of the resource and of the scope."""

_ACCEPTED = {TRACES: SPANS_ACCEPTED, LOGS: LOGS_ACCEPTED}
_REFUSED = {TRACES: SPANS_REFUSED, LOGS: LOGS_REFUSED}
_JUDGES = {TRACES: admission, LOGS: log_admission}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a request that was taken."""

    items: int
    """Spans or log records acknowledged: they are on disk."""
    rejected: int
    """Refused, and not to be sent again."""
    reason: str
    """Why, for a person; empty when nothing was refused."""


class Ingest:
    """The one way into the journal; safe from any thread."""

    def __init__(
        self,
        journal: Journal,
        writer: Writer,
        settings: Settings,
        *,
        counters: Counters,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember the parts; `clock_ns` is Unix time, for judging the clocks of clients."""
        self._journal = journal
        self._writer = writer
        self._raw_days = settings.raw_days
        self._counters = counters
        self._clock_ns = clock_ns

    def accept(self, signal: Signal, body: bytes) -> Accepted:
        """Take one request of traces or logs; blocks until it is on disk.

        Raises:
            MalformedRequest: it is none; nothing was kept.
            JournalFull: there is no room; nothing was kept.
        """
        client = current_client()
        self._counters.add(REQUESTS_RECEIVED)
        self._counters.add(BYTES_RECEIVED, len(body))
        client.spent(0, len(body))
        try:
            if client.tenant:
                body = stamped(body, client.tenant)
            key = digest(body, signal)
            if (before := self._journal.repeats.find(key)) is not None:
                self._counters.add(REQUESTS_REPEATED)
                return Accepted(0, before.items, before.reason)
            accepted = self._accept(signal, key, body)
        except MalformedRequest:
            self._counters.add(REQUESTS_FAILED, reason="malformed")
            raise
        except JournalFull:
            self._counters.add(REQUESTS_FAILED, reason="journal_full")
            raise
        client.spent(accepted.items + accepted.rejected, 0)
        if client.token_id:
            self._counters.add(TOKEN_ITEMS, accepted.items, reason=client.token_id)
        return accepted

    def _accept(self, signal: Signal, key: bytes, body: bytes) -> Accepted:
        body, batch, items, refused = self._judged(signal, body)
        if items:
            copied = copied_bytes(batch)
            if copied > MOST_COPIED_BYTES:
                raise MalformedRequest(
                    f"a copy of its resource and scope for each of {items} {signal} would take "
                    f"{copied} bytes, of {MOST_COPIED_BYTES} at most: send fewer at once"
                )
            segment = self._journal.append(body, items, signal, copied_bytes=copied)
            self._journal.repeats.remember(key, refused)
            self._writer.hand(segment, batch)
            self._counters.add(_ACCEPTED[signal], items)
        return Accepted(items, refused.items, refused.reason)

    def _judged(
        self, signal: Signal, body: bytes
    ) -> tuple[bytes, pa.RecordBatch | Sound, int, Refused]:
        if signal is TRACES:
            oldest_ns, newest_ns = our_time(self._clock_ns(), self._raw_days)
            sound = native.sound(body, oldest_ns=oldest_ns, newest_ns=newest_ns)
            if sound is not None:
                return body, sound, sound.spans, Refused()
            self._counters.add(REQUESTS_LEFT)
        return self._admitted(signal, body, decode(signal, body))

    def _admitted(
        self, signal: Signal, body: bytes, batch: pa.RecordBatch
    ) -> tuple[bytes, pa.RecordBatch, int, Refused]:
        """Leave refused items out, also of the bytes, so that a replay need not judge again."""
        items = flat(batch).items
        verdict = _JUDGES[signal](items, now_ns=self._clock_ns(), raw_days=self._raw_days)
        if not verdict.reasons:
            return body, batch, len(items), Refused()
        for reason, number in verdict.reasons.items():
            self._counters.add(_REFUSED[signal], number, reason=reason)
        reason = "; ".join(f"{number} {reason}" for reason, number in verdict.reasons.items())
        left, refused = only(batch, verdict.admitted), sum(verdict.reasons.values())
        return encode(signal, left), left, len(items) - refused, Refused(refused, reason)

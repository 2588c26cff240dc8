"""The one thread that takes closed segments from the journal and stores them, oldest first.

While it inserts the raw spans of a segment, another makes and inserts the agent spans of the same.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pyarrow as pa

from handspan_exporter.attention import Attention
from handspan_exporter.columns.arrivals import arrivals_table, late_spans
from handspan_exporter.columns.logs import logs_table
from handspan_exporter.columns.open_spans import open_spans_table
from handspan_exporter.columns.prepared import again, copied_bytes, joined, traces_of
from handspan_exporter.columns.traces import trace_times_table
from handspan_exporter.errors import MalformedRequest
from handspan_exporter.journal.leftovers import Group
from handspan_exporter.otlp import native
from handspan_exporter.otlp.decode import decode, decode_segment
from handspan_exporter.otlp.signals import LOGS
from handspan_exporter.telemetry import (
    LOGS_STORED,
    PENDING_BYTES,
    RECORDS_UNREADABLE,
    SEGMENT_RETRIES,
    SEGMENTS_READ_BACK,
    SEGMENTS_REJECTED,
    SEGMENTS_STORED,
    SPANS_STORED,
)
from handspan_exporter.writer.insert import Inserter
from handspan_exporter.writer.instances import Instances
from handspan_exporter.writer.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handspan_exporter.journal.journal import Journal
    from handspan_exporter.journal.segment import Segment
    from handspan_exporter.otlp.native import Sound
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.telemetry import Counters

WATCHED_FLUSH_S = 0.25
"""The longest wait for a flush while somebody looks."""
GATHER_S = 0.02
"""A span that comes after a quiet time waits so long for its siblings, not a whole `flush_s`."""

PAUSES_S = (0.1, 0.5, 2.0)
"""Before a segment that failed for another reason than the store is tried again: memory may be
short for a moment."""

GROUP_COPIED_BYTES = 64 << 20
"""What the rows of a group may have of copies of resources and scopes."""

_SHORTAGES = (MemoryError, BlockingIOError, InterruptedError)
"""Say nothing about the segment, however often they come: it is waited with."""

_log = logging.getLogger(__name__)


class TooMuchTogether(Exception):
    """Segments that a crash left are not to be stored as one; nothing was inserted."""


class _Stopped(Exception):
    """The writer is to end now; what is not stored stays in the journal."""


class Writer:
    """Stores segments, then removes them: spans, agent spans, arrivals; or log records.

    Of a log record that announces an open span also the span and its arrival. Whoever sees an
    arrival finds its spans, and a crash between two of them is made good by replaying all with the
    same tokens.
    """

    def __init__(
        self,
        journal: Journal,
        connection: Connection,
        settings: Settings,
        *,
        agent_spans_table: Callable[[pa.Table, int], pa.Table],
        counters: Counters,
        on_stored: Callable[[], None] = lambda: None,
        alone: bool = True,
        beside: Connection | None = None,
    ) -> None:
        """Remember the parts; nothing runs before `start`.

        Args:
            journal: Where segments come from.
            connection: Of this thread alone.
            settings: For `flush_s` and `pending_max_bytes`.
            agent_spans_table: Rows of otel_traces and their arrival (Unix ns) to rows of
                agent_spans.
            counters: For what is stored, rejected and read back.
            on_stored: Called in the writer's thread after each segment; must not block.
            alone: No other service writes to this store: else the store says when an arrival
                came, since nobody knows what the others have in flight.
            beside: For agent spans, while raw spans go over the other one; None: both over one,
                one after another.
        """
        self._alone = alone
        self._journal = journal
        self._agent_spans_table = agent_spans_table
        self._counters = counters
        self._on_stored = on_stored
        self._flush_s = settings.flush_s
        self._idle_s = settings.implicit_run_s
        self._attention = Attention(counters)
        self._pending = Pending(settings.pending_max_bytes)
        self._wake = threading.Condition()
        self._stopping = False
        self._draining = False
        self._inserter = self._typed = self._inserter_over(connection)
        self._beside: ThreadPoolExecutor | None = None
        if beside is not None:
            self._typed = self._inserter_over(beside)
            self._beside = ThreadPoolExecutor(1, thread_name_prefix="writer-typed")
        self._instances = Instances()
        self._rolled_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="writer")
        counters.watch(PENDING_BYTES, lambda: self.pending_bytes)

    def start(self) -> None:
        """Begin, with what an earlier process left in the journal."""
        self._thread.start()

    def hand(self, segment: Segment, batch: pa.RecordBatch | Sound) -> None:
        """Say that a request is in the journal; never blocks for long."""
        self._pending.add(segment, batch)
        with self._wake:
            self._wake.notify()

    def oldest_in_flight_ns(self) -> int:
        """Return a moment (Unix time): all that arrived before it is in the store."""
        return self._journal.watermark_ns()

    @property
    def pending_bytes(self) -> int:
        """Bytes of decoded spans in memory."""
        return self._pending.size_bytes

    def drain(self, timeout_s: float) -> bool:
        """Store all that is in the journal and end; return whether nothing was left.

        What could not be stored within `timeout_s` stays in the journal for the next start.
        """
        with self._wake:
            self._draining = True
            self._wake.notify_all()
        self._thread.join(timeout_s)
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join()
        if self._beside is not None:
            self._beside.shutdown()
        return self._journal.size_bytes == 0

    def _run(self) -> None:
        try:
            while (group := self._next()) is not None:
                self._store_together(group)
        except _Stopped:
            pass

    def _next(self) -> Group | None:
        """Return the next segments once they are due; None when the writer is to end."""
        with self._wake:
            while not self._stopping:
                if self._draining:
                    self._journal.roll()
                if (group := self._journal.oldest_group()) is not None or self._draining:
                    return group
                self._wait_until_due()
        return None

    def _wait_until_due(self) -> None:
        """Wait for the next thing to happen, or close the open segment: its time has come."""
        open_s, now_s = self._journal.open_s, time.monotonic()
        if open_s is None:
            self._wake.wait()
        elif (wait_s := max(GATHER_S - open_s, self._rolled_s + self._every_s() - now_s)) > 0:
            self._wake.wait(wait_s)
        else:
            self._rolled_s = now_s
            self._journal.roll()

    def _every_s(self) -> float:
        """Return how far flushes are apart: two small ones cost nearly twice as much as one."""
        return min(self._flush_s, WATCHED_FLUSH_S) if self._attention.is_paid else self._flush_s

    def _store_together(self, group: Group) -> None:
        """Store what a crash left as one; where that fails, each by itself: one is to blame."""
        if len(group.segments) > 1:
            try:
                self._insert_and_remove(group)
            except _Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is found again alone
                _log.warning("%s segments cannot be stored as one: %s", len(group.segments), error)
            else:
                self._on_stored()
                return
        for segment in group.segments:
            self._store(segment)

    def _store(self, segment: Segment) -> None:
        """Store a segment; after a few failures that nothing else explains, set it aside."""
        pauses_s = iter((*PAUSES_S, None))
        while True:
            try:
                self._insert_and_remove(Group([segment], segment.id))
            except _Stopped:
                raise
            except _SHORTAGES as error:
                self._failed(segment, error, PAUSES_S[-1])
            except Exception as error:  # noqa: BLE001 - this thread must outlive any defect
                pause_s = next(pauses_s)
                self._failed(segment, error, pause_s)
                if pause_s is None:
                    break
            else:
                break
        self._on_stored()

    def _insert_and_remove(self, group: Group) -> None:
        """Store segments, count them and remove them from the journal, oldest first."""
        stored = self._insert(group)
        for segment in group.segments:
            self._journal.remove(segment)
        self._counters.add(SEGMENTS_STORED, len(group.segments))
        logs = group.segments[0].signal is LOGS
        self._counters.add(LOGS_STORED if logs else SPANS_STORED, stored)

    def _failed(self, segment: Segment, error: Exception, pause_s: float | None) -> None:
        """Wait for memory or whatever was short, or give up; the next segment is waiting."""
        kind, about = type(error).__name__, {"segment": segment.id}
        if pause_s is None:
            _log.error("segment %s is set aside", segment.id, exc_info=error, extra=about)
            self._counters.add(SEGMENTS_REJECTED, reason=kind)
            self._journal.set_aside(segment, f"{kind}: {error}")
            return
        _log.warning("segment %s failed, trying again: %s", segment.id, error, extra=about)
        self._counters.add(SEGMENT_RETRIES, reason=kind)
        self._pause(pause_s)

    def _insert(self, group: Group) -> int:
        """Insert all rows of some segments; return how many spans or log records they have."""
        requests = [self._requests(segment) for segment in group.segments]
        if len(requests) > 1:
            _fit_together(requests)
        batches = [joined(some) for some in requests]
        del requests
        for segment, batch in zip(group.segments, batches, strict=True):
            if (heard := self._instances.news(batch, segment.created_ns)) is not None:
                self._inserter.insert("service_instances", heard, segment.id)
        if group.segments[0].signal is LOGS:
            return self._insert_logs(group, batches)
        parts = [traces_of(batch) for batch in batches]
        del batch, batches  # hundreds of bytes per span, for as long as inserts take
        spans = self._insert_both(parts, group)
        now_ns = time.time_ns()
        self._announce(spans, group, [late_spans(one, now_ns, self._idle_s) for one in parts])
        return sum(part.num_rows for part in parts)

    def _insert_both(self, parts: list[pa.Table], group: Group) -> list[pa.Table]:
        """Insert raw spans and what agent spans they make, at once where there are two sessions.

        Returns the agent spans of each segment, when both are in the store: also when one fails
        the other one has ended, since a retry sends both with the same tokens.
        """
        if self._beside is None:
            self._insert_traces(parts, group)
            return self._insert_agent_spans(parts, group)
        typed = self._beside.submit(self._insert_agent_spans, parts, group)
        try:
            self._insert_traces(parts, group)
        finally:
            wait([typed])
        return typed.result()

    def _insert_traces(self, parts: list[pa.Table], group: Group) -> None:
        traces = _joined(parts)
        if self._insert_rows(self._inserter, "otel_traces", traces, group):
            # The view may have lost its part of a crashed insert; its rows add up by min and max.
            self._inserter.insert("otel_traces_trace_id_ts", trace_times_table(traces), group.token)

    def _insert_agent_spans(self, parts: list[pa.Table], group: Group) -> list[pa.Table]:
        spans = [self._agent_spans_table(*one) for one in _with_beginning(parts, group)]
        self._insert_rows(self._typed, "agent_spans", _joined(spans), group)
        return spans

    def _insert_logs(self, group: Group, batches: list[pa.RecordBatch]) -> int:
        parts = [logs_table(batch) for batch in batches]
        logs = _joined(parts)
        self._insert_rows(self._inserter, "otel_logs", logs, group)
        begun = [open_spans_table(*one) for one in _with_beginning(parts, group)]
        if (rows := _joined(begun)).num_rows:
            self._insert_rows(self._inserter, "open_spans", rows, group)
            self._announce(begun, group, [None] * len(begun))
        return int(logs.num_rows)

    def _announce(
        self, spans: list[pa.Table], group: Group, late: Sequence[pa.Table | None]
    ) -> None:
        """Tell the processor which traces there is something new of: after all else is there."""
        came = zip(_with_beginning(spans, group), late, strict=True)
        arrivals = _joined([arrivals_table(*one, others) for one, others in came])
        if not self._alone:
            self._inserter.announce("trace_arrivals", arrivals.drop_columns(["arrived_at"]))
            return
        self._insert_rows(self._inserter, "trace_arrivals", arrivals, group)

    def _inserter_over(self, connection: Connection) -> Inserter:
        journal, counters = self._journal, self._counters
        return Inserter(connection, rejected=journal.rejected, counters=counters, pause=self._pause)

    def _insert_rows(self, inserter: Inserter, table: str, rows: pa.Table, group: Group) -> bool:
        """Insert; return whether a view of the table may lack what the table has."""
        doubtful = group.segments[0].inherited
        return inserter.insert(table, rows, group.token, doubtful=doubtful)

    def _requests(self, segment: Segment) -> Sequence[pa.RecordBatch | Sound]:
        requests = self._pending.take(segment)
        if requests is None:
            self._counters.add(SEGMENTS_READ_BACK)
            return self._read_back(segment)
        return requests

    def _read_back(self, segment: Segment) -> Sequence[pa.RecordBatch | Sound]:
        try:
            if native.LOADED and segment.signal is not LOGS and segment.records:
                return [again(body) for body in self._journal.requests(segment)]
            return [decode_segment(segment.signal, segment.path)]
        except MalformedRequest as error:
            _log.error("segment %s: %s; reading its requests one by one", segment.id, error)
            return [decode(segment.signal, b""), *self._readable(segment)]

    def _readable(self, segment: Segment) -> list[pa.RecordBatch]:
        """Decode what can be decoded, and put the rest aside: a disk may forget what it had."""
        batches = []
        for number, body in enumerate(self._journal.requests(segment)):
            try:
                batches.append(decode(segment.signal, body))
            except MalformedRequest:
                self._counters.add(RECORDS_UNREADABLE)
                kept = self._journal.rejected.folder / f"{segment.id}.{number}.unreadable"
                kept.write_bytes(body)
                self._journal.rejected.trim()
        return batches

    def _pause(self, pause_s: float) -> None:
        """Wait between two attempts.

        Raises:
            _Stopped: the writer is to end.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._stopping, pause_s)
            if self._stopping:
                raise _Stopped


def _fit_together(segments: Sequence[Sequence[pa.RecordBatch | Sound]]) -> None:
    """Look how large the rows of a group would be: its files are small, its rows need not be.

    Raises:
        TooMuchTogether: each segment has to be stored by itself.
    """
    copied = sum(copied_bytes(request) for requests in segments for request in requests)
    if copied > GROUP_COPIED_BYTES:
        raise TooMuchTogether(f"copies of their resources take {copied} bytes")


def _with_beginning(tables: list[pa.Table], group: Group) -> Iterator[tuple[pa.Table, int]]:
    """Yield each segment's rows with the moment at which it was begun."""
    begun_ns = (segment.created_ns for segment in group.segments)
    return zip(tables, begun_ns, strict=True)


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Return the rows of all in one table; of one table the table itself."""
    if len(tables) == 1:
        return tables[0]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()

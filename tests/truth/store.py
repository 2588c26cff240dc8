"""A store that spans reach as they do in `handspan serve`: receiver, journal, writer, processor.

For other suites: `filled(folder, dsn, histories)` gives a store with these histories settled in
it, and `known(histories)` the facts that are true of them; `expected.answer` counts any KPI.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING

from tests.truth import otlp
from tests.truth.known import Known
from tests.truth.scene import START_NS

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.journal.journal import Journal
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.processor.facts import FACTS, SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import FACTS_MISSED, Counters
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.truth.history import History, Span
    from tests.truth.known import Fact

    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.store.dsn import Dsn

NEVER_DAYS = 10_000
"""Retention: fixed dates grow older than the default."""
DAY_NS = 86_400 * 10**9
AFTERWARDS_NS = START_NS + 60 * DAY_NS
LATER_NS = 100 * DAY_NS
"""After such a time every trace is idle, and due, however old it is."""


class Store:
    """The way of a span, with a clock that a test moves."""

    def __init__(self, folder: Path, dsn: Dsn) -> None:
        self._database = dsn.database
        self._began_ns = time.monotonic_ns()
        self._ahead_ns = 0
        self.settings = Settings(raw_days=NEVER_DAYS, fact_days=NEVER_DAYS, flush_s=0.01)
        self.connection = connect(dsn)
        self._writing = connect(dsn)
        self._processing = connect(dsn, settings=SESSION)
        migrate(self.connection, self.settings)
        self.counters = Counters()
        self._stored = threading.Semaphore(0)
        self.journal = Journal(
            folder,
            max_bytes=1 << 30,
            segment_spans=1 << 16,
            counters=self.counters,
            durable=False,
            clock_ns=self.now_ns,
        )
        self.writer = Writer(
            self.journal,
            self._writing,
            self.settings,
            agent_spans_table=agent_spans_table,
            counters=self.counters,
            on_stored=self._stored.release,
        )
        self.ingest = Ingest(
            self.journal,
            self.writer,
            self.settings,
            counters=self.counters,
            clock_ns=self.now_ns,
        )
        self.processor = self.restarted()
        self.writer.start()

    def now_ns(self) -> int:
        """Return the time here: after the histories, and on."""
        return AFTERWARDS_NS + self._ahead_ns + time.monotonic_ns() - self._began_ns

    def restarted(self) -> Processor:
        """Put a processor that knows nothing but what is stored in the place of the old one."""
        self.processor = Processor(
            self._processing,
            self.settings,
            oldest_in_flight_ns=self.journal.watermark_ns,
            counters=self.counters,
            clock_ns=self.now_ns,
        )
        return self.processor

    def receive(self, spans: Iterable[Span]) -> None:
        """Send one request, and wait until it is stored."""
        self._send(TRACES, otlp.request(spans))

    def announce(self, spans: Iterable[Span]) -> None:
        """Send one request that says that these spans have begun, and wait as above."""
        self._send(LOGS, otlp.announcement(spans))

    def _send(self, signal: Signal, body: bytes) -> None:
        accepted = self.ingest.accept(signal, body)
        assert not accepted.rejected, accepted.reason
        while self.journal.size_bytes:
            assert self._stored.acquire(timeout=60)

    def tick(self, *, after_ns: int = 0) -> int:
        """Let time pass, then have what is due computed."""
        self._ahead_ns += after_ns
        return self.processor.tick()

    def settle(self) -> None:
        """Let so much time pass that nothing more can change, and compute all of it."""
        while self.tick(after_ns=LATER_NS) or self.processor.waiting:
            pass

    def clear(self) -> None:
        """Empty every table, for other histories."""
        sent = ("otel_traces", "otel_traces_trace_id_ts", "otel_logs", "service_instances")
        made = ("agent_spans", "open_spans", "trace_arrivals", "history_due", "kpi_history")
        for table in (*FACTS, *sent, *made, "processor_state"):
            self.connection.command(f"TRUNCATE TABLE {table}")
        self.restarted()

    def close(self) -> None:
        """End, and remove the database."""
        self.writer.drain(30)
        self.connection.command(f"DROP DATABASE `{self._database}`")
        for session in (self._processing, self._writing, self.connection):
            session.close()


@contextmanager
def opened(folder: Path, dsn: Dsn) -> Iterator[Store]:
    """Hold an empty store for the length of the block."""
    store = Store(folder, dsn)
    try:
        yield store
    finally:
        store.close()


def fill(store: Store, histories: Sequence[History]) -> None:
    """Deliver the histories, all at the same time, with a tick between any two requests of one.

    The processor is put an end to in between, and begins again with what is stored.
    """
    announced = _rounds(history.announcements for history in histories)
    sent = _rounds(history.requests for history in histories)
    for number in range(max(len(announced), len(sent))):
        begun, coming = (some[number] if number < len(some) else [] for some in (announced, sent))
        if begun:
            store.announce(begun)
            store.tick(after_ns=DAY_NS * (number % 3))
        if coming:
            store.receive(coming)
            store.tick(after_ns=DAY_NS)
        if number % 2:
            store.restarted()
    store.settle()
    assert store.counters.total(FACTS_MISSED) == 0


def _rounds(every: Iterable[list[list[Span]]]) -> list[list[Span]]:
    """Return what the histories send together: the first of each, the second of each, and so on."""
    together = zip_longest(*every, fillvalue=[])
    return [[span for some in round_ for span in some] for round_ in together]


@contextmanager
def filled(folder: Path, dsn: Dsn, histories: Sequence[History]) -> Iterator[Store]:
    """Hold a store in which these histories have settled, for the length of the block."""
    with opened(folder, dsn) as store:
        fill(store, histories)
        yield store


def known(histories: Iterable[History]) -> dict[str, list[Fact]]:
    """Return the facts that are true of histories that have nothing to do with one another."""
    found: dict[str, list[Fact]] = {}
    for history in histories:
        for name, facts in Known(history.delivered()).facts.items():
            found.setdefault(name, []).extend(facts)
    return found

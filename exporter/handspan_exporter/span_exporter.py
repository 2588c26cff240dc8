"""The SDK's spans straight into the store, without a server: for notebooks and small jobs.

`OTEL_TRACES_EXPORTER=handspan_clickhouse`, or `ClickHouseSpanExporter()` handed to
`handspan.configure(exporter=...)` or to any span processor. The rows are those that `serve` stores
of the same spans. There is no journal: what cannot be stored in time is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
import weakref
from collections import Counter
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from handspan_exporter.columns.admission import admission
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.arrivals import arrivals_table, late_spans
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.errors import HandspanError, StoreDown
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.levels import flat, only
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.settings import Settings, from_environment
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold
from handspan_exporter.store.migrate import migrate_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from opentelemetry.sdk.trace import ReadableSpan

    from handspan_exporter.store.connection import Connection

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_QUIET_S: Final = 60.0
"""One warning in so long; the next one has the sum."""


class ClickHouseSpanExporter(SpanExporter):
    """Inserts every batch as `serve` would; never raises, and blocks for at most `timeout_s`.

    The store is opened with the first batch, so that a program may fork before it. After that a
    forked child opens a server anew; an embedded store belongs to one process, and the child's
    spans are dropped.
    """

    def __init__(self, store: str | None = None, *, timeout_s: float = 10.0) -> None:
        """Remember where to; nothing is opened.

        Args:
            store: DSN: `chdb:///folder` or `clickhouse://user:password@host:8123/database`; None:
                HANDSPAN_STORE, else the embedded store in the user's data folder.
            timeout_s: How long one batch is tried again while the store does not take it.
        """
        self._store = store
        self._timeout_s = timeout_s
        self._dropped: Counter[str] = Counter()
        self._told_at_s = float("-inf")
        self._left_to_parent: list[object] = []
        self._reset()
        _forget_in_child(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._opened: ExitStack | None = None
        self._connection: Connection | None = None
        self._settings = Settings()
        self._foreign = False

    @property
    def dropped(self) -> dict[str, int]:
        """How many spans were not stored since the start, by reason."""
        return dict(self._dropped)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Store the spans; FAILURE when not all of them are, which `dropped` counts."""
        try:
            with self._lock:
                return self._export(spans)
        except Exception as error:  # noqa: BLE001 - we are guests in this program
            return self._drop(len(spans), error)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - nothing waits here
        """Return True: nothing is kept between two calls of `export`."""
        return True

    def shutdown(self) -> None:
        """Break off a batch that is tried again, and close the store; later spans are dropped."""
        self._stopping.set()
        if not self._lock.acquire(timeout=self._timeout_s):
            return
        try:
            if self._opened is not None:
                self._opened.close()
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("the store did not close: %s", error)
        finally:
            self._opened = self._connection = None
            self._lock.release()

    def _export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._stopping.is_set():
            return self._drop(len(spans), "the exporter is shut down")
        if self._foreign:
            return self._drop(
                len(spans),
                "the embedded store belongs to the parent process: use clickhouse:// or send "
                "OTLP to `handspan serve` where processes fork",
            )
        deadline_s = time.monotonic() + self._timeout_s
        connection = self._until(deadline_s, self._open)
        batch = decode(TRACES, encode_spans(spans).SerializeToString())
        verdict = admission(
            flat(batch).items, now_ns=time.time_ns(), raw_days=self._settings.raw_days
        )
        if verdict.reasons:
            batch = only(batch, verdict.admitted)
        if verdict.admitted.any():
            self._insert(connection, batch, deadline_s)
        for reason, number in verdict.reasons.items():
            self._drop(number, reason)
        return SpanExportResult.FAILURE if verdict.reasons else SpanExportResult.SUCCESS

    def _insert(self, connection: Connection, batch: pa.RecordBatch, deadline_s: float) -> None:
        """Insert what `serve` would, in its order: whoever sees an arrival finds its spans."""
        token = secrets.token_hex(16)

        def insert(table: str, rows: pa.Table) -> None:
            if rows.num_rows:
                self._until(deadline_s, lambda: connection.insert(table, rows, token=token))

        traces = traces_table(batch)
        insert("otel_traces", traces)
        agent_spans = agent_spans_table(traces, time.time_ns())
        insert("agent_spans", agent_spans)
        # The store itself says when: others may share it, and the processor follows these times.
        now_ns = time.time_ns()
        late = late_spans(traces, now_ns, self._settings.implicit_run_s)
        arrivals = arrivals_table(agent_spans, now_ns, late)
        insert("trace_arrivals", arrivals.drop_columns(["arrived_at"]))

    def _until(self, deadline_s: float, attempt: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Return what the attempt returns, tried again while the store is down.

        Raises:
            StoreDown: it was down to the end.
            HandspanError: trying again would not help.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return attempt()
            except StoreDown:
                if time.monotonic() + pause_s > deadline_s or self._stopping.wait(pause_s):
                    raise
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _open(self) -> Connection:
        """Return the session, opened and its schema made when this is the first time."""
        if self._connection is None:
            self._settings = from_environment(os.environ, store=self._store)
            dsn = parse(self._settings.store)
            with ExitStack() as opened:
                opened.enter_context(hold(dsn))
                connection = opened.enter_context(closing(connect(dsn)))
                migrate_schema(connection)
                self._opened, self._connection = opened.pop_all(), connection
        return self._connection

    def _drop(self, number: int, why: Exception | str) -> SpanExportResult:
        """Count spans that are not stored, and say so once a minute."""
        reason = why if isinstance(why, str) else type(why).__name__
        self._dropped[reason] += number
        now_s = time.monotonic()
        if now_s - self._told_at_s > _QUIET_S:
            self._told_at_s = now_s
            unknown = None if isinstance(why, str | HandspanError) else why
            total = self._dropped.total()
            _log.warning("%s spans were not stored: %s", total, why, exc_info=unknown)
        return SpanExportResult.FAILURE

    def _after_fork(self) -> None:
        """Begin anew in a child. What the parent opened stays as it is: closing it would end it."""
        embedded = self._opened is not None and _is_embedded(self._store)
        self._left_to_parent += [self._opened, self._connection]
        stopped = self._stopping.is_set()
        self._reset()
        self._foreign = embedded
        if stopped:
            self._stopping.set()


def _is_embedded(store: str | None) -> bool:
    return parse(from_environment(os.environ, store=store).store).embedded


def _forget_in_child(exporter: ClickHouseSpanExporter) -> None:
    alive = weakref.WeakMethod(exporter._after_fork)  # noqa: SLF001 - of this file

    def forget() -> None:
        if (method := alive()) is not None:
            method()

    os.register_at_fork(after_in_child=forget)

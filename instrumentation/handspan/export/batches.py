"""Batching: the SDK's own, with a bound that counts and limits of time that hold.

OpenTelemetry's BatchSpanProcessor is kept for what it does well: a queue, a thread, fork. What it
lacks (SDK 1.39 to 1.45, measured): its `force_flush` ignores the time limit, blocks for 15 to
32 s and returns True although spans were dropped; `shutdown` waits 30 s for a receiver that is
down; a full queue drops with a log line each and no count that can be asked for.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from handspan import settings
from handspan.export.losses import Losses, losses
from handspan.export.sending import SendingExporter
from handspan.internal import contained, finished_within, in_forked_child, log_internal_error

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

_DEFAULT_QUEUE = 2048


class BoundedBatches(SpanProcessor):
    """Queues ended spans and sends them from a thread; never blocks, never raises."""

    def __init__(self, exporter: SpanExporter, lost: Losses = losses) -> None:
        self._lost = lost
        self._most = _queue_size()
        self._stopped = False
        self._start_afresh()
        in_forked_child(self._start_afresh)
        self._batches = BatchSpanProcessor(
            SendingExporter(exporter, lost, self._done), max_queue_size=self._most
        )

    def _start_afresh(self) -> None:
        """Have an empty queue: in a forked child the SDK empties its own, the parent sends that."""
        self._lock = threading.Lock()
        self._waiting = 0
        self._flushed: threading.Event | None = None
        self._told_lost = self._lost.total()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span, or count it when the queue is full."""
        # Written out rather than `@contained`: each span passes.
        try:
            self._queue(span)
        except Exception as error:  # noqa: BLE001 - see above
            log_internal_error(error, "BoundedBatches.on_end")

    def _queue(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        with self._lock:
            fits = self._waiting < self._most and not self._stopped
            if fits:
                self._waiting += 1
        if fits:
            self._batches.on_end(span)
        elif self._stopped:
            self._lost.count("exit", 1, "it ended after the provider was shut down")
        else:
            self._lost.count("queue full", 1, f"{self._most} wait for the receiver already")

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Send what is waiting; blocks for the given time at most, None: `flush_timeout_s`.

        Returns:
            Whether all that was recorded since the last call has been taken: False also when
            something was lost in between.
        """
        chosen_s = settings.current().flush_timeout_s
        until_s = time.monotonic() + (chosen_s if timeout_millis is None else timeout_millis / 1000)
        in_time = self._flush(until_s)
        with self._lock:
            lost, self._told_lost = self._lost.total() - self._told_lost, self._lost.total()
        return in_time and lost == 0

    def shutdown(self) -> None:
        """Send what is waiting and stop; blocks for `flush_timeout_s` at most."""
        if self._stopped:
            return
        self._stopped = True
        limit_s = settings.current().flush_timeout_s
        with contextlib.suppress(KeyboardInterrupt):
            finished_within(limit_s, self._batches.shutdown, "handspan-exit")
        if self._waiting:
            self._lost.count(
                "exit",
                self._waiting,
                f"the receiver did not take them within {limit_s:g} s, is it up? "
                "HANDSPAN_FLUSH_TIMEOUT_S sets how long to wait",
            )

    def _flush(self, until_s: float) -> bool:
        """Flush in a thread; one that is still under way is waited for first, never doubled."""
        while (left_s := until_s - time.monotonic()) > 0:
            with self._lock:
                under_way = self._flushed
                ours = under_way is None
                flushed = self._flushed = under_way or threading.Event()
            if ours:
                threading.Thread(
                    target=self._send_all, args=(flushed,), name="handspan-flush", daemon=True
                ).start()
            if flushed.wait(left_s) and ours:
                return True
        self._lost.late += 1
        return False

    @contained
    def _send_all(self, flushed: threading.Event) -> None:
        try:
            self._batches.force_flush()
        finally:
            with self._lock:
                self._flushed = None
            flushed.set()

    def _done(self, spans: int) -> None:
        with self._lock:
            self._waiting = max(0, self._waiting - spans)


def _queue_size() -> int:
    """Return how many spans may wait, as the SDK's own variable says."""
    try:
        return max(1, int(os.environ.get(OTEL_BSP_MAX_QUEUE_SIZE, _DEFAULT_QUEUE)))
    except ValueError:
        return _DEFAULT_QUEUE

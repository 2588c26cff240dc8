"""Announces work that is still going on: one log record for each span that stays open.

A span is seen by nobody before it ends. One timer thread looks once a second at the workflow,
agent, handoff and human spans that have been open for longer, and says `handspan.started` for
each, once. A span that ends sooner costs two entries in a dictionary.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from handspan import semconv, settings
from handspan.internal import contained, in_forked_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

_KINDS = frozenset({"workflow", "agent", "handoff", "human"})
_MOST_OPEN = 10_000
"""Spans that are watched at a time, about 1 MB; more of them are not announced."""


class StartedProcessor(SpanProcessor):
    """Watches open spans and hands those that stay open to `announce`, from its own thread."""

    def __init__(
        self,
        announce: Callable[[Span], object],
        *,
        stop: Callable[[], object] = lambda: None,
        now_s: Callable[[], float] = time.monotonic,
        threaded: bool = True,
    ) -> None:
        """Start nothing yet: the thread comes with the first span that is watched.

        Args:
            announce: called once for each span, in the thread.
            stop: called when the provider is shut down.
            now_s: clock in seconds.
            threaded: False: nobody looks but who calls `announce_due()`.
        """
        self._announce = contained(announce)
        self._stop = stop
        self._now_s = now_s
        self._threaded = threaded
        self._start_afresh()
        in_forked_child(self._start_afresh)

    def _start_afresh(self) -> None:
        """Watch nothing: what is open when a process forks is the parent's to announce."""
        self._open: dict[int, tuple[float, Span]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._resting = self._threaded
        """Whether the thread, if there is one, waits for a span to watch."""
        self._wake = threading.Event()
        self._stopped = threading.Event()

    @property
    def watched(self) -> int:
        """How many open spans may still be announced."""
        return len(self._open)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Watch a span of the kinds that last."""
        scope, attributes = span.instrumentation_scope, span.attributes
        if scope is None or scope.name != semconv.SCOPE_NAME or attributes is None:
            return
        if attributes.get(semconv.KIND) in _KINDS and len(self._open) < _MOST_OPEN:
            self._watch_for(span)

    @contained
    def _watch_for(self, span: Span) -> None:
        # One operation of a dictionary each, here and at the end: no lock for those who record.
        due_s = self._now_s() + settings.current().announce_after_s
        self._open[span.get_span_context().span_id] = (due_s, span)
        if self._resting:
            self._rouse()

    def on_end(self, span: ReadableSpan) -> None:
        """Watch the span no more."""
        context = span.get_span_context()
        if context is not None:
            self._open.pop(context.span_id, None)

    def announce_due(self) -> float | None:
        """Announce what has been open for long enough.

        Returns:
            Seconds until the next span is due; None: none is watched.
        """
        now_s = self._now_s()
        for span_id, (due_s, span) in list(self._open.items()):
            if due_s > now_s:
                return due_s - now_s
            self._open.pop(span_id, None)
            if span.is_recording():
                self._announce(span)
        return None

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Hold nothing back; SDK 1.39 takes its own default for a failure."""
        return True

    def shutdown(self) -> None:
        """Announce nothing any more."""
        self._stopped.set()
        self._wake.set()
        self._stop()

    def _rouse(self) -> None:
        """Have the thread look at what is watched; it comes with the first span."""
        with self._lock:
            self._resting = False
            self._wake.set()
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(
                    target=self._watch, name="handspan-started", daemon=True
                )
                self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.is_set():
            next_s = self.announce_due()
            if next_s is not None:
                self._stopped.wait(next_s)
                continue
            with self._lock:
                self._wake.clear()
                self._resting = True
            # A span that came before that was said has roused nobody.
            if not self._open and not self._stopped.is_set():
                self._wake.wait()

"""Rebuilds and prices again in the service: beside ingest and processor, and behind both."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from handspan_exporter.errors import Busy, HandspanError
from handspan_exporter.processor.loop import MOST_TRACES
from handspan_exporter.processor.prices import own_prices, reprice
from handspan_exporter.processor.rebuild import rebuild
from handspan_exporter.query.operations import BY_NAME, OPERATIONS
from handspan_exporter.query.window import iso
from handspan_exporter.store.memory import Memory
from handspan_exporter.telemetry import OPERATION_RUNNING, OPERATION_SPANS, OPERATIONS_ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan.price_file import PriceFile
    from handspan_exporter.processor.loop import Processor
    from handspan_exporter.query.operations import State
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.telemetry import Counters

SESSION: Final = {"max_threads": 1, "max_insert_threads": 1}
"""Settings for its session: one thread, of which it rests half the time."""
_LOOK_S: Final = 0.1
"""Between two looks whether the processor has caught up."""

_log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The service ends, between two slices."""


@dataclass(slots=True)
class _Work:
    """The last operation of one name."""

    name: str
    since_ns: int | None = None
    state: State = "none"
    reason: str = ""
    began_ns: int | None = None
    ended_ns: int | None = None
    spans_read: int = 0
    spans: int | None = None

    def told(self) -> dict[str, Any]:
        """Return it as the API does."""
        moments = {"since": self.since_ns, "began": self.began_ns, "ended": self.ended_ns}
        return {
            "operation": self.name,
            "state": self.state,
            "reason": self.reason,
            **{name: None if ns is None else iso(ns) for name, ns in moments.items()},
            "spans_read": self.spans_read,
            "spans": self.spans,
        }


class Anew:
    """Does one operation at a time, in a thread and a session of its own.

    It works on one slice, rests as long as that took, and waits while the processor has more to
    do than one tick takes: what arrives meanwhile is in the facts seconds later than else.
    """

    def __init__(
        self,
        opener: Callable[[], Connection],
        settings: Settings,
        counters: Counters,
        *,
        processor: Processor | None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember the parts; nothing runs before `start`.

        Args:
            opener: Opens a session, best with `SESSION`.
            settings: For the price file.
            counters: For what is done.
            processor: Of this service; None: facts are another's to compute.
            clock_ns: Unix time.
        """
        self._opener = opener
        self._settings = settings
        self._counters = counters
        self._processor = processor
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._last = {one.name: _Work(one.name) for one in OPERATIONS}
        self._thread: threading.Thread | None = None
        for name in self._last:
            counters.watch(OPERATION_RUNNING, partial(self._runs, name), reason=name)

    def start(self, name: str, since_ns: int | None) -> dict[str, Any]:
        """Begin one and return its progress at once.

        Raises:
            Busy: one is under way.
            UsageError: the service's price file is wrong.
        """
        own = own_prices(self._settings.prices) if name == "reprice" else None
        with self._lock:
            if under_way := self._under_way():
                raise Busy(under_way)
            work = _Work(name, since_ns, state="running", began_ns=self._clock_ns())
            self._last[name] = work
            self._thread = threading.Thread(target=self._run, args=(work, own), name=name)
            self._thread.start()
        return work.told()

    def progress(self, name: str) -> dict[str, Any]:
        """Return how far the last one of this name is; never blocks."""
        return self._last[name].told()

    def stop(self) -> None:
        """End after the slice at work; blocks for it. What is done stays done."""
        with self._lock:
            self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _runs(self, name: str) -> int:
        return int(self._last[name].state == "running")

    def _under_way(self) -> str:
        """Return the sentence that says what is, or nothing."""
        if self._stopping.is_set():
            return "the service is being stopped: ask again when it has started"
        for work in self._last.values():
            if work.state == "running":
                done = f"{work.spans_read:,} of {work.spans or 0:,} {BY_NAME[work.name].counts}"
                noun = BY_NAME[work.name].noun
                return (
                    f"{noun} is under way since {iso(work.began_ns or 0)} ({done}): "
                    f"GET /api/v1/{work.name} tells when it has ended"
                )
        return ""

    def _run(self, work: _Work, own: PriceFile | None) -> None:
        state: State = "failed"
        try:
            with closing(self._opener()) as connection:
                self._do(work, own, connection)
            state = "done"
        except _Stopped:
            state, work.reason = "stopped", "the service was stopped: it is safe to repeat"
        except HandspanError as error:
            work.reason = str(error)
            _log.error("%s has failed: %s", BY_NAME[work.name].noun, error)
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of any defect
            work.reason = f"{type(error).__name__}; the log of `handspan serve` says more"
            _log.exception("%s has failed", BY_NAME[work.name].noun)
        work.ended_ns = self._clock_ns()
        work.state = state
        self._counters.add(OPERATIONS_ENDED, reason=state)

    def _do(self, work: _Work, own: PriceFile | None, connection: Connection) -> None:
        told = self._pacing(work, Memory(connection))
        since_ns = work.since_ns or 0
        if own is None:
            rebuild(connection, since_ns, clock_ns=self._clock_ns, told=told)
            return
        if self._processor is not None:
            self._processor.price_by(own)  # what it asks for meanwhile must not be the old price
        reprice(connection, since_ns, own=own, clock_ns=self._clock_ns, told=told)

    def _pacing(self, work: _Work, memory: Memory) -> Callable[[int, int], None]:
        """Return what notes the progress and rests after each slice."""
        began_s = time.monotonic()

        def told(read: int, spans: int) -> None:
            nonlocal began_s
            self._counters.add(OPERATION_SPANS, read - work.spans_read, reason=work.name)
            work.spans_read, work.spans = read, spans
            memory.give_back()
            if 0 < read < spans:
                self._rest(time.monotonic() - began_s)
            began_s = time.monotonic()

        return told

    def _rest(self, busy_s: float) -> None:
        self._check(self._stopping.wait(busy_s))
        while self._processor is not None and self._processor.waiting > MOST_TRACES:
            self._check(self._stopping.wait(_LOOK_S))

    def _check(self, stopping: bool) -> None:  # noqa: FBT001 - what an event answers
        if stopping:
            raise _Stopped

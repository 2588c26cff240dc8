"""The thread that follows what arrives and keeps facts and history up to date."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from handspan_exporter import sql
from handspan_exporter.attention import Attention
from handspan_exporter.errors import HandspanError, QueryFailed
from handspan_exporter.processor.facts import highest_revision, recompute
from handspan_exporter.processor.history import History
from handspan_exporter.processor.pace import Pace
from handspan_exporter.processor.prices import own_prices
from handspan_exporter.processor.queue import SECOND_NS, Queue
from handspan_exporter.telemetry import (
    FACTS_FAILED,
    FACTS_MISSED,
    FACTS_SPANS,
    FACTS_TRACES,
    FRESHNESS_S,
    PROCESSOR_BUSY_S,
    PROCESSOR_LAG_S,
    PROCESSOR_TICKS,
    PROCESSOR_WAITING,
    Counters,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan.price_file import PriceFile
    from handspan_exporter.processor.facts import Done
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.lease import Lease

MOST_TRACES = 4096
"""In one tick; they are sent as one parameter."""
MOST_SPANS = 160_000
"""In one tick, so that it takes about three seconds; one larger trace is computed alone."""
MOST_ARRIVALS = 100_000
"""Read ahead of what is computed."""

_STEP_BACK_NS = SECOND_NS
_CURSOR_EVERY_NS = 60 * SECOND_NS
_LOOK_BACK_EVERY_NS = 60 * SECOND_NS
_LONGEST_PAUSE_S = 30.0
_IDLE_S = 5.0
"""Between two looks while nothing is stored: each costs 10 ms of CPU."""
_LAST_TICKS_S = 5.0
"""How long the end may take to compute what was stored last; the next start does the rest."""

_LAST_PAUSE_S = 0.02
_LAST_LONGEST_PAUSE_S = 1.0
"""Until a watermark has passed what was stored last: a server's soon does. That of a cluster takes
5 s, for which nobody who ends a program should wait."""

_log = logging.getLogger(__name__)


class Processor:
    """Follows `trace_arrivals` up to the writer's watermark; killed anywhere, it does it again.

    The cursor in `processor_state` only passes arrivals whose traces are in the facts.
    """

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        *,
        oldest_in_flight_ns: Callable[[], int],
        behind_ns: Callable[[], int] | None = None,
        counters: Counters | None = None,
        lease: Lease | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember the parts; nothing runs before `start` or `tick`.

        Args:
            connection: Of this processor alone, best opened with `facts.SESSION`.
            settings: For `tick_s` and `implicit_run_s`.
            oldest_in_flight_ns: A moment (Unix time) before which every arrival is stored.
            behind_ns: How long before that question the moment was, by the clock that stamps
                arrivals; None: whatever has woken us before it is stamped before the moment.
            counters: For traces and failures.
            lease: Held by the one of several processors that works; None: there is but this one.
            clock_ns: Unix time; steps back do no harm.
        """
        self._connection = connection
        self._settings = settings
        self._own_prices = own_prices(settings.prices)
        self._oldest_in_flight_ns = oldest_in_flight_ns
        self._behind_ns = behind_ns
        self.counters = counters or Counters()
        self._clock_ns = clock_ns
        self._lease = lease
        self._queue = Queue(settings.implicit_run_s)
        self._history = History(connection, self._next_revision)
        self._pace = Pace(Attention(self.counters), settings.tick_s)
        self._most_traces = MOST_TRACES
        self._revision = -1
        self._read_ns = 0
        self._cursor_ns = 0
        self._looked_ns = self._checked_ns = 0
        self._found: dict[str, int] = {}
        self._oldest_ns: int | None = None
        self._unread_ns: int | None = None
        self._woken_s = time.monotonic()
        self._waking = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="processor")
        self.counters.watch(PROCESSOR_WAITING, lambda: self.waiting)
        self.counters.watch(PROCESSOR_LAG_S, self._lag_s)

    def start(self) -> None:
        """Begin to tick in a thread."""
        self.wake()  # what an earlier process left is not known before the first look
        self._thread.start()

    def stop(self) -> None:
        """End once what is stored is computed; blocks for about `_LAST_TICKS_S` at most."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def wake(self) -> None:
        """Say that something was stored: a tick comes soon, see `Pace`. Never blocks."""
        with self._waking:
            self._woken_s = time.monotonic()
            if self._unread_ns is None:
                self._unread_ns = self._clock_ns()
        self._wake.set()

    def tick(self) -> int:
        """Compute what is due and return how many traces that were; blocks for seconds at most.

        Raises:
            QueryFailed: the store refused a statement; the same traces are due again.
            StoreDown: the store cannot be reached; the same traces are due again.
        """
        self.counters.add(PROCESSOR_TICKS)
        if not self._leads():
            return 0
        if self._revision < 0:
            self._resume()
        now_ns = self._clock_ns()
        self._follow(now_ns)
        batch = self._queue.due(now_ns, traces=self._most_traces, spans=MOST_SPANS)
        if batch:
            self._compute(batch, now_ns)
        self._save_cursor(now_ns, worked=bool(batch))
        self._look_back(now_ns)
        self._history.step(now_ns)
        return len(batch)

    def price_by(self, own: PriceFile) -> None:
        """Ask for prices by another file from the next tick on; safe from any thread."""
        self._own_prices = own

    @property
    def waiting(self) -> int:
        """How many traces have spans that are not in the facts."""
        return len(self._queue)

    def _lag_s(self) -> float:
        waits = [ns for ns in (self._oldest_ns, self._unread_ns) if ns is not None]
        return max(self._clock_ns() - min(waits), 0) / SECOND_NS if waits else 0.0

    def _leads(self) -> bool:
        """Tell whether this processor may work; one that may not forgets what it knew."""
        if self._lease is None or self._lease.hold():
            return True
        self._unread_ns = self._oldest_ns = None  # another's to compute
        if self._revision >= 0:
            _log.warning("another processor has taken over, this one waits")
            self._queue = Queue(self._settings.implicit_run_s)
            self._history = History(self._connection, self._next_revision)
            self._revision = -1
        return False

    def _resume(self) -> None:
        """Go on where the last processor said it was."""
        revision = highest_revision(self._connection)
        found = {
            row["name"]: row["moment_ns"] for row in self._connection.rows(sql.load("facts/cursor"))
        }
        self._cursor_ns = self._read_ns = found.get("facts", 0)
        # What a processor that was killed may have said too early is looked at first.
        checked_ns = max(1, self._cursor_ns - 2 * _CURSOR_EVERY_NS)
        self._checked_ns = min(checked_ns, found.get("looked", checked_ns))
        idle_ns = int(self._settings.implicit_run_s * SECOND_NS)
        from_ns = self._cursor_ns - idle_ns if self._cursor_ns else 0
        while from_ns < self._cursor_ns:
            arrivals, from_ns = self._arrivals(from_ns, self._cursor_ns)
            self._queue.settles(arrivals)
        running = self._connection.rows(sql.load("facts/running"))
        self._queue.may_be_lost((row["trace_id"] for row in running), self._clock_ns())
        self._revision = revision

    def _follow(self, now_ns: int) -> None:
        """Read what arrived since, up to the watermark, unless enough is waiting."""
        if len(self._queue) >= MOST_ARRIVALS:
            return
        woken_s, asked_s, asked_ns = self._woken_s, time.monotonic(), self._clock_ns()
        until_ns = self._oldest_in_flight_ns()
        read_all = True
        if until_ns < self._read_ns - _STEP_BACK_NS:
            # The clock that stamps arrivals was set back: what comes now is older than what came.
            self._read_ns = self._cursor_ns = until_ns - _STEP_BACK_NS
        if until_ns > self._read_ns:
            arrivals, self._read_ns = self._arrivals(self._read_ns, until_ns)
            self._queue.arrived(arrivals, now_ns)
            read_all = self._read_ns == until_ns
            self._oldest_ns = self._queue.oldest_ns()
        if read_all:
            self._told(woken_s, asked_s, asked_ns)

    def _told(self, woken_s: float, asked_s: float, asked_ns: int) -> None:
        """Forget what has woken us before the watermark, of which all is read."""
        with self._waking:
            if self._hidden_s(woken_s, asked_s) <= 0:  # all but what was stored since
                self._unread_ns = None if self._woken_s == woken_s else asked_ns
            elif self._unread_ns is not None:
                self._unread_ns = max(self._unread_ns, asked_ns - self._behind())

    def _hidden_s(self, woken_s: float, now_s: float) -> float:
        """Return how long the watermark takes to pass what woke us then; not above 0: it has."""
        return woken_s + self._behind() / SECOND_NS - now_s

    def _behind(self) -> int:
        return self._behind_ns() if self._behind_ns else 0

    def _arrivals(self, from_ns: int, until_ns: int) -> tuple[list[dict[str, int]], int]:
        """Return what arrived, a row per trace, and up to when: sooner if it was too much."""
        parameters = {"from_ns": from_ns, "until_ns": until_ns, "most": MOST_ARRIVALS}
        arrivals = self._connection.rows(sql.load("facts/arrivals"), parameters)
        if sum(row["arrivals"] for row in arrivals) >= MOST_ARRIVALS:
            until_ns = max(row["last_ns"] for row in arrivals) + 1
        return arrivals, until_ns

    def _compute(self, batch: list[str], now_ns: int) -> None:
        try:
            done = recompute(
                self._connection,
                batch,
                now_ns=now_ns,
                revision=self._next_revision(),
                implicit_run_s=self._settings.implicit_run_s,
                own_prices=self._own_prices,
            )
        except QueryFailed:
            self._single_out(batch, now_ns)
            raise
        self._most_traces = min(2 * self._most_traces, MOST_TRACES)
        for trace_id, first_ns in self._queue.waiting_since(batch):
            waited_s = max(self._clock_ns() - first_ns, 0) / SECOND_NS
            self.counters.observe(FRESHNESS_S, waited_s, trace_id=trace_id)
        self._queue.done(done, now_ns)
        self._note_gaps(done, now_ns)
        self._queue.nothing_stored(set(batch) - {one.trace_id for one in done})
        self.counters.add(FACTS_TRACES, len(batch))
        self.counters.add(FACTS_SPANS, sum(one.spans for one in done))

    def _note_gaps(self, done: list[Done], now_ns: int) -> None:
        """Remember idle traces that lack a span: no agent span will tell when that one comes."""
        idle_ns = now_ns - int(self._settings.implicit_run_s * SECOND_NS)
        if gaps := [one.trace_id for one in done if one.gap and one.received_ns <= idle_ns]:
            noted = {"trace_ids": gaps, "now_ns": now_ns}
            self._connection.command(sql.load("facts/gaps_write"), noted)

    def _single_out(self, batch: list[str], now_ns: int) -> None:
        """Halve the batch until the one trace that cannot be computed is alone: others go first."""
        self._most_traces = max(1, len(batch) // 2)
        self._queue.not_done(batch, now_ns)
        if len(batch) == 1:
            self._queue.postpone(batch[0], now_ns)
            _log.error("the facts of trace %s cannot be computed, trying again", batch[0])

    def _save_cursor(self, now_ns: int, *, worked: bool) -> None:
        oldest_ns = self._oldest_ns = self._queue.oldest_ns()
        # A timer that is due holds it, too: the next process settles only what came lately.
        holding = (oldest_ns, self._queue.next_timer_ns(), self._read_ns)
        cursor_ns = min(ns for ns in holding if ns is not None)
        late = now_ns - self._cursor_ns > _CURSOR_EVERY_NS
        if cursor_ns > self._cursor_ns and (worked or late):
            self._move("facts", cursor_ns)
            self._cursor_ns = cursor_ns

    def _move(self, name: str, moment_ns: int) -> None:
        moved = {"name": name, "moment_ns": moment_ns, "revision": self._next_revision()}
        self._connection.command(sql.load("facts/cursor_write"), moved)

    def _look_back(self, now_ns: int) -> None:
        """Once a minute, have traces computed again whose facts lack a span.

        Of agent spans none should; spans of others that close a gap come as late as they like.
        """
        if now_ns - self._looked_ns < _LOOK_BACK_EVERY_NS:
            return
        self._looked_ns = now_ns
        from_ns, until_ns = self._checked_ns, self._cursor_ns
        if 0 < from_ns < until_ns:
            window = {"from_ns": from_ns, "until_ns": until_ns}
            if missed := self._looked(now_ns, "facts/missed", window | {"most": MOST_TRACES}):
                self.counters.add(FACTS_MISSED, len(missed))
                _log.error("spans of %s traces were missed, first of %s", len(missed), missed[0])
            self._looked(now_ns, "facts/filled", window)
            # A process that is killed before it has computed what was found must find it again.
            waiting = self._queue.waiting_since(self._found)
            self._found = {trace_id: self._found[trace_id] for trace_id, _ in waiting}
            self._move("looked", min(self._found.values(), default=from_ns))
        self._checked_ns = until_ns

    def _looked(self, now_ns: int, name: str, window: dict[str, int]) -> list[str]:
        """Queue the traces that a statement finds and return them, without those that wait."""
        rows = self._connection.rows(sql.load(name), window)
        found = self._queue.missed((row["trace_id"] for row in rows), now_ns)
        # One found before, done since and found again counts from the earlier look: no harm.
        self._found = dict.fromkeys(found, window["from_ns"]) | self._found
        return found

    def _next_revision(self) -> int:
        least = self._lease.fence if self._lease else self._clock_ns()
        self._revision = max(least, self._revision + 1)
        return self._revision

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_s = time.monotonic()
            try:
                if self.tick():
                    self.counters.observe(PROCESSOR_BUSY_S, time.monotonic() - began_s)
                failures = 0
            except HandspanError as error:
                failures += 1
                self.counters.add(FACTS_FAILED, reason=type(error).__name__)
                _log.warning("facts are late, trying again: %s", error)
            except Exception as error:  # noqa: BLE001 - this thread must outlive any defect, or KPIs stand still
                failures += 1
                self.counters.add(FACTS_FAILED, reason=type(error).__name__)
                _log.exception("facts are late, trying again")
            self._rest(time.monotonic() - began_s, failures)
        self._finish()

    def _finish(self) -> None:
        """Compute what the writer stored while it was told to end; failing here costs nothing."""
        deadline_s = time.monotonic() + _LAST_TICKS_S
        try:
            while time.monotonic() < deadline_s:
                if not self.tick():
                    hidden_s = self._hidden_s(self._woken_s, time.monotonic())
                    if self._unread_ns is None or hidden_s > _LAST_LONGEST_PAUSE_S:
                        break
                    time.sleep(max(hidden_s, _LAST_PAUSE_S))
        except HandspanError as error:
            _log.warning("the last facts are computed at the next start: %s", error)
        except Exception:  # noqa: BLE001 - the end must come
            _log.exception("the last facts are computed at the next start")

    def _quiet_s(self) -> float:
        """Return for how long nothing is due unless something is stored, which wakes us."""
        tick_s = self._settings.tick_s
        if self._lease is not None:  # others store too, and cannot wake us
            return tick_s
        if len(self._queue) or self._history.is_busy:
            return tick_s
        timer_ns = self._queue.next_timer_ns()
        due_s = _IDLE_S if timer_ns is None else (timer_ns - self._clock_ns()) / SECOND_NS
        return max(tick_s, min(due_s, _IDLE_S))

    def _renew(self) -> None:
        """Keep the lease while resting; what fails here is tried again by the next tick."""
        try:
            if self._lease is not None:
                self._lease.hold()
        except HandspanError as error:
            _log.warning("the lease is not renewed, trying again: %s", error)

    def _rest(self, busy_s: float, failures: int) -> None:
        """Wait for the next tick: longer for one that cost much, unless somebody waits for it."""
        if failures:
            self._stopping.wait(min(self._settings.tick_s * 2**failures, _LONGEST_PAUSE_S))
            self._wake.clear()
            return
        behind = self._queue.is_due(self._clock_ns())
        began_s = time.monotonic()
        while (
            left_s := began_s + self._pace.pause_s(busy_s, behind=behind) - time.monotonic()
        ) > 0 and not self._stopping.wait(min(left_s, self._settings.tick_s)):
            self._renew()
        if not behind:
            self._wake.wait(self._quiet_s())
        self._wake.clear()

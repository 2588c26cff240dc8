"""Append, sync, roll, remove: the life of the segments in one folder."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from handspan_exporter.errors import JournalFull, Stop
from handspan_exporter.journal.leftovers import Leftovers
from handspan_exporter.journal.records import record
from handspan_exporter.journal.rejected import Rejected
from handspan_exporter.journal.repeats import WINDOW_S, Refused, Repeats, digest
from handspan_exporter.journal.segment import (
    SUFFIX,
    Segment,
    file_name,
    signal_of,
    sync_folder,
    write_durably,
)
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.telemetry import BYTES_TORN, JOURNAL_AGE_S, JOURNAL_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handspan_exporter.journal.leftovers import Group
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.settings import Settings
    from handspan_exporter.telemetry import Counters

SEGMENT_MAX_BYTES = 64 << 20
"""A segment is decoded whole, and Arrow's strings end at 2 GiB."""

SEGMENT_COPIED_BYTES = 64 << 20
"""What makes a segment's rows far larger than its requests closes it, too."""

_log = logging.getLogger(__name__)


class Journal:
    """The segments of one folder: at most one open per signal, the closed ones by their age.

    One process at a time may have a folder. Safe from any thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        segment_spans: int,
        counters: Counters,
        rejected_max_bytes: int = 1 << 30,
        durable: bool = True,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take up the folder: what an earlier process left is closed, oldest first.

        Args:
            folder: Made when absent.
            max_bytes: Of all segments together; beyond, `append` refuses.
            segment_spans: A segment with as many is closed.
            counters: For bytes torn off by a crash, and for how much waits since when.
            rejected_max_bytes: Of what the store refuses; beyond, the oldest is removed.
            durable: Whether what is appended survives a power cut, or only the process.
            clock_ns: Unix time, for the names of segments.

        Raises:
            Stop: the folder cannot be used; the message says which.
        """
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_spans = segment_spans
        self._counters = counters
        self._durable = durable
        self._clock_ns = clock_ns
        # Several services may share one ClickHouse: two segments of one nanosecond must differ.
        self._writer = secrets.token_hex(4)
        self._changed = threading.Condition()
        self._open: dict[Signal, Segment] = {}
        self._opened_s: dict[Signal, float] = {}
        self._closed: deque[Segment] = deque()
        self._leftovers = Leftovers(folder)
        self._last_ns = 0
        self.repeats = Repeats(clock_ns)
        """Of what is acknowledged; `append` does not look there."""
        self.rejected = Rejected(
            folder / "rejected", max_bytes=rejected_max_bytes, counters=counters
        )
        """What the store refuses."""
        counters.watch(JOURNAL_BYTES, lambda: self.size_bytes)
        counters.watch(JOURNAL_AGE_S, lambda: self.age_s)
        try:
            self._recover()
        except OSError as error:
            raise Stop(f"the journal {folder} cannot be used: {error.strerror}") from error

    @classmethod
    def of(cls, folder: Path, settings: Settings, counters: Counters) -> Self:
        """Take up a folder as the settings of a service say.

        Raises:
            Stop: the folder cannot be used; the message says which.
        """
        return cls(
            folder,
            max_bytes=settings.journal_max_bytes,
            segment_spans=settings.flush_spans,
            rejected_max_bytes=settings.rejected_max_bytes,
            durable=settings.durability == "disk",
            counters=counters,
        )

    def append(
        self, body: bytes, items: int, signal: Signal = TRACES, *, copied_bytes: int = 0
    ) -> Segment:
        """Write a request down and return its segment once the disk has it.

        Its rows take `copied_bytes` that the request has only once for many of them.

        Blocks for one fdatasync, shared with all requests that come meanwhile.

        Raises:
            JournalFull: the byte limit is reached, or the disk is full; nothing is kept.
        """
        entry = record(body)
        with self._changed:
            if self._size() + len(entry) > self._max_bytes:
                raise JournalFull(
                    f"the journal holds {self._max_bytes} bytes that are not yet stored: "
                    "try again later, or raise --journal-max-bytes"
                )
            segment = self._append(entry, items, signal)
            segment.copied_bytes += copied_bytes
            end, failures = segment.size, segment.failures
            full = segment.size >= SEGMENT_MAX_BYTES or segment.items >= self._segment_spans
            if full or segment.copied_bytes >= SEGMENT_COPIED_BYTES:
                self._close(signal)
            self._await_sync(segment, end, failures)
        return segment

    def roll(self) -> None:
        """Close what is open."""
        with self._changed:
            for signal in tuple(self._open):
                self._close(signal)

    def oldest(self) -> Segment | None:
        """Return the oldest closed segment, wholly on disk; None when none is closed."""
        with self._changed:
            while self._closed:
                segment = self._closed[0]
                self._settle(segment)
                if segment.records:
                    return segment
                self._forget(segment)
                _unlink(segment.path)
        return None

    def oldest_group(self) -> Group | None:
        """Return what is to be stored next as one: the oldest segment, or many left by a crash.

        A group begun before a crash comes back as it was, with its token.
        """
        if (first := self.oldest()) is None:
            return None
        with self._changed:
            return self._leftovers.group(first, self._closed)

    def remove(self, segment: Segment) -> None:
        """Delete a segment that is in the store.

        After a crash the file may come back; it is then stored again with its old token.
        """
        with self._changed:
            self._forget(segment)
            _unlink(segment.path)

    def set_aside(self, segment: Segment, reason: str) -> None:
        """Move a segment that cannot be stored to rejected/, with the reason beside it.

        The next start tries it once more: its version may know better, or what was missing is
        there. Where even the move fails the file stays.
        """
        with self._changed:
            self._forget(segment)
            kept = self.rejected.folder / segment.path.name
            try:
                segment.path.rename(kept)
                write_durably(kept.with_suffix(".txt"), reason + "\n")
            except OSError as error:
                _log.error("%s", _refusal(self._folder, error))
            self.rejected.trim()

    def requests(self, segment: Segment) -> Iterator[bytes]:
        """Yield the requests of a closed segment one by one, from its file."""
        return segment.requests()

    def watermark_ns(self) -> int:
        """Return a moment (Unix time): all that arrived before it is in the store.

        It is the beginning of the oldest segment, or now when there is none; a segment begun
        later has a later beginning.
        """
        with self._changed:
            living = [*self._closed, *self._open.values()]
            if living:
                return min(segment.created_ns for segment in living)
            # One more than the last beginning, which is ahead of a clock that was set back.
            return self._tick(1)

    @property
    def folder(self) -> Path:
        """Where the segments lie."""
        return self._folder

    @property
    def open_s(self) -> float | None:
        """How long the oldest open segment has been open, in seconds; None when none is."""
        with self._changed:
            if not self._open:
                return None
            return time.monotonic() - min(self._opened_s[signal] for signal in self._open)

    @property
    def age_s(self) -> float:
        """How long the oldest request that is not in the store is here, in seconds; 0: none is."""
        with self._changed:
            living = [segment.created_ns for segment in (*self._closed, *self._open.values())]
        return max(self._clock_ns() - min(living), 0) / 1e9 if living else 0.0

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments: acknowledged and not yet in the store."""
        with self._changed:
            return self._size()

    def _append(self, entry: bytes, items: int, signal: Signal) -> Segment:
        try:
            segment = self._open.get(signal) or self._begin(signal)
            segment.append(entry, items)
        except OSError as error:
            raise JournalFull(_refusal(self._folder, error)) from error
        return segment

    def _begin(self, signal: Signal) -> Segment:
        created_ns = self._tick(1)
        segment = Segment.create(
            self._folder, created_ns, self._writer, signal, durable=self._durable
        )
        self._open[signal] = segment
        self._opened_s[signal] = time.monotonic()
        return segment

    def _tick(self, least: int) -> int:
        """Return the time, at least `least` ns after the last one: clocks are set back."""
        self._last_ns = max(self._clock_ns(), self._last_ns + least)
        return self._last_ns

    def _close(self, signal: Signal) -> None:
        self._closed.append(self._open.pop(signal))

    def _settle(self, segment: Segment) -> None:
        """Wait for what was appended last; a failure is told to those who appended it."""
        while segment.synced < segment.size or segment.syncing:
            self._advance(segment)

    def _await_sync(self, segment: Segment, end: int, failures: int) -> None:
        while segment.failures == failures:
            if segment.synced >= end:
                return
            self._advance(segment)
        raise JournalFull(f"the disk of {self._folder} refuses to keep what is written: see df")

    def _advance(self, segment: Segment) -> None:
        """Sync for all who wait, or wait for the one who does."""
        if segment.syncing:
            self._changed.wait()
            return
        segment.syncing, end = True, segment.size
        self._changed.release()
        try:
            segment.sync()
        except OSError as error:
            _log.error("%s", _refusal(self._folder, error))
            end = -1
        finally:
            self._changed.acquire()
            segment.syncing = False
        if end < 0:
            segment.forget_unsynced()
        segment.synced = max(segment.synced, end)
        self._changed.notify_all()

    def _forget(self, segment: Segment) -> None:
        self._closed.remove(segment)
        segment.close()

    def _size(self) -> int:
        return sum(segment.size for segment in (*self._closed, *self._open.values()))

    def _recover(self) -> None:
        self.rejected.folder.mkdir(parents=True, exist_ok=True)
        sync_folder(self._folder)
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            self._take_up(path)
        for path in sorted(self.rejected.folder.glob(f"*{SUFFIX}")):
            self._take_back(path)

    def _take_up(self, path: Path) -> None:
        segment, torn = Segment.found(path)
        self._counters.add(BYTES_TORN, torn)
        self._closed.append(segment)
        self._last_ns = segment.created_ns
        self._remember(segment)

    def _take_back(self, path: Path) -> None:
        """Give what was set aside one more chance: it is acknowledged.

        It begins anew: whoever follows the arrivals has passed its first beginning long ago.
        """
        anew = self._folder / file_name(self._tick(1), self._writer, signal_of(path))
        path.rename(anew)
        path.with_suffix(".txt").unlink(missing_ok=True)
        self._take_up(anew)

    def _remember(self, segment: Segment) -> None:
        """Know what an earlier process acknowledged, when its client may still send it again."""
        written_ns = segment.path.stat().st_mtime_ns
        if written_ns > self._clock_ns() - WINDOW_S * 10**9:
            for body in segment.requests():
                key = digest(body, segment.signal)
                self.repeats.remember(key, Refused(), at_ns=written_ns)


def _unlink(path: Path) -> None:
    """Delete a file. Should it stay, the next start finds all of it in the store already."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", path, error.strerror)


def _refusal(folder: Path, error: OSError) -> str:
    return f"the journal {folder} cannot be written: {error.strerror}; make room on its disk"

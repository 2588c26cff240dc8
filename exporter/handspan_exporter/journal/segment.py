"""One file of the journal. Its name is its identity, its age and its deduplication token."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Self

from handspan_exporter.journal.records import spots
from handspan_exporter.otlp.signals import SIGNALS, TRACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handspan_exporter.otlp.signals import Signal

SUFFIX = ".otlp"


class Segment:
    """A file that requests are appended to. Not safe from several threads: the journal locks."""

    def __init__(
        self, path: Path, ends: list[int], descriptor: int | None, *, durable: bool = True
    ) -> None:
        self.path = path
        self._durable = durable
        self.id = path.name.removesuffix(SUFFIX)
        """Unique among all segments ever; sorts by age."""
        self.created_ns = int(self.id.partition("-")[0])
        """When it was begun, Unix time: also the `received_at` of its rows, so that a replay
        writes the same ones."""
        self.signal = signal_of(path)
        """What all its requests are of: `<time>-<writer>.logs.otlp`; of traces without a word."""
        self.inherited = descriptor is None
        """Left by an earlier process, which may have stored any part of it."""
        self.items = 0
        """Spans or log records appended since this process began it; 0 for one that was found."""
        self.copied_bytes = 0
        """What the rows of these take of resources and scopes, as far as that is known."""
        self.synced = ends[-1] if ends else 0
        """Bytes known to be on disk."""
        self.failures = 0
        """How often the end was cut off because the disk refused."""
        self.syncing = False
        self._ends = ends
        self._descriptor = descriptor

    @classmethod
    def create(
        cls,
        folder: Path,
        created_ns: int,
        writer: str,
        signal: Signal = TRACES,
        *,
        durable: bool = True,
    ) -> Self:
        """Begin a segment; when `durable`, its name survives a power cut from here on.

        Raises:
            OSError: the file cannot be made.
        """
        path = folder / file_name(created_ns, writer, signal)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        descriptor = os.open(path, flags, 0o600)
        try:
            if durable:
                sync_folder(folder)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return cls(path, [], descriptor, durable=durable)

    @classmethod
    def found(cls, path: Path) -> tuple[Self, int]:
        """Take up what an earlier process left: cut the torn end off.

        Returns the segment and the number of bytes cut off. Of its requests only the lengths are
        read: there may be gigabytes of them.

        Raises:
            OSError: the file cannot be read or cut.
        """
        size = path.stat().st_size
        with mapped(path) as data:
            ends = [end for _, end in spots(data)]
        whole = ends[-1] if ends else 0
        if whole < size:
            os.truncate(path, whole)
        return cls(path, ends, None), size - whole

    def requests(self) -> Iterator[bytes]:
        """Yield the requests of the file one by one.

        Raises:
            OSError: the file cannot be read.
        """
        with mapped(self.path) as data:
            for start, end in spots(data):
                yield data[start:end]

    @property
    def size(self) -> int:
        """In bytes, synced or not."""
        return self._ends[-1] if self._ends else 0

    @property
    def records(self) -> int:
        """How many requests it holds."""
        return len(self._ends)

    def append(self, record: bytes, items: int) -> None:
        """Write one record at the end, or nothing.

        Raises:
            OSError: the disk is full or broken.
        """
        descriptor = self._open()
        try:
            written = os.write(descriptor, record)
            while written < len(record):
                written += os.write(descriptor, record[written:])
        except OSError:
            self._cut(self.size)
            raise
        self._ends.append(self.size + len(record))
        self.items += items

    def sync(self) -> None:
        """Wait until the disk has all that was appended; the one call without the lock.

        With durability `process` there is no wait: the page cache outlives the process.

        Raises:
            OSError: the disk is full or broken.
        """
        if self._durable:
            os.fdatasync(self._open())

    def forget_unsynced(self) -> None:
        """Cut off what the disk refused; whoever waits for it finds `failures` changed."""
        self._ends = [end for end in self._ends if end <= self.synced]
        self.failures += 1
        self._cut(self.synced)

    def close(self) -> None:
        """Give the file descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _cut(self, size: int) -> None:
        # Should even this fail, the end is a torn record, which readers cut off themselves.
        with suppress(OSError):
            os.ftruncate(self._open(), size)

    def _open(self) -> int:
        assert self._descriptor is not None, "a found segment is only read"  # noqa: S101
        return self._descriptor


def file_name(created_ns: int, writer: str, signal: Signal) -> str:
    """Return the name of a segment that is begun now."""
    kind = "" if signal is TRACES else f".{signal}"
    return f"{created_ns:019d}-{writer}{kind}{SUFFIX}"


def signal_of(path: Path) -> Signal:
    """Return what the requests of a segment are of."""
    return SIGNALS.get(path.name.removesuffix(SUFFIX).rpartition(".")[2], TRACES)


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap]:
    """Yield a file as memory, of which only the pages that are looked at are read.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""  # which no system call maps
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            yield data


def sync_folder(folder: Path) -> None:
    """Make names in the folder survive a crash.

    Raises:
        OSError: the disk is full or broken.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, text: str) -> None:
    """Make a file with this text, whole or not at all.

    Raises:
        OSError: the disk is full or broken.
    """
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)

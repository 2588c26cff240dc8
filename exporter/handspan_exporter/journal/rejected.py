"""What the store refuses, kept for a person to look at, as long as there is room for it."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from handspan_exporter.telemetry import REJECTED_BYTES, REJECTED_REMOVED_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from handspan_exporter.telemetry import Counters

_log = logging.getLogger(__name__)


class Rejected:
    """A folder whose oldest files go when it reaches its limit: healthy spans need the disk.

    Safe from any thread.
    """

    def __init__(self, folder: Path, *, max_bytes: int, counters: Counters) -> None:
        """Remember the folder, which is made by the journal."""
        self.folder = folder
        self._max_bytes = max_bytes
        self._counters = counters
        self._trimming = threading.Lock()
        counters.watch(REJECTED_BYTES, lambda: self.size_bytes)

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(size for _, size, _ in self._files())

    def trim(self) -> None:
        """Remove and count the oldest files until the limit holds; call after each new one."""
        with self._trimming:
            self._trim()

    def _trim(self) -> None:
        files = self._files()
        too_much = sum(size for _, size, _ in files) - self._max_bytes
        for _, size, path in sorted(files):
            if too_much <= 0:
                return
            path.unlink(missing_ok=True)
            too_much -= size
            self._counters.add(REJECTED_REMOVED_BYTES, size)
            _log.error("%s is removed: see --rejected-max-bytes", path)

    def _files(self) -> list[tuple[int, int, Path]]:
        """Return when each file was written, its size and its path."""
        files = []
        for path in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # another thread has just removed it
                found = path.stat()
                files.append((found.st_mtime_ns, found.st_size, path))
        return files

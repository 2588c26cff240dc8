"""The file through which the embedded engine takes a table: it reads none out of our memory."""

from __future__ import annotations

import os
import tempfile
from typing import IO, TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

_KEPT_BYTES = 64 << 20
"""Memory that stays for the next table; a larger one gives back what it took."""


class ArrowFile:
    """Holds one table at a time; its memory is used again, which saves a page fault per 4 KiB.

    The driver's own way copies a table twice on its way into a new file: 5 us per span.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file: in memory on Linux, elsewhere in the folder."""
        self._file, self.path = _opened(folder)

    def write(self, rows: pa.Table) -> None:
        """Put a table in, instead of the last one.

        Raises:
            OSError: there is no room.
        """
        self._file.seek(0)
        # Neither is closed as a context manager would: that closes the file as well.
        writer = pa.ipc.new_file(pa.PythonFile(self._file, mode="w"), rows.schema)
        writer.write_table(rows)
        writer.close()
        self._file.truncate()
        self._file.flush()

    def trim(self) -> None:
        """Give back what an unusually large table took."""
        if self._file.seek(0, os.SEEK_END) > _KEPT_BYTES:
            self._file.truncate(0)

    def close(self) -> None:
        """Give everything back."""
        self._file.close()


def _opened(folder: Path) -> tuple[IO[bytes], str]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("handspan-insert")
        return os.fdopen(descriptor, "wb"), f"/proc/self/fd/{descriptor}"
    file = tempfile.NamedTemporaryFile(dir=folder, suffix=".arrow")  # noqa: SIM115 - closed by us
    return file.file, file.name

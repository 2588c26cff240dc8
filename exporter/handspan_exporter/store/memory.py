"""Memory that large questions leave with the allocator of the embedded engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from handspan_exporter import sql
from handspan_exporter.errors import QueryFailed, StoreDown

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

_STATM = Path("/proc/self/statm")
_MOST_BYTES = 128 << 20
"""What the process may have grown by before it is asked for back: most questions take less."""


class Memory:
    """What this process holds; without it, peaks of one question after another add up."""

    def __init__(self, connection: Connection) -> None:
        """Speak through `connection`, of an embedded engine or not."""
        self._connection = connection
        self._able = connection.embedded and _STATM.exists()
        self._least_bytes = resident_bytes() if self._able else 0

    def give_back(self) -> None:
        """Give back what is unused once the process has grown; blocks for some 10 ms then.

        A server's memory is its own business. An engine with another allocator keeps what it has.
        """
        if not self._able:
            return
        now_bytes = resident_bytes()
        self._least_bytes = min(self._least_bytes, now_bytes)
        if now_bytes - self._least_bytes <= _MOST_BYTES:
            return
        try:
            self._connection.command(sql.load("engine/give_back"))
        except (QueryFailed, StoreDown):
            self._able = False
        self._least_bytes = resident_bytes()


def resident_bytes() -> int:
    """Return the memory of this process, its engine included (Linux, proc(5) statm)."""
    pages = int(_STATM.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

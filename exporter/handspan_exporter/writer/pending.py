"""Requests that wait for their segment's turn, as long as there is memory for them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    import pyarrow as pa

    from handspan_exporter.journal.segment import Segment
    from handspan_exporter.otlp.native import Sound

    Request: TypeAlias = pa.RecordBatch | Sound


class Pending:
    """Requests by segment. Over its bound it forgets a segment's: the file has them all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._batches: dict[str, list[Request] | None] = {}
        """None: some were forgotten, so the others are of no use."""
        self._last_taken: dict[str, str] = {}
        """Signal -> its newest segment whose turn has come."""
        self._bytes = 0

    def add(self, segment: Segment, batch: Request) -> None:
        """Keep one request of a segment, or forget all of that segment when memory is short."""
        with self._lock:
            if segment.id <= self._taken(segment):  # its turn came before its request arrived here
                return
            batches = self._batches.setdefault(segment.id, [])
            if batches is not None:
                batches.append(batch)
                self._bytes += batch.nbytes
                if self._bytes > self._max_bytes:
                    self._pop(segment.id)
                    self._batches[segment.id] = None

    def take(self, segment: Segment) -> list[Request] | None:
        """Return all requests of a closed segment and forget them; None: read the file."""
        with self._lock:
            self._last_taken[segment.signal.name] = max(self._taken(segment), segment.id)
            batches = self._pop(segment.id)
        return batches if batches and len(batches) == segment.records else None

    @property
    def size_bytes(self) -> int:
        """Bytes of all batches kept."""
        with self._lock:
            return self._bytes

    def _taken(self, segment: Segment) -> str:
        return self._last_taken.get(segment.signal.name, "")

    def _pop(self, segment: str) -> list[Request] | None:
        batches = self._batches.pop(segment, None)
        self._bytes -= sum(int(batch.nbytes) for batch in batches or ())
        return batches

"""Stretches of time with about as many spans each, so that no step of long work takes long."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from handspan_exporter import sql
from handspan_exporter.processor.queue import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.store.connection import Connection

    Told = Callable[[int, int], None]
    """Called before the first slice and after each with how many spans are read, of how many; it
    may wait, and what it raises ends the work between two slices."""

_HOUR_NS: Final = 3600 * SECOND_NS
_END_NS: Final = 4_000_000_000 * SECOND_NS
"""In 2096. The key of raw spans has whole seconds until 2106: ClickHouse 24.8 wraps what is later
when it looks which parts to read, and leaves out all of them."""


def untold(_read: int, _spans: int) -> None:
    """Whom nobody wants to hear from."""


class Slices:
    """Cuts what started since a moment: small hours together, large ones by seconds."""

    def __init__(self, connection: Connection, counts: str, since_ns: int, *, most: int) -> None:
        """Count spans by hour.

        Args:
            connection: To count with.
            counts: The statement that counts: `facts/rebuild_counts`.
            since_ns: Unix time of the first.
            most: Spans in a slice, about; may be set anew between two slices.

        Raises:
            QueryFailed: the store refused the statement.
            StoreDown: the store cannot be reached.
        """
        self._connection = connection
        self._statement = sql.load(counts)
        self._since_ns = since_ns
        self._hours = self._counted(since_ns, _END_NS, _HOUR_NS)
        self.most = most
        self.spans = sum(spans for _, _, spans in self._hours)
        """How many there were when they were counted."""

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield [from, until) in ns and how many spans were counted there, at least one."""
        waiting, from_ns, end_ns = 0, 0, 0
        for piece_ns, until_ns, spans in self._pieces():
            if waiting and waiting + spans > self.most:
                yield from_ns, end_ns, waiting
                waiting = 0
            from_ns = from_ns if waiting else piece_ns
            waiting, end_ns = waiting + spans, until_ns
        if waiting:
            yield from_ns, end_ns, waiting

    def _pieces(self) -> Iterator[tuple[int, int, int]]:
        """Yield [from, until) and their spans, none with more than `most` if time can cut it."""
        for hour in self._hours:
            if hour[2] <= self.most:
                yield hour
                continue
            for from_ns, until_ns, spans in self._counted(hour[0], hour[1], SECOND_NS):
                parts = -(-spans // self.most)
                length_ns = until_ns - from_ns
                edges = [from_ns + length_ns * part // parts for part in range(parts + 1)]
                yield from ((start, end, -(-spans // parts)) for start, end in pairwise(edges))

    def _counted(self, from_ns: int, until_ns: int, unit_ns: int) -> list[tuple[int, int, int]]:
        """Return the hours or seconds with spans, cut to [from, until), and how many they have."""
        window = {"from_ns": from_ns, "until_ns": until_ns, "unit_ns": unit_ns}
        return [
            (max(row["from_ns"], from_ns), min(row["from_ns"] + unit_ns, until_ns), row["spans"])
            for row in self._connection.rows(self._statement, window)
        ]

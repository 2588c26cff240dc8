"""Notes who is heard of, seldom enough to cost nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handspan_exporter.columns.instances import instances_of, instances_table

if TYPE_CHECKING:
    import pyarrow as pa

    from handspan_exporter.columns.prepared import Prepared

HEARD_EVERY_S: Final = 300
"""How exactly it is known when a process was last heard of: an insert costs 10 ms."""

_MOST = 100_000
"""Processes remembered; beyond, all are forgotten and noted once more."""


class Instances:
    """Remembers when each process was last noted. Not safe from several threads."""

    def __init__(self) -> None:
        self._noted_ns: dict[tuple[str, str], int] = {}

    def news(self, batch: pa.RecordBatch | Prepared, now_ns: int) -> pa.Table | None:
        """Return the rows to note of requests that came now (Unix time); None: none."""
        old_ns = now_ns - HEARD_EVERY_S * 10**9
        late = [one for one in instances_of(batch) if self._noted_ns.get(one, old_ns) <= old_ns]
        if not late:
            return None
        if len(self._noted_ns) > _MOST:
            self._noted_ns.clear()
        self._noted_ns |= dict.fromkeys(late, now_ns)
        return instances_table(late, now_ns)

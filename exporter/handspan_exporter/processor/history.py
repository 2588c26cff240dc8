"""Writes the history of KPIs: each closed hour and day, answered by the KPI's own file."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from handspan_exporter import sql
from handspan_exporter.processor.queue import SECOND_NS
from handspan_exporter.query import kpi as kpis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.store.connection import Connection

ANSWERS_PER_STEP = 4
"""KPIs answered in one step: history must not keep new facts waiting."""

_EVERY_NS = 60 * SECOND_NS
_SECONDS = {"hour": 3600, "day": 86400}

_SCHEMA = pa.schema(
    [
        ("kpi", pa.string()),
        ("grain", pa.string()),
        ("bucket", pa.timestamp("s", "UTC")),
        ("grouping", pa.string()),
        ("group", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("n", pa.uint64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("reason", pa.string()),
        ("version", pa.uint64()),
        ("is_deleted", pa.uint8()),
    ]
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One closed hour or day whose facts changed."""

    grain: str
    bucket_s: int
    """Its begin, Unix time."""
    revision: int
    """Of the change."""

    def window_ns(self) -> tuple[int, int]:
        """Return its begin and its end."""
        until_s = self.bucket_s + _SECONDS[self.grain]
        return self.bucket_s * SECOND_NS, until_s * SECOND_NS


class History:
    """Keeps `kpi_history` in step with the facts, a few answers at a time."""

    def __init__(self, connection: Connection, next_revision: Callable[[], int]) -> None:
        self._connection = connection
        self._next_revision = next_revision
        self._work: list[tuple[Bucket, Kpi | None]] = []
        self._looked_ns: int | None = None

    def step(self, now_ns: int, *, answers: int = ANSWERS_PER_STEP) -> None:
        """Write the next few KPIs of the buckets that are due; look for those once a minute.

        Raises:
            QueryFailed: the store refused a statement; the same KPI is written next.
            StoreDown: the store cannot be reached; the same KPI is written next.
        """
        if not self._work and self._is_time(now_ns):
            self._work = list(self._due(now_ns))
            self._looked_ns = now_ns
        for _ in range(min(answers, len(self._work))):
            bucket, kpi = self._work[0]
            if kpi is None:
                self._connection.command(sql.load("history/done"), _parameters(bucket))
            else:
                self._write(bucket, kpi)
            self._work.pop(0)

    @property
    def is_busy(self) -> bool:
        """Whether the next step has something to write."""
        return bool(self._work)

    def _is_time(self, now_ns: int) -> bool:
        return self._looked_ns is None or abs(now_ns - self._looked_ns) >= _EVERY_NS

    def _due(self, now_ns: int) -> Iterator[tuple[Bucket, Kpi | None]]:
        """Yield each KPI of each bucket, and None after a bucket's last."""
        for row in self._connection.rows(sql.load("history/due"), {"now_ns": now_ns}):
            bucket = Bucket(**row)
            yield from ((bucket, one) for one in kpis.catalog() if one.history)
            yield bucket, None

    def _write(self, bucket: Bucket, kpi: Kpi) -> None:
        """Store a KPI's answers for one bucket; then remove groups that it no longer has."""
        version = self._next_revision()
        rows = [row for by in kpi.history for row in self._rows(bucket, kpi, by)]
        common = {
            "kpi": kpi.name,
            "grain": bucket.grain,
            "bucket": datetime.fromtimestamp(bucket.bucket_s, UTC),
            "version": version,
            "is_deleted": 0,
        }
        table = pa.Table.from_pylist([common | row for row in rows], schema=_SCHEMA)
        self._connection.insert("kpi_history", table, token=f"{kpi.name}-{version}")
        outdated = _parameters(bucket) | {"kpi": kpi.name, "version": version}
        self._connection.command(sql.load("history/remove"), outdated)

    def _rows(self, bucket: Bucket, kpi: Kpi, by: str) -> Iterator[dict[str, Any]]:
        since_ns, until_ns = bucket.window_ns()
        for answer in kpis.answer(self._connection, kpi.name, since_ns, until_ns, by=by):
            beside = {name: answer.get(name) for name in ("group", "n", "low", "high")}
            grouping = "" if by == kpis.TOTAL else by
            for measure in kpis.measures(answer):
                value = answer[measure]
                if value is None or isinstance(value, numbers.Real | Decimal):
                    number = None if value is None else float(value)
                    reason = answer["reason"] if value is None else ""
                    yield beside | {
                        "grouping": grouping,
                        "measure": measure,
                        "value": number,
                        "reason": reason,
                    }


def _parameters(bucket: Bucket) -> dict[str, Any]:
    return {"grain": bucket.grain, "bucket_s": bucket.bucket_s, "revision": bucket.revision}

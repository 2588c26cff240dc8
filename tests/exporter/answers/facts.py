"""Facts as the processor would write them, with as little said as a test needs."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from handspan_exporter.processor.facts import FACTS
from handspan_exporter.query.window import moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

TABLES = (*FACTS, "agent_spans")
START = "2026-01-05T09:00:00Z"
_numbers = itertools.count()

Row = dict[str, Any]


class Facts:
    """Writes rows of fact tables; what a row leaves out is the table's default."""

    def __init__(self, dsn: Dsn, connection: Connection) -> None:
        self.dsn = dsn
        self.connection = connection

    def insert(self, table: str, *rows: Row) -> None:
        """Insert rows; times are ISO text, ids are made up where none is given."""
        full = [_full(table, row) for row in rows]
        for given in _alike(full):
            columns = {name: _column(name, [row[name] for row in given]) for name in given[0]}
            self.connection.insert(table, pa.table(columns), token=f"{table}-{next(_numbers)}")

    def clear(self) -> None:
        """Empty every table."""
        for table in TABLES:
            self.connection.command(f"TRUNCATE TABLE {table}")


def _alike(rows: list[Row]) -> Iterable[list[Row]]:
    """Group rows that give the same columns: the others keep their defaults."""
    ordered = sorted(rows, key=sorted)
    return [list(group) for _, group in itertools.groupby(ordered, key=sorted)]


def _full(table: str, row: Row) -> Row:
    number = next(_numbers)
    started = row.get("started_at", START)
    known: Row = {"started_at": started, "revision": 1}
    if table == "runs":
        known["run_id"] = f"run-{number}"
    else:
        known |= {"trace_id": f"trace-{number}", "span_id": f"span-{number}"}
    if table == "agent_spans":
        return {name: v for name, v in known.items() if name != "revision"} | row
    if table == "run_traces":
        return {"revision": 1} | row
    if row.get("outcome") not in ("running", "lost") or table != "runs":
        ended = row.get("ended_at", started)
        known["ended_at"] = ended
        known["duration_ns"] = moment("", str(ended), 0) - moment("", str(started), 0)
    return known | row


def _column(name: str, values: list[Any]) -> pa.Array:
    if name.endswith("_at"):
        ns = [None if value is None else moment("", value, 0) for value in values]
        return pa.array(ns, pa.timestamp("ns", "UTC"))
    if name.endswith("_usd"):
        money = [None if value is None else Decimal(str(value)) for value in values]
        return pa.array(money, pa.decimal128(18, 12))
    if any(isinstance(value, list) for value in values):
        return pa.array(values, pa.list_(pa.string()))
    return pa.array(values)


def at(seconds: float) -> str:
    """Return the time so many seconds after `START`, as ISO text to the microsecond."""
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return f"{start + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S.%fZ}"

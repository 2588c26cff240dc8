"""What is older than its retention really goes; what is younger stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from handspan_exporter import sql
from handspan_exporter.settings import Settings
from handspan_exporter.store.migrate import migrate, retention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.connection import Connection

TABLES = sorted(set(sql.names("schema/retention")) - {"kpi_history"})
SETTINGS = Settings(raw_days=3, fact_days=9, hourly_history_days=7, daily_history_days=30)
KEPT_FOREVER = {
    "schema_migrations",  # what a store is
    "otel_traces_trace_id_ts_mv",  # a view
    "run_traces",  # which traces a run has; two ids a run
    "model_prices",
    "processor_state",
    "history_due",
    "leases",
    "attached_parts",
}
_COLUMN = re.compile(r"MODIFY TTL (?:toDateTime\()?(\w+)")


@pytest.fixture(scope="module")
def store(facts_session: Connection) -> Iterator[Connection]:
    """A store of short retention; the module's database goes after it."""
    migrate(facts_session, SETTINGS)
    yield facts_session
    migrate(facts_session, Settings())


def days_of(statement: str) -> int:
    """Return how long a table's rows are kept."""
    return sum(int(days) for days in re.findall(r"INTERVAL (\d+) DAY", statement))


@pytest.mark.parametrize("table", TABLES)
def test_rows_past_their_retention_go(table: str, store: Connection) -> None:
    """A day too old is gone after the next merge, a day young enough is there."""
    statement = sql.render(f"schema/retention/{table}", retention(SETTINGS))
    found = _COLUMN.search(statement)
    assert found is not None
    now = datetime.now(UTC)
    for age in (days_of(statement) + 1, days_of(statement) - 1):
        moment = f"{now - timedelta(days=age):%Y-%m-%d %H:%M:%S}"
        store.command(f"INSERT INTO {table} ({found[1]}) VALUES ('{moment}')")  # noqa: S608

    assert _ages(store, table, found[1]) == [days_of(statement) - 1]


@pytest.mark.parametrize(("grain", "days"), [("hour", 7), ("day", 30)])
def test_each_grain_of_history_has_its_own_time(grain: str, days: int, store: Connection) -> None:
    """Hours go after a week here and days after a month, though both stand in one table."""
    store.command("TRUNCATE TABLE kpi_history")
    now = datetime.now(UTC)
    for age in (days + 1, days - 1):
        bucket = f"{now - timedelta(days=age):%Y-%m-%d %H:00:00}"
        row = f"('cost_usd', '{grain}', '{bucket}', 'cost_usd', 1)"
        store.command(
            f"INSERT INTO kpi_history (kpi, grain, bucket, measure, version) VALUES {row}"  # noqa: S608
        )

    assert _ages(store, "kpi_history", "bucket") == [days - 1]


def test_every_table_has_a_retention_or_a_reason(store: Connection) -> None:
    """A table that nobody thought of grows until the disk is full."""
    tables = store.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")

    assert {row["name"] for row in tables} == {*TABLES, "kpi_history", *KEPT_FOREVER}


def _ages(store: Connection, table: str, column: str) -> list[int]:
    """Return the age in days of each row that is left after a merge."""
    store.command(f"OPTIMIZE TABLE {table} FINAL")
    statement = f"SELECT dateDiff('day', toDateTime({column}), now()) AS days FROM {table}"  # noqa: S608
    return [row["days"] for row in store.rows(statement)]

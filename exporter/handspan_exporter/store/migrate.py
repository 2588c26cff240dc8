"""Bring a store to the schema of this version: numbered files, each applied once, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handspan_exporter import sql

if TYPE_CHECKING:
    from collections.abc import Container

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection


THEIRS: Final = ("otel_traces", "otel_traces_trace_id_ts", "otel_logs")
"""Tables that a Collector's clickhouseexporter makes too: not touched where one is attached."""


def migrate(connection: Connection, settings: Settings) -> list[str]:
    """Apply what is missing, set retention and durability, and return what was applied.

    Safe to repeat and to interrupt: a statement that was cut off is run again.

    Raises:
        QueryFailed: ClickHouse refused a statement.
        StoreDown: ClickHouse cannot be reached.
    """
    if settings.attach:
        _leave_to_others(connection)
    applied = migrate_schema(connection)
    for table in sql.names("schema/retention"):
        if not (settings.attach and table in THEIRS):
            _change(connection, sql.render(f"schema/retention/{table}", retention(settings)))
    durable = settings.durability == "disk"
    make_durable(connection, durable=durable, but=THEIRS if settings.attach else ())
    merge_less(connection, but=THEIRS if settings.attach else ())
    return applied


def _leave_to_others(connection: Connection) -> None:
    """Note the schema files of tables that are a Collector's as applied: it made them."""
    _change(connection, sql.load("schema/0000_schema_migrations"))
    for name in pending(connection):
        if name[5:].removesuffix("_mv") in THEIRS:
            connection.command(sql.load("migrations/record"), {"name": name})


def make_durable(connection: Connection, *, durable: bool, but: Container[str] = ()) -> None:
    """Let every insert of ours wait for the disk, or not: the journal forgets what is inserted.

    The facts as well: their cursor must never survive a power cut that they did not.
    """
    for row in connection.rows(sql.load("migrations/volatile"), {"durable": durable}):
        holes = {"table": row["name"], "durable": int(durable)}
        if row["name"] not in but:
            _change(connection, sql.render("migrations/durability", holes))


def merge_less(connection: Connection, *, but: Container[str] = ()) -> None:
    """Have the tables of spans merged less often; whoever set that otherwise is left alone."""
    for row in connection.rows(sql.load("migrations/eager")):
        if row["name"] not in but:
            _change(connection, sql.render("migrations/patience", {"table": row["name"]}))


def migrate_schema(connection: Connection) -> list[str]:
    """Apply what is missing and leave the retention as it is; otherwise like `migrate`."""
    _change(connection, sql.load("schema/0000_schema_migrations"))
    missing = pending(connection)
    for name in missing:
        _change(connection, sql.load(f"schema/{name}"))
        connection.command(sql.load("migrations/record"), {"name": name})
    for row in connection.rows(sql.load("migrations/unsettled")):
        _change(connection, sql.render("migrations/settling", {"table": row["name"]}))
    return missing


def _change(connection: Connection, statement: str) -> None:
    """Run a statement of the schema on one server, or as what it is on a cluster."""
    for one in connection.cluster.statements(statement):
        connection.command(one)


def pending(connection: Connection) -> list[str]:
    """Return the names of the schema files that the store does not have yet, in order."""
    done = {row["name"] for row in connection.rows(sql.load("migrations/applied"))}
    return [name for name in sql.names("schema") if name not in done and name[:4] != "0000"]


def retention(settings: Settings) -> dict[str, int]:
    """Return the days that fill the holes of schema/retention/."""
    return {
        "raw_days": settings.raw_days,
        "fact_days": settings.fact_days,
        "hourly_history_days": settings.hourly_history_days,
        "daily_history_days": settings.daily_history_days,
    }

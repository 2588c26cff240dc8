"""Bring a store to the schema of this version: numbered files, each applied once, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handspan_exporter import sql

if TYPE_CHECKING:
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection


def migrate(connection: Connection, settings: Settings) -> list[str]:
    """Apply what is missing, set retention and durability, and return what was applied.

    Safe to repeat and to interrupt: a statement that was cut off is run again.

    Raises:
        QueryFailed: ClickHouse refused a statement.
        StoreDown: ClickHouse cannot be reached.
    """
    applied = migrate_schema(connection)
    for table in sql.names("schema/retention"):
        connection.command(sql.render(f"schema/retention/{table}", retention(settings)))
    make_durable(connection, durable=settings.durability == "disk")
    return applied


def make_durable(connection: Connection, *, durable: bool) -> None:
    """Let every insert of ours wait for the disk, or not: the journal forgets what is inserted.

    The facts as well: their cursor must never survive a power cut that they did not.
    """
    for row in connection.rows(sql.load("migrations/volatile"), {"durable": durable}):
        holes = {"table": row["name"], "durable": int(durable)}
        connection.command(sql.render("migrations/durability", holes))


def migrate_schema(connection: Connection) -> list[str]:
    """Apply what is missing and leave the retention as it is; otherwise like `migrate`."""
    connection.command(sql.load("schema/0000_schema_migrations"))
    missing = pending(connection)
    for name in missing:
        connection.command(sql.load(f"schema/{name}"))
        connection.command(sql.load("migrations/record"), {"name": name})
    return missing


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

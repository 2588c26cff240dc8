"""Migrated databases that tests take and give back: making one takes longer than most tests."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from handspan_exporter.store.dsn import Dsn

SETTINGS = Settings(durability="process")
"""Waiting for the disk is tested where power is cut, not in every test."""

_TABLES = """
SELECT name, create_table_query AS made, engine LIKE '%MergeTree'
    AND name != 'schema_migrations' AS has_rows
FROM system.tables WHERE database = {database:String} ORDER BY name
"""
_EMPTIED = "TRUNCATE TABLE `{}`.`{}`"  # with it go the tokens of its inserts


class Databases:
    """Databases of one engine. One whose schema a test has changed is thrown away."""

    def __init__(self, engine: Dsn) -> None:
        self._engine = engine
        self._session = connect(engine)
        self._numbers = itertools.count()
        self._free: list[Dsn] = []
        self._fresh: dict[str, list[str]] = {}
        """Name of a database -> what its tables were when it was made."""

    def take(self) -> Dsn:
        """Return a migrated database without a row that nobody else has."""
        if self._free:
            return self._free.pop()
        dsn = replace(self._engine, database=f"test_{next(self._numbers)}")
        connection = connect(dsn)
        migrate(connection, SETTINGS)
        connection.close()
        self._fresh[dsn.database] = [row["made"] for row in self._tables(dsn)]
        return dsn

    def give_back(self, dsn: Dsn) -> None:
        """Empty it for the next one; whoever had it has closed all sessions."""
        tables = self._tables(dsn)
        if [row["made"] for row in tables] != self._fresh[dsn.database]:
            self._session.command(f"DROP DATABASE `{dsn.database}`")
            return
        for table in (row["name"] for row in tables if row["has_rows"]):
            self._session.command(_EMPTIED.format(dsn.database, table))
        self._free.append(dsn)

    def close(self) -> None:
        """Throw all away."""
        for dsn in self._free:
            self._session.command(f"DROP DATABASE `{dsn.database}`")
        self._session.close()

    def _tables(self, dsn: Dsn) -> list[dict[str, str]]:
        return self._session.rows(_TABLES, {"database": dsn.database})

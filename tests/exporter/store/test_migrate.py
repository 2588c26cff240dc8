"""A store comes to this version's schema, however often and however interrupted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from handspan_exporter import sql
from handspan_exporter.errors import QueryFailed
from handspan_exporter.settings import Settings
from handspan_exporter.store.migrate import migrate, migrate_schema, pending

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection


def test_schema_files_are_numbered_without_gaps() -> None:
    """Two changes that take the same number would be applied in an order nobody chose."""
    numbers = [int(name[:4]) for name in sql.names("schema")]

    assert numbers == list(range(len(numbers)))


def test_every_statement_says_what_it_is_for() -> None:
    """A table without a sentence is a riddle to the next reader."""
    for folder in ("schema", "schema/retention", "migrations"):
        for name in sql.names(folder):
            assert sql.load(f"{folder}/{name}").startswith("-- "), name


def test_migrating_twice_changes_nothing(connection: Connection) -> None:
    """`serve` migrates at every start."""
    assert pending(connection) == []
    assert migrate(connection, Settings()) == []


def test_an_interrupted_migration_is_finished_by_the_next(connection: Connection) -> None:
    """A statement may have run without having been noted: it must be repeatable."""
    connection.command("ALTER TABLE schema_migrations DELETE WHERE name >= '0007'", {})

    _settle(connection)
    assert [name[:4] for name in migrate(connection, Settings())][:2] == ["0007", "0008"]
    assert pending(connection) == []


def test_retention_follows_the_settings(connection: Connection) -> None:
    """A changed setting takes effect at the next start, not only on a new store."""
    migrate(connection, Settings(raw_days=3))

    (row,) = connection.rows("SHOW CREATE TABLE otel_traces")
    assert "toIntervalDay(3)" in row["statement"]


def test_the_schema_alone_leaves_the_retention(connection: Connection) -> None:
    """`handspan migrate` knows no option of `serve`: it must not shorten what they say."""
    migrate(connection, Settings(raw_days=300))
    migrate_schema(connection)

    (row,) = connection.rows("SHOW CREATE TABLE otel_traces")
    assert "toIntervalDay(300)" in row["statement"]


def test_every_table_drops_repeated_inserts(connection: Connection) -> None:
    """ClickHouse's default window is 0: a replayed segment would be stored twice."""
    tables = connection.rows(
        "SELECT name, create_table_query AS ddl FROM system.tables"
        " WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        " AND name != 'schema_migrations'"
    )

    assert tables
    window = re.compile(r"non_replicated_deduplication_window = [1-9]")
    assert [table["name"] for table in tables if not window.search(table["ddl"])] == []


def test_every_day_of_facts_becomes_one_part(connection: Connection) -> None:
    """FINAL need not merge what is alone in its partition; also in stores made before this was."""
    forgotten = "min_age_to_force_merge_seconds, min_age_to_force_merge_on_partition_only"
    connection.command(f"ALTER TABLE llm_calls RESET SETTING {forgotten}")
    migrate(connection, Settings())

    daily = connection.rows(
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()"
        " AND partition_key = 'toDate(started_at)' AND position(engine_full, 'is_deleted') > 0"
    )
    forced = "min_age_to_force_merge_seconds = 7200, min_age_to_force_merge_on_partition_only = 1"
    assert len(daily) > 10
    assert [one["name"] for one in daily if forced not in one["engine_full"]] == []


def test_a_refused_statement_is_one_line(connection: Connection) -> None:
    """ClickHouse's own errors carry stack traces and line breaks."""
    with pytest.raises(QueryFailed) as caught:
        connection.rows("SELECT nothing\nFROM nowhere")

    assert "\n" not in str(caught.value)


def _settle(connection: Connection) -> None:
    """Mutations run in the background; wait for them as ClickHouse itself would."""
    connection.command("OPTIMIZE TABLE schema_migrations FINAL")
    left = "SELECT count() AS n FROM system.mutations WHERE NOT is_done"
    for _ in range(1000):
        if connection.rows(left)[0]["n"] == 0:
            return

"""The schema of a cluster, made from the files of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handspan_exporter import sql
from handspan_exporter.settings import Settings
from handspan_exporter.store.cluster import SHARDED_BY, Cluster, sharded_tables
from handspan_exporter.store.migrate import retention

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

MAIN = Cluster("main")


def _rendered() -> list[str]:
    """Return all that `serve` says to a new cluster; docs/cluster_schema.sql is the snapshot."""
    days = retention(Settings())
    files = [sql.load(f"schema/{name}") for name in sql.names("schema")]
    files += [sql.render(f"schema/retention/{one}", days) for one in sql.names("schema/retention")]
    return [one for statement in files for one in MAIN.statements(statement)]


def test_every_statement_is_one_that_clickhouse_understands(connection: Connection) -> None:
    """Without Keeper it cannot be run here, but it can be parsed by the engine itself."""
    for statement in _rendered():
        assert connection.rows(f"EXPLAIN AST {statement}"), statement


def test_every_statement_is_for_the_whole_cluster() -> None:
    """A table that only one node has would be missed by the next one that is asked."""
    for statement in _rendered():
        assert "ON CLUSTER `main`" in statement
        assert ("= Replicated" in statement) == (
            "CREATE TABLE" in statement and "= Distributed" not in statement
        )


def test_what_replaces_a_row_comes_to_its_shard(connection: Connection) -> None:
    """A row is replaced within its shard only: the sharding key must be a part of the row's key."""
    for row in connection.rows(
        "SELECT name, engine, sorting_key FROM system.tables "
        "WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    ):
        if row["name"] not in sharded_tables() or row["name"] in ("otel_traces", "otel_logs"):
            continue  # these two replace nothing
        (key,) = {row["sorting_key"].split(",")[0]} & {"trace_id", "run_id", "TraceId"}
        over = [
            one
            for statement in _rendered()
            for one in [statement]
            if f"EXISTS {row['name']} ON" in one and "Distributed" in one
        ]
        assert len(over) == 1, row["name"]
        assert f"cityHash64({key}))" in over[0]


def test_every_table_of_spans_and_facts_is_sharded() -> None:
    """What grows with the number of spans must not lie on every node."""
    assert set(SHARDED_BY) | {"agent_spans", "open_spans", "runs", "run_traces"} <= sharded_tables()
    assert {"agent_runs", "llm_calls", "tool_calls", "handoffs"} <= sharded_tables()
    small = {"schema_migrations", "trace_arrivals", "processor_state", "leases", "kpi_history"}
    assert not small & sharded_tables()


@pytest.mark.parametrize(
    ("statement", "on"),
    [
        ("ALTER TABLE runs ADD COLUMN x UInt8", ["runs_local", "runs"]),
        ("ALTER TABLE runs MODIFY TTL now()", ["runs_local"]),
        ("ALTER TABLE runs_local MODIFY SETTING a = 1", ["runs_local"]),
        ("ALTER TABLE leases ADD COLUMN x UInt8", ["leases"]),
    ],
)
def test_a_change_reaches_every_table_that_has_what_it_changes(
    statement: str, on: list[str]
) -> None:
    """A column that only the local table has cannot be read through the other."""
    changed = MAIN.statements(statement)
    assert [one.split()[2] for one in changed] == on
    assert all("ON CLUSTER `main`" in one for one in changed)


def test_one_server_gets_the_files_as_they_are() -> None:
    """Nothing of a cluster is in the way of those who have none."""
    for name in sql.names("schema"):
        assert Cluster("").statements(sql.load(f"schema/{name}")) == [sql.load(f"schema/{name}")]


def test_a_statement_that_is_of_no_kind_is_an_error() -> None:
    """Silently run on one node it would break the schema of the others."""
    with pytest.raises(ValueError, match="not a statement of a schema"):
        MAIN.statements("DROP TABLE runs")

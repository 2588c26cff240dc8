"""A table that another writes is read whole, once in effect, and left alone."""

from __future__ import annotations

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.exporter.otlp.samples import traces_request

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.errors import StoreUnsuitable, UsageError
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.settings import Settings
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import ATTACHED_SPANS, Counters
from handspan_exporter.writer import attached
from handspan_exporter.writer.attached import Attached, Part, Source, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_numbers = itertools.count()


@pytest.fixture
def theirs(connection: Connection) -> Iterator[str]:
    """Return a Collector's table in a database of its own; its merges wait for OPTIMIZE."""
    database = f"otel_{next(_numbers)}"
    connection.command(f"CREATE DATABASE {database}")
    connection.command(f"CREATE TABLE {database}.otel_traces AS otel_traces")
    connection.command(f"SYSTEM STOP MERGES {database}.otel_traces")
    yield f"{database}.otel_traces"
    connection.command(f"DROP DATABASE {database}")


@pytest.fixture
def reader(
    database: tuple[Dsn, Connection], connect_again: Callable[[], Connection], theirs: str
) -> Callable[..., Attached]:
    """Return a function that attaches the table as one more process would."""

    def make(counters: Counters | None = None) -> Attached:
        session = connect_again()
        return Attached(
            session,
            Source(session, theirs, database[0].database),
            leads=lambda: True,
            pause_s=1.0,
            idle_s=300.0,
            counters=counters or Counters(),
        )

    return make


def _rows(chance: random.Random, requests: int = 1) -> pa.Table:
    """Return rows of otel_traces as the receiver makes them of random requests."""
    now_ns = time.time_ns()
    request = traces_request(chance, now_ns)
    for _ in range(requests - 1):
        request.MergeFrom(traces_request(chance, now_ns))
    for resource in request.resource_spans:
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            operation = chance.choice(
                ["invoke_workflow", "invoke_agent", "chat", "execute_tool", ""]
            )
            span.attributes.add(key="gen_ai.operation.name").value.string_value = operation
    return traces_table(decode(TRACES, request.SerializeToString()))


def _insert(connection: Connection, theirs: str, rows: pa.Table) -> None:
    database, table = theirs.split(".")
    connection.command(f"CREATE TEMPORARY TABLE IF NOT EXISTS sent AS {database}.{table}")
    connection.command("TRUNCATE TABLE sent")
    connection.insert("sent", rows, token="")
    connection.command(f"INSERT INTO {database}.{table} SELECT * FROM sent")  # noqa: S608 - our own


def _found(connection: Connection) -> list[dict[str, Any]]:
    return _listed(connection, "agent_spans")


def _listed(connection: Connection, table: str) -> list[dict[str, Any]]:
    order = "ORDER BY trace_id, span_id"
    rows: list[dict[str, Any]] = connection.arrow(
        f"SELECT * EXCEPT received_at FROM {table} FINAL {order}"  # noqa: S608 - our own words
    ).to_pylist()
    return rows


def _expected(connection: Connection, rows: pa.Table) -> list[dict[str, Any]]:
    """Return what our own receiver stores of the same rows."""
    connection.command("CREATE TABLE own AS agent_spans")
    connection.insert("own", agent_spans_table(rows, time.time_ns()), token="")
    return _listed(connection, "own")


def test_rows_become_the_agent_spans_that_our_receiver_makes(
    connection: Connection, theirs: str, reader: Callable[..., Attached]
) -> None:
    """The same kernels, fed from a table."""
    rows = _rows(random.Random(1), 30)  # noqa: S311 - not for secrets
    _insert(connection, theirs, rows)
    assert reader().pull() == rows.num_rows

    expected = _expected(connection, rows)
    assert len(expected) > 20
    assert _found(connection) == expected


def test_spans_of_others_that_come_late_are_announced_too(
    connection: Connection, theirs: str, reader: Callable[..., Attached]
) -> None:
    """The Collector's queue or a backfill may bring what lay between two agents hours later."""
    hour_ns = 3600 * 10**9
    for late_ns in (hour_ns, 0):
        request = traces_request(random.Random(late_ns), time.time_ns() - late_ns)  # noqa: S311
        for resource in request.resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                del span.attributes[:]
                span.trace_id = bytes([1 + bool(late_ns)]) * 16
                span.start_time_unix_nano = time.time_ns() - late_ns
        _insert(connection, theirs, traces_table(decode(TRACES, request.SerializeToString())))

    assert reader().pull() > 1
    arrivals = connection.rows("SELECT trace_id, spans FROM trace_arrivals")
    assert arrivals == [{"trace_id": "02" * 16, "spans": 0}]


def test_a_table_without_its_companion_has_gaps_filled_all_the_same(
    database: tuple[Dsn, Connection], theirs: str
) -> None:
    """Not every writer keeps from when to when a trace has spans."""
    dsn, connection = database
    connection.command("DROP VIEW otel_traces_trace_id_ts_mv")
    connection.command("DROP TABLE otel_traces_trace_id_ts")
    connection.command("DROP TABLE otel_traces")
    rows = _rows(random.Random(5), 3)  # noqa: S311 - not for secrets
    _insert(connection, theirs, rows)
    Source(connection, theirs, dsn.database).show(connection, dsn.database)

    found = connection.rows("SELECT TraceId, Start <= End AS fits FROM otel_traces_trace_id_ts")
    assert {row["TraceId"] for row in found} == set(rows["TraceId"].to_pylist())
    assert all(row["fits"] for row in found)


def test_nothing_is_skipped_and_nothing_read_twice_when_parts_merge(
    connection: Connection, theirs: str, reader: Callable[..., Attached]
) -> None:
    """A merge between two looks hides which inserts a part has; a repetition is an insert too."""
    chance, counters = random.Random(2), Counters()  # noqa: S311 - not for secrets
    batches = [_rows(chance, 5) for _ in range(4)]
    one = reader(counters)
    for rows in batches[:2]:
        _insert(connection, theirs, rows)
    assert one.pull() == sum(rows.num_rows for rows in batches[:2])

    _merge(connection, theirs)
    assert one.pull() == 0, "a merged part of what was read has nothing new"

    _insert(connection, theirs, batches[2])
    _merge(connection, theirs)
    assert one.pull() == sum(rows.num_rows for rows in batches[:3]), "it has something new"
    _insert(connection, theirs, batches[3])
    _insert(connection, theirs, batches[0])
    one.pull()
    assert one.pull() == 0
    every = _expected(connection, pa.concat_tables(batches))
    assert _found(connection) == every
    assert counters.total(ATTACHED_SPANS) > sum(rows.num_rows for rows in batches)


def test_two_that_write_at_once_are_both_read_to_the_last_span(
    connection: Connection,
    theirs: str,
    reader: Callable[..., Attached],
    connect_again: Callable[[], Connection],
) -> None:
    """Their inserts overlap and appear in any order, while parts are merged and read."""
    chance = random.Random(5)  # noqa: S311 - not for secrets
    batches = [[_rows(chance, 2) for _ in range(12)] for _ in range(2)]
    connection.command(f"SYSTEM START MERGES {theirs}")

    def write(session: Connection, share: list[pa.Table]) -> None:
        for rows in share:
            _insert(session, theirs, rows)

    one = reader()
    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write, connect_again(), share) for share in batches]
        while not all(writer.done() for writer in writing):
            one.pull()
    for writer in writing:
        writer.result()
    one.pull()

    assert _found(connection) == _expected(connection, pa.concat_tables([*batches[0], *batches[1]]))


def test_a_restart_goes_on_where_the_last_process_was(
    connection: Connection, theirs: str, reader: Callable[..., Attached]
) -> None:
    """A month of spans is read once, not at every start."""
    chance = random.Random(3)  # noqa: S311 - not for secrets
    _insert(connection, theirs, _rows(chance, 3))
    reader().pull()
    late = _rows(chance, 3)
    _insert(connection, theirs, late)

    assert reader().pull() == late.num_rows
    assert reader().pull() == 0


def test_a_large_part_is_read_in_slices(
    connection: Connection,
    theirs: str,
    reader: Callable[..., Attached],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A backfill of days must fit into memory."""
    monkeypatch.setattr(attached, "SLICE_ROWS", 7)
    rows = _rows(random.Random(4), 10)  # noqa: S311 - not for secrets
    _insert(connection, theirs, rows)

    assert reader().pull() == rows.num_rows
    assert _found(connection) == _expected(connection, rows)


def test_their_table_stays_as_it_is(connection: Connection, theirs: str) -> None:
    """Neither our retention nor our settings nor a view of ours may reach it."""
    database, table = theirs.split(".")
    before = connection.rows(f"SHOW CREATE TABLE {theirs}")
    Source(connection, theirs, "ours").show(connection, "ours")
    migrate(connection, Settings(attach=theirs, raw_days=1, durability="process"))

    assert connection.rows(f"SHOW CREATE TABLE {theirs}") == before
    (row,) = connection.rows(
        "SELECT dependencies_table AS views FROM system.tables "
        "WHERE database = {database:String} AND name = {table:String}",
        {"database": database, "table": table},
    )
    assert row["views"] == []


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("otel.absent", StoreUnsuitable, "no table otel.absent: start its writer first"),
        ("a.b.c", UsageError, "TABLE or DATABASE.TABLE"),
        ("x`y", UsageError, "TABLE or DATABASE.TABLE"),
        ("leases", StoreUnsuitable, "has no column Timestamp"),
        ("otel_traces_trace_id_ts_mv", StoreUnsuitable, "is a MaterializedView"),
    ],
)
def test_what_cannot_be_attached_is_told_in_one_line(
    database: tuple[Dsn, Connection], name: str, error: type[Exception], says: str
) -> None:
    """At the start, not by a log that nobody reads."""
    dsn, connection = database
    with pytest.raises(error, match=says):
        Source(connection, name, dsn.database)


def test_attributes_as_json_are_refused_with_the_collectors_setting(
    database: tuple[Dsn, Connection],
) -> None:
    """Its newer layout is another table."""
    dsn, connection = database
    connection.command("CREATE TABLE newer AS otel_traces")
    connection.command(
        "ALTER TABLE newer DROP INDEX idx_span_attr_key, DROP INDEX idx_span_attr_value"
    )
    connection.command("ALTER TABLE newer MODIFY COLUMN SpanAttributes String")
    with pytest.raises(StoreUnsuitable, match="json: false"):
        Source(connection, "newer", dsn.database)


def test_which_parts_are_unread_goes_by_their_rows() -> None:
    """Numbers have gaps: a failed insert takes one, and so does another day's."""

    def part(first: int, last: int, rows: int, day: str = "20261121") -> Part:
        return Part(f"{day}_{first}_{last}_{int(first != last)}", day, first, last, rows)

    done = [part(1, 1, 10), part(4, 4, 20), part(2, 2, 99, "20261120")]
    assert unread([part(1, 1, 10)], done) == []
    assert unread([part(1, 4, 30)], done) == []
    assert unread([part(1, 4, 31)], done) == [part(1, 4, 31)]
    assert unread([part(5, 5, 1)], done) == [part(5, 5, 1)]
    assert unread([part(1, 1, 10, "20261119")], done) == [part(1, 1, 10, "20261119")]


def _merge(connection: Connection, theirs: str) -> None:
    connection.command(f"SYSTEM START MERGES {theirs}")
    connection.command(f"OPTIMIZE TABLE {theirs} FINAL")
    connection.command(f"SYSTEM STOP MERGES {theirs}")

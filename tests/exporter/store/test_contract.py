"""What every store does, embedded or a server: one suite, run on both.

The server is ClickHouse's HTTP protocol in front of the same engine, spoken to by the real client.
"""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.stack.clickhouse_front.process import fronting

from handspan_exporter.errors import (
    NotFound,
    QueryFailed,
    RowsRefused,
    StoreDown,
    StoreUnsuitable,
)
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate, pending
from handspan_exporter.writer.verify import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

PASSWORD = "s#cr/t"  # noqa: S105 - of a server that lives as long as these tests

pytestmark = pytest.mark.end_to_end

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """Return the DSN of a server that asks for a password."""
    folder = tmp_path_factory.mktemp("server") / "data"
    with fronting(folder, "--password", PASSWORD) as port:
        yield parse(f"clickhouse://someone:s%23cr%2Ft@127.0.0.1:{port}/contract")


@pytest.fixture(params=["embedded", "server"])
def dsn(request: pytest.FixtureRequest, engine: Dsn) -> Dsn:
    """Return a database that does not exist yet, of either dialect."""
    base: Dsn = engine if request.param == "embedded" else request.getfixturevalue("server")
    return replace(base, database=f"contract_{next(_numbers)}")


@pytest.fixture
def session(dsn: Dsn) -> Iterator[Connection]:
    """Return a session in an empty database."""
    connection = connect(dsn)
    yield connection
    connection.command(f"DROP DATABASE `{dsn.database}`")
    connection.close()


@pytest.fixture
def store(session: Connection) -> Connection:
    """Return a session in a migrated store."""
    migrate(session, Settings())
    return session


def _prices(asked: int) -> pa.Table:
    """Return rows for a table with decimals, times and nested lists."""
    tiers = pa.list_(
        pa.struct([("above_tokens", pa.uint64()), ("usd_per_mtok", pa.decimal128(38, 18))])
    )
    moment = pa.scalar(asked, pa.timestamp("ns", "UTC"))
    price = [[{"above_tokens": 200_000, "usd_per_mtok": Decimal("0.000000000000000001")}]]
    return pa.table(
        {
            "provider": ["openai"],
            "model": ['it\'s \\ "a"\tmodel\nof 日本'],
            "day": pa.array([20_000], pa.date32()),
            "from_s": pa.array([0], pa.uint32()),
            "input": pa.array(price, tiers),
            "asked_at": pa.repeat(moment, 1),
        }
    )


def test_a_store_is_made_and_brought_to_the_schema_once(dsn: Dsn, store: Connection) -> None:
    """`serve` does so at every start, on either dialect by the same files."""
    assert pending(store) == []
    assert migrate(store, Settings(raw_days=7, durability="process")) == []
    (row,) = store.rows("SHOW CREATE TABLE otel_traces")
    assert "toIntervalDay(7)" in row["statement"]
    assert "fsync_after_insert = 0" in row["statement"]
    connect(dsn, create=False).close()


def test_spans_are_merged_by_tens_where_the_server_can_unless_somebody_chose(
    store: Connection,
) -> None:
    """Merges by fives cost more than the inserts; an operator's own choice outlives a start."""
    (knows,) = store.rows(
        "SELECT count() AS it FROM system.merge_tree_settings WHERE name = 'merge_selector_base'"
    )
    for table in ("otel_traces", "agent_spans"):
        (row,) = store.rows(f"SHOW CREATE TABLE {table}")
        assert row["statement"].count("merge_selector_base = 10") == knows["it"], table
    (facts,) = store.rows("SHOW CREATE TABLE llm_calls")
    assert "merge_selector_base" not in facts["statement"]
    if knows["it"]:
        store.command("ALTER TABLE agent_spans MODIFY SETTING merge_selector_base = 7")
        migrate(store, Settings())
        (row,) = store.rows("SHOW CREATE TABLE agent_spans")
        assert "merge_selector_base = 7" in row["statement"]


def test_who_only_reads_makes_no_database(dsn: Dsn) -> None:
    """A typing mistake in a question must leave nothing behind."""
    with pytest.raises(NotFound, match=dsn.database):
        connect(dsn, create=False)
    with pytest.raises(NotFound, match=dsn.database):
        connect(dsn, create=False)


def test_every_value_comes_back_as_it_was_sent(store: Connection) -> None:
    """Arrow both ways: nanoseconds, 18 decimals, any text."""
    asked_ns = 1_700_000_000_123_456_789
    sent = _prices(asked_ns)
    store.insert("model_prices", sent, token=str(1))

    names = ", ".join(sent.schema.names)
    found = store.arrow(f"SELECT {names} FROM model_prices")  # noqa: S608 - our own columns
    assert found["asked_at"].cast(pa.int64()).to_pylist() == [asked_ns]
    for name in ("provider", "model", "from_s", "input"):
        assert found[name].to_pylist() == sent[name].to_pylist(), name


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("String", 'it\'s \\ "quoted"\ttabbed\nbroken 日本 \\N {x:UInt8} %s; DROP'),
        ("String", ""),
        ("Int64", -(2**63)),
        ("UInt64", 2**64 - 1),
        ("Array(String)", ["", "it's", "a\\b", "tab\t", "日本"]),
        ("Array(UInt8)", []),
        ("DateTime64(6, 'UTC')", datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)),
        ("Bool", True),
    ],
)
def test_parameters_reach_the_server_as_values(session: Connection, kind: str, value: Any) -> None:  # noqa: ANN401
    """They are never part of the statement, so nothing in them can be one."""
    (row,) = session.rows(f"SELECT {{given:{kind}}} AS given", {"given": value})

    found = row["given"]
    assert (found.replace(tzinfo=UTC) if isinstance(found, datetime) else found) == value


def test_a_token_is_stored_once_and_so_is_its_part_of_a_view(store: Connection) -> None:
    """A segment is sent again after a crash: nothing may double, in no table."""
    for table in ("otel_traces", "otel_traces_trace_id_ts"):
        store.command(f"SYSTEM STOP MERGES {table}")
    spans = _spans(3)
    for token in ("one", "one", "two", "one"):
        store.insert("otel_traces", spans, token=token)

    (row,) = store.rows(
        "SELECT (SELECT count() FROM otel_traces) AS spans, "
        "(SELECT count() FROM otel_traces_trace_id_ts) AS times"
    )
    assert row == {"spans": 6, "times": 6}


def test_rows_that_a_crash_took_are_found(store: Connection) -> None:
    """The store may know a token and not have its rows; who looks must see which."""
    spans = _spans(4)
    store.insert("otel_traces", spans.slice(0, 3), token=str(1))

    left = missing(store, "otel_traces", spans)
    assert left["SpanId"].to_pylist() == spans["SpanId"].to_pylist()[3:]


def test_a_session_has_temporary_tables_of_its_own(dsn: Dsn, store: Connection) -> None:
    """The processor works in them, beside questions in other sessions."""
    other = connect(dsn)
    store.command("CREATE TEMPORARY TABLE work (id UInt8)")
    store.insert("work", pa.table({"id": pa.array([1, 2], pa.uint8())}), token="")

    assert store.rows("SELECT sum(id) AS ids FROM work") == [{"ids": 3}]
    with pytest.raises(QueryFailed, match="work"):
        other.rows("SELECT * FROM work")
    other.close()


def test_errors_are_sorted_by_what_to_do(store: Connection) -> None:
    """Stop, drop or try again: the writer and every command decide by the class alone."""
    nowhere = pa.table({"nothing": ["x"]})
    with pytest.raises(QueryFailed, match="nowhere"):
        store.rows("SELECT * FROM nowhere")
    with pytest.raises(QueryFailed, match="nonsense"):
        store.command("nonsense")
    with pytest.raises(StoreDown, match="nowhere"):
        store.insert("nowhere", nowhere, token=str(1))
    with pytest.raises(RowsRefused, match="nothing"):
        store.insert("otel_traces", nowhere, token=str(1))
    unreadable = pa.table({"Timestamp": ["not a time"]})
    with pytest.raises(RowsRefused):
        store.insert("otel_traces", unreadable, token=str(1))
    heavy = "SELECT sum(length(toString(number))) FROM numbers(1e9) SETTINGS {}"
    with pytest.raises(StoreDown, match="TIMEOUT"):
        store.rows(heavy.format("max_execution_time = 0.05"))
    with pytest.raises(StoreDown, match="MEMORY"):
        store.rows(
            "SELECT groupArray(number) FROM numbers(1e7) SETTINGS max_memory_usage = 1000000"
        )
    for attempt in (lambda: store.rows("SELECT\n1 +\nmissing"), lambda: store.command("\n?")):
        with pytest.raises(QueryFailed) as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert store.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_wrong_password_stops_and_is_not_shown(
    server: Dsn, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing changes until a person does something; and the log is no place for a password."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreUnsuitable, match="someone") as caught:
        connect(replace(server, password="not this one"))  # noqa: S106 - a wrong one

    for said in (str(caught.value), repr(caught.value.__cause__), caplog.text):
        assert "not this one" not in said
        assert "not+this+one" not in said


def test_no_secret_is_in_what_a_working_server_makes_us_say(
    server: Dsn, caplog: pytest.LogCaptureFixture
) -> None:
    """Also not in a driver's debug output, and not in an error that quotes the address."""
    caplog.set_level(logging.DEBUG)
    connection = connect(server)
    with pytest.raises(QueryFailed) as caught:
        connection.rows("SELECT missing")
    connection.close()

    for said in (str(caught.value), repr(caught.value.__cause__), caplog.text, repr(server)):
        assert PASSWORD not in said
        assert "s%23cr%2Ft" not in said


def test_a_server_that_is_not_there_is_named_without_its_password(server: Dsn) -> None:
    """The one line must be enough to see which setting is wrong."""
    with pytest.raises(
        StoreDown, match=r"someone@127.0.0.1:9/contract.* does not answer"
    ) as caught:
        connect(replace(server, port=9))
    assert PASSWORD not in str(caught.value)


def test_a_clickhouse_that_is_too_old_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Before anything is made in it, and with the number of the oldest that will do."""
    folder = tmp_path_factory.mktemp("old") / "data"
    with fronting(folder, "--says-version", "24.3.18.7") as port:
        dsn = parse(f"clickhouse://127.0.0.1:{port}/old")
        with pytest.raises(StoreUnsuitable, match=r"24\.3\.18\.7 is older than 24\.8.*upgrade"):
            connect(dsn)


def _spans(count: int) -> pa.Table:
    moment = pa.scalar(time.time_ns(), pa.timestamp("ns"))
    return pa.table(
        {
            "Timestamp": pa.repeat(moment, count),
            "TraceId": [f"{number:032x}" for number in range(count)],
            "SpanId": [f"{number:016x}" for number in range(count)],
        }
    )

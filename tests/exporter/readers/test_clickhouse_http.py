"""The read-only ClickHouse endpoint on a real server: real clients, and everything they may not."""

from __future__ import annotations

import base64
import http.client
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import httpx
import numpy as np
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.stack.clickhouse_front import city_hash as plain_city_hash

from handspan_exporter import sql
from handspan_exporter.access.guard import Guard
from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi
from handspan_exporter.settings import Settings
from handspan_exporter.store import dsn as dsns
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import READER_QUERIES, Counters
from handspan_exporter.web.clickhouse import judgement
from handspan_exporter.web.clickhouse.city_hash import city_hash_128
from handspan_exporter.web.clickhouse.server import MOST_WAITING, ClickHouseServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

LIMITED = Settings(
    clickhouse_http="127.0.0.1:0",
    clickhouse_http_s=2.0,
    clickhouse_http_memory_bytes=100 << 20,
    clickhouse_http_result_bytes=1 << 20,
)


def started(dsn: Dsn, tokens: Path, counters: Counters, **other: Any) -> ClickHouseServer:  # noqa: ANN401
    """Return a server on a store, as `serve` starts it."""
    settings = replace(LIMITED, **other)
    door = Guard(TokenFile(tokens), counters).door("--clickhouse-http", settings)
    one = ClickHouseServer(dsn, settings, counters, door=door)
    one.start()
    return one


@pytest.fixture(scope="module")
def store(engine: Dsn) -> Iterator[tuple[Dsn, Connection]]:
    """Return a migrated database of this module with three spans."""
    dsn = replace(engine, database="readers")
    connection = connect(dsn)
    migrate(connection, Settings())
    connection.command(
        "INSERT INTO otel_traces (Timestamp, TraceId, SpanName, SpanAttributes) "
        "SELECT now64(9), toString(number), 'sale', map('n', toString(number)) FROM numbers(3)"
    )
    yield dsn, connection
    connection.command("DROP DATABASE readers")
    connection.close()


@pytest.fixture(scope="module")
def counters() -> Counters:
    """Return what the module's server counts."""
    return Counters()


@pytest.fixture(scope="module")
def server(
    store: tuple[Dsn, Connection], counters: Counters, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClickHouseServer]:
    """Return a server with tight limits and no tokens, on the loopback interface."""
    one = started(store[0], tmp_path_factory.mktemp("tokens") / "tokens.json", counters)
    yield one
    one.stop()


def port(server: ClickHouseServer) -> int:
    """Return where it listens."""
    return int(server.url.rpartition(":")[2])


def ask(server: ClickHouseServer, statement: str, **asked: str) -> httpx.Response:
    """Send one statement as curl would."""
    return httpx.post(f"{server.url}/", params=asked, content=statement)


@pytest.fixture(params=["", "lz4", "zstd", "gzip"])
def client(server: ClickHouseServer, request: pytest.FixtureRequest) -> Iterator[Client]:
    """Return the real clickhouse-connect, in each compression that it knows."""
    compress = request.param or False
    one = clickhouse_connect.get_client(host="127.0.0.1", port=port(server), compress=compress)
    yield one
    one.close()


def test_the_real_clickhouse_connect_reads_rows_parameters_and_arrow(client: Client) -> None:
    """Types, time zones and escapes are the client's own business to undo: it must succeed."""
    rows = client.query(
        "SELECT SpanName, SpanAttributes FROM otel_traces WHERE TraceId IN {ids:Array(String)} "
        "ORDER BY TraceId",
        parameters={"ids": ["0", "2"]},
    )
    assert rows.result_rows == [("sale", {"n": "0"}), ("sale", {"n": "2"})]
    odd = "it's\t\\ a\nline, ü"
    table = client.query_arrow("SELECT {odd:String} AS odd", parameters={"odd": odd})
    assert table.to_pylist() == [{"odd": odd}]
    with pytest.raises(DatabaseError, match="READONLY"):
        client.command("INSERT INTO otel_traces (SpanName) VALUES ('forged')")


def test_every_kpi_passes_the_judgement(server: ClickHouseServer) -> None:
    """Dashboards are made of KPI files: what the judge does not know would break one."""
    for found in kpi.catalog():
        given = dict.fromkeys(kpi.filters(), "[]") | {"by": "total"}
        given |= {"since": "2026-01-01 00:00:00", "until": "2026-01-02 00:00:00"}
        asked = {f"param_{name}": value for name, value in given.items()}
        answer = ask(server, kpi.filled(f"kpi/{found.name}"), **asked)
        assert answer.status_code == 200, f"{found.name}: {answer.text}"


@pytest.mark.parametrize(
    ("statement", "begins"),
    [
        ("SELECT count() FROM otel_traces;", "3\n"),
        ("SELECT count() FROM readers.otel_traces FORMAT JSONEachRow", '{"count()":3}'),
        ("WITH t AS (SELECT 1 AS a) SELECT a FROM t", "1\n"),
        ("SELECT sum(number) FROM numbers(4)", "6\n"),
        ("SHOW TABLES LIKE 'otel_traces'", "otel_traces\n"),
        ("EXISTS TABLE otel_traces", "1\n"),
        ("DESC otel_traces", "Timestamp\tDateTime64(9)"),
        ("DESCRIBE TABLE (SELECT 1 AS a)", "a\tUInt8"),
        ("SHOW CREATE TABLE `otel_traces`", "CREATE TABLE readers.otel_traces"),
        ("EXPLAIN SELECT 1", ""),
        ("SELECT name FROM system.tables WHERE name = 'runs' LIMIT 1", "runs\n"),
        ("SELECT 5 SETTINGS max_execution_time = 1, use_skip_indexes = 0", "5\n"),
        ("SELECT 1 -- INTO OUTFILE 'x'", "1\n"),
        ("SELECT 'file(x); KILL QUERY' AS a", "file(x); KILL QUERY\n"),
        ("SELECT getSetting('readonly'), timezone()", "1\tUTC\n"),
    ],
)
def test_what_reads_is_answered(server: ClickHouseServer, statement: str, begins: str) -> None:
    """The words of a refusal inside texts and comments are data."""
    answer = ask(server, statement)
    assert (answer.status_code, answer.text[: len(begins)]) == (200, begins)


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("INSERT INTO otel_traces (SpanName) VALUES ('forged')", 164),
        ("INSERT INTO otel_traces SELECT * FROM otel_traces", 164),
        ("CREATE TABLE mine (a UInt8) ENGINE = Memory", 164),
        ("CREATE TEMPORARY TABLE mine (a UInt8)", 164),
        ("DROP TABLE otel_traces", 164),
        ("TRUNCATE TABLE otel_traces", 164),
        ("ALTER TABLE otel_traces DELETE WHERE 1", 164),
        ("OPTIMIZE TABLE otel_traces", 164),
        ("SYSTEM STOP MERGES", 164),
        ("KILL QUERY WHERE 1", 164),
        ("SET readonly = 0", 164),
        ("USE system", 164),
        ("SELECT 1 SETTINGS readonly = 0", 164),
        ("SELECT 1 SETTINGS max_threads = 8", 164),
        ("SELECT 1 SETTINGS max_execution_time = 3600", 164),
        ("SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)", 164),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT 1 INTO OUTFILE 'stolen' FORMAT CSV", 497),
        ("SELECT file('/etc/hostname')", 497),
        ("SELECT arrayMap(file, ['/etc/hostname'])", 497),
        ("SELECT * APPLY(file) FROM (SELECT '/etc/hostname')", 497),
        ("SELECT `file`('/etc/hostname')", 497),
        ("SELECT FILE('/etc/hostname')", 497),
        ("DESCRIBE TABLE (SELECT file('/etc/hostname'))", 497),
        ("EXPLAIN AST SELECT * FROM (SELECT file('/etc/hostname'))", 497),
        ("WITH f AS (SELECT file('/etc/hostname')) SELECT * FROM f", 497),
        ("SELECT * FROM file('/etc/hostname', LineAsString)", 497),
        ("SELECT * FROM url('http://127.0.0.1:1', LineAsString)", 497),
        ("SELECT * FROM remote('127.0.0.1', system.one)", 497),
        ("SELECT * FROM executable('cat', LineAsString, 'a String')", 497),
        ("SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')", 497),
        ("SELECT * FROM eval('SELECT 1')", 497),
        ("SELECT * FROM merge('system', 'processes')", 497),
        ("SELECT * FROM Python(store)", 497),
        ("SELECT * FROM view(SELECT * FROM url('http://127.0.0.1:1', CSV))", 497),
        ("DESCRIBE TABLE url('http://127.0.0.1:1', CSV)", 164),
        ("SELECT query FROM system.processes", 497),
        ("SELECT query FROM `system`.`processes`", 497),
        ("SELECT 1 WHERE 1 IN system.user_processes", 497),
        ("SHOW CREATE TABLE system.processes", 497),
        ("SHOW PROCESSLIST", 497),
        ("SELECT * FROM {t:Identifier}", 497),
        ("SELECT * FROM {s:Identifier}.{t:Identifier}", 497),
        ("SELECT 1 IN {s:Identifier}.{t:Identifier}", 497),
        ("SELECT arrayMap({f:Identifier}, ['/etc/hostname'])", 497),
        ("SELECT sleep(1)", 497),
        ("SELECT * FROM nothing_like_it", 60),
        ("SELEC 1", 62),
    ],
)
def test_what_does_more_than_read_is_refused(
    server: ClickHouseServer, store: tuple[Dsn, Connection], statement: str, code: int
) -> None:
    """An embedded engine reads files and ends queries for whoever may SELECT: not here."""
    answer = ask(server, statement, param_s="system", param_t="processes", param_f="file")
    assert answer.headers.get("X-ClickHouse-Exception-Code") == str(code), answer.text
    assert answer.status_code >= 400
    assert answer.text.startswith("Code: ")
    assert store[1].rows("SELECT count() AS n FROM otel_traces") == [{"n": 3}]


def test_what_the_judge_refuses_exists_in_the_engine(store: tuple[Dsn, Connection]) -> None:
    """A name with a slip would refuse nothing."""
    known = {str(row["name"]).lower() for row in store[1].rows("SELECT name FROM system.functions")}
    assert judgement.FUNCTIONS_REFUSED - known == {"catboostevaluate"}  # not in every build
    tables = {row["name"] for row in store[1].rows("SELECT name FROM system.table_functions")}
    assert {name.lower() for name in tables} >= judgement.TABLE_FUNCTIONS - {"zeros", "zeros_mt"}
    unknown = judgement.SYSTEM_TABLES - {
        row["name"]
        for row in store[1].rows("SELECT name FROM system.tables WHERE database = 'system'")
    }
    assert not unknown


@pytest.mark.parametrize(
    ("statement", "asked", "code", "status"),
    [
        ("SELECT number FROM numbers(2000000)", {}, 396, 500),
        ("SELECT repeat('x', 100000) FROM numbers(100)", {}, 396, 500),
        ("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1", {}, 159, 408),
        ("SELECT groupArray(repeat('x', 1000)) FROM numbers(1000000)", {}, 241, 500),
        ("SELECT number FROM numbers(200)", {"max_result_rows": "100"}, 396, 500),
        ("SELECT 1", {"max_execution_time": "soon"}, 36, 400),
        ("SELECT 1", {"default_format": "DataFrame"}, 73, 404),
        ("SELECT 1", {"database": "system"}, 497, 403),
        ("SELECT 1", {"database": "nothing_like_it"}, 81, 404),
    ],
)
def test_every_limit_ends_a_statement_with_its_code(
    server: ClickHouseServer, statement: str, asked: dict[str, str], code: int, status: int
) -> None:
    """A reader can make a limit stricter, and no reader can lift one."""
    answer = ask(server, statement, **asked)
    assert (answer.headers["X-ClickHouse-Exception-Code"], answer.status_code) == (
        str(code),
        status,
    )


def test_settings_of_a_request_are_applied_capped_or_ignored(server: ClickHouseServer) -> None:
    """Clients send what they always send; it must neither fail nor widen a limit."""
    shown = "SELECT getSetting('max_execution_time'), getSetting('max_threads'), toUInt64(1) AS n"
    asked = {
        "max_execution_time": "3600",
        "max_threads": "64",
        "readonly": "0",
        "output_format_json_quote_64bit_integers": "1",
        "session_id": "anything",
    }
    row = ask(server, f"{shown} FORMAT JSONCompactEachRow", **asked).json()
    assert row == [2, 1, "1"]


def test_alive_and_unknown_paths_and_methods(server: ClickHouseServer) -> None:
    """Health checks of proxies ask /ping, and nothing else is here."""
    assert httpx.get(f"{server.url}/ping").text == "Ok.\n"
    assert httpx.get(f"{server.url}/").text == "Ok.\n"
    assert httpx.get(f"{server.url}/play").status_code == 404
    assert httpx.request("DELETE", f"{server.url}/").status_code == 405
    assert httpx.get(f"{server.url}/", params={"query": "SELECT 7"}).text == "7\n"
    assert ask(server, " + 1", query="SELECT 1").text == "2\n"


def test_a_page_that_points_its_name_here_is_refused(server: ClickHouseServer) -> None:
    """DNS rebinding: a browser sends the page's own name as the host."""
    answer = httpx.get(f"{server.url}/", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_a_body_larger_than_a_statement_is_refused_unread(server: ClickHouseServer) -> None:
    """Nobody writes a megabyte of SQL by hand."""
    answer = ask(server, "SELECT 1 " + " " * (1 << 20))
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (413, "223")


def test_a_token_is_the_password(engine: Dsn, tmp_path: Path) -> None:
    """Clients know users and passwords; a token that may write only may not read."""
    tokens = TokenFile(tmp_path / "tokens.json")
    reader, writer = tokens.add("grafana", ("read",)), tokens.add("agents", ("ingest",))
    counters = Counters()
    one = started(engine, tokens.path, counters, require_tokens=True)
    basic = base64.b64encode(f"default:{reader}".encode()).decode()
    try:
        shown: list[tuple[dict[str, str], str, int]] = [
            ({}, "194", 401),
            ({"X-ClickHouse-User": "default"}, "194", 401),
            ({"X-ClickHouse-Key": "wrong"}, "516", 403),
            ({"Authorization": "Basic !"}, "516", 403),
            ({"X-ClickHouse-Key": writer}, "497", 403),
            ({"X-ClickHouse-Key": reader}, "", 200),
            ({"Authorization": f"Basic {basic}"}, "", 200),
            ({"Authorization": f"Bearer {reader}"}, "", 200),
        ]
        for headers, code, status in shown:
            answer = httpx.post(f"{one.url}/", content="SELECT 1", headers=headers)
            found = answer.headers.get("X-ClickHouse-Exception-Code", "")
            assert (found, answer.status_code) == (code, status), headers
            assert reader not in answer.text
    finally:
        one.stop()
    assert counters.total(READER_QUERIES, "answered") == 3


def test_more_statements_than_places_wait_and_too_many_are_refused(
    engine: Dsn, tmp_path: Path
) -> None:
    """A dashboard opens all its panels at once; a runaway script must not fill the memory."""
    counters = Counters()
    one = started(engine, tmp_path / "none.json", counters, clickhouse_http_queries=1)
    slow = "SELECT count() FROM numbers(5000000) WHERE sipHash64(number) = 1"
    statuses: list[int] = []

    def panel() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port(one))
        connection.request("POST", "/", slow)
        statuses.append(connection.getresponse().status)
        connection.close()

    panels = [threading.Thread(target=panel) for _ in range(MOST_WAITING + 20)]
    try:
        for thread in panels:
            thread.start()
        for thread in panels:
            thread.join()
    finally:
        one.stop()
    assert set(statuses) == {200, 429}


def test_a_server_speaks_for_itself(tmp_path: Path) -> None:
    """ClickHouse's own port has users, quotas and all formats."""
    dsn = dsns.parse("clickhouse://reader:secret@db.example:8123/handspan")
    with pytest.raises(UsageError, match=r"point readers at db\.example itself"):
        started(dsn, tmp_path / "none.json", Counters())


@pytest.mark.parametrize("size", [8, 9, 15, 16, 17, 40, 127, 143, 144, 300, 4105])
def test_the_checksum_of_many_blocks_is_that_of_each(size: int) -> None:
    """The one in plain Python is held against the C++ library's values."""
    blocks = np.random.default_rng(size).integers(0, 256, (3, size)).astype(np.uint8)
    low, high = city_hash_128(blocks)
    expected = [plain_city_hash.city_hash_128(block.tobytes()) for block in blocks]
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == expected


def test_the_endpoint_reads_its_sql_from_files() -> None:
    """One place for SQL."""
    assert set(sql.names("clickhouse_http")) == {
        *("database", "formatted", "limits", "tree", "version"),
    }

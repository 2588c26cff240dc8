"""Attach mode: the real Collector writes its own table, and Handspan makes KPIs of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import clickhouse_connect
import httpx
import pytest
from stack.tools import ROTEL
from tests.end_to_end.processes import Service, free_port, running, wait_for
from tests.end_to_end.test_serve import total
from tests.exporter.conventions.replaying import Replay, bodies, recordings, shift_ns
from tests.stack.spans import send_runs

from handspan_exporter import sql
from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.processor.rebuild import rebuild
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

KPI = "workflow_success_ratio"


def test_kpis_of_a_table_that_the_real_collector_writes(
    clickhouse: int, collector: Callable[..., int], tmp_path: Path
) -> None:
    """Before it was attached, while it is, and what came while nobody looked."""
    theirs = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse)
    theirs.command("CREATE DATABASE IF NOT EXISTS otel")
    port = collector("to_clickhouse.yaml", CLICKHOUSE_PORT=str(clickhouse), COMPRESS="lz4")
    traces = send_runs(port, 20)
    wait_for(lambda: _count(theirs) == 40, "the Collector's rows")
    table = theirs.command("SHOW CREATE TABLE otel.otel_traces")

    store = f"clickhouse://127.0.0.1:{clickhouse}/handspan"
    options = ("--attach", "otel.otel_traces", "--attach-s", "0.2", "--lease-s", "3")
    service = Service(tmp_path, options, server=store)
    service.start()
    wait_for(lambda: total(service, KPI)["n"] == 20, "what was there before")
    traces |= send_runs(port, 10)
    wait_for(lambda: total(service, KPI)["n"] == 30, "what came since")
    service.kill()
    traces |= send_runs(port, 5)
    wait_for(lambda: _count(theirs) == 70, "what nobody looked at")
    service.start()
    wait_for(lambda: total(service, KPI)["n"] == 35, "all of it")
    assert {run["run_id"] for run in service.ask("runs?limit=100")["runs"]} == traces
    code, said = service.stop()
    assert code == 0, said
    assert theirs.command("SHOW CREATE TABLE otel.otel_traces") == table
    theirs.close()


def test_they_are_the_agent_spans_of_our_own_receiver(
    clickhouse: int, collector: Callable[..., int], tmp_path: Path
) -> None:
    """The same OTLP by both ways, compared row by row."""
    theirs = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse)
    theirs.command("CREATE DATABASE IF NOT EXISTS otel")
    server = f"clickhouse://127.0.0.1:{clickhouse}"
    direct = Service(tmp_path, ("--journal", str(tmp_path / "j")), server=f"{server}/direct")
    direct.start()
    port = collector(
        "to_both.yaml",
        CLICKHOUSE_PORT=str(clickhouse),
        COMPRESS="none",
        HANDSPAN_PORT=str(direct.grpc),
        OTLP_HTTP_PORT=str(free_port()),
    )
    send_runs(port, 25)
    wait_for(lambda: _count(theirs) == 50, "the Collector's rows")
    wait_for(lambda: total(direct, KPI)["n"] == 25, "our own rows")
    options = ("--attach", "otel.otel_traces", "--attach-s", "0.2")
    pulled = Service(tmp_path, options, server=f"{server}/pulled")
    pulled.start()
    wait_for(lambda: total(pulled, KPI)["n"] == 25, "the same runs")
    for service in (direct, pulled):
        code, said = service.stop()
        assert code == 0, said
    rows = []
    for database in ("direct", "pulled"):
        connection = connect(parse(f"{server}/{database}"))
        rows.append(
            connection.rows("SELECT * EXCEPT received_at FROM agent_spans FINAL ORDER BY ALL")
        )
        connection.close()
    assert len(rows[0]) == 50
    assert rows[0] == rows[1]
    theirs.close()


def test_rebuilt_from_rows_of_the_real_collector_every_framework_is_the_same(
    clickhouse: int, collector: Callable[..., int], tmp_path: Path
) -> None:
    """What the Collector's exporter makes of lists, numbers and events must not change a KPI."""
    theirs = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse)
    theirs.command("CREATE DATABASE IF NOT EXISTS otel")
    server = f"clickhouse://127.0.0.1:{clickhouse}"
    direct = Service(tmp_path, ("--journal", str(tmp_path / "j")), server=f"{server}/direct")
    direct.start()
    http = free_port()
    collector(
        "to_both.yaml",
        CLICKHOUSE_PORT=str(clickhouse),
        COMPRESS="none",
        HANDSPAN_PORT=str(direct.grpc),
        OTLP_HTTP_PORT=str(http),
    )
    spans = _send_recordings(http)
    wait_for(lambda: _count(theirs) == spans, "the Collector's rows")
    ours = connect(parse(f"{server}/direct"))
    sent = "SELECT count() AS n FROM otel_traces"
    wait_for(lambda: ours.rows(sent)[0]["n"] == spans, "our own rows")
    code, said = direct.stop()
    assert code == 0, said
    ours.close()
    _rebuilt_is_the_same(server, spans)
    theirs.close()


def test_rebuilt_from_rows_of_the_real_rotel_every_framework_is_the_same(
    clickhouse: int, tmp_path: Path
) -> None:
    """Its exporter writes the Collector's table, but makes of values what it likes."""
    server = f"clickhouse://127.0.0.1:{clickhouse}"
    direct = Service(tmp_path, ("--journal", str(tmp_path / "j")), server=f"{server}/direct")
    direct.start()
    ours = connect(parse(f"{server}/direct"))
    ours.command("CREATE DATABASE IF NOT EXISTS otel")
    theirs = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse, database="otel")
    for name in ("0001_otel_traces", "0002_otel_traces_trace_id_ts"):
        theirs.command(sql.load(f"schema/{name}"))  # what its command for the schema makes
    grpc, http = free_port(), free_port()
    command: list[str | Path] = [
        *(ROTEL.require(), "start", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}", "--exporter", "clickhouse"),
        *("--clickhouse-exporter-endpoint", f"http://127.0.0.1:{clickhouse}"),
        *("--clickhouse-exporter-database", "otel", "--clickhouse-exporter-compression", "none"),
        *("--clickhouse-exporter-async-insert", "false", "--batch-timeout", "200ms"),
    ]
    with running(command, http):
        spans = _send_recordings(http, direct.http)
        wait_for(lambda: _count(theirs) == spans, "rotel's rows")
    sent = "SELECT count() AS n FROM otel_traces"
    wait_for(lambda: ours.rows(sent)[0]["n"] == spans, "our own rows")
    code, said = direct.stop()
    assert code == 0, said
    ours.close()
    _rebuilt_is_the_same(server, spans)
    theirs.close()


def _rebuilt_is_the_same(server: str, spans: int) -> None:
    """Copy the other's table into a store of its own, rebuild, and compare with `direct`."""
    ours, again = (connect(parse(f"{server}/{name}")) for name in ("direct", "again"))
    migrate(again, Settings())
    columns = ", ".join(
        f"`{row['name']}`" for row in again.rows("DESCRIBE TABLE otel.otel_traces") if row["name"]
    )
    again.command(f"INSERT INTO otel_traces ({columns}) SELECT {columns} FROM otel.otel_traces")  # noqa: S608
    assert rebuild(again) == spans
    for table in ("agent_spans", "runs", "agent_runs", "handoffs", "llm_calls", "tool_calls"):
        rows = []
        for connection in (ours, again):
            if table == "agent_spans":
                Replay.tick_of(connection)
            left = "received_at" if table == "agent_spans" else "revision"
            rows.append(
                connection.rows(f"SELECT * EXCEPT ({left}) FROM {table} FINAL ORDER BY ALL")  # noqa: S608
            )
        assert len(rows[0]) > 20
        assert rows[0] == rows[1], table
    for connection in (ours, again):
        connection.close()


def _send_recordings(*ports: int) -> int:
    """Send what frameworks emitted over OTLP/HTTP to all; return how many spans that was."""
    sent, spans = recordings(), 0
    later_ns = shift_ns(sent)
    for recording in sent:
        for body in bodies(recording, later_ns):
            for port in ports:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}/v1/traces",
                    content=to_protobuf(TRACES, body.encode()),
                    headers={"content-type": "application/x-protobuf"},
                )
                assert answer.status_code == 200, answer.text
            spans += sum(
                len(scope["spans"])
                for resource in json.loads(body)["resourceSpans"]
                for scope in resource["scopeSpans"]
            )
    return spans


def _count(client: clickhouse_connect.driver.client.Client) -> int:
    if not client.command("EXISTS TABLE otel.otel_traces"):
        return 0
    return int(client.query("SELECT count() FROM otel.otel_traces").result_rows[0][0])

"""deploy/clickhouse and deploy/backup.sh on the real engine, held to what its users may do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from tests.end_to_end.processes import ROOT, Service, handspan, wait_for
from tests.exporter.dashboards.test_queries import queries, sent
from tests.stack.deploy.clickhouse import (
    ADMIN,
    BACKUP,
    PASSWORD,
    READER,
    USERS,
    WRITER,
    Server,
    dsn,
    hashes,
)
from tests.stack.deploy.reading import DEPLOY
from tests.stack.spans import send_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

pytestmark = pytest.mark.end_to_end

QUERY = "SELECT count() FROM handspan.otel_traces"
FREE_FOR_ALL = {"columns", "databases", "functions", "one", "tables"}
"""Tables of `system` that a user without a grant sees, for what he may see."""


def record(server: Server, runs: int, wanted: int) -> None:
    """Let Handspan, as its user, store so many runs, until there are `wanted` of them."""
    with server.front(WRITER) as port:
        service = Service(server.folder, ("--journal", str(server.folder / "journal")))
        service.server = dsn(WRITER, port)
        service.start()
        send_runs(service.grpc, runs)

        def seen() -> bool:
            rows = service.ask("kpis/workflow_success_ratio?by=total")["rows"]
            return bool(rows and rows[0]["n"] == wanted)

        wait_for(seen, f"{wanted} runs")
        code, said = service.stop()
        assert code == 0, said
        assert "Not enough privileges" not in said


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Return a server on which Handspan, as its user, made its tables and stored three runs."""
    server = Server(tmp_path_factory.mktemp("server"))
    record(server, 3, 3)
    return server


@pytest.fixture(scope="module")
def reader(stored: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Return Grafana's connection to a copy of it."""
    with stored.copied(tmp_path_factory.mktemp("read")).client(READER) as client:
        yield client


def refused(client: Client, statement: str) -> str:
    """Return what the engine says to a statement that it must not run."""
    with pytest.raises(DatabaseError) as caught:
        client.command(statement)
    return str(caught.value)


def started(server: Server, user: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Let the engine start once with the configuration of a user."""
    where = f"{server.folder / 'other'}?config-file={server.configured(user)}"
    script = f"import chdb\nprint(chdb.connect({where!r}).query('SELECT 1'))"
    kept = {name: text for name, text in os.environ.items() if not name.endswith("_SHA256")}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=kept | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nobody_comes_in_without_a_password_and_a_server_without_one_does_not_start(
    tmp_path: Path,
) -> None:
    """The shipped user `default` is gone, and a variable that is forgotten is no empty password."""
    server = Server(tmp_path)
    assert started(server, ADMIN, **hashes(*USERS)).returncode == 0
    nobody = started(server, "", **hashes(*USERS))
    assert nobody.returncode != 0
    assert "AUTHENTICATION_FAILED" in nobody.stderr or "UNKNOWN_USER" in nobody.stderr
    for user in USERS:
        rest = [one for one in USERS if one != user]
        forgotten = started(server, ADMIN, **hashes(*rest))
        assert forgotten.returncode != 0, user
        assert user in forgotten.stderr


def test_users_and_log_tables_are_those_of_the_files(stored: Server, tmp_path: Path) -> None:
    """What the server makes of the files, asked by whoever set it up."""
    with stored.copied(tmp_path).client(ADMIN) as client:
        users = client.query("SELECT name, toString(auth_type) FROM system.users").result_rows
        client.command("SYSTEM FLUSH LOGS")
        logs = client.query(
            "SELECT name, extract(engine_full, 'TTL (.*?) SETTINGS') FROM system.tables"
            " WHERE database = 'system' AND engine LIKE '%MergeTree'"
        ).result_rows
    assert {name: kinds for name, kinds in users if name != "default"} == dict.fromkeys(
        USERS, "['sha256_password']"
    )
    three_days = "event_date + toIntervalDay(3)"
    assert {str(name): ttl for name, ttl in logs} == dict.fromkeys(
        ("query_log", "part_log", "error_log"), three_days
    )


def test_handspan_has_the_rights_that_it_needs_and_no_others(
    stored: Server, tmp_path: Path
) -> None:
    """Its tables were made and filled by this user; maintenance works, other databases do not."""
    server = stored.copied(tmp_path)
    with server.front(WRITER) as port:
        rebuilt = handspan("rebuild", "--store", dsn(WRITER, port))
        assert "6 spans read again" in rebuilt.stdout, rebuilt.stderr
        doctor = handspan("doctor", "--store", dsn(WRITER, port))
        assert "is this version's" in doctor.stdout, doctor.stderr
    with server.client(WRITER) as client:
        for statement in (
            "CREATE DATABASE other",
            "CREATE TABLE default.x (a Int8) ORDER BY a",
            "SELECT * FROM file('/etc/passwd', 'LineAsString')",
            "SELECT * FROM system.users",
            "GRANT SELECT ON handspan.* TO handspan_reader",
            "BACKUP DATABASE handspan TO File('x')",
        ):
            assert "ACCESS_DENIED" in refused(client, statement), statement


def test_tables_of_system_that_are_read_are_granted() -> None:
    """A server asks for grants there (`select_from_system_db_requires_grant`); this engine not."""
    named: set[str] = set()
    for path in (ROOT / "exporter" / "handspan_exporter").rglob("*"):
        if path.suffix in (".sql", ".py"):
            named |= {*re.findall(r"\bsystem\.([a-z_]+)\b", path.read_text(encoding="utf-8"))}
    text = (DEPLOY / "clickhouse" / "users.xml").read_text(encoding="utf-8")
    granted = {*re.findall(r"GRANT SELECT ON system\.(\w+)<", text)}
    assert named
    assert named <= granted | FREE_FOR_ALL


def test_the_reader_sees_every_panel(reader: Client) -> None:
    """With its limits and `readonly`, as Grafana's plugin asks, settings of statements included."""
    assert reader.command(QUERY) == 6
    asked = queries()
    assert len(asked) > 50
    for one in asked:
        reader.query(sent(one.values[0]), settings={"max_execution_time": 60})


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO handspan.otel_traces (TraceId) SELECT 'x'",
        "ALTER TABLE handspan.otel_traces DELETE WHERE 1",
        "DROP TABLE handspan.otel_traces",
        "CREATE TABLE handspan.x (a Int8) ORDER BY a",
        "CREATE TEMPORARY TABLE x (a Int8)",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
        "SELECT * FROM system.users",
        "BACKUP DATABASE handspan TO File('x')",
        "SYSTEM STOP MERGES handspan.otel_traces",
    ],
)
def test_the_reader_may_do_nothing_else(reader: Client, statement: str) -> None:
    """Whoever edits a dashboard writes SQL."""
    assert re.search("ACCESS_DENIED|READONLY", refused(reader, statement)), statement


@pytest.mark.parametrize(
    "setting",
    [
        *("max_threads=8", "max_execution_time=91", "max_execution_time=0"),
        *("max_memory_usage=2000000000", "max_memory_usage=0", "max_result_rows=0"),
        *("max_result_rows=2000000", "max_result_bytes=0", "max_concurrent_queries_for_user=0"),
        "readonly=0",
    ],
)
def test_no_statement_widens_the_reader_s_limits(reader: Client, setting: str) -> None:
    """Zero is no limit at all, in ClickHouse."""
    said = refused(reader, f"{QUERY} SETTINGS {setting}")
    assert re.search("SETTING_CONSTRAINT_VIOLATION|READONLY", said), said


FAIL_AGAIN = """
import os
import chdb
session = chdb.connect({where!r})
for _ in range(700):  # more than two intervals let pass
    try:
        session.query("SET max_threads = 100")  # the embedded engine counts no SELECT
    except Exception as error:
        if "QUOTA_EXCEEDED" in str(error):
            print(error, flush=True)
            break
os._exit(0)  # the engine cannot end a session whose user may ask nothing more
"""


def test_the_reader_has_a_quota(stored: Server, tmp_path: Path) -> None:
    """A dashboard that fails again and again must not take the server from ingest."""
    server = stored.copied(tmp_path)
    where = f"{server.folder / 'data'}?config-file={server.configured(READER)}"
    done = subprocess.run(
        [sys.executable, "-c", FAIL_AGAIN.format(where=where)],
        env=os.environ | hashes(*USERS),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "errors = 301/300" in done.stdout, done.stderr


def backup(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    """Run deploy/backup.sh as its user."""
    with server.front(BACKUP) as port:
        return subprocess.run(
            ["/bin/sh", DEPLOY / "backup.sh", *words],
            env=os.environ
            | {"CLICKHOUSE_URL": f"http://127.0.0.1:{port}", "CLICKHOUSE_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )


def counted(server: Server) -> dict[str, tuple[int, int]]:
    """Return rows and a checksum of every table of Handspan."""
    with server.client(ADMIN) as client:
        rows = client.query(
            "SELECT name FROM system.tables"
            " WHERE database = 'handspan' AND engine LIKE '%MergeTree'"
        ).result_rows
        found: dict[str, tuple[int, int]] = {}
        for (name,) in rows:
            (row,) = client.query(
                "SELECT count(), groupBitXor(cityHash64(toString(tuple(*))))"  # noqa: S608
                f" FROM handspan.`{name}`"
            ).result_rows
            found[name] = (int(row[0]), int(row[1]))
    return found


def kpi(server: Server) -> list[dict[str, Any]]:
    """Return what the command line says, from the facts of the store."""
    with server.front(WRITER) as port:
        told = handspan("kpi", "agent_runs", "--store", dsn(WRITER, port), "--format", "json")
    assert told.returncode == 0, told.stderr
    rows: list[dict[str, Any]] = json.loads(told.stdout)
    return rows


def test_a_backup_brings_back_every_row(stored: Server, tmp_path: Path) -> None:
    """A full one, what changed since, and a restore into nothing, counted table by table."""
    server = stored.copied(tmp_path)
    full = backup(server, "full", "monday")
    assert full.returncode == 0, full.stdout + full.stderr
    assert "BACKUP_CREATED" in full.stdout
    record(server, 2, 5)
    before = counted(server)
    assert before["otel_traces"][0] == 10
    assert before["runs"][0] >= 5
    since = backup(server, "since", "monday", "tuesday")
    assert since.returncode == 0, since.stdout + since.stderr

    there = backup(server, "restore", "tuesday")
    assert there.returncode != 0
    assert "CANNOT_RESTORE_TABLE" in there.stdout + there.stderr
    with server.client(ADMIN) as client:
        client.command("DROP DATABASE handspan SYNC")
    back = backup(server, "restore", "tuesday")
    assert back.returncode == 0, back.stdout + back.stderr
    assert counted(server) == before

    with server.front(WRITER) as port:
        rebuilt = handspan("rebuild", "--store", dsn(WRITER, port))
        assert "10 spans read again" in rebuilt.stdout, rebuilt.stderr
    record(server, 1, 6)


def test_backups_stay_in_their_folder(stored: Server, tmp_path: Path) -> None:
    """A name is no path, neither to the script nor to the server."""
    server = stored.copied(tmp_path)
    done = backup(server, "full", "../elsewhere")
    assert done.returncode == 2
    assert "letters, digits" in done.stderr
    with server.client(BACKUP) as client:
        said = refused(client, f"BACKUP DATABASE handspan TO File('{tmp_path}/elsewhere')")
        assert "is not allowed for backups" in said
        assert "ACCESS_DENIED" in refused(client, "DROP TABLE handspan.otel_traces")

"""No secret is in anything that a whole run leaves behind or tells."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from tests.end_to_end.processes import Service, handspan, wait_for
from tests.end_to_end.test_serve import record
from tests.stack.clickhouse_front.process import fronting

from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

PASSWORD = "s#cr/t pass"  # noqa: S105 - of a server that lives as long as this test
WRONG = "hs_0badc0de_" + "w" * 43
NONSENSE = "my own secret"


def test_no_secret_is_in_logs_spans_metrics_answers_addresses_or_files(tmp_path: Path) -> None:
    """Tokens right and wrong at every door, a password in the DSN, and a store that goes away."""
    file = TokenFile(tmp_path / "tokens.json")
    sender = file.add("sender", ("ingest",), tenant="acme")
    slow = file.add("slow", ("ingest",), bytes_per_s=1.0)
    reader = file.add("reader", ("read",))
    kept = ("--journal", str(tmp_path / "journal"), "--tokens", str(file.path))
    options = (*kept, "--require-tokens", "--log-format", "json", "--drain-s", "0.1")
    with fronting(tmp_path / "data", "--password", PASSWORD) as port:
        store = f"clickhouse://someone:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/handspan"
        service = Service(tmp_path, options, server=store)
        service.start()
        told = _ask_at_every_door(service, sender, slow, reader)
        told += _stored(store)
    _send(service, sender)
    wait_for(lambda: _failures(service, reader), "the service to miss its store")
    told.append(_get(service, "/metrics", reader).text)
    code, log = service.stop()
    told.append(handspan("doctor", "--store", store).stdout)
    told.append(file.path.read_text(encoding="utf-8"))
    files = [path for path in (tmp_path / "journal").rglob("*") if path.is_file()]
    told += [f"{path}{path.read_bytes().decode('latin-1')}" for path in files]

    assert code == 0, log
    assert all(told)
    assert any("acme" in text for text in told)
    assert "does not take" in log
    assert all(json.loads(line) for line in log.splitlines() if line.startswith("{"))
    login = base64.b64encode(f"someone:{PASSWORD}".encode()).decode()
    secrets = [PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), login, NONSENSE, "w" * 43]
    for secret in (*secrets, *(token[12:] for token in (sender, slow, reader))):
        assert [text for text in (log, *told) if secret in text] == []


def _ask_at_every_door(service: Service, sender: str, slow: str, reader: str) -> list[str]:
    """Send and ask with tokens right and wrong; return what is answered."""
    traces = f"http://127.0.0.1:{service.http}/v1/traces"
    told = [service.store.partition("@")[2]]
    for token in (sender, WRONG, reader):
        record(GrpcExporter(endpoint=f"http://127.0.0.1:{service.grpc}", headers=_bearer(token)), 1)
        record(HttpExporter(endpoint=traces, headers=_bearer(token)), 1)
    protobuf = {"content-type": "application/x-protobuf"}
    answers = [
        httpx.post(traces, content=b"\xff" * 50, headers=protobuf | _bearer(token))
        for token in (sender, slow, slow, WRONG, NONSENSE)
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 429, 401, 401]
    told += [f"{answer.headers}{answer.text}" for answer in answers]
    wait_for(lambda: _get(service, "/api/v1/runs", reader).json()["runs"], "a run")
    with httpx.Client(base_url=f"http://127.0.0.1:{service.web}") as browser:
        browser.post("/api/v1/session", headers=_bearer(reader))
        told += [browser.get(path).text for path in ("/", "/api/v1/runs", "/api/v1/health")]
    for token in (reader, sender, WRONG, NONSENSE):
        told += [_get(service, path, token).text for path in ("/api/v1/runs", "/metrics")]
    return told


def _send(service: Service, token: str) -> None:
    record(GrpcExporter(endpoint=f"http://127.0.0.1:{service.grpc}", headers=_bearer(token)), 1)


def _failures(service: Service, reader: str) -> bool:
    return "handspan_store_retries_total 0\n" not in _get(service, "/metrics", reader).text


def _stored(store: str) -> list[str]:
    """Return every row of every table."""
    with closing(connect(parse(store))) as connection:
        tables = connection.rows("SHOW TABLES")
        return [
            repr((row["name"], connection.rows(f"SELECT * FROM `{row['name']}`")))  # noqa: S608 - our own
            for row in tables
        ]


def _get(service: Service, path: str, token: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{service.web}{path}", headers=_bearer(token))


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}

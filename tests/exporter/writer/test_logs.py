"""Log records from the journal into the real store, beside spans and after a crash."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.journal.journal import Journal
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.levels import item_count
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import LOGS_STORED, ROWS_MISSED, SPANS_STORED, Counters
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.store.connection import Connection


class Ingest:
    """A journal and a writer on a real store."""

    def __init__(self, folder: Path, connection: Connection) -> None:
        self.counters = Counters()
        self.journal = Journal(
            folder, max_bytes=1 << 30, segment_spans=1000, counters=self.counters
        )
        self.writer = Writer(
            self.journal,
            connection,
            Settings(),
            agent_spans_table=agent_spans_table,
            counters=self.counters,
        )

    def accept(self, signal: Signal, body: bytes) -> None:
        """Journal a request and hand it on."""
        batch = decode(signal, body)
        self.writer.hand(self.journal.append(body, item_count(batch), signal), batch)

    def stored(self) -> bool:
        """Store all there is."""
        self.writer.start()
        return self.writer.drain(60)


def _logs(count: int) -> bytes:
    now_ns = time.time_ns()
    records = [
        LogRecord(time_unix_nano=now_ns + number, body=AnyValue(string_value="tick"))
        for number in range(count)
    ]
    resource = ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])
    return ExportLogsServiceRequest(resource_logs=[resource]).SerializeToString()


def _count(connection: Connection, table: str) -> int:
    (row,) = connection.rows(f"SELECT count() AS n FROM {table}")  # noqa: S608 - our own names
    return int(row["n"])


def test_spans_and_log_records_have_segments_of_their_own(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """A segment is decoded whole, as one type of message."""
    ingest = Ingest(tmp_path, connection)
    for number in range(3):
        ingest.accept(TRACES, trace_request(2, first=1 + 10 * number))
        ingest.accept(LOGS, _logs(4))
    assert sorted(path.name.count(".logs.") for path in tmp_path.glob("*.otlp")) == [0, 1]

    assert ingest.stored()

    assert (_count(connection, "otel_traces"), _count(connection, "otel_logs")) == (6, 12)
    assert ingest.counters.total(SPANS_STORED) == 6
    assert ingest.counters.total(LOGS_STORED) == 12


def test_what_a_killed_process_left_is_stored_once(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """The kind of a segment is in its name, so that the next process knows how to read it."""
    first = Ingest(tmp_path, connection)
    first.accept(LOGS, _logs(4))
    first.accept(TRACES, trace_request(2))
    (logs,) = tmp_path.glob("*.logs.otlp")
    content = logs.read_bytes()

    assert Ingest(tmp_path, connection).stored()
    logs.write_bytes(content)
    assert Ingest(tmp_path, connection).stored()

    assert (_count(connection, "otel_traces"), _count(connection, "otel_logs")) == (2, 4)


def test_log_records_whose_token_is_known_but_that_are_not_there_are_inserted_again(
    tmp_path: Path, connection: Connection
) -> None:
    """As with spans; equal texts are told apart by their time."""
    first = Ingest(tmp_path, connection)
    first.accept(LOGS, _logs(4))
    (path,) = tmp_path.glob("*.otlp")
    content = path.read_bytes()
    assert first.stored()
    path.write_bytes(content)
    connection.command(
        "ALTER TABLE otel_logs DELETE WHERE Timestamp > (SELECT min(Timestamp) FROM otel_logs) "
        "SETTINGS mutations_sync = 2"
    )
    assert _count(connection, "otel_logs") == 1

    second = Ingest(tmp_path, connection)

    assert second.stored()
    assert _count(connection, "otel_logs") == 4
    assert second.counters.total(ROWS_MISSED, "otel_logs") == 3

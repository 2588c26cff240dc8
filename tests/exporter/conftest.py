"""A real embedded store for every test that wants one."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.exporter.computed import Facts

from handspan_exporter.processor.facts import FACTS, SESSION
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_numbers = itertools.count()
_SETTINGS = Settings(durability="process")
"""Waiting for the disk is tested where power is cut, not in every test."""


@pytest.fixture
def database(engine: Dsn) -> Iterator[tuple[Dsn, Connection]]:
    """Return a migrated database that only this test has, and a session in it.

    A stage that opens its own sessions gets the DSN; `connect(dsn)` reaches the same database.
    """
    dsn = replace(engine, database=f"test_{next(_numbers)}")
    connection = connect(dsn)
    migrate(connection, _SETTINGS)
    yield dsn, connection
    connection.command(f"DROP DATABASE `{dsn.database}`")
    connection.close()


@pytest.fixture
def connection(database: tuple[Dsn, Connection]) -> Connection:
    """Return a session in a migrated database that only this test has."""
    return database[1]


@pytest.fixture
def connect_again(database: tuple[Dsn, Connection]) -> Iterator[Callable[[], Connection]]:
    """Return a function that opens one more session in the test's database."""
    opened: list[Connection] = []

    def again() -> Connection:
        opened.append(connect(database[0]))
        return opened[-1]

    yield again
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def facts_session(engine: Dsn) -> Iterator[Connection]:
    """Return a session as `serve` opens it for the processor, in a database of this module."""
    dsn = replace(engine, database=f"facts_{next(_numbers)}")
    connection = connect(dsn, settings=SESSION)
    migrate(connection, _SETTINGS)
    yield connection
    connection.command(f"DROP DATABASE `{dsn.database}`")
    connection.close()


@pytest.fixture
def facts(facts_session: Connection) -> Facts:
    """Return a processor's work on an empty store."""
    raw = ("otel_traces", "otel_traces_trace_id_ts", "agent_spans", "open_spans")
    for table in (*FACTS, *raw, "service_instances", "history_due"):
        facts_session.command(f"TRUNCATE TABLE {table}")
    return Facts(facts_session)


@pytest.fixture
def trace_request() -> Callable[..., bytes]:
    """Return a function that makes a request of so many chat spans, each a trace of its own."""

    def make(count: int = 1, *, first: int = 1, start_ns: int | None = None) -> bytes:
        # Older than the retention, a row would vanish from the store at once.
        began_ns = time.time_ns() if start_ns is None else start_ns
        spans = [
            Span(
                trace_id=number.to_bytes(16, "big"),
                span_id=number.to_bytes(8, "big"),
                name="chat",
                start_time_unix_nano=began_ns,
                end_time_unix_nano=began_ns + 1_000_000,
                attributes=[
                    KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat"))
                ],
            )
            for number in range(first, first + count)
        ]
        resource = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
        return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()

    return make

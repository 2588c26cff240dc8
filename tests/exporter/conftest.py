"""A real embedded store for every test that wants one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.exporter.computed import Facts
from tests.exporter.databases import Databases

from handspan_exporter.processor.facts import FACTS, SESSION
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn


@pytest.fixture(scope="session")
def databases(engine: Dsn) -> Iterator[Databases]:
    """Return the databases that tests of this process share, one after the other."""
    every = Databases(engine)
    yield every
    every.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[tuple[Dsn, Connection]]:
    """Return a migrated database that only this test has, and a session in it.

    A stage that opens its own sessions gets the DSN; `connect(dsn)` reaches the same database.
    """
    dsn = databases.take()
    connection = connect(dsn)
    yield dsn, connection
    connection.close()
    databases.give_back(dsn)


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
def facts_session(databases: Databases) -> Iterator[Connection]:
    """Return a session as `serve` opens it for the processor, in a database of this module."""
    dsn = databases.take()
    connection = connect(dsn, settings=SESSION)
    yield connection
    connection.close()
    databases.give_back(dsn)


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

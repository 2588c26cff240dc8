"""The exporter without a server: same rows, no exception, every span that is lost is counted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext
from tests.exporter.receiver.doors import running

from handspan import semconv
from handspan_exporter import ClickHouseSpanExporter
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.lock import StoreLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn


def recorded(count: int = 1) -> list[ReadableSpan]:
    """Return spans as the SDK has them: a run, its agent, and a call with all kinds of values."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop", "number": 7}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests", "1.0")
    for _ in range(count):
        with (
            tracer.start_as_current_span("run", attributes={semconv.KIND: "workflow"}),
            tracer.start_as_current_span("agent", attributes={semconv.KIND: "agent"}) as agent,
        ):
            links = [Link(SpanContext(1, 2, is_remote=True), {"reason": "test"})]
            with tracer.start_as_current_span("chat", links=links) as chat:
                chat.set_attributes({"gen_ai.operation.name": "chat", "x": 0.1, "y": [1, 2]})
                chat.add_event("thought", {"ok": True})
            agent.record_exception(ValueError("no stock"))
    provider.shutdown()
    return list(memory.get_finished_spans())


@pytest.fixture
def exporter(engine: Dsn) -> Iterator[ClickHouseSpanExporter]:
    """Return an exporter into the embedded store of this process."""
    one = ClickHouseSpanExporter(str(engine), timeout_s=1)
    yield one
    one.shutdown()
    keep = connect(engine)
    keep.command(f"DROP DATABASE `{engine.database}`")
    keep.close()


def rows(connection: Connection, table: str, when: str) -> list[dict[str, object]]:
    """Return a table without the moment at which its rows came."""
    found = connection.arrow(f"SELECT * FROM {table} ORDER BY ALL")  # noqa: S608 - of this file
    return [{k: v for k, v in row.items() if k != when} for row in found.to_pylist()]


@pytest.mark.parametrize(("idle_s", "announced"), [("60", 1), ("3600", 0)])
def test_what_is_late_is_what_the_settings_say(
    engine: Dsn,
    exporter: ClickHouseSpanExporter,
    monkeypatch: pytest.MonkeyPatch,
    idle_s: str,
    announced: int,
) -> None:
    """As in `serve`: whoever shortens the wait for runs has gaps closed by later spans, too."""
    monkeypatch.setenv("HANDSPAN_IMPLICIT_RUN_S", idle_s)
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    began_ns = time.time_ns() - 100 * 10**9
    provider.get_tracer("tests").start_span("GET", start_time=began_ns).end(began_ns + 1)
    provider.shutdown()

    assert exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    with closing(connect(engine)) as store:
        found = store.rows("SELECT count() AS arrivals FROM trace_arrivals")
    assert found == [{"arrivals": announced}]


def test_its_rows_are_those_of_the_receiver(
    engine: Dsn, exporter: ClickHouseSpanExporter, connection: Connection, tmp_path: Path
) -> None:
    """Whoever moves from the one to the other sees no difference."""
    spans = recorded(3)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    with running(tmp_path, connection, Settings()) as receiver:
        receiver.call(encode_spans(spans).SerializeToString())
        assert receiver.stored.acquire(timeout=30)
    own = connect(engine)
    for table, when in (
        ("otel_traces", ""),
        ("otel_traces_trace_id_ts", ""),
        ("agent_spans", "received_at"),
        ("trace_arrivals", "arrived_at"),
    ):
        received = rows(connection, table, when)
        assert rows(own, table, when) == received
        assert received, table
    own.close()
    assert exporter.dropped == {}


def test_spans_that_the_receiver_refuses_are_dropped_and_counted(
    exporter: ClickHouseSpanExporter,
) -> None:
    """Older than the retention, a row would vanish at the next merge without a word."""
    old, good = recorded(1)[:2]
    old._start_time, old._end_time = 1, 2  # noqa: SLF001 - as a broken clock would have it
    assert exporter.export([old, good]) is SpanExportResult.FAILURE
    assert exporter.dropped == {"starts more than 30 days ago": 1}


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        ("clickhouse://127.0.0.1:1/handspan", "StoreDown"),
        ("mysql://127.0.0.1/handspan", "UsageError"),
        ("chdb:///proc/nowhere", "StoreUnsuitable"),
    ],
)
def test_a_store_that_does_not_answer_costs_time_and_spans_but_no_exception(
    store: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line says what was lost and why, and a second batch does not say it again."""
    one = ClickHouseSpanExporter(store, timeout_s=0.3)
    spans = recorded(1)
    for _ in range(2):
        assert one.export(spans) is SpanExportResult.FAILURE
    one.shutdown()
    assert one.dropped == {reason: 2 * len(spans)}
    said = [record.message for record in caplog.records if "not stored" in record.message]
    assert len(said) == 1


def test_a_store_that_serve_holds_is_left_to_it(tmp_path: Path) -> None:
    """One process may have an embedded store; the line says who has it."""
    with StoreLock(tmp_path, url="http://127.0.0.1:8317"):
        one = ClickHouseSpanExporter(f"chdb://{tmp_path}", timeout_s=0.3)
        assert one.export(recorded(1)) is SpanExportResult.FAILURE
    assert one.dropped == {"StoreHeld": 3}
    one.shutdown()


def test_after_its_end_it_takes_nothing_and_raises_nothing(
    exporter: ClickHouseSpanExporter,
) -> None:
    """The SDK may still hand it a batch while the program ends."""
    assert exporter.export(recorded(1)) is SpanExportResult.SUCCESS
    assert exporter.force_flush()
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export(recorded(1)) is SpanExportResult.FAILURE
    assert exporter.dropped == {"the exporter is shut down": 3}


def test_its_end_breaks_off_the_waiting_for_a_store() -> None:
    """A program must not hang at its end because ClickHouse is down."""
    one = ClickHouseSpanExporter("clickhouse://127.0.0.1:1/handspan", timeout_s=600)
    waiting = threading.Thread(target=one.export, args=(recorded(1),))
    waiting.start()
    while not one._lock.locked():  # noqa: SLF001 - nothing else says that the batch is under way
        time.sleep(0.01)
    one._stopping.set()  # noqa: SLF001 - what shutdown does first
    waiting.join(30)
    assert not waiting.is_alive()
    assert one.dropped == {"StoreDown": 3}


FORKS = """
import os, sys
from handspan_exporter import ClickHouseSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
exporter = ClickHouseSpanExporter(sys.argv[1])
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("forks")
with tracer.start_as_current_span("before", attributes={"handspan.kind": "agent"}):
    pass
provider.force_flush()
child = os.fork()
with tracer.start_as_current_span("after", attributes={"handspan.kind": "agent"}):
    pass
provider.shutdown()
if child == 0:
    print("child", exporter.dropped, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
print("parent", exporter.dropped, status)
"""


def test_a_forked_child_neither_hangs_nor_touches_the_parents_store(tmp_path: Path) -> None:
    """An engine inside a process does not survive a fork; the parent's must not notice it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, f"chdb://{tmp_path}/store"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    assert "parent {} 0" in done.stdout
    assert "child {'the embedded store belongs to the parent process" in done.stdout


CHOSEN = """
from opentelemetry import trace
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
_OTelSDKConfigurator().configure()
with trace.get_tracer("chosen").start_as_current_span("run", attributes={"handspan.kind": "agent"}):
    pass
trace.get_tracer_provider().shutdown()
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
import os
connection = connect(parse(os.environ["HANDSPAN_STORE"]))
print(connection.rows("SELECT name, service FROM agent_spans"))
connection.close()
"""


def test_the_sdk_finds_it_by_its_name(tmp_path: Path) -> None:
    """OTEL_TRACES_EXPORTER=handspan_clickhouse is all that a program needs."""
    chosen = {
        "OTEL_TRACES_EXPORTER": "handspan_clickhouse",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "notebook",
        "HANDSPAN_STORE": f"chdb://{tmp_path}/store",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHOSEN],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ | chosen,
    )
    assert done.stdout == "[{'name': 'run', 'service': 'notebook'}]\n", done.stderr

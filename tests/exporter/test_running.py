"""Work that was announced and has not ended: running, then ended or lost, and in no ratio."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from tests.exporter.span_trees import (
    NOON_NS,
    agent,
    announce,
    at,
    begin,
    handoff,
    llm,
    span,
    store,
    trace,
    workflow,
)

from handspan import semconv
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.logs import logs_table
from handspan_exporter.columns.open_spans import open_spans_table
from handspan_exporter.journal.journal import Journal
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import LOGS, TRACES
from handspan_exporter.processor.loop import Processor
from handspan_exporter.query import kpi, runs
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import Counters
from handspan_exporter.writer.instances import HEARD_EVERY_S, Instances
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.exporter.computed import Facts
    from tests.exporter.span_trees import Row

    from handspan_exporter.store.connection import Connection

HOUR_S = 3600.0
SHOWN = ("outcome", "ended_at", "duration_ns", "active_ns", "agent_time_ns", "coordination_ns")
UNKNOWN = (None,) * 5


def record(
    span_id: str, start_ns: int, *, kind: str = "workflow", parent: str = "", trace_id: str = "1"
) -> LogRecord:
    """Return the announcement of a span; ids are numbers in hex."""
    operation = "invoke_agent" if kind == "agent" else "invoke_workflow"
    said = {semconv.KIND: kind, semconv.GEN_AI_OPERATION_NAME: operation}
    said |= {semconv.GEN_AI_AGENT_NAME: "clerk"} if kind == "agent" else {}
    said |= {semconv.GEN_AI_WORKFLOW_NAME: "sale"}
    said |= {semconv.PARENT_SPAN_ID: parent.zfill(16)} if parent else {}
    return LogRecord(
        time_unix_nano=start_ns,
        trace_id=bytes.fromhex(trace_id.zfill(32)),
        span_id=bytes.fromhex(span_id.zfill(16)),
        event_name=semconv.EVENT_STARTED,
        body=AnyValue(string_value=f"{operation} sale"),
        attributes=[KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in said.items()],
    )


def request(*records: LogRecord, instance: str = "i") -> bytes:
    """Return the records as a request of one process."""
    said = {semconv.SERVICE_NAME: "shop", semconv.SERVICE_INSTANCE_ID: instance}
    resource = Resource(
        attributes=[KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in said.items()]
    )
    logs = ResourceLogs(resource=resource, scope_logs=[ScopeLogs(log_records=records)])
    return ExportLogsServiceRequest(resource_logs=[logs]).SerializeToString()


def opened(*records: LogRecord, received_at_ns: int) -> Any:  # noqa: ANN401
    """Return the rows of open_spans."""
    return open_spans_table(logs_table(decode(LOGS, request(*records))), received_at_ns)


def heard(facts: Facts, at_s: float, *, service: str = "team", instance: str = "i") -> None:
    """Note that a process was heard of."""
    row = {"service": service, "instance": instance, "seen_at": at(at_s)}
    schema = pa.schema(
        [
            ("service", pa.string()),
            ("instance", pa.string()),
            ("seen_at", pa.timestamp("ns", "UTC")),
        ]
    )
    facts.connection.insert("service_instances", pa.Table.from_pylist([row], schema), token="")


def open_and_ended(rows: Sequence[Row], *open_kinds: str) -> tuple[list[Row], list[Row]]:
    """Split rows by kind."""
    begun = [row for row in rows if row["kind"] in open_kinds]
    return begun, [row for row in rows if row["kind"] not in open_kinds]


def test_an_announcement_is_a_row_like_that_of_its_span() -> None:
    """Ids, start and attributes are the span's own; only its end is missing."""
    begun = record("a", NOON_NS, kind="agent", parent="b")

    (row,) = opened(begun, received_at_ns=NOON_NS + 5).to_pylist()

    assert (row["trace_id"], row["span_id"]) == ("1".zfill(32), "a".zfill(16))
    assert row["parent_span_id"] == "b".zfill(16)
    assert (row["started_at"].value, row["received_at"].value) == (NOON_NS, NOON_NS + 5)
    assert (row["kind"], row["agent"], row["service"], row["instance"]) == (
        *("agent", "clerk"),
        *("shop", "i"),
    )
    assert (row["duration_ns"], row["status"], row["name"]) == (0, "Unset", "invoke_agent sale")


@pytest.mark.parametrize(
    "change",
    [
        {"event_name": "other"},
        {"trace_id": b""},
        {"span_id": b""},
        {"attributes": []},
        {"attributes": [KeyValue(key=semconv.KIND, value=AnyValue(string_value="llm"))]},
    ],
)
def test_other_log_records_announce_nothing(change: dict[str, Any]) -> None:
    """Only spans that last are announced, and a record that names none is about none."""
    other = record("a", NOON_NS)
    for name, value in change.items():
        other.ClearField(name)  # type: ignore[arg-type]
        if isinstance(value, list):
            other.attributes.extend(value)
        else:
            setattr(other, name, value)

    assert opened(other, received_at_ns=NOON_NS).num_rows == 0
    assert opened(other, record("b", NOON_NS), received_at_ns=NOON_NS).num_rows == 1


def test_open_spans_have_the_columns_of_agent_spans_in_their_order(connection: Connection) -> None:
    """The facts take both as one."""
    names = {
        table: [row["name"] for row in connection.rows(f"DESCRIBE TABLE {table}")]
        for table in ("agent_spans", "open_spans")
    }

    assert names["open_spans"] == [*names["agent_spans"], "instance"]


def test_a_run_that_only_announced_itself_is_running(facts: Facts) -> None:
    """Nothing else is known of it, and nothing else is said."""
    rows = trace("t1", workflow("sale", 0, 10))
    begin(facts.connection, rows)
    facts.compute(["t1"], now_s=20)

    assert facts.rows("runs", *SHOWN) == [("running", *UNKNOWN)]
    run = facts.run("t1")
    assert (run["workflow"], run["spans_seen"], run["agent_runs"]) == ("sale", 0, 0)


def test_a_running_run_has_what_ended_in_it_and_no_more(facts: Facts) -> None:
    """Facts of what ended count at once; an open agent is seen among the agents only."""
    inside = [
        agent("a", 0, 4, [llm(1, 2, tokens=5)]),
        handoff("a", "b", 4),
        handoff("a", "c", 4.5),
        agent("b", 5, 9, [span("human", 6, 8)], span_id="open"),
        span("fault", 5, 5, fault_type="x", fault_target="y", fault_id="f"),
    ]
    rows = trace("t1", workflow("sale", 0, 10, inside))
    begun = [r for r in rows if r["kind"] in ("workflow", "human") or r.get("agent") == "b"]
    ended = [row for row in rows if row not in begun]
    begin(facts.connection, begun)
    facts.add(ended, now_s=20)

    assert facts.rows("runs", *SHOWN) == [("running", *UNKNOWN)]
    run = facts.run("t1")
    assert (run["agents"], run["path"], run["agent_runs"]) == (["a", "b"], "a > b", 1)
    assert (run["input_tokens"], run["spans_seen"]) == (5, 5)
    assert facts.rows("agent_runs", "agent", "run_id") == [("a", "t1")]
    assert facts.rows("handoffs", "target", "outcome") == [("b", "accepted"), ("c", "pending")]
    assert facts.rows("faults", "outcome") == [("open",)]
    assert facts.rows("human_waits", "run_id", "state", "duration_ns") == [("t1", "waiting", 0)]
    assert escalations(facts)["still_waiting"] == 1
    assert escalations(facts)["reason"] == "no wait for a person ended in the window"

    store(facts.connection, begun)
    facts.compute(["t1"], now_s=30)

    assert facts.rows("runs", *SHOWN[:2])[0][0] == "success"
    assert facts.rows("agent_runs", "agent") == [("a",), ("b",)]
    assert facts.rows("handoffs", "target", "outcome") == [("b", "accepted"), ("c", "lost")]
    assert facts.rows("faults", "outcome") == [("recovered",)]
    assert facts.rows("human_waits", "state", "duration_ns") == [("ended", 2 * 10**9)]
    told = escalations(facts)
    assert (told["escalations"], told["still_waiting"], told["wait_p50_s"]) == (1, 0, 2.0)


def test_a_wait_of_a_process_that_died_waits_for_nobody(facts: Facts) -> None:
    """It is shown with its run, and not counted as waiting."""
    rows = trace("t1", workflow("sale", 0, 10, [span("human", 6, 8, human_reason="refund")]))
    begin(facts.connection, rows)
    facts.compute(["t1"], now_s=25 * HOUR_S)

    assert facts.rows("human_waits", "state") == [("lost",)]
    assert (escalations(facts)["still_waiting"], escalations(facts)["n"]) == (0, 0)
    (wait,) = runs.show(facts.connection, "t1")["waits"]
    assert (wait["reason"], wait["state"], wait["duration_ns"]) == ("refund", "lost", None)


def escalations(facts: Facts) -> dict[str, Any]:
    """Return human_escalations of the hour in which these tests play."""
    (row,) = kpi.answer(facts.connection, "human_escalations", at(-1), at(HOUR_S))
    return row


def test_an_end_that_came_before_the_announcement_stays(facts: Facts) -> None:
    """Log records and spans travel apart; the later one must not open what has ended."""
    rows = trace("t1", workflow("sale", 0, 10))
    facts.add(rows, now_s=20)
    begin(facts.connection, [row | {"received_at": at(30)} for row in rows])
    facts.compute(["t1"], now_s=40)

    assert facts.rows("runs", "outcome", "duration_ns") == [("success", 10 * 10**9)]


@pytest.mark.parametrize(
    ("now_s", "heard_s", "outcome"),
    [
        (HOUR_S, None, "running"),
        (1.2 * HOUR_S, None, "lost"),
        (1.2 * HOUR_S, 0.9 * HOUR_S, "running"),
        (23.9 * HOUR_S, 23.8 * HOUR_S, "running"),
        (24.1 * HOUR_S, 24 * HOUR_S, "lost"),
    ],
)
def test_who_is_silent_for_an_hour_or_open_for_a_day_is_lost(
    facts: Facts, now_s: float, heard_s: float | None, outcome: str
) -> None:
    """A killed process says no more; its run must not be running for ever."""
    begin(facts.connection, trace("t1", workflow("sale", 0, 0)), instance="i")
    if heard_s is not None:
        heard(facts, heard_s)
    heard(facts, now_s, instance="another process of the service")
    facts.compute(["t1"], now_s=now_s)

    assert facts.rows("runs", *SHOWN) == [(outcome, *UNKNOWN)]


def test_a_run_of_several_roots_runs_until_all_have_ended(facts: Facts) -> None:
    """One workflow id joins them; how it ends is not known before."""
    rows = trace("t1", workflow("a", 0, 5, workflow_id="w"))
    begun = trace("t2", workflow("b", 6, 9, workflow_id="w"))
    begin(facts.connection, begun)
    facts.add(rows, now_s=8)
    facts.compute(["t2"], now_s=8)
    assert facts.rows("runs", "run_id", "outcome") == [("w", "running")]

    facts.add(begun, now_s=20)
    assert facts.rows("runs", "run_id", "outcome") == [("w", "success")]


def test_the_processor_finds_a_lost_run_by_time_alone(facts: Facts) -> None:
    """Nothing new ever comes of it, before a restart of the service or after."""
    now_s = [10.0]
    settings = Settings(store="chdb:///unused")

    def processor() -> Processor:
        return Processor(
            facts.connection,
            settings,
            oldest_in_flight_ns=lambda: at(now_s[0]),
            clock_ns=lambda: at(now_s[0]),
        )

    for table in ("trace_arrivals", "processor_state"):
        facts.connection.command(f"TRUNCATE TABLE {table}")
    for number, restarts in enumerate((False, True)):
        rows = trace(f"t{number}", workflow("sale", now_s[0], now_s[0]), received_s=now_s[0])
        begin(facts.connection, rows)
        announce(facts.connection, rows, now_s[0])
        now_s[0] += 0.5
        one = processor()
        one.tick()
        assert facts.run(f"t{number}")["outcome"] == "running"
        now_s[0] += 2 * HOUR_S
        if restarts:
            one = processor()
        one.tick()
        assert facts.run(f"t{number}")["outcome"] == "lost"


def test_runs_show_what_is_going_on(facts: Facts) -> None:
    """An unfinished span stands in the tree, without a duration."""
    rows = trace("t1", workflow("sale", 0, 10, [agent("a", 0, 4), agent("b", 5, 9)]))
    begun = [row for row in rows if row["kind"] == "workflow" or row.get("agent") == "b"]
    begin(facts.connection, begun)
    facts.add([row for row in rows if row not in begun], now_s=20)

    shown = runs.show(facts.connection, "t1")

    assert [(one["depth"], one["agent"], one["outcome"]) for one in shown["spans"]] == [
        (0, "", "running"),
        (1, "a", "success"),
        (1, "b", "running"),
    ]
    assert [one["duration_ns"] for one in shown["spans"]] == [None, 4 * 10**9, None]


def test_a_request_of_announcements_becomes_a_running_run(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """The whole way: journal, writer, processor; and again after a crash of the writer."""
    now_ns = time.time_ns()
    counters = Counters()
    journal = Journal(tmp_path, max_bytes=1 << 30, segment_spans=10, counters=counters)
    journal.append(request(record("a", now_ns, trace_id="aa")), 1, LOGS)
    journal.append(trace_request(2), 2, TRACES)
    kept = {path: path.read_bytes() for path in tmp_path.glob("*.otlp")}
    for _ in range(2):
        for path, content in kept.items():
            path.write_bytes(content)
        journal = Journal(tmp_path, max_bytes=1 << 30, segment_spans=10, counters=counters)
        writer = Writer(
            journal, connection, Settings(), agent_spans_table=agent_spans_table, counters=counters
        )
        writer.start()
        assert writer.drain(60)

    tables = ("open_spans", "trace_arrivals", "otel_logs", "otel_traces")
    count = "(SELECT count() FROM {}) AS {}"
    columns = ", ".join(count.format(table, table) for table in tables)
    assert connection.rows(f"SELECT {columns}") == [
        {"open_spans": 1, "trace_arrivals": 3, "otel_logs": 1, "otel_traces": 2}
    ]
    heard_of = connection.rows("SELECT service, instance FROM service_instances FINAL")
    assert {tuple(row.values()) for row in heard_of} == {("shop", "i"), ("", "")}
    processor = Processor(
        connection, Settings(), oldest_in_flight_ns=lambda: now_ns + 10**12, counters=counters
    )
    processor.tick()
    (run,) = connection.rows("SELECT outcome, workflow, service FROM runs FINAL")
    assert run == {"outcome": "running", "workflow": "sale", "service": "shop"}


def test_a_process_is_noted_at_most_every_few_minutes() -> None:
    """Every insert costs; a process that sends all day must not cost one per flush."""
    instances = Instances()
    batch = decode(LOGS, request(record("a", NOON_NS)))
    other = decode(LOGS, request(record("a", NOON_NS), instance="j"))
    later_ns = NOON_NS + HEARD_EVERY_S * 10**9

    assert instances.news(batch, NOON_NS).to_pydict()["instance"] == ["i"]  # type: ignore[union-attr]
    assert instances.news(batch, later_ns - 1) is None
    assert instances.news(other, later_ns - 1) is not None
    assert instances.news(batch, later_ns) is not None

"""Clients that note what is acknowledged, and what the store then has of it, counted by id."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from tests.end_to_end.processes import ENOUGH_S

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_SAYS: dict[str, dict[str, str | int | float]] = {
    "workflow": {semconv.GEN_AI_WORKFLOW_NAME: "sale"},
    "agent": {semconv.GEN_AI_AGENT_NAME: "clerk"},
    "llm": {semconv.GEN_AI_REQUEST_MODEL: "own-model", semconv.GEN_AI_USAGE_INPUT_TOKENS: 7},
    "tool": {semconv.GEN_AI_TOOL_NAME: "look_up"},
    "handoff": {semconv.HANDOFF_SOURCE: "clerk", semconv.HANDOFF_TARGET: "boss"},
    "task": {semconv.TASK_ID: "task"},
    "validation": {semconv.VALIDATION_NAME: "check"},
    "fault": {semconv.FAULT_TYPE: "timeout"},
    "human": {semconv.HUMAN_REASON: "approval"},
    "rating": {semconv.RATING_QUALITY: 4},
}
"""Kinds of span of one request, which is one trace and one run: the first opens it, all others
are inside. What each kind needs to be a fact."""
_EVENTS: dict[str, dict[str, str | int | float]] = {
    semconv.EVENT_BUDGET: {semconv.BUDGET_NAME: "day", semconv.BUDGET_STATE: "warning"},
    semconv.EVENT_METRIC: {semconv.METRIC_NAME: "items", semconv.METRIC_VALUE: 3.0},
    semconv.EVENT_DECISION: {semconv.DECISION_NAME: "route", semconv.DECISION_CHOICE: "boss"},
    semconv.EVENT_MESSAGE: {semconv.MESSAGE_TARGET: "boss"},
}
"""Events of the first span."""
_KINDS = tuple(_SAYS)
SPANS = len(_KINDS)
"""Of one request."""

_READ = """
import json, sys
from handspan_exporter.processor.facts import FACTS
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
connection = connect(parse(sys.argv[1]))
by_run = ("runs", "run_traces")
counted = {
    "otel_traces": "SELECT SpanId AS id, count() AS n FROM otel_traces",
    "agent_spans": "SELECT span_id AS id, count() AS n FROM agent_spans FINAL",
    "trace_arrivals":
        "SELECT right(trace_id, 16) AS id, sum(spans) / " + sys.argv[2] + " AS n "
        "FROM trace_arrivals",
} | {
    fact: f"SELECT {'right(run_id, 16)' if fact in by_run else 'span_id'} AS id, count() AS n "
    f"FROM {fact} FINAL"
    for fact in FACTS
}
print(json.dumps({
    table: {row["id"]: row["n"] for row in connection.rows(f"{statement} GROUP BY id")}
    for table, statement in counted.items()
}))
"""


class Clients:
    """Clients that send request after request until they are told to stop."""

    def __init__(self, port: int, first: int) -> None:
        self._port = port
        self._first = first
        self._stop = threading.Event()
        self._every_s = 0.0
        self.acknowledged: list[str] = []
        """Span ids, in hex."""
        self.refusals: list[grpc.StatusCode] = []

    @contextmanager
    def sending(self, clients: int = 3, *, every_s: float = 0.0) -> Iterator[None]:
        """Send for the length of the block; a refused request is not sent again."""
        self._every_s = every_s
        with ThreadPoolExecutor(clients) as threads:
            for number in range(clients):
                threads.submit(self._send, self._first + number * 10**9)
            try:
                yield
            finally:
                self._stop.set()

    def await_more(self, spans: int) -> None:
        """Return once so many more are acknowledged; fail when they stop being so."""
        wanted, deadline_s = len(self.acknowledged) + spans, time.monotonic() + ENOUGH_S
        while len(self.acknowledged) < wanted:
            time.sleep(0.005)
            if time.monotonic() > deadline_s:
                last = [code.name for code in self.refusals[-3:]]
                pytest.fail(f"{wanted - len(self.acknowledged)} spans to go, refused: {last}")

    def _send(self, first: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200)]
        with grpc.insecure_channel(f"127.0.0.1:{self._port}", options) as channel:
            export = channel.unary_unary(EXPORT)
            while not self._stop.is_set():
                first += SPANS
                try:
                    export(request(first), timeout=30)
                except grpc.RpcError as error:
                    self.refusals.append(error.code())
                    self._stop.wait(0.05)
                else:
                    self.acknowledged += [f"{one:016x}" for one in range(first, first + SPANS)]
                    self._stop.wait(self._every_s)


def request(first: int) -> bytes:
    """Return a request of one run in which there is a fact of every kind."""
    now_ns = time.time_ns()
    spans = [
        Span(
            trace_id=first.to_bytes(16, "big"),
            span_id=(first + number).to_bytes(8, "big"),
            parent_span_id=first.to_bytes(8, "big") if number else b"",
            name=kind,
            start_time_unix_nano=now_ns + number,
            end_time_unix_nano=now_ns + 1_000_000,
            attributes=_attributes({semconv.KIND: kind, **says}),
        )
        for number, (kind, says) in enumerate(_SAYS.items())
    ]
    for name, says in _EVENTS.items():
        spans[0].events.add(name=name, time_unix_nano=now_ns, attributes=_attributes(says))
    resource = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()


def _attributes(says: dict[str, str | int | float]) -> list[KeyValue]:
    words = {str: "string_value", int: "int_value", float: "double_value"}
    return [
        KeyValue(key=key, value=AnyValue(**{words[type(value)]: value}))  # type: ignore[arg-type]
        for key, value in says.items()
    ]


def stored(store: str) -> dict[str, dict[str, float]]:
    """Return table, id and how often it is there, of every table; read by a process of its own."""
    command = [sys.executable, "-c", _READ, store, str(SPANS + len(_EVENTS))]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, dict[str, float]] = json.loads(ended.stdout)
    return found


def assert_all_there(
    found: dict[str, dict[str, float]], acknowledged: list[str], *, shared: bool = False
) -> None:
    """Check the promise: every acknowledged span, in every table, exactly once.

    Raw spans may be there more often only where an acknowledgement never arrived; these clients do
    not send a request again. In a store that several services may share, an arrival whose answer
    was lost is announced again: a trace computed twice is harmless, one never computed is not.
    """
    assert len(set(acknowledged)) == len(acknowledged) > 0
    for table, ids in found.items():
        wanted = set(_wanted(table, acknowledged))
        assert wanted - ids.keys() == set(), f"{table} has lost spans"
        doubled = {one: count for one, count in ids.items() if count != 1}
        if not (shared and table == "trace_arrivals"):
            assert doubled == {}, f"{table} has spans more than once"


_ROWS = {
    "runs": ("workflow",),
    "run_traces": ("workflow",),
    "trace_arrivals": ("workflow",),
    "critical_paths": ("workflow", "agent"),
    "agent_runs": ("agent",),
    "llm_calls": ("llm",),
    "tool_calls": ("tool",),
    "handoffs": ("handoff",),
    "tasks": ("task",),
    "validations": ("validation",),
    "faults": ("fault",),
    "human_waits": ("human",),
    "ratings": ("rating",),
    "budget_events": (semconv.EVENT_BUDGET,),
    "decisions": (semconv.EVENT_DECISION,),
    "messages": (semconv.EVENT_MESSAGE,),
    "run_metrics": (semconv.EVENT_METRIC,),
    "otel_traces": _KINDS,
    "agent_spans": (*_KINDS, *_EVENTS),
}
"""Table -> what of a request is a row of it, by span kind or event name."""


def _wanted(table: str, acknowledged: list[str]) -> Iterator[str]:
    """Yield the ids that a table must have; requests are noted whole, one after the other."""
    for row in _ROWS[table]:
        if row in _SAYS:
            yield from acknowledged[_KINDS.index(row) :: SPANS]
        else:
            number = list(_EVENTS).index(row)
            yield from (f"{span}.{number}" for span in acknowledged[::SPANS])

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
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
SPANS = 5
"""Of one request, each a trace and a run of its own."""

_READ = """
import json, sys
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
connection = connect(parse(sys.argv[1]))
statements = {
    "otel_traces": "SELECT SpanId AS id, count() AS n FROM otel_traces GROUP BY id",
    "agent_spans": "SELECT span_id AS id, count() AS n FROM agent_spans FINAL GROUP BY id",
    "trace_arrivals":
        "SELECT right(trace_id, 16) AS id, sum(spans) AS n FROM trace_arrivals GROUP BY id",
    "runs": "SELECT right(run_id, 16) AS id, count() AS n FROM runs FINAL GROUP BY id",
}
print(json.dumps({
    table: {row["id"]: row["n"] for row in connection.rows(statement)}
    for table, statement in statements.items()
}))
"""


class Clients:
    """Clients that send request after request until they are told to stop."""

    def __init__(self, port: int, first: int) -> None:
        self._port = port
        self._first = first
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        """Span ids, in hex."""
        self.refusals: list[grpc.StatusCode] = []

    @contextmanager
    def sending(self, clients: int = 3) -> Iterator[None]:
        """Send for the length of the block; a refused request is not sent again."""
        with ThreadPoolExecutor(clients) as threads:
            for number in range(clients):
                threads.submit(self._send, self._first + number * 10**9)
            try:
                yield
            finally:
                self._stop.set()

    def await_more(self, spans: int) -> None:
        """Return once so many more are acknowledged."""
        wanted = len(self.acknowledged) + spans
        while len(self.acknowledged) < wanted:
            time.sleep(0.005)

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


def request(first: int) -> bytes:
    """Return a request of `SPANS` workflows, each ended."""
    now_ns = time.time_ns()
    kind = KeyValue(
        key=semconv.GEN_AI_OPERATION_NAME, value=AnyValue(string_value="invoke_workflow")
    )
    spans = [
        Span(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name="invoke_workflow",
            start_time_unix_nano=now_ns,
            end_time_unix_nano=now_ns + 1_000_000,
            attributes=[kind],
        )
        for number in range(first, first + SPANS)
    ]
    resource = ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])
    return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()


def stored(store: str) -> dict[str, dict[str, int]]:
    """Return table, span id and how often it is there, read by a process of its own."""
    command = [sys.executable, "-c", _READ, store]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, int]] = json.loads(ended.stdout)
    return found


def assert_all_there(found: dict[str, dict[str, int]], acknowledged: list[str]) -> None:
    """Check the promise: every acknowledged span, in every table, exactly once."""
    wanted = set(acknowledged)
    assert len(wanted) == len(acknowledged) > 0
    for table, ids in found.items():
        assert wanted - ids.keys() == set(), f"{table} has lost spans"
        doubled = {one: count for one, count in ids.items() if count != 1}
        assert doubled == {}, f"{table} has spans more than once"

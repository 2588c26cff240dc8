"""Runs as OTLP requests with known ids, sent over gRPC, and what became of them."""

from __future__ import annotations

import itertools
import json
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPORT_LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_STARTED = itertools.count(1)
_MS_NS = 1_000_000

Value = str | int | float | bool


@dataclass
class Run:
    """One trace: a workflow that calls an agent, `root_ms` long, ended just now."""

    root_ms: int = 40
    failed: bool = False
    attributes: Mapping[str, Value] = field(default_factory=dict)
    """On the agent's span, beside what makes it one."""
    events: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    """Name -> attributes of an event of the agent's span."""
    number: int = field(default_factory=lambda: next(_STARTED))
    ended_ns: int = field(default_factory=time.time_ns)

    @property
    def trace(self) -> str:
        """Its trace id, in hex."""
        return f"{0xC011EC7 << 64 | self.number:032x}"

    @property
    def spans(self) -> set[str]:
        """The ids of its spans, in hex."""
        return {f"{self.number:08x}{which:08x}" for which in (1, 2)}

    def root(self) -> Span:
        """Return the workflow's span."""
        workflow = {semconv.GEN_AI_OPERATION_NAME: "invoke_workflow"}
        return self._span(1, "invoke_workflow sale", workflow)

    def child(self) -> Span:
        """Return the agent's span."""
        agent = {
            semconv.GEN_AI_OPERATION_NAME: "invoke_agent",
            semconv.GEN_AI_AGENT_NAME: "clerk",
        }
        span = self._span(2, "invoke_agent clerk", {**agent, **self.attributes})
        span.parent_span_id = self._id(1)
        for name, said in self.events.items():
            span.events.add(name=name, time_unix_nano=self.ended_ns, attributes=_pairs(said))
        if self.failed:
            span.status.code = Status.STATUS_CODE_ERROR
        return span

    def _span(self, which: int, name: str, attributes: Mapping[str, Value]) -> Span:
        return Span(
            trace_id=bytes.fromhex(self.trace),
            span_id=self._id(which),
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=self.ended_ns - self.root_ms * _MS_NS,
            end_time_unix_nano=self.ended_ns,
            attributes=_pairs(attributes),
        )

    def _id(self, which: int) -> bytes:
        return bytes.fromhex(f"{self.number:08x}{which:08x}")


def _pairs(attributes: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)


def request(spans: list[Span], service: str = "shop") -> ExportTraceServiceRequest:
    """Return the OTLP request with these spans."""
    whole = ExportTraceServiceRequest()
    resource = whole.resource_spans.add()
    resource.resource.attributes.extend(_pairs({semconv.SERVICE_NAME: service}))
    resource.scope_spans.add(spans=spans).scope.name = "test"
    return whole


def send(
    address: str,
    runs: list[Run],
    *,
    service: str = "shop",
    tls: Any = None,  # noqa: ANN401 - grpc has no types
    wait_s: float = 20.0,
) -> list[Run]:
    """Send the agents' spans, then in a request of their own the workflows'; return the runs."""
    for spans in ([run.child() for run in runs], [run.root() for run in runs]):
        export(address, request(spans, service), tls=tls, wait_s=wait_s)
    return runs


def export(
    address: str,
    whole: ExportTraceServiceRequest,
    *,
    tls: Any = None,  # noqa: ANN401 - grpc has no types
    wait_s: float = 20.0,
) -> None:
    """Send one request.

    Raises:
        grpc.RpcError: the receiver refuses it, or does not answer for `wait_s`.
    """
    opened = grpc.secure_channel(address, tls) if tls else grpc.insecure_channel(address)
    with opened as channel:
        answer = channel.unary_unary(EXPORT)(
            whole.SerializeToString(), timeout=wait_s, wait_for_ready=True
        )
    refused = ExportTraceServiceResponse.FromString(answer).partial_success
    assert not refused.rejected_spans, refused.error_message


def export_logs(address: str, whole: ExportLogsServiceRequest, *, wait_s: float = 20.0) -> None:
    """Send one request of log records.

    Raises:
        grpc.RpcError: the receiver refuses it, or does not answer for `wait_s`.
    """
    with grpc.insecure_channel(address) as channel:
        answer = channel.unary_unary(EXPORT_LOGS)(
            whole.SerializeToString(), timeout=wait_s, wait_for_ready=True
        )
    refused = ExportLogsServiceResponse.FromString(answer).partial_success
    assert not refused.rejected_log_records, refused.error_message


@dataclass
class Reader:
    """What a running `serve` has stored, asked over ClickHouse's HTTP protocol."""

    port: int

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of a statement."""
        query = urllib.parse.urlencode({"query": f"{statement} FORMAT JSONEachRow"})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/?{query}") as answer:
            return [json.loads(line) for line in answer.read().decode().splitlines()]

    def has(self, runs: list[Run]) -> bool:
        """Tell whether every span of the runs is stored."""
        return self.spans(runs) == set().union(*(run.spans for run in runs))

    def spans(self, runs: list[Run]) -> set[str]:
        """Return the ids of those spans that are stored."""
        traces = sorted(run.trace for run in runs)
        first, last = traces[0], traces[-1]
        rows = self.rows(
            "SELECT DISTINCT SpanId AS id FROM otel_traces"  # noqa: S608
            f" WHERE TraceId BETWEEN '{first}' AND '{last}'"
        )
        return {row["id"] for row in rows}

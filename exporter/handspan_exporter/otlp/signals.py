"""The kinds of telemetry that are taken: what OTLP calls their parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

if TYPE_CHECKING:
    from types import ModuleType

    from google.protobuf.message import Message


@dataclass(frozen=True, slots=True, repr=False)
class Signal:
    """One kind of telemetry."""

    name: str
    """As in `/v1/<name>`, and in the name of a segment."""
    request: type[Message]
    """The message that clients send."""
    modules: tuple[ModuleType, ...]
    """Where its message types are described, each after those that it needs."""

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    __repr__ = __str__


TRACES = Signal(
    "traces",
    trace_service_pb2.ExportTraceServiceRequest,
    (common_pb2, resource_pb2, trace_pb2, trace_service_pb2),
)
LOGS = Signal(
    "logs",
    logs_service_pb2.ExportLogsServiceRequest,
    (common_pb2, resource_pb2, logs_pb2, logs_service_pb2),
)
SIGNALS = {signal.name: signal for signal in (TRACES, LOGS)}

"""What a client is told of a request that was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from handspan_exporter.otlp.signals import LOGS

if TYPE_CHECKING:
    from handspan_exporter.otlp.signals import Signal
    from handspan_exporter.receiver.ingest import Accepted


def as_protobuf(signal: Signal, accepted: Accepted) -> bytes:
    """Return the response's bytes; without a partial success there are none."""
    return _response(signal, accepted).SerializeToString() if accepted.rejected else b""


def as_json(signal: Signal, accepted: Accepted) -> str:
    """Return the response as OTLP/JSON: `{}`, or the partial success, its number as a text."""
    return MessageToJson(_response(signal, accepted), indent=None) if accepted.rejected else "{}"


def _response(
    signal: Signal, accepted: Accepted
) -> ExportTraceServiceResponse | ExportLogsServiceResponse:
    number, reason = accepted.rejected, accepted.reason
    if signal is LOGS:
        refused = ExportLogsPartialSuccess(rejected_log_records=number, error_message=reason)
        return ExportLogsServiceResponse(partial_success=refused)
    partial = ExportTracePartialSuccess(rejected_spans=number, error_message=reason)
    return ExportTraceServiceResponse(partial_success=partial)

"""Spans as a program sends them: through the SDK and its own exporter."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from handspan import semconv


def send_runs(port: int, runs: int, *, token: str = "") -> set[str]:
    """Send so many runs of two spans to a local OTLP receiver; return their trace ids."""
    shown = {"authorization": f"Bearer {token}"} if token else None
    provider = TracerProvider(resource=Resource({semconv.SERVICE_NAME: "shop"}))
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}", insecure=True, headers=shown)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    traces = set()
    for _ in range(runs):
        workflow = {semconv.GEN_AI_OPERATION_NAME: "invoke_workflow"}
        agent = {semconv.GEN_AI_OPERATION_NAME: "invoke_agent", semconv.GEN_AI_AGENT_NAME: "clerk"}
        with (
            tracer.start_as_current_span("invoke_workflow sale", attributes=workflow) as root,
            tracer.start_as_current_span("invoke_agent clerk", attributes=agent),
        ):
            traces.add(f"{root.get_span_context().trace_id:032x}")
    provider.shutdown()
    return traces

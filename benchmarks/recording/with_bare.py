"""The OpenTelemetry SDK alone: what every other SDK here is built on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter


tracer: trace.Tracer = trace.NoOpTracer()


def prepare(exporter: DropExporter) -> None:
    """Set the SDK up."""
    global tracer  # noqa: PLW0603 - as a program would keep it
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracer = provider.get_tracer("bench")


def work() -> None:
    """Record one run."""
    with (
        tracer.start_as_current_span("invoke_workflow support", attributes=WORKFLOW),
        tracer.start_as_current_span("invoke_agent triage", attributes=AGENT),
    ):
        with tracer.start_as_current_span("execute_tool search", attributes=TOOL):
            pass
        with tracer.start_as_current_span("chat gpt-5-mini", attributes=ASKED) as call:
            call.set_attributes(ANSWERED)
            call.set_attributes(USED)

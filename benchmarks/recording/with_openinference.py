"""OpenInference's tracer, as its instrumentations use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
from openinference.instrumentation import TracerProvider
from opentelemetry import trace
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

_KEPT: dict[str, TracerProvider] = {}


def prepare(exporter: DropExporter) -> None:
    """Set the SDK up with OpenInference's provider."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _KEPT["tracer"] = provider.get_tracer("bench")


def work() -> None:
    """Record one run."""
    start = _KEPT["tracer"].start_as_current_span
    with (
        start("support", openinference_span_kind="chain", attributes=WORKFLOW),
        start("triage", openinference_span_kind="agent", attributes=AGENT),
    ):
        with start("search", openinference_span_kind="tool", attributes=TOOL):
            pass
        with start("gpt-5-mini", openinference_span_kind="llm", attributes=ASKED) as call:
            call.set_attributes(ANSWERED)
            call.set_attributes(USED)

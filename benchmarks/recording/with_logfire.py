"""Logfire, sending nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import logfire
from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter


def prepare(exporter: DropExporter) -> None:
    """Set Logfire up."""
    logfire.configure(
        send_to_logfire=False,
        console=False,
        metrics=False,
        inspect_arguments=False,
        additional_span_processors=[BatchSpanProcessor(exporter)],
    )


def work() -> None:
    """Record one run."""
    with logfire.span("support", **WORKFLOW), logfire.span("triage", **AGENT):
        with logfire.span("search", **TOOL):
            pass
        with logfire.span("gpt-5-mini", **ASKED) as call:
            call.set_attributes(ANSWERED)
            call.set_attributes(USED)

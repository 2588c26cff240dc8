"""Langfuse, with its exporter replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import AGENT, TOOL, WORKFLOW
from langfuse import Langfuse

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

_KEPT: dict[str, Langfuse] = {}


def prepare(exporter: DropExporter) -> None:
    """Set Langfuse up."""
    _KEPT["client"] = Langfuse(
        public_key="pk-bench",
        secret_key="sk-bench",  # noqa: S106 - nobody is asked
        base_url="http://127.0.0.1:9",
        span_exporter=exporter,
    )


def work() -> None:
    """Record one run."""
    start = _KEPT["client"].start_as_current_observation
    with (
        start(name="support", as_type="chain", metadata=WORKFLOW),
        start(name="triage", as_type="agent", metadata=AGENT),
    ):
        with start(name="search", as_type="tool", metadata=TOOL):
            pass
        with start(name="chat", as_type="generation", model="gpt-5-mini") as call:
            call.update(
                metadata={
                    "provider": "openai",
                    "response": "resp_1",
                    "model": "gpt-5-mini-2025-08-07",
                },
                usage_details={"input": 812, "output": 64, "cache_read": 512, "reasoning": 32},
            )

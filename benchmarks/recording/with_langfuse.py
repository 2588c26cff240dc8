"""Langfuse, with its exporter replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import AGENT, ANSWERED, ASKED, TOOL, USED, WORKFLOW
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
                metadata={**ASKED, **ANSWERED},
                usage_details={
                    "input": int(USED["gen_ai.usage.input_tokens"]),
                    "output": int(USED["gen_ai.usage.output_tokens"]),
                    "cache_read": 512,
                    "reasoning": 32,
                },
            )

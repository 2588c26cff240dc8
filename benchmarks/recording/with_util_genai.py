"""OpenTelemetry's own helper for GenAI instrumentations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording import with_bare
from benchmarks.recording.said import AGENT, ANSWERED, MORE, TOOL, USED, WORKFLOW
from opentelemetry.util.genai.handler import get_telemetry_handler

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter


def prepare(exporter: DropExporter) -> None:
    """Set the SDK up; the helper finds its provider."""
    with_bare.prepare(exporter)
    get_telemetry_handler()


def work() -> None:
    """Record one run."""
    handler = get_telemetry_handler()
    with handler.workflow("support") as run:
        run.attributes.update(WORKFLOW)
        with handler.invoke_local_agent(agent_name="triage") as agent:
            agent.attributes.update(AGENT)
            with handler.tool(
                "search",
                tool_call_id=str(TOOL["call.id"]),
                tool_type="function",
                tool_description="finds",
            ) as tool:
                tool.attributes.update(MORE)
            with handler.inference("openai", request_model="gpt-5-mini") as call:
                call.response_model_name = "gpt-5-mini-2025-08-07"
                call.response_id = str(ANSWERED["gen_ai.response.id"])
                call.input_tokens = int(USED["gen_ai.usage.input_tokens"])
                call.output_tokens = int(USED["gen_ai.usage.output_tokens"])
                call.cache_read_input_tokens = 512
                call.attributes["gen_ai.usage.reasoning.output_tokens"] = 32

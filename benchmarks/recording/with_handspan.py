"""Handspan as `pip install handspan` and `configure()` set it up, so without a price list."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from benchmarks.recording import said
from benchmarks.recording.said import MORE

import handspan

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter

WORKFLOW: Any = said.WORKFLOW
TOOL: Any = said.TOOL
ANSWERED: Any = said.ANSWERED
USED: Any = said.USED


def prepare(exporter: DropExporter) -> None:
    """Set Handspan up."""
    without_prices()
    handspan.configure(exporter=exporter, instrument=())


def without_prices() -> None:
    """Have genai-prices not installed."""
    sys.modules["genai_prices"] = None  # type: ignore[assignment]
    sys.modules["genai_prices.data_snapshot"] = None  # type: ignore[assignment]


def work() -> None:
    """Record one run."""
    with (
        handspan.workflow(
            "support",
            id=WORKFLOW["workflow.id"],
            estimated_s=30.0,
            feature="refunds",
            project="shop",
            seed=WORKFLOW["seed"],
            session_id="s-1",
            user_id=WORKFLOW["user.id"],
            conversation_id="c-1",
        ),
        handspan.agent(
            "triage", type="worker", version="3", conversation_id="c-1", attributes=MORE
        ),
    ):
        with handspan.tool(
            "search", call_id=TOOL["call.id"], type="function", description="finds", attributes=MORE
        ):
            pass
        with handspan.llm("gpt-5-mini", provider="openai") as call:
            call.response(model="gpt-5-mini-2025-08-07", id=ANSWERED["gen_ai.response.id"])
            call.usage(
                input_tokens=USED["gen_ai.usage.input_tokens"],
                output_tokens=USED["gen_ai.usage.output_tokens"],
                cache_read_tokens=512,
                reasoning_tokens=32,
            )

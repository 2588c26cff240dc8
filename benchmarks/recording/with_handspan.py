"""Handspan as `configure()` sets it up: attribution and every processor that is on by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.recording.said import MORE

import handspan

if TYPE_CHECKING:
    from benchmarks.recording.drop import DropExporter


def prepare(exporter: DropExporter) -> None:
    """Set Handspan up."""
    handspan.configure(exporter=exporter, instrument=())


def work() -> None:
    """Record one run."""
    with (
        handspan.workflow(
            "support",
            id="ticket-7",
            estimated_s=30.0,
            feature="refunds",
            project="shop",
            seed=7,
            session_id="s-1",
            user_id="u-1",
            conversation_id="c-1",
        ),
        handspan.agent(
            "triage", type="worker", version="3", conversation_id="c-1", attributes=MORE
        ),
    ):
        with handspan.tool(
            "search", call_id="call_1", type="function", description="finds", attributes=MORE
        ):
            pass
        with handspan.llm("gpt-5-mini", provider="openai") as call:
            call.response(model="gpt-5-mini-2025-08-07", id="resp_1")
            call.usage(
                input_tokens=812, output_tokens=64, cache_read_tokens=512, reasoning_tokens=32
            )

"""Record teams of agents with OpenTelemetry."""

from __future__ import annotations

from handspan.configure import configure, flush, instrument
from handspan.console import console
from handspan.context import current_run
from handspan.record import agent, handoff, llm, task, tool, workflow

__all__ = [
    "agent",
    "configure",
    "console",
    "current_run",
    "flush",
    "handoff",
    "instrument",
    "llm",
    "task",
    "tool",
    "workflow",
]

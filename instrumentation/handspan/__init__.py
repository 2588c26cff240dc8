"""Record teams of agents with OpenTelemetry."""

from __future__ import annotations

from handspan.context import current_run
from handspan.record import agent, handoff, llm, task, tool, workflow

__all__ = ["agent", "current_run", "handoff", "llm", "task", "tool", "workflow"]

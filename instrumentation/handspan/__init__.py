"""Record teams of agents with OpenTelemetry."""

from __future__ import annotations

from handspan import context
from handspan.configure import configure, flush, instrument
from handspan.console import console
from handspan.context import current_run
from handspan.record import (
    BudgetExceeded,
    agent,
    budget,
    decision,
    fault,
    handoff,
    human,
    llm,
    message,
    plan,
    queue_task,
    rate,
    recovery,
    task,
    tool,
    validation,
    workflow,
)

__all__ = [
    "BudgetExceeded",
    "agent",
    "budget",
    "configure",
    "console",
    "context",
    "current_run",
    "decision",
    "fault",
    "flush",
    "handoff",
    "human",
    "instrument",
    "llm",
    "message",
    "plan",
    "queue_task",
    "rate",
    "recovery",
    "task",
    "tool",
    "validation",
    "workflow",
]

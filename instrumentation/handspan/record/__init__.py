"""The verbs with which agents, and adapters of agent frameworks, say what they do."""

from __future__ import annotations

from handspan.record.agent import Agent, agent
from handspan.record.budget import Budget, BudgetExceeded, budget
from handspan.record.decision import decision, message
from handspan.record.fault import Fault, fault
from handspan.record.handoff import Handoff, handoff
from handspan.record.human import Human, human
from handspan.record.llm import Llm, llm
from handspan.record.plan import Plan, plan
from handspan.record.rating import Rating, rate
from handspan.record.recording import Recording
from handspan.record.recovery import Recovery, recovery
from handspan.record.stream import AsyncStream, Stream
from handspan.record.task import QueuedTask, Task, queue_task, task
from handspan.record.tool import Tool, tool
from handspan.record.validation import Validation, validation
from handspan.record.workflow import Workflow, workflow

__all__ = [
    "Agent",
    "AsyncStream",
    "Budget",
    "BudgetExceeded",
    "Fault",
    "Handoff",
    "Human",
    "Llm",
    "Plan",
    "QueuedTask",
    "Rating",
    "Recording",
    "Recovery",
    "Stream",
    "Task",
    "Tool",
    "Validation",
    "Workflow",
    "agent",
    "budget",
    "decision",
    "fault",
    "handoff",
    "human",
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

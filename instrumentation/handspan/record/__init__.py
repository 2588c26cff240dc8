"""The verbs with which agents, and adapters of agent frameworks, say what they do."""

from __future__ import annotations

from handspan.record.agent import Agent, agent
from handspan.record.handoff import Handoff, handoff
from handspan.record.llm import Llm, llm
from handspan.record.recording import Recording
from handspan.record.task import Task, task
from handspan.record.tool import Tool, tool
from handspan.record.workflow import Workflow, workflow

__all__ = [
    "Agent",
    "Handoff",
    "Llm",
    "Recording",
    "Task",
    "Tool",
    "Workflow",
    "agent",
    "handoff",
    "llm",
    "task",
    "tool",
    "workflow",
]

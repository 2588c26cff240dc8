"""The verb `agent`: one agent at work."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from opentelemetry.trace import SpanKind

from handspan import semconv
from handspan.record.recording import Recording
from handspan.record.state import state_attributes
from handspan.record.values import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

    from handspan.context import Run


@dataclass(eq=False, repr=False)
class Agent(Recording):
    """Record one agent at work: everything inside says that this agent did it.

    Example:
        >>> with handspan.agent("researcher", version="3"):
        ...     notes = search(question)
    """

    kind: ClassVar[semconv.Kind] = "agent"

    name: str
    """Name of the agent; few different ones, so no ids in it."""
    _: KW_ONLY
    type: str | None = None
    """Kind of agent; orchestrator, router and planner count as coordination."""
    version: str | None = None
    """Version of the agent."""
    conversation_id: str | None = None
    """Conversation as your framework or provider names it; never made up."""
    remote: bool = False
    """Whether the agent runs elsewhere and this process only calls it."""
    state: Mapping[str, object] | None = None
    """Features of the situation, for example languages or risk; may be nested."""

    def _span_name(self) -> str:
        return f"{semconv.OPERATION_AGENT} {spoken(self.name)}"

    def _span_kind(self) -> SpanKind:
        return SpanKind.CLIENT if self.remote else SpanKind.INTERNAL

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.OPERATION_AGENT,
            semconv.GEN_AI_AGENT_NAME: self.name,
            semconv.GEN_AI_CONVERSATION_ID: self.conversation_id,
            semconv.AGENT_TYPE: self.type,
            semconv.AGENT_VERSION: self.version,
            **self._run.task,
            **(state_attributes(self.state) if self.state else {}),
        }

    def _run_inside(self, outer: Run) -> Run:
        return outer.with_agent(spoken(self.name))


agent = Agent

"""The verb `plan`: an agent decides what is to be done, by whom."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from handspan import semconv
from handspan.context import run_in
from handspan.record.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue


@dataclass(eq=False, repr=False)
class Plan(Recording):
    """Record that an agent plans; its time and tokens count as coordination, not as work.

    Example:
        >>> with handspan.agent("lead"), handspan.plan():
        ...     steps = decide(question)
    """

    kind: ClassVar[semconv.Kind] = "plan"

    agent: str | None = None
    """Who plans; None: the agent that runs."""
    _: KW_ONLY

    def _span_name(self) -> str:
        agent = self._planner()
        return f"{semconv.OPERATION_PLAN} {agent}" if agent else semconv.OPERATION_PLAN

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.OPERATION_PLAN,
            semconv.GEN_AI_AGENT_NAME: self._planner(),
        }

    def _planner(self) -> str | None:
        return self.agent or run_in(self._outer).agent


plan = Plan

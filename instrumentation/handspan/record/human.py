"""The verb `human`: the agents wait for a person."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

from handspan import semconv
from handspan.internal import contained
from handspan.record.recording import Recording
from handspan.record.values import known_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_DECISIONS = get_args(semconv.HumanDecision)
_PRIORITIES = get_args(semconv.HumanPriority)


@dataclass(eq=False, repr=False)
class Human(Recording):
    """Record a wait for a person; it is pending until somebody decides, and never an error.

    The wait is no agent's time. A TimeoutError in the block means that nobody answered in time.

    Example:
        >>> with handspan.human("approve_refund", priority="high") as wait:
        ...     wait.decision("approved" if ask_the_boss() else "denied")
    """

    kind: ClassVar[semconv.Kind] = "human"
    _decision = ""

    reason: str
    """Why a person is asked; few different ones."""
    _: KW_ONLY
    priority: semconv.HumanPriority | None = None
    """How urgent it is."""

    @contained
    def decision(self, decision: semconv.HumanDecision) -> None:
        """Say how the wait ended: approved, denied, answered (in words), or timed_out."""
        known_word(decision, _DECISIONS, "decision of a person")
        self._decision = decision
        self.set(semconv.HUMAN_DECISION, decision)

    def _span_name(self) -> str:
        return f"{semconv.SPAN_HUMAN} {self.reason}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        known_word(self.priority, _PRIORITIES, "priority")
        return {
            semconv.HUMAN_REASON: self.reason,
            semconv.HUMAN_PRIORITY: self.priority,
        }

    def _before_end(self, error: BaseException | str | None) -> None:
        if isinstance(error, TimeoutError) and not self._decision:
            self.decision("timed_out")

    def _fails(self, error: BaseException | str) -> bool:
        del error  # people may say no, be late or not there: that is what waiting is
        return False


human = Human

"""The verb `fault`: something goes wrong, on purpose or for real."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, Self, cast
from uuid import uuid4

from opentelemetry.trace import format_span_id

from handspan import semconv
from handspan.record.content import as_json
from handspan.record.point import happened
from handspan.record.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue


@dataclass(eq=False, repr=False)
class Fault(Recording):
    """Record a fault for as long as it lasts; `now()` for one that lasts no time.

    Example:
        >>> with handspan.fault("slow_tool", target="search", parameters={"delay_s": 3}) as fault:
        ...     answer = search(question)
        >>> with handspan.recovery("use_cache", fault):
        ...     answer = cached(question)
    """

    kind: ClassVar[semconv.Kind] = "fault"
    _made_id = cast("str | None", None)

    type: str
    """Kind of fault, for example timeout; few different ones."""
    target: str | None = None
    """Tool, model or agent that is hit."""
    _: KW_ONLY
    id: str | None = None
    """Pairs the fault with its recoveries; None: made at start."""
    parameters: Mapping[str, object] | None = None
    """How it was injected; recorded as JSON."""
    seed: int | None = None
    """Seed of its random choices."""
    injected: bool = True
    """False for a real fault."""
    severity: float | None = None
    """Weight in the resilience score; None: 1."""
    score_impact: float | None = None
    """Change of the score that you saw."""
    deadline_s: float | None = None
    """Time within which a recovery counts, seconds."""

    def now(self) -> Self:
        """Record the fault as a point in time: an event on the current span."""
        self._made_id = uuid4().hex
        happened(semconv.EVENT_FAULT, self._told(), span_name=self._span_name(), kind=self.kind)
        return self

    @property
    def fault_id(self) -> str | None:
        """What recoveries name: your id, else the one made at start; None: not started."""
        return self.id or self._made_id

    def _span_name(self) -> str:
        return f"{semconv.SPAN_FAULT} {self.type}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return self._told()

    def _after_start(self, span: Span) -> None:
        if self.id is None:
            self._made_id = format_span_id(span.get_span_context().span_id)
            span.set_attribute(semconv.FAULT_ID, self._made_id)

    def _told(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.FAULT_ID: self.fault_id,
            semconv.FAULT_TYPE: self.type,
            semconv.FAULT_TARGET: self.target,
            semconv.FAULT_PARAMETERS: as_json(self.parameters),
            semconv.FAULT_SEED: self.seed,
            semconv.FAULT_INJECTED: self.injected,
            semconv.FAULT_SEVERITY: self.severity,
            semconv.FAULT_SCORE_IMPACT: self.score_impact,
            semconv.FAULT_DEADLINE_S: self.deadline_s,
        }


fault = Fault

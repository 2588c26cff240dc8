"""The verb `handoff`: one agent gives control to another."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

from handspan import semconv
from handspan.internal import contained
from handspan.record.counts import Counts
from handspan.record.failing import is_error
from handspan.record.recording import Recording
from handspan.record.values import known_word, listed, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

_of_trace = Counts()

_OUTCOMES = get_args(semconv.HandoffOutcome)
_MODES = get_args(semconv.HandoffMode)
_TARGETS = get_args(semconv.HandoffTargetType)


@dataclass(eq=False, repr=False)
class Handoff(Recording):
    """Record that one agent gives control to another, a person or a workflow.

    The span starts when the source gives control away; the block is what it takes to hand over,
    or the target's whole work. An exception in it means that the target refused. Otherwise the
    outcome stays open, and is later told by whether the target ran, unless `outcome()` says it.

    Example:
        >>> with handspan.handoff("triage", "refund", mode="pass_control", reason="wants money"):
        ...     queue.put(ticket)
    """

    kind: ClassVar[semconv.Kind] = "handoff"
    _outcome = ""

    source: str | None
    """Who gives control away."""
    target: str | None = None
    """Who receives it; None: not known yet, see `to()`."""
    _: KW_ONLY
    mode: semconv.HandoffMode | None = None
    """return_to_caller: the source goes on afterwards; pass_control: the target takes over."""
    reason: str | None = None
    """Why."""
    artifacts: Sequence[str | PathLike[str]] | None = None
    """Names of what is handed over."""
    target_type: semconv.HandoffTargetType = "agent"
    """What the target is."""
    payload_bytes: int | None = None
    """Size of what is handed over, bytes."""

    @contained
    def to(self, target: str) -> None:
        """Say who receives control, when that was not known at the start."""
        self.target = target
        self.span.update_name(self._span_name())
        self.set(semconv.HANDOFF_TARGET, target)

    @contained
    def outcome(self, outcome: semconv.HandoffOutcome) -> None:
        """Say whether the target took over; wins over what an exception would say."""
        known_word(outcome, _OUTCOMES, "outcome of a handoff")
        self._outcome = outcome
        self.set(semconv.HANDOFF_OUTCOME, outcome)

    def _span_name(self) -> str:
        target = spoken(self.target)
        return f"{semconv.SPAN_HANDOFF} {target}" if target else semconv.SPAN_HANDOFF

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        known_word(self.mode, _MODES, "mode of a handoff")
        known_word(self.target_type, _TARGETS, "target_type of a handoff")
        return {
            semconv.HANDOFF_SOURCE: self.source,
            semconv.HANDOFF_TARGET: self.target,
            semconv.HANDOFF_MODE: self.mode,
            semconv.HANDOFF_TARGET_TYPE: self.target_type,
            semconv.HANDOFF_REASON: self.reason,
            semconv.HANDOFF_ARTIFACTS: listed(self.artifacts),
            semconv.HANDOFF_PAYLOAD_BYTES: self.payload_bytes,
        }

    def _after_start(self, span: Span) -> None:
        span.set_attribute(semconv.HANDOFF_SEQ, _of_trace.next(span.get_span_context().trace_id))

    def _before_end(self, error: BaseException | str | None) -> None:
        if is_error(error) and not self._outcome:
            self.set(semconv.HANDOFF_OUTCOME, "refused")


forget_counts = Counts.forget_all


handoff = Handoff

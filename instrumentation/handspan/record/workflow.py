"""The verb `workflow`: one run of a team of agents."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar, get_args

from opentelemetry.trace import Link, format_span_id, format_trace_id

from handspan import semconv
from handspan.context import Run, span_context
from handspan.internal import contained, warn_once
from handspan.record.failing import is_error
from handspan.record.recording import Recording
from handspan.record.values import known_word, listed, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.trace import Span, SpanContext
    from opentelemetry.util.types import AttributeValue

_OUTCOMES = get_args(semconv.WorkflowOutcome)


@dataclass(eq=False, repr=False)
class Workflow(Recording):
    """Record one run of a team of agents, from the request to its answer.

    An exception makes it a failure, as does `sys.exit()` with a code other than 0; a cancelled
    task or Ctrl-C makes it cancelled, else it is a success; `outcome()` overrules.

    Example:
        >>> with handspan.workflow("support", plan=["triage", "refund"]) as run:
        ...     answer = team.work(request)
        ...     run.outcome("success" if answer.solved else "failure")
    """

    kind: ClassVar[semconv.Kind] = "workflow"
    _outcome = ""
    _nested = False

    name: str
    """Name of the workflow; few different ones, so no ids in it."""
    _: KW_ONLY
    plan: Sequence[str] | None = None
    """Agents in the order in which they are expected to work."""
    estimated_s: float | None = None
    """How long the run is expected to take, seconds."""
    id: str | None = None
    """Your id of this run: spans with the same id are one run, in whatever trace. Default: the
    trace id."""
    feature: str | None = None
    """Feature the run works for; cost is summed by it."""
    project: str | None = None
    """Project the run belongs to."""
    seed: int | None = None
    """Seed of the run's random choices."""
    session_id: str | None = None
    """Session of the user."""
    user_id: str | None = None
    """User on whose behalf the run works."""
    conversation_id: str | None = None
    """Conversation as your framework or provider names it; never made up."""
    resumes: Recording | str | None = None
    """Earlier part of the same run, in another trace: its recording, or a span of it as W3C
    traceparent, as `handspan.context.inject()` writes it."""

    @contained
    def outcome(self, outcome: semconv.WorkflowOutcome) -> None:
        """Say how the run ended; wins over what an exception or its absence would say."""
        known_word(outcome, _OUTCOMES, "outcome of a workflow")
        self._outcome = outcome
        self.set(semconv.WORKFLOW_OUTCOME, outcome)

    def _span_name(self) -> str:
        return f"{semconv.OPERATION_WORKFLOW} {spoken(self.name)}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.OPERATION_WORKFLOW,
            semconv.GEN_AI_WORKFLOW_NAME: self.name,
            semconv.GEN_AI_CONVERSATION_ID: self.conversation_id,
            semconv.WORKFLOW_PLAN: listed(self.plan),
            semconv.WORKFLOW_ESTIMATED_S: self.estimated_s,
            semconv.FEATURE: self.feature,
            semconv.PROJECT: self.project,
            semconv.SEED: self.seed,
            semconv.SESSION_ID: self.session_id,
            semconv.USER_ID: self.user_id,
        }

    def _links(self) -> Sequence[Link]:
        if self.resumes is None:
            return ()
        earlier = _span_of(self.resumes)
        return () if earlier is None else [Link(earlier, {semconv.LINK: _RESUMES})]

    def _run_inside(self, outer: Run) -> Run:
        self._nested = outer.workflow is not None
        return Run(id=spoken(self.id), workflow=spoken(self.name))

    def _after_start(self, span: Span) -> None:
        if self.id is None:
            made_up = self._id_from(span)
            self._run = Run(
                id=made_up, workflow=spoken(self.name), capture_content=self._run.capture_content
            )
            span.set_attribute(semconv.WORKFLOW_ID, made_up)

    def _id_from(self, span: Span) -> str:
        """Return the trace id; inside another workflow, whose id that is, with the span id."""
        context = span.get_span_context()
        trace_id = format_trace_id(context.trace_id)
        span_id = format_span_id(context.span_id)
        return f"{trace_id}-{span_id}" if self._nested else trace_id

    def _before_end(self, error: BaseException | str | None) -> None:
        if not self._outcome:
            self.set(semconv.WORKFLOW_OUTCOME, _outcome_of(error))


_RESUMES: semconv.LinkReason = "resumes"


def _span_of(earlier: Recording | str) -> SpanContext | None:
    if isinstance(earlier, Recording):
        return earlier.span.get_span_context()
    found = span_context(earlier)
    if found is None:
        warn_once(f"Handspan cannot resume {earlier[:80]!r}: that is no W3C traceparent")
    return found


def _outcome_of(error: BaseException | str | None) -> semconv.WorkflowOutcome:
    if error is None:
        return "success"
    # By name: asyncio would be 15 ms of import for those who do without it.
    if isinstance(error, SystemExit):
        return "failure" if error.code else "success"
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError":
        return "cancelled"
    return "failure" if is_error(error) else "success"


workflow = Workflow

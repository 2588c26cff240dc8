"""OpenAI Agents: the SDK's own traces and spans become runs, agents, handoffs, tools and calls.

Listens as one more `TracingProcessor`; the user's own processors stay as they are. What becomes
of which span is told in docs/frameworks.md. The spans `task` (one per Runner call) and `turn`
are not recorded: they have no work of their own and repeat the usage of the calls below.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from handspan.clock import now_ns
from handspan.context import run_in
from handspan.frameworks import _openai_agents_spans as spans
from handspan.frameworks._base import (
    BoundedTable,
    Instrumentor,
    Place,
    current_context,
    is_recording,
    wrapped,
)
from handspan.internal import contained
from handspan.record import Agent, Handoff, Recording, Tool, Workflow

if TYPE_CHECKING:
    from types import ModuleType

    from agents.tracing import Span, Trace

UNNAMED = "Agent workflow"
"""What the SDK calls the trace of a Runner call that nobody gave a name."""

MAX_OPEN_TRACES = 10_000
"""Runs at a time; past it the oldest is ended as it stands."""

MAX_OPEN_SPANS = 10_000
"""Spans open in one run; past it the oldest is ended as it stands."""


class OpenAIAgentsInstrumentor(Instrumentor):
    """Records every run of the OpenAI Agents SDK from `instrument()` on."""

    requirement: ClassVar[str] = "openai-agents >= 0.24"
    trigger: ClassVar[str] = "agents.tracing"
    marker: ClassVar[str] = "add_trace_processor"

    _listener: Listener | None = None

    def _observe(self, module: ModuleType) -> None:
        if self._listener is None:
            self._listener = Listener()
            module.TracingProcessor.register(Listener)
            module.add_trace_processor(self._listener)
            _keep_listening(module, self._listener)
            _note_exceptions(self._listener)
        self._listener.listens = True

    def _forget(self) -> None:
        """Stop listening; the SDK has no way to remove a processor."""
        if self._listener is not None:
            self._listener.listens = False


def _keep_listening(module: ModuleType, listener: Listener) -> None:
    """Survive `set_trace_processors`, which programs call to stop exporting to OpenAI."""

    def keeping(original: Any) -> Any:  # noqa: ANN401 - the SDK's method
        def set_processors(provider: Any, processors: list[Any]) -> None:  # noqa: ANN401
            others = [one for one in processors if one is not listener]
            original(provider, [*others, listener])

        return set_processors

    wrapped(type(module.get_trace_provider()), "set_processors", keeping)


def _note_exceptions(listener: Listener) -> None:
    """Learn the exception behind a span's error, which the SDK keeps only in words, if at all."""
    from agents.tracing.spans import SpanImpl  # noqa: PLC0415 - the SDK is imported by now

    def noting(original: Any) -> Any:  # noqa: ANN401 - the SDK's method
        def set_error(span: Any, error: Any) -> None:  # noqa: ANN401
            original(span, error)
            listener.on_error(span)

        return set_error

    wrapped(SpanImpl, "set_error", noting)


@dataclass(eq=False, slots=True)
class Node:
    """One span of the SDK while it is open; `task` and `turn` share their parent's place."""

    type: str
    place: Place
    parent: Node | None
    recording: Recording | None = None
    start_ns: int = 0
    handled: BaseException | None = None
    """Exception that was being handled around the start: not this span's."""
    noted: BaseException | None = None
    """Exception that was being handled when the SDK set the span's error."""
    handed_to: str | None = None
    """Agent that the last handoff below gave control to, until it starts."""
    data: Any = None
    """The SDK's own data of the span, which it fills as it goes."""

    def nearest(self, *types: str) -> Node | None:
        """Return this node or the closest one around it of one of the types."""
        node: Node | None = self
        while node is not None and node.type not in types:
            node = node.parent
        return node


@dataclass(eq=False, slots=True)
class Run:
    """One trace of the SDK while it is open."""

    root: Node
    conversation_id: str | None
    resumed: bool = False
    """Whether the SDK goes on with a trace that it had ended, and tells of spans only."""
    silent: spans.Failure | None = None
    """How the last outermost agent failed when no exception came through the callbacks."""
    redacted: Any = None
    """Error of an agent whose details the SDK was told to hide."""
    open: BoundedTable[Node] = field(default_factory=lambda: BoundedTable(MAX_OPEN_SPANS))


class Listener:
    """Turns the SDK's callbacks into recordings; the SDK calls it from any task and thread."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self.listens = False
        self._runs: BoundedTable[Run] = BoundedTable(MAX_OPEN_TRACES)

    # --- what the SDK calls ---

    @contained
    def on_trace_start(self, trace: Trace) -> None:
        """Open the run, at the place in the caller's own trace where the SDK was called."""
        if self.listens and is_recording():
            group_id: str | None = getattr(trace, "group_id", None)
            metadata: dict[str, Any] | None = getattr(trace, "metadata", None)
            run = self._open(trace.trace_id, trace.name, group_id, metadata or {})
            run.root.place.enter()

    @contained
    def on_trace_end(self, trace: Trace) -> None:
        """End the run, and whatever of it is still open."""
        run = self._runs.pop(trace.trace_id)
        if run is not None:
            _close(run, _failure_of(run, _raised(run.root)))

    @contained
    def on_span_start(self, span: Span[Any]) -> None:
        """Open what the span stands for."""
        run = self._runs.get(span.trace_id) or self._resumed(span)
        if run is None:
            return
        node = _started(run, span, run.open.get(span.parent_id) or run.root)
        overflow = run.open.put(span.span_id, node)
        if overflow is not None:
            _abandon(overflow)

    @contained
    def on_span_end(self, span: Span[Any]) -> None:
        """End what the span stands for; one that ends after its trace is ignored."""
        run = self._runs.get(span.trace_id)
        node = run.open.pop(span.span_id) if run is not None else None
        if run is None or node is None:
            return
        _ended(run, span, node)
        if run.resumed and not len(run.open):
            self._runs.pop(span.trace_id)
            _close(run, _failure_of(run, _raised(node)))

    @contained
    def on_error(self, span: Span[Any]) -> None:
        """Note the exception that is being handled while the SDK sets the span's error."""
        run = self._runs.get(span.trace_id)
        node = run.open.get(span.span_id) if run is not None else None
        if node is not None:
            node.noted = _raised(node)

    def shutdown(self) -> None:
        """Do nothing: spans are sent by OpenTelemetry."""

    def force_flush(self) -> None:
        """Do nothing: spans are sent by OpenTelemetry."""

    # --- runs ---

    def _open(
        self, trace_id: str, name: str, group_id: str | None, metadata: dict[str, Any]
    ) -> Run:
        around = current_context()
        recording: Workflow | None = None
        context = around
        # The SDK lets a Runner call join the trace around it; a workflow of the user's is no less.
        if name != UNNAMED or run_in(around).workflow is None:
            recording = Workflow(name, id=trace_id, conversation_id=group_id)
            context = recording.start(around).context
            spans.set_metadata(recording, metadata)
        root = Node("trace", Place(context), None, recording, handled=sys.exc_info()[1])
        run = Run(root, group_id)
        overflow = self._runs.put(trace_id, run)
        if overflow is not None:
            _close(overflow, None)
        return run

    def _resumed(self, span: Span[Any]) -> Run | None:
        """Open a run for a trace that the SDK takes up again without saying so.

        A span of a trace that has ended, or began before we listened, has no run.
        """
        if not self.listens or not is_recording() or span.span_data.type != "task":
            return None
        run = self._open(span.trace_id, span.span_data.name, None, {})
        run.resumed = True
        return run


def _started(run: Run, span: Span[Any], parent: Node) -> Node:
    data = span.span_data
    node = Node(
        data.type, parent.place, parent, start_ns=now_ns(), handled=sys.exc_info()[1], data=data
    )
    if data.type in spans.UNRECORDED:
        return node
    context = parent.place.inside()
    if data.type == "agent":
        _delegated(node, data.name)
        run.silent = None if _is_outermost(node) else run.silent
    node.recording = spans.recording(data, run.conversation_id)
    node.recording.start(context, start_ns=node.start_ns)
    node.place = Place(node.recording.context)
    if data.type not in spans.NEVER_CURRENT:
        node.place.enter()
    return node


def _ended(run: Run, span: Span[Any], node: Node) -> None:
    recording = node.recording
    if recording is None:
        return
    raised = _raised(node)
    failure = spans.failure(span.error, raised, node.noted)
    spans.complete(recording, span.span_data, raised)
    if isinstance(recording, Handoff):
        _handed_over(node, span, raised)
    if isinstance(recording, Agent) and _is_outermost(node):
        run.silent = failure if raised is None else None
        run.redacted = span.error if spans.is_redacted(span.error) else None
    _end(recording, failure)
    node.place.leave()
    node.handled = node.noted = None


def _end(recording: Recording, failure: spans.Failure | None) -> None:
    if failure is None:
        recording.end()
    else:
        recording.end(failure.error, error_type=failure.type)


def _failure_of(run: Run, raised: BaseException | None) -> spans.Failure | None:
    return run.silent if raised is None else spans.failure(run.redacted, raised, None)


def _close(run: Run, failure: spans.Failure | None) -> None:
    """End a run and what is still open in it, the inner before the outer."""
    for node in run.open.drain():
        _abandon(node)
    workflow = run.root.recording
    if isinstance(workflow, Workflow):
        if failure is not None and isinstance(failure.error, GeneratorExit):
            workflow.outcome("cancelled")  # nobody waits for the answer any more
        _end(workflow, failure)
    run.root.place.leave()


def _abandon(node: Node) -> None:
    """End a span that the SDK never ended: its stream was left, or its run is over."""
    if node.recording is not None:
        spans.complete(node.recording, None, GeneratorExit())
        node.recording.end()
        node.place.leave()


# --- handoffs and delegation ---


def _handed_over(node: Node, span: Span[Any], raised: BaseException | None) -> None:
    """Complete a handoff at its end, when the SDK knows to whom it went."""
    source = node.nearest("agent")
    target: str | None = span.span_data.to_agent
    if target is None and source is not None and len(source.data.handoffs or ()) == 1:
        target = source.data.handoffs[0]  # it failed, but there is only one to whom it could go
    if isinstance(node.recording, Handoff) and target is not None:
        node.recording.to(target)
    if source is not None and source.parent is not None and raised is None:
        source.parent.handed_to = target
    if isinstance(node.recording, Handoff) and span.error is not None and raised is None:
        node.recording.outcome("accepted")
        _refuse_others(node, span)


def _refuse_others(node: Node, span: Span[Any]) -> None:
    """Record the handoffs that the model asked for in the same turn and the SDK ignored."""
    asked = (span.error["data"] or {}) if span.error else {}
    parent = node.parent.place.context if node.parent is not None else None
    for target in asked.get("requested_agents", [])[1:]:
        ignored = Handoff(
            span.span_data.from_agent,
            target,
            mode="pass_control",
            reason="another handoff was requested first in the same turn",
        )
        ignored.start(parent)
        ignored.outcome("refused")
        ignored.end()


def _delegated(agent: Node, name: str) -> None:
    """Record an agent used as a tool as a handoff from the agent that called the tool.

    The first agent of a Runner call inside a tool is it; agents to which that one hands over
    have handoffs of their own.
    """
    scope = agent.parent
    if scope is None:
        return
    handed_to, scope.handed_to = scope.handed_to, None
    tool = scope.nearest("function", "agent", "trace")
    if handed_to == name or tool is None or not isinstance(tool.recording, Tool):
        return
    caller = tool.nearest("agent")
    source = caller.recording.name if caller and isinstance(caller.recording, Agent) else None
    edge = Handoff(source, name, mode="return_to_caller")
    edge.start(tool.place.context, start_ns=tool.start_ns)
    edge.end(end_ns=agent.start_ns)


def _is_outermost(node: Node) -> bool:
    return node.parent is None or node.parent.nearest("agent") is None


def _raised(node: Node) -> BaseException | None:
    """Return the exception on its way through the span right now.

    The SDK ends spans while the exception unwinds, but does not tell it. One that the caller
    was handling when the span began is not the span's.
    """
    raised = sys.exc_info()[1]
    return None if raised is node.handled else raised

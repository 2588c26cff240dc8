"""Who is running now, kept in the OpenTelemetry Context.

It travels wherever that Context does: asyncio tasks, `copy_context().run`, threads that an
instrumentation hands it to, and parents given explicitly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

_KEY = create_key("handspan-run")


class Run:
    """Who is running: workflow, agent and attempt, as the Handspan spans around the caller say.

    Immutable; a span that changes one of them puts a new one into its Context.
    """

    __slots__ = ("agent", "attempt", "attributes", "id", "task", "workflow")

    id: str | None
    """The user's id of the workflow, else its trace id; None outside a workflow."""
    workflow: str | None
    """Name of the workflow."""
    agent: str | None
    """Name of the innermost agent."""
    attempt: int | None
    """Attempt at the innermost task, from 1."""
    task: Mapping[str, str]
    """Id, type and domain of the innermost task, as attributes for the agents that work on it."""
    attributes: Mapping[str, str | int]
    """The same as span attributes; what is unknown is absent. Not to be changed."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - reads as `run.id`
        workflow: str | None = None,
        agent: str | None = None,
        attempt: int | None = None,
        task: Mapping[str, str] | None = None,
    ) -> None:
        self.id = id
        self.workflow = workflow
        self.agent = agent
        self.attempt = attempt
        self.task = task or {}
        named = {
            semconv.WORKFLOW_ID: id,
            semconv.WORKFLOW_NAME: workflow,
            semconv.AGENT_NAME: agent,
            semconv.ATTEMPT: attempt,
        }
        self.attributes = {name: value for name, value in named.items() if value is not None}

    def __repr__(self) -> str:
        """Show who is running."""
        return (
            f"Run(id={self.id!r}, workflow={self.workflow!r}, "
            f"agent={self.agent!r}, attempt={self.attempt!r})"
        )

    def with_agent(self, agent: str) -> Run:
        """Return the same run with another agent at work."""
        run = self._copy()
        run.agent = agent
        run.attributes = {**self.attributes, semconv.AGENT_NAME: agent}
        return run

    def with_task(self, attempt: int, task: Mapping[str, str]) -> Run:
        """Return the same run in an attempt at a task."""
        run = self._copy()
        run.attempt = attempt
        run.task = task
        run.attributes = {**self.attributes, semconv.ATTEMPT: attempt}
        return run

    def _copy(self) -> Run:
        run = object.__new__(Run)
        run.id, run.workflow, run.agent = self.id, self.workflow, self.agent
        run.attempt, run.task, run.attributes = self.attempt, self.task, self.attributes
        return run


NOBODY = Run()
"""No Handspan span is around the caller."""


def run_in(context: Context | None = None) -> Run:
    """Return who runs in `context` (None: the current one); `NOBODY` outside Handspan spans."""
    run = get_value(_KEY, context)
    return run if isinstance(run, Run) else NOBODY


def with_run(context: Context, run: Run) -> Context:
    """Return a copy of `context` in which `run` is running."""
    return set_value(_KEY, run, context)


_SPAN_KEY = next(iter(set_span_in_context(INVALID_SPAN, Context())))


def inside(context: Context, span: Span, run: Run) -> Context:
    """Return a copy of `context` in which `span` is current and `run` is running.

    One copy for what `set_span_in_context` and `with_run` would take two.
    """
    return Context({**context, _SPAN_KEY: span, _KEY: run})


def current_run() -> Run | None:
    """Return who is running now, or None outside Handspan spans.

    Example:
        >>> with handspan.workflow("support", id="ticket-7"), handspan.agent("triage"):
        ...     handspan.current_run()
        Run(id='ticket-7', workflow='support', agent='triage', attempt=None)
    """
    run = run_in()
    return None if run is NOBODY else run

"""Workflows and handoffs logged by id: `log_workflow_start` and its like.

A workflow becomes a span with the caller's id, each handoff a span below it. When the workflow
completes, what its handoffs say becomes agent spans: who received control had it until it gave
it away. An agent that is named as executed but in no handoff has no known time; it is counted,
not guessed.

Calls may come from any thread. A workflow that never completes stays unfinished, and its id
joins what several processes say of it into one run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.context import Context

from handspan.clock import now_ns
from handspan.compat import files
from handspan.compat.counted import count
from handspan.compat.files import write_files
from handspan.compat.started import Started
from handspan.context import Run, with_run
from handspan.internal import contained
from handspan.record import Agent, Handoff, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "log_agent_handoff",
    "log_workflow_complete",
    "log_workflow_start",
    "write_files",
]

_UNKNOWN = "unknown"
"""Name of a workflow of which this process has not seen the start."""

_MAX_HANDOFFS = 10_000
"""Handoffs of a workflow that are remembered for its agents' times; memory has to have an end."""


@dataclass(eq=False)
class _Running:
    """A workflow that has started here and not completed."""

    run: Workflow
    start_ns: int
    handoffs: list[tuple[int, str, str]] = field(default_factory=list)
    """When control went from whom to whom."""
    invoked: set[str] = field(default_factory=set)
    """Agents that have spans of their own, by `log_invocation(workflow_id=...)`."""


_running: Started[_Running] = Started()


@contained
def log_workflow_start(
    workflow_id: str,
    project_name: str,
    agent_plan: Sequence[str],
    estimated_duration: float | None = None,
) -> None:
    """Say that a workflow begins. Today: `handspan.workflow(project_name, id=..., plan=...)`.

    Args:
        workflow_id: your id of this run.
        project_name: names the project and the workflow.
        agent_plan: agents in the planned order.
        estimated_duration: how long it is expected to take, seconds.

    Example:
        >>> log_workflow_start("wf-1", "shop", ["planner", "coder"], estimated_duration=3600)
    """
    files.append(
        "workflow_events.jsonl",
        {
            "event": "workflow_start",
            "workflow_id": workflow_id,
            "project_name": project_name,
            "agent_plan": list(agent_plan),
            "estimated_duration": estimated_duration,
        },
    )
    run = Workflow(
        project_name,
        id=workflow_id,
        plan=list(agent_plan),
        estimated_s=estimated_duration,
        project=project_name,
    )
    start_ns = now_ns()
    run.start(start_ns=start_ns)
    if _running.put(workflow_id, _Running(run, start_ns)) is not None:
        count(
            "workflows started twice",
            "a workflow id was started again before it completed; the first start stays "
            "unfinished. Use a new id for each run",
        )


@contained
def log_agent_handoff(
    workflow_id: str, from_agent: str, to_agent: str, artifacts: Sequence[str]
) -> None:
    """Say that an agent gives control to another. Today: `handspan.handoff(source, target)`.

    Before the workflow's start, or when it started in another process, the handoff is recorded
    in a trace of its own that the workflow's id joins to the run; it is counted.

    Args:
        workflow_id: the id given to `log_workflow_start`.
        from_agent: who gives control away.
        to_agent: who receives it.
        artifacts: names of what is handed over.

    Example:
        >>> log_agent_handoff("wf-1", "planner", "coder", ["plan.md"])
    """
    files.append(
        "workflow_events.jsonl",
        {
            "event": "agent_handoff",
            "workflow_id": workflow_id,
            "from_agent": from_agent,
            "to_agent": to_agent,
            "artifacts": list(artifacts),
        },
    )
    at_ns = now_ns()
    running = _running.get(workflow_id)
    if running is None:
        count(
            "handoffs of an unknown workflow",
            "a handoff was logged for a workflow that did not start in this process; it is "
            "recorded by its id alone. Call log_workflow_start first",
        )
    elif len(running.handoffs) < _MAX_HANDOFFS:
        running.handoffs.append((at_ns, from_agent, to_agent))
    parent = running.run if running and running.run.started else context_of(workflow_id)
    handoff = Handoff(from_agent, to_agent, artifacts=list(artifacts))
    handoff.start(parent=parent, start_ns=at_ns)
    handoff.end(end_ns=at_ns)


@contained
def log_workflow_complete(
    workflow_id: str, duration_seconds: float, success: bool, agents_executed: Sequence[str]
) -> None:
    """Say that a workflow has ended. Today: the end of the `with handspan.workflow(...)` block.

    Without a start in this process the run is recorded as ending now and named "unknown"; it is
    counted.

    Args:
        workflow_id: the id given to `log_workflow_start`.
        duration_seconds: how long it took; the span ends that long after its start.
        success: whether it reached its goal.
        agents_executed: agents that worked, in order.

    Example:
        >>> log_workflow_complete("wf-1", 1800.0, True, ["planner", "coder"])
    """
    files.append(
        "workflow_events.jsonl",
        {
            "event": "workflow_complete",
            "workflow_id": workflow_id,
            "duration_seconds": duration_seconds,
            "success": success,
            "agents_executed": list(agents_executed),
        },
    )
    duration_ns = max(round(duration_seconds * 1e9), 0)
    running = _running.pop(workflow_id) or _begun_elsewhere(workflow_id, duration_ns)
    end_ns = running.start_ns + duration_ns
    _record_agents(running, list(agents_executed), end_ns)
    running.run.outcome("success" if success else "failure")
    running.run.end(None if success else "the workflow failed", end_ns)


def take_part(workflow_id: str, agent_name: str) -> Context | None:
    """Say that an agent has a span of its own in a workflow; return the Context for it."""
    running = _running.get(workflow_id)
    if running is None:
        return context_of(workflow_id)
    running.invoked.add(agent_name)
    return running.run.context


def context_of(workflow_id: str) -> Context:
    """Return the Context of a new trace that belongs to a run of which only the id is known."""
    return with_run(Context(), Run(id=workflow_id))


def _begun_elsewhere(workflow_id: str, duration_ns: int) -> _Running:
    count(
        "completions of an unknown workflow",
        "a workflow completed that did not start in this process; it is recorded under the name "
        f"{_UNKNOWN!r}. Call log_workflow_start first, in the same process",
    )
    start_ns = now_ns() - duration_ns
    run = Workflow(_UNKNOWN, id=workflow_id).start(parent=Context(), start_ns=start_ns)
    return _Running(run, start_ns)


def _record_agents(running: _Running, executed: list[str], end_ns: int) -> None:
    """Record when each executed agent had control, as the handoffs say."""
    timed = set(running.invoked)
    for name, since_ns, until_ns in _in_control(running, executed, end_ns):
        if name in executed and name not in running.invoked:
            agent = Agent(name).start(parent=running.run, start_ns=since_ns)
            agent.end(end_ns=max(since_ns, until_ns))
            timed.add(name)
    if not timed.issuperset(executed):
        count(
            "agents without a known time",
            "a workflow completed with agents that no handoff names, so when they worked is "
            "unknown and they are not recorded. Log a handoff to each, or call "
            "log_invocation(..., workflow_id=...)",
        )


def _in_control(
    running: _Running, executed: list[str], end_ns: int
) -> Iterator[tuple[str, int, int]]:
    """Yield who had control from when to when, nanoseconds since the epoch."""
    if not running.handoffs:
        if len(set(executed)) == 1:
            yield executed[0], running.start_ns, end_ns
        return
    since = {running.handoffs[0][1]: running.start_ns}
    for at_ns, source, target in running.handoffs:
        if source in since:
            yield source, since.pop(source), at_ns
        since.setdefault(target, at_ns)
    for name, since_ns in since.items():
        yield name, since_ns, end_ns

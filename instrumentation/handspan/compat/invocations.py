"""Invocations of agents logged by id: `log_invocation` and its like.

An invocation becomes an agent span that ends with `update_invocation`; a rating links to it.
"""

from __future__ import annotations

import atexit
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current

from handspan import semconv, settings
from handspan.clock import now_ns
from handspan.compat import files
from handspan.compat.counted import count
from handspan.compat.files import write_files
from handspan.compat.flat import bounded_state
from handspan.compat.started import Started
from handspan.compat.workflows import take_part
from handspan.context import NOBODY, Run, run_in, with_run
from handspan.internal import contained
from handspan.record import Agent
from handspan.record.rating import rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context

__all__ = ["log_invocation", "log_success_metric", "update_invocation", "write_files"]

_FAILED = {"failed", "failure", "error", "errored", "timeout", "timed_out", "crashed"}
"""Outcomes that make the agent's span an error."""


@dataclass(eq=False)
class _Invocation:
    """An agent that was invoked here."""

    agent: Agent
    start_ns: int
    record: dict[str, object]
    """The line for agent_invocations.jsonl, still without its outcome."""


_open: Started[_Invocation] = Started()
_ended: Started[Agent] = Started(forgotten=lambda _: None)
"""Kept for ratings, which come later; one of a forgotten invocation goes by the id."""


def log_invocation(
    agent_name: str,
    agent_type: str,
    task_description: str,
    state_features: Mapping[str, Any],
    *,
    workflow_id: str | None = None,
) -> str:
    """Say that an agent is given a task. Today: `with handspan.agent(name, type=...)`.

    Args:
        agent_name: name of the agent.
        agent_type: kind of agent.
        task_description: the task in words; on the span only with content capture.
        state_features: features of the situation, nested; `task.type` is the kind of task.
        workflow_id: the workflow it belongs to, as given to `log_workflow_start`; None: the run
            around the caller, or a run of its own.

    Returns:
        The id of the invocation, a UUID.

    Example:
        >>> invocation_id = log_invocation(
        ...     "coder", "developer", "fix the login", {"task": {"type": "bug_fix"}}
        ... )
    """
    invocation_id = str(uuid.uuid4())
    _begin(invocation_id, agent_name, agent_type, task_description, state_features, workflow_id)
    return invocation_id


@contained
def update_invocation(
    invocation_id: str,
    duration_seconds: float,
    outcome_status: str,
    files_modified: Sequence[str],
) -> None:
    """Say how an invocation ended. Today: the end of the `with handspan.agent(...)` block.

    An id that this process does not know is counted and records nothing: without the agent's
    name there is nothing to say.

    Args:
        invocation_id: what `log_invocation` returned.
        duration_seconds: how long it took; the span ends that long after its start.
        outcome_status: how it ended; "failed", "error" and the like make the span an error.
        files_modified: files that the agent changed.

    Example:
        >>> update_invocation(invocation_id, 95.5, "success", ["login.py"])
    """
    invocation = _open.pop(invocation_id)
    if invocation is None:
        _count_unknown("update_invocation")
        return
    _ended.put(invocation_id, invocation.agent)
    _write(invocation, outcome_status, list(files_modified))
    invocation.agent.set(semconv.TASK_FILES_MODIFIED, list(files_modified) or None)
    end_ns = invocation.start_ns + max(round(duration_seconds * 1e9), 0)
    if outcome_status.lower() in _FAILED:
        invocation.agent.end(f"outcome {outcome_status}", end_ns, error_type=outcome_status)
    else:
        invocation.agent.end(end_ns=end_ns)


@contained
def log_success_metric(
    invocation_id: str,
    success: bool,
    quality_rating: int,
    feedback_source: str = "human",
    feedback_notes: str | None = None,
    would_use_again: bool | None = None,
    alternative_agent_suggested: str | None = None,
) -> None:
    """Rate an invocation, now or later. Today: `handspan.rate(quality, of=agent)`.

    An id that this process does not know is counted and rated by the id alone; the service finds
    the invocation when it had no workflow around it.

    Args:
        invocation_id: what `log_invocation` returned.
        success: whether the agent did what it should.
        quality_rating: 5 exactly what was needed, 4 minor issues, 3 significant fixes, 2
            extensive rework, 1 failed.
        feedback_source: who rates.
        feedback_notes: the rating in words.
        would_use_again: whether the rater would give this agent such a task again.
        alternative_agent_suggested: agent that should have done it.

    Example:
        >>> log_success_metric(invocation_id, True, 4, "human", "forgot a test", True)
    """
    files.append(
        "success_metrics.jsonl",
        {
            "invocation_id": invocation_id,
            "success": success,
            "quality_rating": quality_rating,
            "feedback_source": feedback_source,
            "feedback_notes": feedback_notes,
            "would_use_again": would_use_again,
            "alternative_agent_suggested": alternative_agent_suggested,
        },
        session=False,
    )
    invocation = _open.get(invocation_id)
    agent = invocation.agent if invocation else _ended.get(invocation_id)
    if agent is None:
        _count_unknown("log_success_metric")
    rate(
        quality_rating,
        success=success,
        source=feedback_source,
        notes=feedback_notes,
        would_use_again=would_use_again,
        alternative_agent=alternative_agent_suggested,
        of=agent or invocation_id,
    )


@contained
def _begin(
    invocation_id: str,
    agent_name: str,
    agent_type: str,
    task_description: str,
    state_features: Mapping[str, Any],
    workflow_id: str | None,
) -> None:
    parent = _around(invocation_id) if workflow_id is None else take_part(workflow_id, agent_name)
    start_ns = now_ns()
    agent = Agent(agent_name, type=agent_type, state=bounded_state(state_features))
    agent.start(parent=parent, start_ns=start_ns)
    task = state_features.get("task")
    kind = task.get("type") if isinstance(task, Mapping) else None
    agent.set(semconv.TASK_TYPE, None if kind is None else str(kind))
    if settings.current().capture_content:
        agent.set(semconv.TASK_DESCRIPTION, task_description)
    record: dict[str, object] = {
        "invocation_id": invocation_id,
        "agent_name": agent_name,
        "agent_type": agent_type,
        "task_description": task_description,
        "state_features": dict(state_features),
    }
    _open.put(invocation_id, _Invocation(agent, start_ns, record))


def _around(invocation_id: str) -> Context:
    """Return the Context around the caller; outside a run the invocation is a run of its own.

    Its id is then the run's, so that another process can rate it.
    """
    context = get_current()
    return with_run(context, Run(id=invocation_id)) if run_in(context) is NOBODY else context


def _count_unknown(call: str) -> None:
    count(
        "invocations unknown",
        f"{call} got an id that log_invocation did not return in this process; what "
        "else it says is recorded by the id alone, an outcome not at all. Call both in the same "
        "process",
    )


def _write(invocation: _Invocation, status: str, modified: list[str]) -> None:
    """Write the invocation's one line, whose time is that of the invocation."""
    outcome = {"status": status, "files_modified": modified}
    at = {"timestamp": files.timestamp(invocation.start_ns)}
    files.append("agent_invocations.jsonl", {**invocation.record, **at, "outcome": outcome})


@atexit.register
@contained
def _write_open() -> None:
    """Write those whose outcome nobody told, for the file to be complete."""
    if files.writing():
        for invocation in _open.pop_all():
            _write(invocation, "unknown", [])

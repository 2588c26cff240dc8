"""Events of the stream as spans: a run for each task, attempts in it, agents in these.

No event says that a task has ended. Its run ends when a validation passes or an agent's work is
approved, when nothing has happened for ten minutes, or when the emitter stops; then as of the
last event. More events of the task begin another span of the same run.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from opentelemetry.context import Context, get_current

from handspan import semconv
from handspan.clock import now_ns
from handspan.compat.counted import count
from handspan.compat.event_metrics import GOOD, passes
from handspan.compat.started import Started
from handspan.context import NOBODY, run_in
from handspan.internal import contained
from handspan.record import Agent, Task, Workflow
from handspan.record.human import Human
from handspan.record.point import happened
from handspan.record.task import QueuedTask, queue_task
from handspan.record.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handspan.record import Recording

_NAME = "task"
"""Name of the run and type of the task: the events tell neither."""

_IDLE_NS = 600 * 10**9
_SWEEP_NS = 60 * 10**9


@dataclass(eq=False, slots=True)
class _Work:
    """A task as its events tell it."""

    task_id: str
    feature: str | None = None
    queued: QueuedTask | None = None
    run: Workflow | None = None
    outside: Context | None = None
    """Context of the caller's own run, when there is one: then no other is opened."""
    attempt: int = 0
    task: Task | None = None
    agents: dict[str, tuple[Agent, int]] = field(default_factory=dict)
    """Agents at work -> their spans and when they started."""
    worked: set[str] = field(default_factory=set)
    """Agents that are done in this attempt."""
    human: Human | None = None
    outcome: semconv.WorkflowOutcome = "cancelled"
    """What the last result says."""
    last_ns: int = 0

    @property
    def inside(self) -> Recording | Context | None:
        """What a span of this task belongs to."""
        return self.task or self.run or self.outside


class EventSpans:
    """Makes spans of events. Any thread may call; never raises."""

    def __init__(self) -> None:
        """Start without tasks."""
        self._work: Started[_Work] = Started(forgotten=_close)
        self._lock = threading.RLock()
        self._swept_ns = 0

    @contained
    def record(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """Record one event that happens now."""
        handle = _HANDLERS.get(event_type)
        if handle is None:
            count(
                "events of an unknown type",
                f"events of other types than {', '.join(_HANDLERS)} are written to console and "
                "file only; use a verb for what they say",
            )
            return
        with self._lock:
            at_ns = now_ns()
            handle(self, payload, at_ns)
            if at_ns - self._swept_ns > _SWEEP_NS:
                self._swept_ns = at_ns
                self._close_idle(at_ns)

    @contained
    def reject(self, *, rejected: bool) -> None:
        """Record one decision of a critic, now and here."""
        at_ns = now_ns()
        check = Validation(_CRITIC, role=_CRITIC).start(start_ns=at_ns)
        check.result("reject" if rejected else "pass")
        check.end(end_ns=at_ns)

    @contained
    def close(self) -> None:
        """End what is open, each task as of its last event."""
        with self._lock:
            for work in self._work.pop_all():
                _close(work)

    # --- one method for each type of event ---

    def _queued(self, payload: Mapping[str, Any], at_ns: int) -> None:
        work = self._of(payload, at_ns)
        cost_usd = payload.get("est_cost")
        work.queued = queue_task(
            _NAME,
            id=work.task_id,
            feature=work.feature,
            estimated_cost_usd=cost_usd if isinstance(cost_usd, int | float) else None,
        )

    def _started(self, payload: Mapping[str, Any], at_ns: int) -> None:
        work, name = self._of(payload, at_ns), str(payload.get("agent"))
        self._open(work, name, at_ns)
        agent = Agent(name).start(parent=work.inside, start_ns=at_ns)
        model = payload.get("model")
        agent.set(semconv.GEN_AI_REQUEST_MODEL, None if model is None else str(model))
        work.agents[name] = (agent, at_ns)

    def _completed(self, payload: Mapping[str, Any], at_ns: int) -> None:
        work, name = self._of(payload, at_ns), str(payload.get("agent"))
        duration_ns = _duration_ns(payload)
        if name not in work.agents:
            self._open(work, name, at_ns)
            since_ns = at_ns - (duration_ns or 0)
            agent = Agent(name).start(parent=work.inside, start_ns=since_ns)
            count(
                "completions of an unknown agent",
                "agent_completed came without agent_started; the agent is recorded from its "
                "duration_ms. Emit both in the same process",
            )
        else:
            agent, since_ns = work.agents.pop(name)
        work.worked.add(name)
        agent.set(semconv.COST_USD, _number(payload.get("cost_usd")))
        status = str(payload.get("status")).lower()
        failed = None if status in GOOD or status == "rejected" else f"status {status}"
        end_ns = at_ns if duration_ns is None else since_ns + duration_ns
        agent.end(failed, end_ns, error_type=status if failed else None)
        work.outcome = "success" if status in GOOD else "failure"
        if status == "approved":
            self._done(work)

    def _validated(self, payload: Mapping[str, Any], at_ns: int) -> None:
        work = self._of(payload, at_ns)
        since_ns = at_ns - (_duration_ns(payload) or 0)
        check = Validation("validation", role="test").start(parent=work.inside, start_ns=since_ns)
        passed = passes(payload.get("result"))
        rejected = str(payload.get("result")).lower() in {"reject", "rejected"}
        check.result("pass" if passed else "reject" if rejected else "fail")
        check.set(semconv.COST_USD, _number(payload.get("cost")))
        check.end(end_ns=at_ns)
        work.outcome = "success" if passed else "failure"
        if passed:
            self._done(work)

    def _escalated(self, payload: Mapping[str, Any], at_ns: int) -> None:
        work = self._of(payload, at_ns)
        if work.human is not None:
            work.human.end(end_ns=at_ns)
        self._join(work, at_ns)
        priority = str(payload.get("priority")).lower()
        wait = Human("escalation", priority=_PRIORITIES.get(priority))
        work.human = wait.start(parent=work.inside, start_ns=at_ns)

    def _budget(self, payload: Mapping[str, Any], state: semconv.BudgetState) -> None:
        limit, used = _first(payload, _LIMITS), _first(payload, _USED)
        if limit is None:
            count(
                "budget events without a limit",
                "a budget event has no number under "
                f"{', '.join(_LIMITS)}; it is recorded without its limit",
            )
        name = payload.get("budget_name") or payload.get("name")
        work = self._work.get(str(payload["task_id"])) if "task_id" in payload else None
        inside = work.inside if work else None
        happened(
            semconv.EVENT_BUDGET,
            {
                semconv.BUDGET_NAME: None if name is None else str(name),
                semconv.BUDGET_SCOPE: None
                if payload.get("scope") is None
                else str(payload["scope"]),
                semconv.BUDGET_LIMIT_USD: limit,
                semconv.BUDGET_USED_USD: used,
                semconv.BUDGET_USED_RATIO: used / limit if used is not None and limit else None,
                semconv.BUDGET_STATE: state,
            },
            context=inside if isinstance(inside, Context) or inside is None else inside.context,
        )

    def _warned(self, payload: Mapping[str, Any], at_ns: int) -> None:
        del at_ns
        self._budget(payload, "warning")

    def _exceeded(self, payload: Mapping[str, Any], at_ns: int) -> None:
        del at_ns
        self._budget(payload, "exceeded")

    # --- the life of a task ---

    def _of(self, payload: Mapping[str, Any], at_ns: int) -> _Work:
        task_id = str(payload.get("task_id"))
        work = self._work.get(task_id)
        if work is None:
            work = _Work(task_id)
            self._work.put(task_id, work)
        if payload.get("feature") is not None:
            work.feature = str(payload["feature"])
        work.last_ns = at_ns
        return work

    def _join(self, work: _Work, at_ns: int) -> None:
        """Open the task's run, unless there is one or the caller has one of its own."""
        if work.run is not None or work.outside is not None:
            return
        here = get_current()
        if run_in(here) is not NOBODY:
            work.outside = here
            return
        work.run = Workflow(_NAME, id=work.task_id, feature=work.feature)
        work.run.start(parent=here, start_ns=at_ns)

    def _open(self, work: _Work, agent: str, at_ns: int) -> None:
        """Make an attempt go on in which `agent` can work: a second time is another attempt."""
        self._join(work, at_ns)
        if work.human is not None:
            # Work goes on, so the wait is over; what was decided, no event tells.
            work.human.end(end_ns=at_ns)
            work.human = None
        again = agent in work.worked or agent in work.agents
        if work.task is not None and not again:
            return
        if work.task is not None:
            work.task.end(end_ns=at_ns)
        work.attempt += 1
        work.worked.clear()
        if work.queued is not None:
            task = Task.queued(work.queued, attempt=work.attempt)
        else:
            task = Task(_NAME, id=work.task_id, feature=work.feature, attempt=work.attempt)
        work.task = task.start(parent=work.run or work.outside, start_ns=at_ns)

    def _done(self, work: _Work) -> None:
        """End the run of a task that is done well; it is remembered for its attempts."""
        if not work.agents:
            _close(work)

    def _close_idle(self, at_ns: int) -> None:
        for work in self._work.values():
            if at_ns - work.last_ns > _IDLE_NS and not work.agents and not work.human:
                self._work.pop(work.task_id)
                _close(work)


def _close(work: _Work) -> None:
    for agent, _ in work.agents.values():
        agent.end(end_ns=work.last_ns)
        work.outcome = "cancelled"
    for recording in (work.human, work.task):
        if recording is not None:
            recording.end(end_ns=work.last_ns)
    if work.run is not None:
        work.run.outcome(work.outcome)
        work.run.end(end_ns=work.last_ns)
    work.agents.clear()
    work.human = work.task = work.run = work.outside = None


_CRITIC: semconv.ValidationRole = "critic"
_PRIORITIES: dict[str, semconv.HumanPriority] = {
    one: one for one in get_args(semconv.HumanPriority)
}
_LIMITS = ("limit_usd", "limit", "budget", "budget_usd", "max_cost")
_USED = ("used_usd", "used", "spent", "spent_usd", "current", "current_cost", "cost_usd")


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _first(payload: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    found = (_number(payload.get(name)) for name in names)
    return next((number for number in found if number is not None), None)


def _duration_ns(payload: Mapping[str, Any]) -> int | None:
    duration_ms = _number(payload.get("duration_ms"))
    return None if duration_ms is None else max(round(duration_ms * 1e6), 0)


_HANDLERS: dict[str, Callable[[EventSpans, Mapping[str, Any], int], None]] = {
    "task_queued": EventSpans._queued,  # noqa: SLF001 - its own
    "agent_started": EventSpans._started,  # noqa: SLF001
    "agent_completed": EventSpans._completed,  # noqa: SLF001
    "validation_complete": EventSpans._validated,  # noqa: SLF001
    "hitl_escalated": EventSpans._escalated,  # noqa: SLF001
    "budget_warning": EventSpans._warned,  # noqa: SLF001
    "budget_exceeded": EventSpans._exceeded,  # noqa: SLF001
}

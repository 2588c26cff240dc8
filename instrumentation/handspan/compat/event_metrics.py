"""The six KPIs of the event stream, kept while events pass; nothing of them is a guess."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypedDict

from handspan.clock import now_ns
from handspan.compat.started import Started
from handspan.json_lines import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

GOOD = {"success", "succeeded", "approved", "pass", "passed", "ok"}
"""Statuses and results that say that a task is done well, so far."""

_NAMES = (
    "agent_utilization",
    "cost_per_feature",
    "average_retry_count",
    "critic_rejection_rate",
    "validation_pass_rate",
    "time_to_completion",
)


class Metrics(TypedDict):
    """The KPIs since the start of the process; None: unknown, because nothing was counted.

    Retries and times to completion are those of the 10,000 tasks that came last.
    """

    agent_utilization: float | None
    """Mean over agents of the share of the time since the first event in which they worked."""
    cost_per_feature: float | None
    """USD of all features with a known cost, divided by completed features."""
    average_retry_count: float | None
    """Attempts beyond the first, per task."""
    critic_rejection_rate: float | None
    validation_pass_rate: float | None
    time_to_completion: float | None
    """Seconds from queueing (or first start) to the end, mean over tasks that ended well."""
    n: dict[str, int]
    """How many agents, features, tasks, decisions or validations each stands on."""


@dataclass(eq=False, slots=True)
class _Task:
    feature: str | None
    since_ns: int
    starts: dict[str, int] = field(default_factory=dict)
    done_ns: int | None = None


@dataclass(eq=False, slots=True)
class _Busy:
    """When an agent works; several tasks at once count once."""

    open: int = 0
    since_ns: int = 0
    total_ns: int = 0


class EventMetrics:
    """Counts as events pass; any thread may ask. A microsecond or two per event."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._lock = threading.Lock()
        self._first_ns: int | None = None
        self._tasks: Started[_Task] = Started(forgotten=_no_more)
        self._agents: dict[str, _Busy] = {}
        self._cost_usd: dict[str, float] = {}
        self._features: dict[str, bool] = {}
        """Feature -> whether its latest task ended well."""
        self._decisions = [0, 0]
        self._validations = [0, 0]

    def count(self, event_type: str, payload: Mapping[str, Any]) -> None:
        """Count one event that happens now."""
        at_ns = now_ns()
        with self._lock:
            if self._first_ns is None:
                self._first_ns = at_ns
            handle = _HANDLERS.get(event_type)
            if handle is not None:
                handle(self, payload, at_ns)

    def decide(self, *, rejected: bool) -> None:
        """Count one decision of a critic."""
        with self._lock:
            self._decisions[0] += rejected
            self._decisions[1] += 1

    def get(self) -> Metrics:
        """Return the KPIs as of now."""
        at_ns = now_ns()
        with self._lock:
            tasks = self._tasks.values()
            retries = [max(task.starts.values()) - 1 for task in tasks if task.starts]
            times_s = [(t.done_ns - t.since_ns) / 1e9 for t in tasks if t.done_ns is not None]
            busy = self._busy_shares(at_ns)
            completed = sum(self._features.values())
            cost = sum(self._cost_usd.values()) if self._cost_usd and completed else None
            return {
                "agent_utilization": fmean(busy) if busy else None,
                "cost_per_feature": None if cost is None else cost / completed,
                "average_retry_count": fmean(retries) if retries else None,
                "critic_rejection_rate": _share(self._decisions),
                "validation_pass_rate": _share(self._validations),
                "time_to_completion": fmean(times_s) if times_s else None,
                "n": dict(
                    zip(
                        _NAMES,
                        (
                            len(busy),
                            completed,
                            len(retries),
                            self._decisions[1],
                            self._validations[1],
                            len(times_s),
                        ),
                        strict=True,
                    )
                ),
            }

    def _busy_shares(self, at_ns: int) -> list[float]:
        window_ns = at_ns - (self._first_ns or at_ns)
        if not window_ns:
            return []
        return [
            (one.total_ns + (at_ns - one.since_ns if one.open else 0)) / window_ns
            for one in self._agents.values()
        ]

    def _task(self, payload: Mapping[str, Any], at_ns: int) -> _Task:
        task_id = str(payload.get("task_id"))
        task = self._tasks.get(task_id)
        if task is None:
            task = _Task(None, at_ns)
            self._tasks.put(task_id, task)
        if task.feature is None and payload.get("feature") is not None:
            task.feature = str(payload["feature"])
        return task

    def _queued(self, payload: Mapping[str, Any], at_ns: int) -> None:
        task = self._task(payload, at_ns)
        if task.feature is not None:
            self._features[task.feature] = False

    def _started(self, payload: Mapping[str, Any], at_ns: int) -> None:
        agent = str(payload.get("agent"))
        if payload.get("task_id") is not None:
            starts = self._task(payload, at_ns).starts
            starts[agent] = starts.get(agent, 0) + 1
        busy = self._agents.setdefault(agent, _Busy())
        if not busy.open:
            busy.since_ns = at_ns
        busy.open += 1

    def _completed(self, payload: Mapping[str, Any], at_ns: int) -> None:
        busy = self._agents.get(str(payload.get("agent")))
        if busy is not None and busy.open:
            busy.open -= 1
            if not busy.open:
                busy.total_ns += at_ns - busy.since_ns
        self._ended(payload, at_ns, str(payload.get("status")).lower() in GOOD)
        self._spent(payload, at_ns, payload.get("cost_usd"))

    def _validated(self, payload: Mapping[str, Any], at_ns: int) -> None:
        passed = passes(payload.get("result"))
        self._validations[0] += passed
        self._validations[1] += 1
        self._ended(payload, at_ns, passed)
        self._spent(payload, at_ns, payload.get("cost"))

    def _ended(self, payload: Mapping[str, Any], at_ns: int, well: bool) -> None:
        if payload.get("task_id") is None:
            return
        task = self._task(payload, at_ns)
        task.done_ns = at_ns if well else None
        if task.feature is not None:
            self._features[task.feature] = well

    def _spent(self, payload: Mapping[str, Any], at_ns: int, cost_usd: object) -> None:
        if isinstance(cost_usd, int | float) and payload.get("task_id") is not None:
            feature = self._task(payload, at_ns).feature
            if feature is not None:
                self._cost_usd[feature] = self._cost_usd.get(feature, 0.0) + cost_usd


def passes(result: object) -> bool:
    """Say whether a validation's result is that all is well."""
    return result if isinstance(result, bool) else text_of(result).lower() in GOOD


def _no_more(task: _Task) -> None:
    """Let go of the oldest task: old ones say little of how the team does now."""
    del task


def _share(counted: list[int]) -> float | None:
    return counted[0] / counted[1] if counted[1] else None


_HANDLERS = {
    "task_queued": EventMetrics._queued,  # noqa: SLF001 - its own
    "agent_started": EventMetrics._started,  # noqa: SLF001
    "agent_completed": EventMetrics._completed,  # noqa: SLF001
    "validation_complete": EventMetrics._validated,  # noqa: SLF001
}

"""The verb `task`: one attempt at a piece of work."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from handspan import semconv, settings
from handspan.record.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.util.types import AttributeValue

    from handspan.context import Run


@dataclass(eq=False, repr=False)
class Task(Recording):
    """Record one attempt at a piece of work; another attempt has the same `id`.

    Agents that start inside say on their own spans which task they work on.

    Example:
        >>> with handspan.task("bug_fix", id="ticket-7", domain="backend", attempt=2) as fix:
        ...     fix.files_modified(["billing.py"])
    """

    kind: ClassVar[semconv.Kind] = "task"

    type: str
    """Kind of task, for example bug_fix; few different ones."""
    _: KW_ONLY
    id: str | None = None
    """Your id of the task; the same for every attempt."""
    domain: str | None = None
    """Field the task is from, for example backend."""
    description: str | None = None
    """The task in words; recorded only with content capture."""
    feature: str | None = None
    """Feature the task works for."""
    estimated_cost_usd: float | None = None
    """What the task is expected to cost, USD."""
    queued_at_ns: int | None = None
    """When it was queued, nanoseconds since the epoch; time to completion starts here."""
    attempt: int = 1
    """Which attempt this is, from 1; on every span inside."""

    def files_modified(self, paths: Sequence[str]) -> None:
        """Say which files the task changed."""
        self.set(semconv.TASK_FILES_MODIFIED, paths)

    def _span_name(self) -> str:
        return f"{semconv.SPAN_TASK} {self.type}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        captured = settings.current().capture_content
        return {
            **self._run.task,
            semconv.TASK_DESCRIPTION: self.description if captured else None,
            semconv.TASK_FEATURE: self.feature,
            semconv.TASK_ESTIMATED_COST_USD: self.estimated_cost_usd,
            semconv.TASK_QUEUED_AT_NS: self.queued_at_ns,
        }

    def _run_inside(self, outer: Run) -> Run:
        named = {
            semconv.TASK_ID: self.id,
            semconv.TASK_TYPE: self.type,
            semconv.TASK_DOMAIN: self.domain,
        }
        known = {name: value for name, value in named.items() if value is not None}
        return outer.with_task(self.attempt, known)


task = Task

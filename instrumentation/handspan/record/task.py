"""The verbs `task` and `queue_task`: a piece of work, queued and then attempted."""

from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import KW_ONLY, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, cast

from opentelemetry.context import get_current
from opentelemetry.trace import format_span_id, get_current_span

from handspan import semconv
from handspan.clock import now_ns
from handspan.context import extract, inject, run_in
from handspan.internal import contained, warn_once
from handspan.record.content import captures
from handspan.record.counts import Counts
from handspan.record.failing import is_error
from handspan.record.point import happened
from handspan.record.recording import Recording
from handspan.record.state import state_attributes
from handspan.record.values import listed, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from handspan.context import Run

_of_id = Counts()


class _Failed(NamedTuple):
    """The last attempt that failed here: what a retry library calls again."""

    call: _Call
    task_id: str
    attempt: int


class _Call(NamedTuple):
    """A call of a decorated function; equal for another attempt at the same."""

    function: Callable[..., Any]
    arguments: tuple[object, ...]
    """By identity: a retry passes on the very same objects."""
    around: object
    """Span around the call."""


_failed: ContextVar[_Failed | None] = ContextVar("handspan-failed-attempt", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedTask:
    """A task in a queue; `str()` of it travels with whatever the queue carries."""

    type: str
    id: str | None = None
    domain: str | None = None
    feature: str | None = None
    estimated_cost_usd: float | None = None
    queued_at_ns: int
    headers: Mapping[str, str]
    """Trace and workflow that it was queued in, as `handspan.context.inject` writes them."""

    def __str__(self) -> str:
        """Return the task as JSON, about 300 characters."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the task that `str()` wrote, also in a later version.

        Raises ValueError for any other text.
        """
        try:
            told = {"headers": {}, **json.loads(text)}
            known = {one.name: told[one.name] for one in fields(cls) if one.name in told}
            task = cls(**known)
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a queued task: {text[:80]!r}") from error
        if (type(task.type), type(task.queued_at_ns), type(task.headers)) != (str, int, dict):
            raise ValueError(f"not a queued task: {text[:80]!r}")
        return task


def queue_task(
    type: str,
    *,
    id: str | None = None,
    domain: str | None = None,
    feature: str | None = None,
    estimated_cost_usd: float | None = None,
) -> QueuedTask:
    """Say that a task is queued now; time to completion starts here.

    Args:
        type: kind of task, for example bug_fix; few different ones.
        id: your id of the task.
        domain: field the task is from, for example backend.
        feature: feature the task works for.
        estimated_cost_usd: what it is expected to cost, USD.

    Returns:
        What `handspan.task.queued` wants, in this process or, as `str()`, in another one.

    Example:
        >>> ticket = handspan.queue_task("bug_fix", id="ticket-7")
        >>> queue.put(str(ticket))
        >>> with handspan.task.queued(queue.get()):
        ...     changed = fix()
    """
    told = {semconv.TASK_ID: id, semconv.TASK_TYPE: type, semconv.TASK_DOMAIN: domain}
    at_ns = now_ns()
    more = {semconv.TASK_FEATURE: feature, semconv.TASK_ESTIMATED_COST_USD: estimated_cost_usd}
    happened(semconv.EVENT_TASK_QUEUED, {**told, **more})
    return QueuedTask(
        type=type,
        id=id,
        domain=domain,
        feature=feature,
        estimated_cost_usd=estimated_cost_usd,
        queued_at_ns=at_ns,
        headers=dict(inject()),
    )


@dataclass(eq=False, repr=False)
class Task(Recording):
    """Record one attempt at a piece of work; another attempt has the same `id`.

    Agents that start inside say on their own spans which task they work on. A decorated function
    that fails and is called again with the same arguments, as tenacity's `retry` does, is another
    attempt at the same task.

    Example:
        >>> with handspan.task("bug_fix", id="ticket-7", domain="backend") as fix:
        ...     fix.files_modified(["billing.py"])
    """

    kind: ClassVar[semconv.Kind] = "task"
    _made_id = cast("str | None", None)
    _attempt = 1
    _call = cast("_Call | None", None)
    _headers = cast("Mapping[str, str] | None", None)

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
    attempt: int | None = None
    """Which attempt this is, from 1; on every span inside. None: counted, by `id` within the run
    or, in a decorated function, by its failures."""
    state: Mapping[str, object] | None = None
    """Features of the situation, for example languages or risk; may be nested."""

    @classmethod
    def queued(cls, task: QueuedTask | str | bytes, *, attempt: int | None = None) -> Self:
        """Return the recording of a task that was queued with `queue_task`.

        It belongs to the run that goes on here, else to the one that queued it.

        Args:
            task: what `queue_task` returned, or its `str()`, also as bytes of UTF-8; any other
                text is a task of that type.
            attempt: as in `task(attempt=)`.
        """
        found = task if isinstance(task, QueuedTask) else _parsed(task)
        recording = cls(
            found.type,
            id=found.id,
            domain=found.domain,
            feature=found.feature,
            estimated_cost_usd=found.estimated_cost_usd,
            queued_at_ns=found.queued_at_ns or None,
            attempt=attempt,
        )
        recording._headers = found.headers
        return recording

    @contained
    def files_modified(self, paths: Sequence[str | PathLike[str]]) -> None:
        """Say which files the task changed."""
        self.set(semconv.TASK_FILES_MODIFIED, listed(paths))

    def _around(self) -> Context:
        here = get_current()
        if self._headers is None or run_in(here).id is not None:
            return here
        return extract(self._headers) or here

    def _span_name(self) -> str:
        return f"{semconv.SPAN_TASK} {spoken(self.type)}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        captured = self.description is not None and captures(self._run)
        return {
            **self._run.task,
            semconv.TASK_DESCRIPTION: self.description if captured else None,
            semconv.TASK_FEATURE: self.feature,
            semconv.TASK_ESTIMATED_COST_USD: self.estimated_cost_usd,
            semconv.TASK_QUEUED_AT_NS: self.queued_at_ns,
            **(state_attributes(self.state) if self.state else {}),
        }

    def _run_inside(self, outer: Run) -> Run:
        self._attempt = self._count(outer)
        return self._run_of(outer, self.id or self._made_id)

    def _run_of(self, outer: Run, task_id: str | None) -> Run:
        named = {
            semconv.TASK_ID: task_id,
            semconv.TASK_TYPE: self.type,
            semconv.TASK_DOMAIN: self.domain,
        }
        known = {name: spoken(value) for name, value in named.items() if value is not None}
        return outer.with_task(self._attempt, known)

    def _count(self, outer: Run) -> int:
        """Return which attempt this is; another attempt at the same call keeps its id."""
        if self.attempt is not None:
            return self.attempt
        if self.id is not None:
            return _of_id.next((outer.id or _current_trace(self._outer), self.type, self.id))
        failed = _failed.get()
        if failed is None or failed.call != self._call:
            return 1
        self._made_id = failed.task_id
        return failed.attempt + 1

    def _called(
        self, function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        given = (*map(_identity, args), *map(_identity, kwargs.values()), *kwargs)
        self._call = _Call(function, given, get_current_span().get_span_context().span_id)

    def _after_start(self, span: Span) -> None:
        """Name a decorated call, so that its next attempt can have the same id."""
        if self._call is not None and self.id is None and self._made_id is None:
            self._made_id = format_span_id(span.get_span_context().span_id)
            span.set_attribute(semconv.TASK_ID, self._made_id)
            self._run = self._run_of(self._run, self._made_id)

    def _before_end(self, error: BaseException | str | None) -> None:
        if self._call is None:
            return
        if is_error(error) and self._made_id is not None:
            _failed.set(_Failed(self._call, self._made_id, self._attempt))
        elif (failed := _failed.get()) is not None and failed.call == self._call:
            _failed.set(None)


_identity = id  # inside Task, `id` is a field


def _current_trace(context: Context | None) -> int:
    return get_current_span(context).get_span_context().trace_id


def _parsed(told: str | bytes) -> QueuedTask:
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    try:
        return QueuedTask.parse(text)
    except ValueError:
        warn_once(f"Handspan knows no queued task in {text[:80]!r}; pass on what queue_task gave")
        return QueuedTask(type=text[:80] or "unknown", queued_at_ns=0, headers={})


task = Task

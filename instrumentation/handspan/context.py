"""Who is running now, kept in the OpenTelemetry Context.

It travels by itself wherever that Context does: asyncio tasks and task groups, `to_thread`,
`copy_context().run`. Where Python hands nothing on, these do:

- a thread, a pool, a callback: `bind(function)`; every call into a pool: `carrying(pool)`;
- all that a worker thread or process ever does: `join` as its initializer;
- another program: `inject()` what it needs into the request, `joined(headers)` over there.
"""

from __future__ import annotations

import functools
import inspect
import os
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import (
    Context,
    attach,
    create_key,
    get_current,
    set_value,
)
from opentelemetry.trace import INVALID_SPAN, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from handspan import semconv
from handspan.blocks import leave
from handspan.internal import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping
    from concurrent.futures import Future

    from opentelemetry.trace import Span, SpanContext

P = ParamSpec("P")
R = TypeVar("R")

_KEY = create_key("handspan-run")

_TRACEPARENT: Final = "traceparent"
_BAGGAGE: Final = "baggage"
_LONGEST_NAME: Final = 256
"""Characters of a name taken from a request: its sender could be anybody."""


class Run:
    """Who is running: workflow, agent and attempt, as the Handspan spans around the caller say.

    Immutable; a span that changes one of them puts a new one into its Context.
    """

    __slots__ = ("agent", "attempt", "attributes", "capture_content", "id", "task", "workflow")

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
    capture_content: bool | None
    """Whether what is said is recorded here; None: as the setting says."""
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
        capture_content: bool | None = None,
    ) -> None:
        self.id = id
        self.workflow = workflow
        self.agent = agent
        self.attempt = attempt
        self.task = task or {}
        self.capture_content = capture_content
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

    def with_capture(self, capture_content: bool) -> Run:  # noqa: FBT001 - the name says what it is
        """Return the same run, in which content is recorded or is not."""
        run = self._copy()
        run.capture_content = capture_content
        return run

    def _copy(self) -> Run:
        run = object.__new__(Run)
        run.id = self.id
        run.workflow = self.workflow
        run.agent = self.agent
        run.attempt = self.attempt
        run.task = self.task
        run.capture_content = self.capture_content
        run.attributes = self.attributes
        return run


NOBODY = Run()
"""No Handspan span is around the caller."""


def run_in(context: Context | None = None) -> Run:
    """Return who runs in `context` (None: the current one); `NOBODY` outside Handspan spans."""
    run = (get_current() if context is None else context).get(_KEY)
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


# --- To another program ---


def inject(
    headers: MutableMapping[str, str] | None = None, context: Context | None = None
) -> MutableMapping[str, str]:
    """Add to the headers of a request what its receiver needs to go on in the same trace.

    W3C `traceparent`, `tracestate` and `baggage`. Of the run only the id and name of its workflow
    are sent, nothing else that is in the baggage.

    Args:
        headers: changed in place; None: new ones.
        context: what to go on with; None: the current Context.

    Example:
        >>> with handspan.workflow("support", id="ticket-7"):
        ...     headers = handspan.context.inject({"accept": "text/plain"})
        >>> sorted(headers)
        ['accept', 'baggage', 'traceparent']
    """
    carrier: MutableMapping[str, str] = {} if headers is None else headers
    _inject(carrier, get_current() if context is None else context)
    return carrier


@contained
def _inject(headers: MutableMapping[str, str], context: Context) -> None:
    TraceContextTextMapPropagator().inject(headers, context)
    run = run_in(context)
    named = Context()
    for name, value in ((semconv.WORKFLOW_ID, run.id), (semconv.WORKFLOW_NAME, run.workflow)):
        if value is not None:
            named = baggage.set_baggage(name, value, named)
    already = headers.get(_BAGGAGE)
    W3CBaggagePropagator().inject(headers, named)
    if already is not None and headers[_BAGGAGE] != already:
        headers[_BAGGAGE] = f"{already},{headers[_BAGGAGE]}"


def extract(headers: Mapping[str, str]) -> Context:
    """Return the Context that a request's headers describe; an empty one when they say nothing.

    Only the trace and the workflow are taken over, not the rest of the baggage. Take headers
    only from callers that you trust to say which run they belong to.
    """
    return _extract(headers) or Context()


@contained
def _extract(headers: Mapping[str, str]) -> Context:
    lowered = {name.lower(): value for name, value in headers.items()}
    context = TraceContextTextMapPropagator().extract(lowered, Context())
    said = baggage.get_all(W3CBaggagePropagator().extract(lowered, Context()))
    run_id, workflow = (
        str(said[name])[:_LONGEST_NAME] if name in said else None
        for name in (semconv.WORKFLOW_ID, semconv.WORKFLOW_NAME)
    )
    if run_id is None:
        return context
    return with_run(context, Run(id=run_id, workflow=workflow))


@contextmanager
def joined(headers: Mapping[str, str]) -> Iterator[None]:
    """Go on, for a block, in the trace and run of whoever sent these headers.

    Headers that name no trace change nothing.

    Example:
        >>> with handspan.context.joined(request.headers), handspan.agent("writer"):
        ...     answer = write(question)
    """
    outside, inside_block = get_current(), extract(headers)
    if not inside_block:
        yield
        return
    attach(inside_block)
    try:
        yield
    finally:
        leave(get_current(), inside_block, outside)


def join(headers: Mapping[str, str]) -> None:
    """Go on in the trace and run of whoever sent these headers, until this thread ends.

    As the initializer of a pool of threads or processes. What a process of multiprocessing
    records is sent when it ends.

    Example:
        >>> with handspan.workflow("support"):
        ...     pool = ThreadPoolExecutor(
        ...         initializer=handspan.context.join, initargs=(handspan.context.inject(),)
        ...     )
    """
    context = extract(headers)
    if context:
        attach(context)
    _flush_when_the_worker_ends(os.getpid())


def span_context(span: str | tuple[str, str]) -> SpanContext | None:
    """Return the span that a W3C traceparent, or a trace id and a span id in hex, names.

    None for a text that is no traceparent.
    """
    text = span if isinstance(span, str) else f"00-{span[0]:0>32}-{span[1]:0>16}-01"
    found = TraceContextTextMapPropagator().extract({_TRACEPARENT: text}, Context())
    named = get_current_span(found).get_span_context()
    return named if named.is_valid else None


# --- To another thread or process ---


def bind(function: Callable[P, R], context: Context | None = None) -> Callable[P, R]:
    """Return `function` so that each call runs in the Context that is current now.

    For threads, pools and callbacks; functions and coroutine functions. It may be sent to
    another process if `function` may.

    Args:
        function: what to call; changed in nothing else.
        context: run in this one instead, for example that of a recording.

    Example:
        >>> with handspan.agent("triage"):
        ...     thread = Thread(target=handspan.context.bind(work), args=("a", "b"))
        >>> thread.start()
    """
    context = get_current() if context is None else context
    if inspect.iscoroutinefunction(function):
        return cast("Callable[P, R]", _bound_coroutine(function, context))
    return cast("Callable[P, R]", _Bound(function, context))


def _bound_coroutine(function: Callable[..., Any], context: Context) -> Callable[..., Any]:
    @functools.wraps(function)
    async def bound(*args: object, **kwargs: object) -> object:
        outside = get_current()
        attach(context)
        try:
            return await function(*args, **kwargs)
        finally:
            attach(outside)

    return bound


class _Bound:
    """A function with the Context of its calls; in another process what `inject` sends of it."""

    def __init__(self, function: Callable[..., Any], context: Context) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._context = context

    def __call__(self, *args: object, **kwargs: object) -> object:
        outside = get_current()
        attach(self._context)
        try:
            return self._function(*args, **kwargs)
        finally:
            attach(outside)

    def __reduce__(self) -> tuple[Any, ...]:
        run = run_in(self._context)
        sent = None if run is NOBODY else run
        return _arrived, (self._function, dict(inject(context=self._context)), sent)


def _arrived(function: Callable[..., Any], headers: dict[str, str], run: Run | None) -> _Bound:
    """Return what was bound in another process, with its whole run: we trust ourselves."""
    _flush_when_the_worker_ends(os.getpid())
    context = extract(headers)
    return _Bound(function, context if run is None else with_run(context, run))


def carrying(executor: Executor) -> Executor:
    """Return the pool so that each call runs in the Context of whoever submits it.

    A pool of threads or of processes; it is used and shut down through what is returned.

    Example:
        >>> with handspan.context.carrying(ThreadPoolExecutor()) as pool, handspan.agent("triage"):
        ...     found = list(pool.map(work, ["a", "b"]))
    """
    return _Carrying(executor)


class _Carrying(Executor):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Submit a call that runs in the current Context."""
        return self._executor.submit(bind(fn), *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """Shut the pool down."""
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


provider_source: Callable[[], object] = trace.get_tracer_provider
"""Returns the provider to flush when a worker process ends; `record.tracer` knows better."""


@functools.cache
def _flush_when_the_worker_ends(pid: int) -> None:
    """See to it that a multiprocessing worker sends what it recorded: it runs no `atexit`."""
    del pid  # the cache's key: a forked process remembers what its parent did
    from multiprocessing import parent_process, util  # noqa: PLC0415 - loaded where it matters

    if parent_process() is not None:
        util.Finalize(None, _flush, exitpriority=10)


@contained
def _flush() -> None:
    force_flush = getattr(provider_source(), "force_flush", None)
    if force_flush is not None:
        force_flush()

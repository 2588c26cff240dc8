"""One span while it is recorded: opened, made current, filled, ended. Base of every verb."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Self, TypeVar

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import INVALID_SPAN, SpanKind, get_current_span

from handspan import semconv
from handspan.blocks import leave
from handspan.clock import now_ns
from handspan.context import NOBODY, Run, inside, run_in
from handspan.internal import log_internal_error, warn_once
from handspan.record.bare import MaybeBare
from handspan.record.decorating import decorated
from handspan.record.failing import fail, is_error
from handspan.record.tracer import current_tracer
from handspan.record.values import all_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from opentelemetry.trace import Link, Span
    from opentelemetry.util.types import AttributeValue

P = ParamSpec("P")
R = TypeVar("R")

_IN_USE = (
    "Handspan: one recording is entered twice at the same time and makes one span only; "
    "write `with handspan.agent(...)` anew for each block"
)


class _Life(MaybeBare):
    """What a recording knows between its start and its end; no argument of any verb."""

    _span: Span | None = None
    _start_ns: int = 0
    _ended: bool = False
    _run: Run = NOBODY
    _outer: Context | None = None
    """Context in which the span was started."""
    _context: Context | None = None
    """Context inside the span, made when somebody asks for it."""
    _outside: Context | None = None
    """Context that `attach()` replaced."""
    _entries: int = 0
    """How often a block was entered while another one was open: by mistake, see `_IN_USE`."""


@dataclass(eq=False, repr=False)
class Recording(_Life):
    """One span while it is recorded, in whichever of three ways fits the caller.

    As a context manager (`with` or `async with`), as a decorator of a function, coroutine
    function, generator or async generator (a new span for each call), or driven by hand from
    callbacks: `start()`, typed methods, `end()`. Started by hand it touches no ambient state,
    so it may be started, filled and ended from any thread and in any order.

    No method raises because of Handspan. An exception of the user's passes unchanged.
    """

    kind: ClassVar[semconv.Kind | None]
    """What the span is, on the wire `handspan.kind`; None: no agent work."""

    _: KW_ONLY
    attributes: Mapping[str, AttributeValue | None] | None = None
    """More that you want on the span, under names of your own; cheaper here than set later."""
    capture_content: bool | None = None
    """Whether messages, arguments and results are recorded, here and inside; None: as around it,
    at last as the setting `capture_content` says."""

    # --- as a context manager and decorator ---

    def __enter__(self) -> Self:
        """Start the span and make it current."""
        if self._span is not None and not self._ended:
            self._entries += 1
            warn_once(_IN_USE)
            return self
        self._admit()
        self._open(None, None)
        span = self._span
        if span is not None:
            self._outside = outside = get_current()
            self._context = within = inside(
                outside if self._outer is None else self._outer, span, self._run
            )
            attach(within)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the span; the exception, if any, goes on unchanged."""
        if self._entries:
            self._entries -= 1
            return
        if self._span is not None:
            self.end(error)
            self._leave()

    async def __aenter__(self) -> Self:
        """Start the span and make it current."""
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the span; the exception, if any, goes on unchanged."""
        self.__exit__(kind, error, traceback)

    if TYPE_CHECKING:

        def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
            """Record every call of `function`; a generator's span lasts until it is exhausted."""

    else:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function's
            """Record every call of a function; a generator's span lasts until it is exhausted."""
            bare = self._bare()
            return decorated(self, *args) if bare is None else bare(*args, **kwargs)

    # --- by hand ---

    def start(self, parent: Recording | Context | None = None, start_ns: int | None = None) -> Self:
        """Open the span without making it current.

        Args:
            parent: what it belongs to; None: the current Context, `Context()`: a new trace.
            start_ns: when it began, nanoseconds since the epoch; None: now.
        """
        self._open(parent, start_ns)
        return self

    def end(
        self,
        error: BaseException | str | None = None,
        end_ns: int | None = None,
        *,
        error_type: str | None = None,
    ) -> None:
        """End the span; a second call does nothing.

        Args:
            error: what went wrong, as the exception or in words. Exceptions that are no errors
                (CancelledError, KeyboardInterrupt, GeneratorExit) leave the status unset.
            end_ns: when it ended, nanoseconds since the epoch; None: now.
            error_type: `error.type`; None: the exception's class.
        """
        if self._span is not None and not self._ended:
            self._ended = True
            at_ns = now_ns() if end_ns is None else end_ns
            self._close(self._span, error, error_type, at_ns)

    def attach(self) -> None:
        """Make the started span current here until `detach()`."""
        if self._span is not None and get_current() is not self.context:
            self._outside = get_current()
            attach(self.context)

    def detach(self) -> None:
        """Make current again what was current before `attach()`, unless somebody else moved on.

        Another thread or task may call it; what is current elsewhere stays as it is there.
        """
        self._leave()

    @contextmanager
    def active(self) -> Iterator[Self]:
        """Make the started span current for a block, here and in any number of threads."""
        if self._span is None:
            yield self
            return
        outside, inside = get_current(), self.context
        attach(inside)
        try:
            yield self
        finally:
            leave(get_current(), inside, outside)

    def set(self, name: str, value: AttributeValue | None) -> None:
        """Set one attribute of the open span; None sets nothing.

        Args:
            name: a constant of `handspan.semconv`, or a name of your own.
            value: string, bool, int, float or a sequence of one of them.
        """
        if value is None or self._span is None or (self._ended and self._is_over(name)):
            return
        try:
            _put(self._span, _known({name: value}))
        except Exception as error:  # noqa: BLE001 - see `_open`
            log_internal_error(error, "Recording.set")

    def _set_all(self, attributes: dict[str, Any]) -> None:
        """Set what is not None, of a dict that is given away; one call of the SDK for all."""
        if self._span is None or (self._ended and self._is_over(*attributes)):
            return
        try:
            _put(self._span, _known(attributes))
        except Exception as error:  # noqa: BLE001 - see `_open`
            log_internal_error(error, "Recording.set")

    def _is_over(self, *names: str) -> bool:
        """Say whether the span has ended; what comes then is lost, and said so once."""
        if getattr(self._span, "end_time", None) is None:
            return False
        kind = type(self).__name__.lower()
        warn_once(
            f"Handspan: {', '.join(names):.60} of a {kind} came after its end and is lost; "
            "say it inside the block, or before end()"
        )
        return True

    # --- what others may ask ---

    @property
    def started(self) -> bool:
        """Whether there is a span: not before start, and never without a tracer provider."""
        return self._span is not None

    @property
    def span(self) -> Span:
        """The OpenTelemetry span; one that records nothing before start and without an SDK."""
        return INVALID_SPAN if self._span is None else self._span

    @property
    def context(self) -> Context:
        """The OpenTelemetry Context inside the span, to hand to a thread or to another tool."""
        if self._span is None:
            return get_current()
        if self._context is None:
            outer = get_current() if self._outer is None else self._outer
            self._context = inside(outer, self._span, self._run)
        return self._context

    # --- what a verb says of itself ---

    def _span_name(self) -> str:
        raise NotImplementedError

    def _span_kind(self) -> SpanKind:
        return SpanKind.INTERNAL

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        """Return the attributes known at start; None: not known."""
        raise NotImplementedError

    def _links(self) -> Sequence[Link]:
        """Return the links to other spans, known at start."""
        return ()

    def _around(self) -> Context:
        """Return the Context in which to start when the caller gives no parent."""
        return get_current()

    def _run_inside(self, outer: Run) -> Run:
        """Return who runs inside the span, when `outer` runs around it."""
        return outer

    def _after_start(self, span: Span) -> None:
        """Add what only the open span knows."""

    def _before_end(self, error: BaseException | str | None) -> None:
        """Add what only the end of the span knows."""

    def _after_end(self) -> None:
        """Do what comes when the span has ended."""

    def _fails(self, error: BaseException | str) -> bool:
        """Say whether ending with `error` makes the span an error."""
        return is_error(error)

    def _admit(self) -> None:
        """Raise what the user asked for, before a block or decorated call begins."""

    def _is_idle(self) -> bool:
        """Say whether a decorated call has nothing to do but to be made."""
        return current_tracer() is None

    def _item(self) -> None:
        """Note an item that a decorated generator yields."""

    def _exhausted(self) -> None:
        """Note that a decorated generator has come to its own end."""

    def _begin_body(self) -> Context | None:
        self._admit()
        self.start()
        return self.context if self.started else None

    def _end_body(self, error: BaseException | None) -> None:
        if error is None:
            self._exhausted()
        self.end(error)

    def _returned(self, result: object) -> None:
        """Note what a decorated function returned."""

    # --- the span's life ---

    def _handed_on(self) -> Self:
        """Leave the block with the span open; return the recording that ends it."""
        self._leave()
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        self._forget()
        return twin

    @contextmanager
    def _continued(self) -> Iterator[None]:
        """Go on inside the open span, and end it."""
        with self.active():
            try:
                yield
            except BaseException as error:
                self.end(error)
                raise
            self.end()

    def _leave(self) -> None:
        """Make current what was around the block."""
        # A plain attach, not a token's reset: a token is bound to the task it was made in.
        if self._outside is None or self._context is None:
            return
        here = get_current()
        # Somebody may have attached something inside (baggage) and not detached it.
        over = here is self._context or get_current_span(here) is self._span
        leave(here, self._context, self._outside, over=over)

    def _for_call(
        self, function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> Self:
        """Return a recording with the same definition, for one call of a decorated function."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        if self._span is not None:
            twin._forget()
        twin._called(function, args, kwargs)
        return twin

    def _called(
        self, function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        """Note which call of a decorated function this is the recording of."""

    def _forget(self) -> None:
        """Keep the definition, drop the state of an earlier use."""
        for name in [name for name in self.__dict__ if name.startswith("_")]:
            del self.__dict__[name]

    def _open(self, parent: Recording | Context | None, start_ns: int | None) -> None:
        # Written out rather than `@contained`, as in `_close`: each span passes both.
        try:
            tracer = current_tracer()
            if tracer is None:
                return
            if self._span is not None:
                self._forget()
            outer = parent.context if isinstance(parent, Recording) else parent
            self._outer = outer = self._around() if outer is None else outer
            around = run_in(outer)
            self._run = self._run_inside(around)
            captures = self.capture_content
            captures = around.capture_content if captures is None else captures
            if captures is not None:
                self._run = self._run.with_capture(captures)
            attributes = self._at_start()
            if not hasattr(tracer, "makes_plain"):
                attributes = _known(all_plain(attributes))
            self._start_ns = now_ns() if start_ns is None else start_ns
            self._span = tracer.start_span(
                self._span_name(),
                outer,
                self._span_kind(),
                attributes,
                self._links(),
                self._start_ns,
            )
            self._after_start(self._span)
        except Exception as error:  # noqa: BLE001 - see above
            log_internal_error(error, "Recording._open")

    def _at_start(self) -> dict[str, AttributeValue]:
        """Return all attributes known at start in one dict; what Handspan means wins."""
        attributes: dict[str, Any] = {
            **(self.attributes if type(self.attributes) is dict else self._own()),
            **self._run.attributes,
            semconv.KIND: self.kind,
            **self._attributes(),
        }
        return _known(attributes)

    def _own(self) -> Mapping[str, AttributeValue | None]:
        """Return the user's own attributes, if they are any."""
        if self.attributes is None or isinstance(self.attributes, Mapping):
            return self.attributes or _NOTHING
        warn_once(f"Handspan ignores attributes={self.attributes!r:.80}: that is no mapping")
        return _NOTHING

    def _close(
        self, span: Span, error: BaseException | str | None, error_type: str | None, at_ns: int
    ) -> None:
        try:
            self._before_end(error)
            if error is not None and span.is_recording():
                fail(span, error, error_type, at_ns, is_error=self._fails(error))
        except Exception as bug:  # noqa: BLE001 - see `_open`
            log_internal_error(bug, "Recording._close")
        try:
            span.end(at_ns)
            self._after_end()
        except Exception as bug:  # noqa: BLE001 - see `_open`
            log_internal_error(bug, "Recording._end")


_NOTHING: Mapping[str, AttributeValue] = {}


def _put(span: Span, attributes: dict[str, Any]) -> None:
    """Set attributes the quick way, where there is one."""
    put = getattr(span, "put", None)
    if put is None:
        span.set_attributes(_known(all_plain(attributes)))
    else:
        put(attributes)


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    """Take out what is None, in the dict itself."""
    # Most are known: taking out the others is quicker than copying these.
    for name in [name for name, value in attributes.items() if value is None]:
        del attributes[name]
    return attributes

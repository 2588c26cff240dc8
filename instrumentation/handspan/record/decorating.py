"""A recording as a decorator: functions, coroutine functions, generators, async generators.

A generator's body runs inside the span, its consumer does not: the body has a Context of its
own, which is current only while it runs, so interleaved generators never see each other's span.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from opentelemetry.context import attach, get_current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

    from opentelemetry.context import Context

    from handspan.record.recording import Recording

    Make = Callable[[tuple[object, ...], dict[str, object]], Recording]
    """Makes the recording of one call from the call's arguments."""
    MakeAround = Callable[[tuple[object, ...], dict[str, object]], "Around"]
    """Makes what lasts as long as one generator from the arguments of its call."""

P = ParamSpec("P")
R = TypeVar("R")


class Around(Protocol):
    """What lasts as long as a generator: a recording, a budget's block."""

    def _begin_body(self) -> Context | None:
        """Begin; return the Context in which the body runs, None: in that of its reader."""

    def _item(self) -> None:
        """Note that the body yields an item."""

    def _end_body(self, error: BaseException | None) -> None:
        """End; None: the body has come to its own end."""


def decorated(definition: Recording, function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with a new recording around each call, defined as `definition` is."""
    if isinstance(function, staticmethod | classmethod):
        kind: Any = type(function)
        return cast("Callable[P, R]", kind(decorated(definition, function.__func__)))
    make = functools.partial(definition._for_call, function)
    if inspect.iscoroutinefunction(function):
        wrapper = _coroutine(make, function)
    elif inspect.isasyncgenfunction(function):
        wrapper = async_generator(make, function)
    elif inspect.isgeneratorfunction(function):
        wrapper = generator(make, function)
    else:
        wrapper = _plain(make, definition._is_idle, function)
    return cast("Callable[P, R]", functools.update_wrapper(wrapper, function))


def _plain(
    make: Make, is_idle: Callable[[], bool], function: Callable[..., Any]
) -> Callable[..., Any]:
    def recorded(*args: object, **kwargs: object) -> object:
        if is_idle():
            return function(*args, **kwargs)
        with make(args, kwargs) as recording:
            result = function(*args, **kwargs)
            if type(result) is CoroutineType:
                return named_as(result, _finishing(recording._handed_on(), result))
            recording._returned(result)
            return result

    return recorded


def named_as(
    original: Coroutine[Any, Any, object], wrapper: Coroutine[Any, Any, object]
) -> Coroutine[Any, Any, object]:
    """Return the wrapper under the name that the user knows, for warnings and debuggers."""
    told: Any = wrapper
    known: Any = original
    told.__name__, told.__qualname__ = known.__name__, known.__qualname__
    return wrapper


async def _finishing(recording: Recording, coroutine: Coroutine[Any, Any, object]) -> object:
    """Await what a plain function has returned, which is its work: a wrapped coroutine function.

    Other decorators, and objects that are called, hide from `inspect` that they are asynchronous.
    """
    with recording._continued():
        result = await coroutine
        recording._returned(result)
        return result


def _coroutine(make: Make, function: Callable[..., Any]) -> Callable[..., Any]:
    async def recorded(*args: object, **kwargs: object) -> object:
        with make(args, kwargs) as recording:
            result = await function(*args, **kwargs)
            recording._returned(result)
            return result

    return recorded


def generator(make: MakeAround, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a generator function with something around the body of each."""

    def recorded(*args: object, **kwargs: object) -> Generator[object, object, object]:
        around = make(args, kwargs)
        inside = _Inside(around._begin_body())
        try:
            result = yield from _stepping(inside, function(*args, **kwargs), around._item)
        except BaseException as error:
            around._end_body(error)
            raise
        around._end_body(None)
        return result

    return recorded


class _Inside:
    """The Context of a generator's body, current within `with` only; None: that of its reader."""

    def __init__(self, context: Context | None) -> None:
        self._inside = context
        self._outside: Context | None = None

    def __enter__(self) -> None:
        if self._inside is not None:
            self._outside = get_current()
            attach(self._inside)

    def __exit__(self, *_: object) -> None:
        if self._outside is not None:
            # The body may be inside a block of its own: its Context is not the span's any more.
            self._inside = get_current()
            attach(self._outside)

    def close(self, body: Generator[object, object, object]) -> None:
        """Close the body with its Context current, in a copy of all context variables.

        The garbage collector closes abandoned generators in the middle of anything, and Python
        3.11 crashes when a variable is set while the same one is being set further out.
        """
        copy_context().run(self._close, body)

    def _close(self, body: Generator[object, object, object]) -> None:
        if self._inside is not None:
            attach(self._inside)
        body.close()


def _stepping(
    inside: _Inside, body: Generator[object, object, object], item_came: Callable[[], object]
) -> Generator[object, object, object]:
    """Drive `body` with its Context current at each of its steps only."""
    step: Callable[[Any], object] = body.send
    given: object = None
    while True:
        try:
            with inside:
                item = step(given)
        except StopIteration as stop:
            return stop.value
        item_came()
        try:
            given = yield item
            step = body.send
        except GeneratorExit:
            inside.close(body)
            raise
        except BaseException as error:  # noqa: BLE001 - the body decides what to do with it
            step, given = body.throw, error


def async_generator(make: MakeAround, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an async generator function with something around the body of each."""

    async def recorded(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        around = make(args, kwargs)
        inside = _Inside(around._begin_body())
        body = function(*args, **kwargs)
        step, given = body.asend, None
        try:
            while True:
                try:
                    with inside:
                        item = await step(given)
                except StopAsyncIteration:
                    break
                around._item()
                try:
                    given = yield item
                    step = body.asend
                except GeneratorExit:
                    with inside:
                        await body.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - the body decides
                    step, given = body.athrow, error
        except BaseException as error:
            around._end_body(error)
            raise
        around._end_body(None)

    return recorded

"""A recording as a decorator: functions, coroutine functions, generators, async generators.

A generator's body runs inside the span, its consumer does not: the body has a Context of its
own, which is current only while it runs, so interleaved generators never see each other's span.
"""

from __future__ import annotations

import functools
import inspect
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from opentelemetry.context import attach, get_current

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from opentelemetry.context import Context

    from handspan.record.recording import Recording

    Make = Callable[[tuple[object, ...], dict[str, object]], Recording]
    """Makes the recording of one call from the call's arguments."""

P = ParamSpec("P")
R = TypeVar("R")


def decorated(definition: Recording, function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with a new recording around each call, defined as `definition` is."""
    make = functools.partial(definition._for_call, function)
    if inspect.iscoroutinefunction(function):
        wrapper = _coroutine(make, function)
    elif inspect.isasyncgenfunction(function):
        wrapper = _async_generator(make, function)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(make, function)
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
            recording._returned(result)
            return result

    return recorded


def _coroutine(make: Make, function: Callable[..., Any]) -> Callable[..., Any]:
    async def recorded(*args: object, **kwargs: object) -> object:
        with make(args, kwargs) as recording:
            result = await function(*args, **kwargs)
            recording._returned(result)
            return result

    return recorded


def _generator(make: Make, function: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(*args: object, **kwargs: object) -> Generator[object, object, object]:
        recording = make(args, kwargs)
        recording._admit()
        recording.start()
        try:
            result = yield from _stepping(recording, function(*args, **kwargs))
        except BaseException as error:
            recording.end(error)
            raise
        recording._exhausted()
        recording.end()
        return result

    return recorded


class _Inside:
    """The Context of a generator's body, current within `with` only."""

    def __init__(self, recording: Recording) -> None:
        self._inside = recording.context if recording.started else None
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
    recording: Recording, body: Generator[object, object, object]
) -> Generator[object, object, object]:
    """Drive `body` with the span current at each of its steps only."""
    inside = _Inside(recording)
    step: Callable[[Any], object] = body.send
    given: object = None
    while True:
        try:
            with inside:
                item = step(given)
        except StopIteration as stop:
            return stop.value
        recording._item()
        try:
            given = yield item
            step = body.send
        except GeneratorExit:
            inside.close(body)
            raise
        except BaseException as error:  # noqa: BLE001 - the body decides what to do with it
            step, given = body.throw, error


def _async_generator(make: Make, function: Callable[..., Any]) -> Callable[..., Any]:
    async def recorded(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        recording = make(args, kwargs)
        recording._admit()
        recording.start()
        inside = _Inside(recording)
        body = function(*args, **kwargs)
        step, given = body.asend, None
        try:
            while True:
                try:
                    with inside:
                        item = await step(given)
                except StopAsyncIteration:
                    break
                recording._item()
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
            recording.end(error)
            raise
        recording._exhausted()
        recording.end()

    return recorded

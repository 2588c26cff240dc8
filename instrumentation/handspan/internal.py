"""Where Handspan's own bugs end: logged once each, never raised into the user's code."""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger("handspan")
_logged: set[tuple[str, type[Exception]]] = set()
_warned: set[str] = set()

listeners: list[Callable[[Exception], None]] = []
"""Called with every internal error; the pytest plugin turns them into failures here."""


def log_internal_error(error: Exception, doing: str) -> None:
    """Log a bug of Handspan with its traceback, once per place and type of error.

    Args:
        error: what was raised.
        doing: the function that failed, for the message.
    """
    for listener in tuple(listeners):
        listener(error)
    seen = (doing, type(error))
    if seen in _logged:
        return
    _logged.add(seen)
    _logger.error(
        "Handspan failed in %s; your program goes on, its telemetry may be incomplete "
        "(this is logged once; unless what you passed was wrong, please report it)",
        doing,
        exc_info=error,
    )


def warn_once(message: str) -> None:
    """Log a warning to the user, the first time only."""
    if message not in _warned:
        _warned.add(message)
        _logger.warning(message)


def warn(message: str) -> None:
    """Log a warning to the user; the caller sees to it that it is rare."""
    _logger.warning(message)


def finished_within(limit_s: float, work: Callable[[], object], name: str) -> bool:
    """Do `work` in a thread and wait for it at most `limit_s`.

    Returns:
        Whether it came to its end in time, and without an exception. Else it is left to itself:
        its thread ends with the program.
    """
    done = threading.Event()

    @contained
    def run() -> None:
        work()
        done.set()

    worker = threading.Thread(target=run, name=name, daemon=True)
    worker.start()
    worker.join(limit_s)
    return done.is_set()


def in_forked_child(method: Callable[[], object]) -> None:
    """Call a bound method in every process forked from here on, as long as its object lives.

    A lock that another thread holds while the process forks is held for ever in the child.
    """
    if hasattr(os, "register_at_fork"):
        weak = weakref.WeakMethod(method)
        os.register_at_fork(after_in_child=lambda: _called(weak))


def _called(weak: weakref.WeakMethod[Callable[[], object]]) -> None:
    method = weak()
    if method is not None:
        method()


def contained(function: Callable[P, R]) -> Callable[P, R | None]:
    """Let no exception out of `function`: it is logged and the call returns None.

    KeyboardInterrupt, CancelledError and the like pass: they are the user's.
    """

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one place that catches everything
            log_internal_error(error, function.__qualname__)
            return None

    return inside

"""Where Handspan's own bugs end: logged once each, never raised into the user's code."""

from __future__ import annotations

import functools
import logging
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
        "(this is logged once; please report it)",
        doing,
        exc_info=error,
    )


def warn_once(message: str) -> None:
    """Log a warning to the user, the first time only."""
    if message not in _warned:
        _warned.add(message)
        _logger.warning(message)


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

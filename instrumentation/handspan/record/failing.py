"""What is written on a span that did not end well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import Status, StatusCode

from handspan import semconv

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_ERRORS = (Exception, str)


def fail(
    span: Span, error: BaseException | str, error_type: str | None, at_ns: int, *, is_error: bool
) -> None:
    """Write how an open span fails: `error.type`, and for an error also its event and status.

    Args:
        span: one that records.
        error: what went wrong, as the exception or in words.
        error_type: `error.type`; None: the exception's class.
        at_ns: when, nanoseconds since the epoch.
        is_error: whether the span counts as failed; see the function of that name.
    """
    span.set_attribute(semconv.ERROR_TYPE, error_type or type_name(error))
    if is_error:
        if isinstance(error, Exception):
            span.record_exception(error, timestamp=at_ns)
        span.set_status(Status(StatusCode.ERROR, str(error)))


def is_error(error: BaseException | str | None) -> bool:
    """Say whether a span that ended so failed.

    As in OpenTelemetry, what is not an `Exception` is no error: cancelling, interrupting and
    leaving a generator early are ways to stop.
    """
    return isinstance(error, _ERRORS)


def type_name(error: BaseException | str) -> str:
    """Return `error.type` for an error."""
    if isinstance(error, str):
        return semconv.ERROR_TYPE_OTHER
    kind = type(error)
    builtin = kind.__module__ == "builtins"
    return kind.__qualname__ if builtin else f"{kind.__module__}.{kind.__qualname__}"

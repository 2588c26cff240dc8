"""The run as it happens, as a tree on the terminal: for whoever is writing agents."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

from handspan.internal import contained, warn_once
from handspan.record.tracer import current_provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.sdk.trace import SpanProcessor


@contained
def console(
    stream: IO[str] | None = None, *, colour: bool | None = None, jsonl: str | Path | None = None
) -> None:
    """Print every span as it starts and ends, indented below its parent.

    Without a tracer provider one is made that sends nothing, so that a first program needs no
    service; who wants to send calls `configure()` first. What is printed is redacted. Asking
    again for the same place changes nothing. Never raises; a stream that fails is one warning.

    Args:
        stream: where to; None: standard error.
        colour: None: only on a terminal, and not when NO_COLOR is set.
        jsonl: a file that gets the same as one JSON object per line, see `handspan.jsonl`.

    Example:
        >>> handspan.console()
        >>> with handspan.workflow("support"), handspan.agent("triage"):
        ...     pass
        ▶ invoke_workflow support
          ▶ invoke_agent triage
          ✓ invoke_agent triage 0.0 ms
        ✓ invoke_workflow support 0.1 ms
    """
    # The SDK is paid for only by who prints.
    from handspan.jsonl import JsonlProcessor  # noqa: PLC0415
    from handspan.span_tree import SpanTreeProcessor  # noqa: PLC0415

    where = sys.stderr if stream is None else stream
    _add(where, lambda: SpanTreeProcessor(where, colour=colour))
    if jsonl is not None:
        _add(os.path.realpath(jsonl), lambda: JsonlProcessor(jsonl))


_told: list[tuple[object, object]] = []
"""Provider and stream or file, of each call: asking twice must not print twice."""


def _add(where: object, make: Callable[[], SpanProcessor]) -> None:
    """Add a processor to the provider in use, or to one made for it; once for each place."""
    provider = current_provider() or _local_provider()
    if any(one is provider and (to is where or to == where) for one, to in _told):
        return
    add_span_processor = getattr(provider, "add_span_processor", None)
    if add_span_processor is None:
        warn_once(
            f"Handspan prints nothing: a {type(provider).__name__} takes no span processors; "
            "call handspan.configure(tracer_provider=...) with one of the SDK's first"
        )
        return
    add_span_processor(make())
    _told.append((provider, where))


def _local_provider() -> object:
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    from handspan.record.tracer import use_provider  # noqa: PLC0415

    provider = TracerProvider()
    trace.set_tracer_provider(provider)
    use_provider(provider)
    return provider

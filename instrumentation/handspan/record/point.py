"""A point in time: an event on the current span, or a span without length where none records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import get_current
from opentelemetry.trace import get_current_span

from handspan import semconv
from handspan.clock import now_ns
from handspan.context import run_in
from handspan.internal import contained
from handspan.record.tracer import current_tracer
from handspan.record.values import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.util.types import AttributeValue


@contained
def happened(
    event: str,
    attributes: Mapping[str, AttributeValue | None],
    *,
    span_name: str | None = None,
    kind: semconv.Kind | None = None,
    context: Context | None = None,
) -> None:
    """Record that something happened now; never both as event and as span.

    Args:
        event: name of the event.
        attributes: what is known about it; None: not known.
        span_name: name of the span without length; None: as the event.
        kind: what such a span is; None: no agent work.
        context: where it happened; None: in the current Context.
    """
    tracer = current_tracer()
    if tracer is None:
        return
    where = get_current() if context is None else context
    told = {name: plain(value) for name, value in attributes.items()}
    known = {name: value for name, value in told.items() if value is not None}
    at_ns = now_ns()
    around = get_current_span(where)
    if around.is_recording():
        around.add_event(event, known, at_ns)
        return
    if kind is not None:
        known[semconv.KIND] = kind
    named = {**run_in(where).attributes, **known}
    tracer.start_span(span_name or event, where, attributes=named, start_time=at_ns).end(at_ns)

"""Completes spans of a tracer provider that somebody else set up, as well as the SDK lets us.

With `record.opening` the only file that touches private parts of the SDK. A span can be changed
for all exporters only in `_on_ending` (SDK 1.40 and later); on an older one its copy is changed
after the exporters' processors have queued it, which is in time for batches. When the parts are
gone, spans leave as they are and one line is logged. tests/instrumentation/leaving/test_ending.py
holds for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from handspan import semconv
from handspan.internal import contained
from handspan.processors.completion import completed_parts
from handspan.processors.parts import changed_events, changed_links, changed_status
from handspan.rivals import notice

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from handspan.processors.parts import Parts

SDK_DEFAULT = 128
ROOM = 1024
"""Attributes that a span may have until it ends: then the important ones are kept, whereas the
SDK would drop the oldest, which are model and names."""


class EndingProcessor(SpanProcessor):
    """Adds cost, redacts and limits the spans inside a Handspan run; leaves others alone.

    The provider is somebody else's: what has nothing to do with agents is not ours to change.
    """

    _asked_in_time = False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Make room for attributes, unless the host chose another limit than the default."""
        if not is_own(span):
            self._make_room(span)

    @contained
    def _make_room(self, span: Span) -> None:
        if span.instrumentation_scope is not None:
            notice(span.instrumentation_scope.name)
        attributes = span._attributes  # noqa: SLF001 - see above
        if getattr(attributes, "maxlen", None) == SDK_DEFAULT and is_inside_run(span):
            attributes.maxlen = ROOM  # type: ignore[union-attr]

    @contained
    def _on_ending(self, span: Span) -> None:
        """Change the span before any exporter sees it."""
        self._asked_in_time = True
        _complete_in_place(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Change the span that was queued, if the SDK does not call `_on_ending`."""
        if not self._asked_in_time:
            self._complete_queued(span)

    @contained
    def _complete_queued(self, span: ReadableSpan) -> None:
        _complete_in_place(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Hold nothing back; SDK 1.39 takes its own default for a failure."""
        return True


def is_own(span: ReadableSpan) -> bool:
    """Say whether Handspan has made the span; of these `record.opening` makes room itself."""
    scope = span.instrumentation_scope
    return scope is not None and scope.name == semconv.SCOPE_NAME


def is_inside_run(span: ReadableSpan) -> bool:
    """Say whether a span belongs to a run of agents: attribution has put that on it."""
    if is_own(span):
        return True
    attributes = span.attributes or {}
    return any(name in attributes for name in _MARKS)


_MARKS = (semconv.KIND, semconv.WORKFLOW_NAME, semconv.AGENT_NAME)


def _complete_in_place(span: ReadableSpan) -> None:
    if not is_inside_run(span):
        return
    parts, _ = completed_parts(span)
    if parts is not None:
        _replace(span, parts)


def _replace(span: ReadableSpan, parts: Parts) -> None:
    """Put the parts into the span; whole objects, because others may be reading the old ones."""
    attributes = BoundedAttributes(attributes=parts.attributes)
    attributes.dropped = span.dropped_attributes
    # All are made before the first is replaced: half a redaction would be none.
    events, links, status = (
        changed_events(span, parts),
        changed_links(span, parts),
        changed_status(span, parts),
    )
    span._name = parts.name  # noqa: SLF001 - see above
    span._attributes = attributes  # noqa: SLF001
    span._events = events  # noqa: SLF001
    span._links = links  # noqa: SLF001
    span._status = status  # noqa: SLF001

"""What happens as JSON lines: one object when a span starts, one when it ends.

The shape is that of the event stream many teams already have, so their readers go on working:

    {"event_type": "agent_started", "timestamp": 1767225600.0, "payload": {"name": ...}}

`event_type` is the kind of the span with `_started` or `_completed`; spans of others are of kind
`span`. Span events are in the payload of the completed span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from handspan import semconv
from handspan.internal import contained, warn_once
from handspan.json_lines import JsonLines
from handspan.processors import redaction
from handspan.processors.completion import completed

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span


class JsonlProcessor(SpanProcessor):
    """Writes the start and the end of every span to a file, as they happen.

    What is written is what would be sent: redacted, cut to size, with the cost if it is known.
    """

    def __init__(self, path: str | Path) -> None:
        """Append to `path`; its folder is made when it is missing."""
        self._lines = JsonLines(path)

    @contained
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Write that the span begins."""
        self._write("started", span.start_time, span, {})

    @contained
    def on_end(self, span: ReadableSpan) -> None:
        """Write how the span ended."""
        span, _ = completed(span)
        taken_ns = (span.end_time or 0) - (span.start_time or 0)
        more: dict[str, object] = {"duration_ms": taken_ns / 1e6, "events": _events(span)}
        if span.status.status_code is StatusCode.ERROR:
            more["error"] = span.status.description
        self._write("completed", span.end_time, span, more)

    @contained
    def shutdown(self) -> None:
        """Close the file."""
        self._lines.close()

    def _write(
        self,
        what: str,
        at_ns: int | None,
        span: ReadableSpan,
        more: dict[str, object],
    ) -> None:
        attributes = redaction.current().attributes(span.attributes or {})
        context = span.get_span_context()
        payload: dict[str, object] = {
            "name": redaction.current().text(span.name),
            "trace_id": format_trace_id(context.trace_id) if context else None,
            "span_id": format_span_id(context.span_id) if context else None,
            "parent_span_id": format_span_id(span.parent.span_id) if span.parent else None,
            "attributes": attributes,
        }
        record = {
            "event_type": f"{attributes.get(semconv.KIND, 'span')}_{what}",
            "timestamp": _seconds(at_ns or 0),
            "payload": payload | more,
        }
        try:
            self._lines.append(record)
        except OSError as error:
            warn_once(f"Handspan cannot write events to {self._lines.path}: {error}")


def _events(span: ReadableSpan) -> list[dict[str, object]]:
    return [
        {"name": event.name, "timestamp": _seconds(event.timestamp), **(event.attributes or {})}
        for event in span.events
    ]


def _seconds(at_ns: int) -> float:
    """Return seconds since the epoch, to the microsecond: a float holds no more."""
    return at_ns // 1000 / 1e6

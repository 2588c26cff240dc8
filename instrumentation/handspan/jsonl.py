"""What happens as JSON lines: one object when a span starts, one when it ends.

The shape is that of the event stream many teams already have, so their readers go on working:

    {"event_type": "agent_started", "timestamp": 1767225600.0, "payload": {"name": ...}}

`event_type` is the kind of the span with `_started` or `_completed`; spans of others are of kind
`span`. Span events are in the payload of the completed span.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from handspan import semconv
from handspan.internal import contained, warn_once

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span


class JsonLines:
    """A file to which JSON objects are appended, one a line, each written whole.

    From any thread. What JSON does not know is written as its `str()`.
    """

    def __init__(self, path: str | Path) -> None:
        """Append to `path`; its folder is made when it is missing, at the first line."""
        self.path = Path(path)
        self._file: IO[str] | None = None
        self._lock = threading.Lock()

    def append(self, record: object) -> None:
        """Append one object; returns when the operating system has it.

        Raises:
            OSError: the file cannot be written.
        """
        line = json.dumps(record, default=str, skipkeys=True, ensure_ascii=False) + "\n"
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A line in one write: lines of other processes fall between ours, not into them.
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Close the file; another `append` opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def read_json_lines(path: str | Path) -> list[dict[str, Any]]:
    """Return the objects of a file, oldest first; a missing file has none.

    A line that is no JSON object, such as the torn last line of a crash, is left out.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [record for line in text.splitlines() if (record := _parsed(line)) is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class JsonlProcessor(SpanProcessor):
    """Writes the start and the end of every span to a file, as they happen.

    Attributes are written as they are on the span: content only when content capture is on.
    """

    def __init__(self, path: str | Path) -> None:
        """Append to `path`; its folder is made when it is missing."""
        self._lines = JsonLines(path)

    @contained
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Write that the span begins."""
        self._write("started", span.start_time, span)

    @contained
    def on_end(self, span: ReadableSpan) -> None:
        """Write how the span ended."""
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
        more: dict[str, object] | None = None,
    ) -> None:
        attributes = dict(span.attributes or {})
        context = span.get_span_context()
        payload: dict[str, object] = {
            "name": span.name,
            "trace_id": format_trace_id(context.trace_id) if context else None,
            "span_id": format_span_id(context.span_id) if context else None,
            "parent_span_id": format_span_id(span.parent.span_id) if span.parent else None,
            "attributes": attributes,
        }
        record = {
            "event_type": f"{attributes.get(semconv.KIND, 'span')}_{what}",
            "timestamp": _seconds(at_ns or 0),
            "payload": payload | (more or {}),
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

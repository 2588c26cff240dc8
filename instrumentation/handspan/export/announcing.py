"""Where `handspan.started` goes: the program's own logs, else logs of ours beside the spans."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import (
    LogRecord,
    NoOpLoggerProvider,
    SeverityNumber,
    get_logger_provider,
)
from opentelemetry.context import Context
from opentelemetry.trace import format_span_id, set_span_in_context

from handspan import semconv
from handspan.clock import now_ns
from handspan.export.quiet import listen, muted
from handspan.internal import finished_within
from handspan.processors import redaction
from handspan.processors.limits import limit
from handspan.processors.parts import Parts, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.sdk.trace import Span

_PAUSE_S = 60.0
_STOP_S = 1.0
_DELAY_MS = 500
"""Whoever looks at running work wants to see it; the SDK's 5 s would be half of its life."""


class Announcer:
    """Writes one log record for each span that it is given; quiet whatever becomes of it."""

    def __init__(self, make_provider: Callable[[], LoggerProvider | None]) -> None:
        """Load nothing yet: most programs have no span to announce.

        Args:
            make_provider: called at the first announcement; None: there is nowhere to write.
        """
        self._make_provider = make_provider
        self._provider: LoggerProvider | None = None
        self._logger: Logger | None = None

    def announce(self, span: Span) -> None:
        """Say that the span has begun and is still open."""
        if self._logger is None:
            self._provider = self._make_provider()
            writes_to = self._provider or NoOpLoggerProvider()
            self._logger = writes_to.get_logger(semconv.SCOPE_NAME)
        self._logger.emit(started_record(span))

    def stop(self) -> None:
        """Send what is waiting, for a second at most."""
        shutdown = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            finished_within(_STOP_S, shutdown, "handspan-exit-logs")


def started_record(span: Span) -> LogRecord:
    """Return the log record that announces an open span: its name, attributes and start."""
    attributes = copied(span.attributes)
    if span.parent is not None:
        attributes[semconv.PARENT_SPAN_ID] = format_span_id(span.parent.span_id)
    parts = Parts(span.name, attributes, [], [], None)
    redaction.current().redact(parts)
    limit(parts)
    return LogRecord(
        timestamp=span.start_time,
        observed_timestamp=now_ns(),
        context=set_span_in_context(span, Context()),
        severity_number=SeverityNumber.INFO,
        body=parts.name,
        attributes=parts.attributes,
        event_name=semconv.EVENT_STARTED,
    )


def own_log_provider() -> LoggerProvider | None:
    """Return the logger provider that the program has set up, None without one."""
    # By what it can do: OpenTelemetry's placeholder takes no processors.
    provider = get_logger_provider()
    return provider if hasattr(provider, "add_log_record_processor") else None


def log_provider(exporter: Any, resource: Any) -> LoggerProvider:  # noqa: ANN401 - names changed in 1.39
    """Return a logger provider of ours, which nobody else's logs go through."""
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - see `Announcer`
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415

    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    # Not derived from the SDK's base class: that would be 12 ms of imports for every program.
    sending: Any = PausingExporter(exporter)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(sending, schedule_delay_millis=_DELAY_MS)
    )
    return provider


class PausingExporter:
    """Gives up for a minute when log records are not taken: receivers of spans only are many.

    Announcements are a convenience, so their loss is neither logged nor counted.
    """

    def __init__(self, exporter: Any, now_s: Callable[[], float] = time.monotonic) -> None:  # noqa: ANN401
        self._exporter = exporter
        self._now_s = now_s
        self._again_at_s = float("-inf")
        self._refusal: object = None
        listen(exporter)

    def export(self, batch: Sequence[Any]) -> object:
        """Send log records, unless the last ones were refused within a minute."""
        if self._now_s() < self._again_at_s:
            return self._refusal
        with muted():
            result = self._exporter.export(batch)
        if getattr(result, "name", "") != "SUCCESS":
            self._refusal, self._again_at_s = result, self._now_s() + _PAUSE_S
        return result

    def shutdown(self) -> None:
        """Shut the wrapped exporter down."""
        with muted():
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Hold nothing back."""
        del timeout_millis
        return True

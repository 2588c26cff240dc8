"""Our exporter: completes spans, sends them in requests that fit, and counts what is lost.

It wraps any exporter. What the SDK lacks: a batch is bounded in number and not in bytes, so one
large span makes a receiver refuse 511 others; a text that Protobuf cannot hold loses its batch.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from handspan import settings
from handspan.export.losses import Losses, losses
from handspan.export.quiet import listen, muted
from handspan.internal import log_internal_error
from handspan.processors.completion import completed
from handspan.rivals import notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

_CONTENT = re.compile(
    r"INVALID_ARGUMENT|larger than max|too large|exceeds max|encod|\b4(?:00|13|22)\b", re.IGNORECASE
)
"""What exporters log when the receiver is fine and the request is not."""

_SEARCH_S = 10.0
"""So long the spans that spoil a request are looked for; the rest is lost with them."""


class SendingExporter(SpanExporter):
    """Completes spans and gives them to another exporter. Never raises."""

    def __init__(
        self,
        exporter: SpanExporter,
        lost: Losses = losses,
        done: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Wrap an exporter.

        Args:
            exporter: sends the completed spans.
            lost: counts those that it does not.
            done: called with the number of spans when they are sent or lost.
        """
        self._exporter = exporter
        self._lost = lost
        self._done = done
        listen(exporter)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; blocks as long as the wrapped exporter does.

        Returns:
            FAILURE when any of them was lost; all of these are counted.
        """
        sent = True
        give_up_s = time.monotonic() + _SEARCH_S
        for request in self._requests(spans):
            sent &= self._send(request, give_up_s)
        self._done(len(spans))
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Shut the wrapped exporter down."""
        with muted():
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the wrapped exporter; this one holds nothing back."""
        return self._exporter.force_flush(timeout_millis) is not False

    def _requests(self, spans: Sequence[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
        """Yield completed spans in requests of at most `max_request_bytes`."""
        limit_bytes = settings.current().max_request_bytes
        request: list[ReadableSpan] = []
        request_bytes = 0
        for span in spans:
            if span.instrumentation_scope is not None:
                notice(span.instrumentation_scope.name)
            try:
                ready, size_bytes = completed(span)
            except Exception as error:  # noqa: BLE001 - what is not redacted must not leave
                log_internal_error(error, "completion")
                self._lost.count("not redacted", 1)
                continue
            if request and request_bytes + size_bytes > limit_bytes:
                yield request
                request, request_bytes = [], 0
            request.append(ready)
            request_bytes += size_bytes
        if request:
            yield request

    def _send(self, request: list[ReadableSpan], give_up_s: float) -> bool:
        """Send one request; when its content is at fault, in halves, down to the single span."""
        said, its_content = self._tried(request)
        if said is None:
            return True
        if not its_content or time.monotonic() > give_up_s:
            self._lost.count("not sent", len(request), said)
            return False
        if len(request) == 1:
            self._lost.count("refused", 1, said)
            return False
        middle = len(request) // 2
        first = self._send(request[:middle], give_up_s)
        return self._send(request[middle:], give_up_s) and first

    def _tried(self, request: list[ReadableSpan]) -> tuple[str | None, bool]:
        """Return why the request was not taken, None if it was, and whether its content is why."""
        with muted() as heard:
            try:
                result = self._exporter.export(request)
            except Exception as error:  # noqa: BLE001 - an exporter of anybody's
                return f"{type(error).__name__}: {error}", True
        if result is SpanExportResult.SUCCESS:
            return None, False
        said = heard.last or "the exporter says no more"
        return said, _CONTENT.search(said) is not None

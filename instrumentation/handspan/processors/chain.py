"""The processors of a provider that Handspan makes: each is called only for what it looks at.

The SDK calls every processor three times for every span; most of ours look at one end of it, or
at neither. A call that does nothing takes 0.1 us, of which there are seven per span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import Span, SpanProcessor, SynchronousMultiSpanProcessor

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan


class Chain(SynchronousMultiSpanProcessor):
    """Calls processors in the order in which they were added, as the SDK's own does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._starts: tuple[SpanProcessor, ...] = ()
        self._endings: tuple[Any, ...] = ()
        self._ends: tuple[SpanProcessor, ...] = ()

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Add a processor at the end."""
        super().add_span_processor(span_processor)
        with self._lock:
            every = self._span_processors
            self._starts = tuple(one for one in every if _has_own(one, "on_start"))
            self._endings = tuple(one for one in every if _has_own(one, "_on_ending"))
            self._ends = tuple(one for one in every if _has_own(one, "on_end"))

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Call those that look at spans that start."""
        for one in self._starts:
            one.on_start(span, parent_context=parent_context)

    def _on_ending(self, span: Span) -> None:
        for one in self._endings:
            one._on_ending(span)  # noqa: SLF001 - how the SDK calls it

    def on_end(self, span: ReadableSpan) -> None:
        """Call those that look at spans that have ended."""
        for one in self._ends:
            one.on_end(span)


def _has_own(processor: SpanProcessor, method: str) -> bool:
    """Say whether the processor does anything there; it need not be derived from the SDK's."""
    theirs = getattr(type(processor), method, None)
    own_attribute = method in getattr(processor, "__dict__", ())
    return own_attribute or theirs is not getattr(SpanProcessor, method, None)

"""Says on every span who ran it: workflow, agent and attempt, from the Context it starts in.

So an httpx, database or other instrumentor's span below a Handspan span knows its agent. Spans
that Handspan makes already carry these attributes when they start.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from opentelemetry.sdk.trace import Span, SpanProcessor

from handspan import semconv
from handspan.context import NOBODY, run_in
from handspan.internal import contained

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import TracerProvider

# By id(): a provider of somebody's own class need not be hashable.
_attached: WeakValueDictionary[int, TracerProvider] = WeakValueDictionary()
_lock = threading.Lock()


class AttributionProcessor(SpanProcessor):
    """Puts the attributes of the running `handspan.context.Run` on spans made by others."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Complete the span as it starts; a name that it already has is kept."""
        scope = span.instrumentation_scope
        if scope is None or scope.name != semconv.SCOPE_NAME:
            _attribute(span, parent_context)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Hold nothing back; SDK 1.39 takes its own default for a failure."""
        return True


@contained
def _attribute(span: Span, parent_context: Context | None) -> None:
    run = run_in(parent_context)
    if run is not NOBODY:
        span.set_attributes({**run.attributes, **(span.attributes or {})})


def attach(provider: TracerProvider) -> None:
    """Add the processor to a tracer provider, once however often it is called.

    A provider that is not the SDK's and takes no processors is left alone.
    """
    add_span_processor = getattr(provider, "add_span_processor", None)
    with _lock:
        if add_span_processor is not None and id(provider) not in _attached:
            _attached[id(provider)] = provider
            add_span_processor(AttributionProcessor())

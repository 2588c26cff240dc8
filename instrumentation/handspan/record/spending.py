"""What model calls inside a budget cost, whoever records them.

A span processor, added with the first budget: programs without budgets do not pay for it. A call
counts once, where it was made: what wraps another call (a framework's span around the client's,
two instrumentors for one call) repeats its tokens and counts only if nothing inside has counted.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from handspan import prices
from handspan.calls import in_our_names, is_call, reported_usd
from handspan.internal import contained, in_forked_child
from handspan.processors import cost
from handspan.processors.parts import copied
from handspan.record.budget import has_budgets, spend, watchers

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import TracerProvider


_MOST_OPEN = 10_000
"""Spans that are watched at a time; calls in more of them are not counted."""


class _Open:
    """A span that is open inside a budget."""

    __slots__ = ("context", "has_counted", "parent_id", "span")

    def __init__(self, span: Span, context: Context) -> None:
        self.span = span
        self.context = context
        self.parent_id = None if span.parent is None else span.parent.span_id
        self.has_counted = False
        """Whether a call inside it has been counted."""


class SpendingProcessor(SpanProcessor):
    """Counts each call that ends into the budgets of the Context in which it began."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        in_forked_child(self._forget)

    @contained
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Watch a span inside a budget."""
        context = get_current() if parent_context is None else parent_context
        if has_budgets(context) and len(self._open) < _MOST_OPEN:
            self._open[span.get_span_context().span_id] = _Open(span, context)

    @contained
    def on_end(self, span: ReadableSpan) -> None:
        """Count what the span has cost, if it was a call."""
        own = span.get_span_context()
        watched = None if own is None else self._open.pop(own.span_id, None)
        if watched is None:
            return
        if not watched.has_counted:
            watched.has_counted = self._count(span, watched)
        above = self._open.get(watched.parent_id or 0)
        if watched.has_counted and above is not None:
            above.has_counted = True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Hold nothing back; SDK 1.39 takes its own default for a failure."""
        return True

    def watches(self, span_id: int) -> bool:
        """Say whether the end of this span will be counted here."""
        return span_id in self._open

    def _forget(self) -> None:
        self._open = {}

    def _count(self, span: ReadableSpan, watched: _Open) -> bool:
        attributes = copied(span.attributes)
        if not is_call(attributes):
            return False
        usd = _usd_of(attributes, span.start_time or 0)
        if usd is None and (_has_failed(span) or self._is_inside_a_call(watched)):
            return False
        spend(watched.context, usd)
        return True

    def _is_inside_a_call(self, watched: _Open) -> bool:
        """Say whether a call around this one may still know what both have cost."""
        above = self._open.get(watched.parent_id or 0)
        while above is not None:
            if is_call(copied(above.span.attributes)):
                return True
            above = self._open.get(above.parent_id or 0)
        return False


def _has_failed(span: ReadableSpan) -> bool:
    return span.status.status_code is StatusCode.ERROR


def _usd_of(attributes: dict[str, Any], start_ns: int) -> float | None:
    """Return what a call cost, as it tells itself or the price list does; None: unknown."""
    told = reported_usd(attributes)
    if told is not None or not cost.wanted():
        return told
    try:
        return cost.cost_of(in_our_names(attributes), start_ns).usd
    except prices.Unpriced:
        return None


def watch(provider: TracerProvider) -> None:
    """Have a provider's calls counted, once however often it is asked, from whatever thread."""
    add_span_processor = getattr(provider, "add_span_processor", None)
    with _lock:
        if add_span_processor is not None and id(provider) not in _watched:
            _watched[id(provider)] = provider
            processor = SpendingProcessor()
            add_span_processor(processor)
            watchers.add(processor)


# By id(): a provider of somebody's own class need not be hashable. The value is the provider, not
# what was added to it: that may outlive it, and the next provider may have its id.
_watched: WeakValueDictionary[int, TracerProvider] = WeakValueDictionary()
_lock = threading.Lock()

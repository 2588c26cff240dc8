"""Starts spans as the SDK's own tracer does, at a third of its price.

The SDK (1.45, measured) takes 14 us for a span with 14 attributes: it builds it in three
constructors, asks a sampler that always says yes, and takes every value apart by its type. What
a verb hands over is clean as it is. So a span is a copy of one that the SDK has made, with its
own ids, times and attributes; from there on the SDK does the rest, processors included.

Beside `processors.ending` the one file that touches private parts of the SDK. What is not as it
is in SDK 1.39 to 1.45, and whatever is unusual, is left to the SDK's tracer.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, Tracer, TracerProvider, _Span
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, DEFAULT_ON, Decision
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, get_current_span

from handspan.clock import now_ns
from handspan.processors.ending import ROOM, SDK_DEFAULT
from handspan.record.values import PLAIN, all_plain, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry import trace
    from opentelemetry.sdk.trace import EventBase
    from opentelemetry.trace import Link
    from opentelemetry.util.types import AttributeValue

_NAMES = frozenset({str})
_SAMPLED = int(TraceFlags.SAMPLED)
_RANDOM = int(getattr(TraceFlags, "RANDOM_TRACE_ID", 0))
_FLAGS = {bits: TraceFlags(bits) for bits in (_SAMPLED, _SAMPLED | _RANDOM)}

_PARTS_OF_SPAN = frozenset(
    f"_{part}"
    for part in (
        *("attributes", "context", "end_time", "events", "instrumentation_info"),
        *("instrumentation_scope", "kind", "limits", "links", "lock", "name", "parent"),
        *("record_exception", "resource", "sampler", "set_status_on_exception"),
        *("span_processor", "start_time", "status", "trace_config"),
    )
)
_NEWER_PARTS_OF_SPAN = frozenset({"_record_end_metrics"})
_PARTS_OF_ATTRIBUTES = frozenset(
    {"_dict", "_immutable", "_lock", "dropped", "max_value_len", "maxlen"}
)
_OLDER_PARTS_OF_ATTRIBUTES = frozenset({"_extended_attributes"})
_ADDING = frozenset({"_add_event", "_add_link"})
"""Methods of a span that all ways to add something go through."""


class OwnSpan(_Span):
    """A span that Handspan has opened: the SDK's in all but how attributes are put on it.

    Its lists of events and links, which most spans have none of, come with the first entry.
    """

    def put(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set attributes, as `set_attributes` does."""
        kept: Any = self._attributes
        if _are_named(attributes) and _are_plain(attributes):
            with self._lock, kept._lock:  # noqa: SLF001 - see above
                fits = len(kept._dict) + len(attributes) <= kept.maxlen  # noqa: SLF001
                if fits and self._end_time is None:
                    kept._dict.update(attributes)  # noqa: SLF001
                    return
        told = all_plain(attributes)
        self.set_attributes({name: value for name, value in told.items() if value is not None})

    def _add_event(self, event: EventBase) -> None:
        with self._lock:
            if self._events is _NOTHING:
                self._events = BoundedList(self._limits.max_events)
        super()._add_event(event)

    def _add_link(self, link: Link) -> None:
        with self._lock:
            if self._links is _NOTHING:
                self._links = BoundedList(self._limits.max_links)
        super()._add_link(link)


_NOTHING: BoundedList[Any] = BoundedList(0)


class Opener:
    """Starts spans of one tracer of the SDK."""

    makes_plain = True
    """Attributes may be whatever people pass."""

    def __init__(self, tracer: Tracer, sample: Any, room: int | None) -> None:  # noqa: ANN401 - private parts of a span
        self._tracer: Any = tracer
        parts = vars(sample)
        ours = {
            "_sampler": tracer.sampler,
            "_span_processor": tracer.span_processor,
            "_instrumentation_info": tracer.instrumentation_info,
            "_instrumentation_scope": tracer._instrumentation_scope,  # noqa: SLF001 - see above
        }
        self._parts = {**parts, **ours, "_events": _NOTHING, "_links": _NOTHING}
        attributes = vars(parts["_attributes"])
        self._most = attributes["maxlen"] if room is None else room
        self._attributes = {**attributes, "maxlen": self._most}
        recursive = isinstance(parts["_attributes"]._lock, type(threading.RLock()))  # noqa: SLF001
        self._lock_of_attributes = threading.RLock if recursive else threading.Lock
        random = getattr(tracer.id_generator, "is_trace_id_random", bool)()
        self._root_flags = _FLAGS[_SAMPLED | (_RANDOM if random else 0)]
        self._measures = "_record_end_metrics" in parts

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, AttributeValue] | None = None,
        links: Sequence[Link] = (),
        start_time: int | None = None,
    ) -> trace.Span:
        """Start a span as `Tracer.start_span` does; attributes are a dict of the span's own."""
        outer = get_current() if context is None else context
        parent = get_current_span(outer).get_span_context()
        named = attributes or {}
        usual = not links and self._is_usual(parent) and len(named) <= self._most
        clean = _clean(named) if usual else None
        if clean is None:
            told = {name: value for name, value in all_plain(named).items() if value is not None}
            return self._left_to_sdk(name, context, kind, told, links, start_time)
        return self._started(name, outer, kind, clean, parent, start_time or now_ns())

    def _left_to_sdk(self, *told: Any) -> trace.Span:  # noqa: ANN401 - as the SDK has them
        span: trace.Span = self._tracer.start_span(*told)
        return span

    def _is_usual(self, parent: SpanContext) -> bool:
        """Say whether the SDK would record a child of `parent` whatever else it looked at."""
        tracer = self._tracer
        if tracer.sampler is not DEFAULT_ON:
            return False
        if parent.is_valid and not parent.trace_flags & _SAMPLED:
            return False
        enabled: bool = getattr(tracer, "_is_enabled", _yes)()
        return enabled

    def _started(
        self,
        name: str,
        outer: Context,
        kind: SpanKind,
        attributes: dict[str, Any],
        parent: SpanContext,
        start_ns: int,
    ) -> trace.Span:
        tracer, ids = self._tracer, self._tracer.id_generator
        if parent.is_valid:
            flags = _FLAGS[parent.trace_flags & _RANDOM | _SAMPLED]
            trace_id, state, above = parent.trace_id, parent.trace_state, parent
        else:
            flags, trace_id, state, above = self._root_flags, ids.generate_trace_id(), None, None
        kept = object.__new__(BoundedAttributes)
        kept.__dict__ = {
            **self._attributes,
            "_dict": attributes,
            "_lock": self._lock_of_attributes(),
        }
        span: Any = object.__new__(OwnSpan)
        span.__dict__ = parts = {
            **self._parts,
            "_name": name,
            "_context": SpanContext(trace_id, ids.generate_span_id(), False, flags, state),
            "_kind": kind,
            "_parent": above,
            "_resource": tracer.resource,
            "_lock": threading.Lock(),
            "_attributes": kept,
            "_start_time": start_ns,
        }
        if self._measures:
            measured = tracer._tracer_metrics.start_span(above, Decision.RECORD_AND_SAMPLE)  # noqa: SLF001
            parts["_record_end_metrics"] = measured
        tracer.span_processor.on_start(span, parent_context=outer)
        opened: trace.Span = span
        return opened


def opener_of(tracer: trace.Tracer, *, completing: bool = False) -> Opener | None:
    """Return what starts spans of this tracer, None: only the tracer itself can.

    The SDK's own tracer it must be, without limits of length, and its parts must be known.

    Args:
        tracer: starts the spans that are not usual.
        completing: whether spans are cut to size when they end: then they have room until then.
    """
    if type(tracer) is not Tracer:
        return None
    limits = tracer._span_limits  # noqa: SLF001 - see above
    # Of a provider without processors: nobody sees it.
    host = TracerProvider(ALWAYS_ON, Resource.get_empty(), False, span_limits=limits)
    sample: Any = host.get_tracer(__name__).start_span("sample", Context())
    if not _is_known(sample):
        return None
    has_default = sample._attributes.maxlen == SDK_DEFAULT  # noqa: SLF001 - see above
    return Opener(tracer, sample, ROOM if completing and has_default else None)


def _is_known(sample: Any) -> bool:  # noqa: ANN401 - private parts of a span
    parts = vars(sample)
    if type(sample) is not _Span or set(parts) - _NEWER_PARTS_OF_SPAN != _PARTS_OF_SPAN:
        return False
    kept = vars(parts["_attributes"])
    return (
        set(kept) - _OLDER_PARTS_OF_ATTRIBUTES == _PARTS_OF_ATTRIBUTES
        and type(kept["_dict"]) is dict
        and kept["max_value_len"] is None
        and kept["maxlen"] is not None
        and type(parts["_events"]) is type(parts["_links"]) is BoundedList
        and vars(Span).keys() >= _ADDING
    )


def _clean(attributes: Mapping[str, AttributeValue]) -> dict[str, Any] | None:
    """Return attributes as the SDK would keep them; None: let the SDK see to it."""
    if not isinstance(attributes, dict) or not _are_named(attributes):
        return None
    if not _are_plain(attributes):
        for name in [name for name, value in attributes.items() if type(value) not in PLAIN]:
            told = BoundedAttributes(attributes={name: plain(attributes.pop(name))})
            attributes.update({name: value for name, value in told.items() if value is not None})
    return attributes


def _are_named(attributes: Mapping[str, AttributeValue]) -> bool:
    return set(map(type, attributes)) <= _NAMES and "" not in attributes


def _are_plain(attributes: Mapping[str, AttributeValue]) -> bool:
    return set(map(type, attributes.values())) <= PLAIN


def _yes() -> bool:
    return True

"""The last steps of a span before it leaves: cost, then redaction, then limits.

An ended span of the SDK cannot be changed. So Handspan's own exporter sends a changed copy: that
is guaranteed. For exporters that somebody else set up, `processors.ending` does what it can.

Nearly every span can leave as it is, so that is found out first, in one pass over its attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

from handspan import semconv, settings
from handspan.internal import log_internal_error
from handspan.processors import redaction
from handspan.processors.cost import add_cost
from handspan.processors.limits import is_sendable, limit, size_of
from handspan.processors.parts import ChangedSpan, copied, parts_of
from handspan.processors.redaction import LONGEST_SEEN
from handspan.redaction_rules import SMALLEST_CARD

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from handspan.processors.parts import Attributes, Parts

_SPAN_BYTES = 200
_ATTRIBUTE_BYTES = 50
_NUMBERS = frozenset({bool, int, float})


def completed(span: ReadableSpan) -> tuple[ReadableSpan, int]:
    """Return the span as it may leave, the same one or a changed copy, and its size in bytes.

    Raises:
        Exception: redaction itself failed; the span must not be sent.
    """
    parts, size_bytes = completed_parts(span)
    resource = redacted_resource(span.resource)
    if parts is None and resource is span.resource:
        return span, size_bytes
    return ChangedSpan(span, parts or parts_of(span), resource), size_bytes


def completed_parts(span: ReadableSpan) -> tuple[Parts | None, int]:
    """Return what is to be sent instead of the span's own parts, None: nothing; and its size.

    Raises:
        Exception: redaction itself failed; the span must not be sent.
    """
    attributes = copied(span.attributes)
    changed = _tried_cost(attributes, span.start_time or 0)
    size_bytes = None if _says_more(span) else _harmless_bytes(span.name, attributes)
    if size_bytes is not None and not changed:
        return None, size_bytes
    parts = parts_of(span, attributes)
    if size_bytes is not None:
        return parts, size_bytes
    # Before cutting: half a secret is none that a pattern finds.
    changed |= redaction.current().redact(parts)
    changed |= limit(parts)
    return (parts if changed else None), parts.size_bytes


def _says_more(span: ReadableSpan) -> bool:
    """Say whether there is anything but a name and attributes."""
    # Of the SDK's own lists the length: its properties copy them, which takes 0.9 us of 3.
    events, links = getattr(span, "_events", None), getattr(span, "_links", None)
    if events is None or links is None:
        events, links = span.events, span.links
    return bool(events or links or span.status.description)


def _harmless_bytes(name: str, attributes: Attributes) -> int | None:
    """Return about how many bytes a span takes; None: something in it has to be changed."""
    chosen, redact = settings.current(), redaction.current()
    harmless, limit_bytes = redact.harmless, chosen.max_value_bytes
    most = min(LONGEST_SEEN, limit_bytes)
    if len(attributes) > chosen.max_attributes:
        return None
    if ("", name) not in harmless and redact.text(name) is not name:
        return None
    total = _SPAN_BYTES + _ATTRIBUTE_BYTES * len(attributes)
    for item in attributes.items():
        key, value = item
        kind = type(value)
        if kind is str and item in harmless:
            total += len(value)
        elif kind in _NUMBERS and key in harmless and value < SMALLEST_CARD:
            continue
        elif kind is str and len(value) <= most and value.isascii() and redact.allows(key, value):
            total += len(value)
        else:
            size = size_of(value)
            total += size
            if size > limit_bytes or not is_sendable(value):
                return None
            if redact.value(key, value) is not value:
                return None
    return total if total <= chosen.max_span_bytes else None


def _tried_cost(attributes: Attributes, start_ns: int) -> bool:
    # Asked here, too, because most spans are no calls.
    if attributes.get(semconv.KIND) != "llm":
        return False
    try:
        return add_cost(attributes, start_ns)
    except Exception as error:  # noqa: BLE001 - a cost less is no reason to lose the span
        log_internal_error(error, "cost")
        return False


def redacted_resource(resource: Resource) -> Resource:
    """Return the resource as it may leave: a command line may hold a password."""
    global _last  # noqa: PLW0603 - there is one per process, hardly ever two
    chosen = redaction.current()
    if _last is None or _last[0] is not resource or _last[1] is not chosen:
        clean = chosen.attributes(resource.attributes)
        same = clean == dict(resource.attributes)
        _last = (resource, chosen, resource if same else Resource(clean, resource.schema_url))
    return _last[2]


_last: tuple[Resource, redaction.Redaction, Resource] | None = None

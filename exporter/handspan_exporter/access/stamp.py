"""The tenant of a token, written on every resource of a request.

Written into the bytes, before anything reads them, so that the journal, a replay and every column
agree; and before the digest, so that two tenants may send the same body. A few steps per resource
and scope, none per span. The stamp is the first attribute of the client's own resource: one more
`resource` would be merged by protobuf, but left to it by the native decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from handspan import semconv
from handspan_exporter.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = semconv.TENANT.encode()
_RESOURCES = 1
"""Field of a request with its ResourceSpans, ResourceLogs or ResourceMetrics."""
_RESOURCE = 1
"""Field of each of those with the Resource."""
_ATTRIBUTES = 1
"""Field of a Resource with its KeyValues."""
_KEY_FIELD = 1
_DELIMITED = 2
_FIXED = {1: 8, 5: 4}
"""Wire types with a length of their own, in bytes."""
_MOST_DIGITS = 10
"""Of a varint."""

Piece = tuple[int, int, int, int]
"""A field: its number, where it begins, and where its content begins and ends. The number is 0 of
what has no length before it, which protobuf takes for none of the fields above."""


def stamped(body: bytes, tenant: str) -> bytes:
    """Return an OTLP export request of any signal with the tenant on each of its resources.

    What a client says of `handspan.tenant` itself is taken out.

    Raises:
        MalformedRequest: the body is not protobuf.
    """
    stamp = _tenant(tenant).SerializeToString()
    clean = _KEY not in body
    parts = []
    for number, begin, start, end in _pieces(body, 0, len(body)):
        if number != _RESOURCES:
            parts.append(body[begin:end])
            continue
        parts.append(_field(_RESOURCES, _with(stamp, body, start, end, clean=clean)))
    return b"".join(parts)


def _with(stamp: bytes, body: bytes, start: int, end: int, *, clean: bool) -> bytes:
    """Return one element of the request with the stamp, at its beginning, in its resource.

    Without `clean` the client's own `handspan.tenant` is taken out. A resource that comes more than
    once becomes one: protobuf reads it so, since its attributes follow each other.
    """
    resource, rest = [stamp], []
    for number, begin, inside, stop in _pieces(body, start, end):
        if number != _RESOURCE:
            rest.append(body[begin:stop])
        else:
            resource.append(body[inside:stop] if clean else _cleaned(body, inside, stop))
    return b"".join([_field(_RESOURCE, b"".join(resource)), *rest])


def _cleaned(body: bytes, start: int, end: int) -> bytes:
    """Return a resource without the client's own `handspan.tenant`."""
    return b"".join(
        body[begin:stop]
        for number, begin, inside, stop in _pieces(body, start, end)
        if number != _ATTRIBUTES or not _is_tenant(body, inside, stop)
    )


def _is_tenant(body: bytes, start: int, end: int) -> bool:
    """Tell whether a KeyValue has our key; the last of several keys counts."""
    keys = [body[a:b] for field, _, a, b in _pieces(body, start, end) if field == _KEY_FIELD]
    return bool(keys) and keys[-1] == _KEY


def _tenant(tenant: str) -> Resource:
    value = AnyValue(string_value=tenant)
    return Resource(attributes=[KeyValue(key=semconv.TENANT, value=value)])


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _DELIMITED]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _pieces(body: bytes, place: int, end: int) -> Iterator[Piece]:
    """Yield the fields between two places.

    Raises:
        MalformedRequest: they do not fill the space between them.
    """
    while place < end:
        begin = place
        tag, place = _number(body, place, end)
        kind = tag & 7
        start = place
        if kind == _DELIMITED:
            length, start = _number(body, place, end)
            place = start + length
        elif kind in _FIXED:
            place += _FIXED[kind]
        elif kind == 0:
            _, place = _number(body, place, end)
        else:
            raise MalformedRequest(f"the body is not OTLP: a field of wire type {kind}")
        if place > end:
            raise MalformedRequest("the body is not OTLP: a field reaches beyond the end")
        yield tag >> 3 if kind == _DELIMITED else 0, begin, start, place


def _number(body: bytes, place: int, end: int) -> tuple[int, int]:
    """Return a varint and the place behind it."""
    number = 0
    for digit, octet in enumerate(body[place : min(end, place + _MOST_DIGITS)]):
        number |= (octet & 127) << (7 * digit)
        if octet < 128:
            return number, place + digit + 1
    raise MalformedRequest("the body is not OTLP: a number without an end")

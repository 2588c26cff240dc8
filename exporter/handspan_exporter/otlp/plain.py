"""OTLP bytes to Arrow with opentelemetry-proto's own classes, span by span.

It serves where `ptars` has no wheel, at 58 us per span instead of 4, and is what `columnar` is
tested against: what protobuf itself says of a request is the truth.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from handspan_exporter.errors import MalformedRequest
from handspan_exporter.otlp.trimmed import request_type

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from handspan_exporter.otlp.signals import Signal

    Row = dict[str, Any]

_ARROW = {
    FieldDescriptor.TYPE_BYTES: pa.binary(),
    FieldDescriptor.TYPE_STRING: pa.string(),
    FieldDescriptor.TYPE_INT32: pa.int32(),
    FieldDescriptor.TYPE_FIXED32: pa.uint32(),
    FieldDescriptor.TYPE_FIXED64: pa.uint64(),
}


def parse(signal: Signal, body: bytes) -> pa.RecordBatch:
    """Parse one request; see `decode.decode`."""
    return _batch(signal, [_row(judged(signal, body), _type(signal))])


def judged(signal: Signal, body: bytes) -> Message:
    """Return the request as protobuf reads it, whose word is the last.

    Raises:
        MalformedRequest: protobuf does not take the body for such a request.
    """
    try:
        return signal.request.FromString(body)
    except DecodeError as error:
        raise MalformedRequest(f"the body is not an OTLP {signal} request: {error}") from error


def read(signal: Signal, path: Path) -> pa.RecordBatch:
    """Parse a file of requests; see `decode.decode_segment`."""
    data = path.read_bytes()
    try:
        requests = [signal.request.FromString(body) for body in _bodies(data)]
    except (DecodeError, IndexError) as error:
        raise MalformedRequest(f"{path.name} cannot be decoded: {error}") from error
    return _batch(signal, [_row(request, _type(signal)) for request in requests])


def write(signal: Signal, batch: pa.RecordBatch) -> bytes:
    """Return a decoded request as bytes; see `decode.encode`."""
    (row,) = batch.to_pylist()
    message = GetMessageClass(_type(signal))()
    _fill(message, row)
    return message.SerializeToString()


_type = cache(request_type)


def _batch(signal: Signal, rows: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema(_fields(_type(signal))))


def _row(message: Message, kept: Descriptor) -> Row:
    """Return the fields that are kept; a message that is absent is one of defaults."""
    return {field.name: _value(message, field) for field in kept.fields}


def _value(message: Message, field: FieldDescriptor) -> Any:  # noqa: ANN401
    value = getattr(message, field.name)
    if field.message_type is not None:
        inner = field.message_type
        return [_row(one, inner) for one in value] if field.is_repeated else _row(value, inner)
    if field.is_repeated and field.type == FieldDescriptor.TYPE_BYTES:  # an AnyValue
        return [value.SerializeToString()] if message.HasField(field.name) else []
    return list(value) if field.is_repeated else value


def _fields(kept: Descriptor) -> list[pa.Field]:
    """Return the columns exactly as `columnar` has them."""
    return [_field(field) for field in kept.fields]


def _field(field: FieldDescriptor) -> pa.Field:
    inner = field.message_type
    kind = pa.struct(_fields(inner)) if inner is not None else _ARROW[field.type]
    if field.is_repeated:
        return pa.field(field.name, pa.list_(pa.field("item", kind, nullable=False)), False)
    return pa.field(field.name, kind, nullable=inner is not None)


def _fill(message: Message, row: Row) -> None:
    for name, value in row.items():
        target = getattr(message, name)
        if isinstance(value, dict):
            target.SetInParent()
            _fill(target, value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                _fill(target.add(), one)
        elif isinstance(value, list):
            target.extend(value)
        else:
            setattr(message, name, value)


def _bodies(data: bytes) -> Iterator[bytes]:
    """Yield each request of a file in which its length, a varint, precedes it."""
    place = 0
    while place < len(data):
        length = shift = 0
        while data[place] > 127:
            length |= (data[place] & 127) << shift
            place, shift = place + 1, shift + 7
        length |= data[place] << shift
        yield data[place + 1 : place + 1 + length]
        place += 1 + length

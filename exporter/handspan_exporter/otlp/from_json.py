"""OTLP/JSON to OTLP protobuf, by OTLP's own rules, which are not quite protobuf's JSON mapping.

Ids are hex, other bytes base64; 64-bit integers are texts or numbers; enums are numbers (names are
taken too); names are lowerCamelCase only, and unknown ones are ignored; null is the same as absent.
Slow (about 100 us per span): the few clients that speak JSON are browsers and shells.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from google.protobuf.descriptor import FieldDescriptor

from handspan_exporter.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from handspan_exporter.otlp.signals import Signal

    Reader = Callable[[FieldDescriptor, Any], Any]

_DEPTH = 100
"""Of nested messages: protobuf's parsers take no more."""
_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_REAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity", re.ASCII)
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def to_protobuf(signal: Signal, body: bytes) -> bytes:
    """Return the request that a JSON body stands for, as the bytes `decode` takes.

    Memory: up to about 25 times the body, so let only one or two run at a time.

    Raises:
        MalformedRequest: it is no JSON, or not of that request's shape; the text names the field.
    """
    message = signal.request()
    try:
        given = json.loads(body.decode(), parse_constant=_refuse_constant)
        _fill(message, given, signal.name, _DEPTH)
    except (ValueError, OverflowError, RecursionError) as error:
        said = "too deep" if isinstance(error, RecursionError) else error
        raise MalformedRequest(f"the body is not an OTLP/JSON {signal} request: {said}") from error
    return message.SerializeToString()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} stands without quotes")


def _fill(message: Message, given: Any, where: str, depth: int) -> None:  # noqa: ANN401
    if not isinstance(given, dict):
        raise ValueError(f"{where} must be an object")  # noqa: TRY004 - one kind for all that is wrong
    if not depth:
        raise ValueError(f"{where} is too deep")
    known = _fields(message.DESCRIPTOR)
    for name, value in given.items():
        field = known.get(name)
        if field is None or value is None:
            continue
        if field.is_repeated:
            _fill_list(getattr(message, field.name), field, value, depth)
        elif field.message_type is None:
            setattr(message, field.name, _scalar(field, value))
        else:
            inner = getattr(message, field.name)
            inner.SetInParent()
            _fill(inner, value, name, depth - 1)


def _fill_list(target: Any, field: FieldDescriptor, given: Any, depth: int) -> None:  # noqa: ANN401
    if not isinstance(given, list):
        raise ValueError(f"{field.json_name} must be an array")  # noqa: TRY004
    for one in given:
        if field.message_type is None:
            target.append(_scalar(field, one))
        else:
            _fill(target.add(), {} if one is None else one, field.json_name, depth - 1)


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.json_name: field for field in descriptor.fields}


def _scalar(field: FieldDescriptor, value: Any) -> Any:  # noqa: ANN401
    read: Reader = _READERS.get(field.type, _integer)
    try:
        return read(field, value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{field.json_name} cannot be {_shown(value)}") from error


def _text(_field: FieldDescriptor, value: Any) -> str:  # noqa: ANN401
    """Return a text; half a surrogate pair, left where a browser cut one, becomes U+FFFD."""
    if not isinstance(value, str):
        raise TypeError
    return _HALF_PAIR.sub("\ufffd", value)


def _bytes(field: FieldDescriptor, value: Any) -> bytes:  # noqa: ANN401
    if field.name in _IDS:
        return binascii.unhexlify(value)
    return base64.b64decode(value, validate=True)


def _bool(_field: FieldDescriptor, value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise TypeError
    return value


def _double(_field: FieldDescriptor, value: Any) -> float:  # noqa: ANN401
    if isinstance(value, bool) or (isinstance(value, str) and not _REAL.fullmatch(value)):
        raise TypeError
    return float(value)


def _enum(field: FieldDescriptor, value: Any) -> int:  # noqa: ANN401
    assert field.enum_type is not None  # noqa: S101 - of an enum
    named = field.enum_type.values_by_name.get(value) if isinstance(value, str) else None
    return _integer(field, value) if named is None else int(named.number)


def _integer(field: FieldDescriptor, value: Any) -> int:  # noqa: ANN401
    if isinstance(value, bool) or (isinstance(value, str) and not _INTEGER.fullmatch(value)):
        raise TypeError
    number = int(value)
    low, high = _BOUNDS[field.type]
    if number != (value if not isinstance(value, str) else number) or not low <= number <= high:
        raise ValueError
    return number


def _shown(value: Any) -> str:  # noqa: ANN401
    text = json.dumps(value)
    return text if len(text) < 40 else text[:40] + " ..."


_READERS: dict[int, Reader] = {
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _bytes,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_ENUM: _enum,
}
"""All other types are integers."""
_BOUNDS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}

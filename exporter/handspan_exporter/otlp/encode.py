"""Arrow to OTLP: flat spans with values as text, and the bytes that any OTLP reader takes.

The way back from what `columns` made of a request. `ExportTraceServiceRequest` and `TracesData` are
the same on the wire.
"""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from handspan_exporter.otlp.decode import decode, encode
from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Kind = Literal["int", "double", "bool", "string[]"]
    Ints = NDArray[np.int64]

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_NIBBLES: Final = np.zeros(256, np.uint8)
for _digit in range(16):
    _NIBBLES[ord(f"{_digit:x}")] = _NIBBLES[ord(f"{_digit:X}")] = _digit


def traces_data(
    spans: Mapping[str, pa.Array], owners: Mapping[str, pa.Array], sizes: Ints
) -> bytes:
    """Return spans as OTLP bytes.

    Args:
        spans: Fields of OTLP's Span by name, one element per span.
        owners: `resource` (attributes), `scope_name` and `scope_version`, one element per group of
            spans that have them in common.
        sizes: How many spans each group has; together all, in order.
    """
    top = decode(TRACES, b"").schema.field(0)
    resource_spans = top.type.value_type
    scope_spans = _inner(resource_spans, "scope_spans")
    groups, one_each = len(sizes), np.arange(len(sizes) + 1)
    scope = _struct(
        scope_spans.field("scope").type,
        {"name": owners["scope_name"], "version": owners["scope_version"]},
        groups,
    )
    items = _struct(_inner(scope_spans, "spans"), spans, int(sizes.sum()))
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    scopes = _struct(
        scope_spans,
        {"scope": scope, "spans": _lists(scope_spans.field("spans").type, offsets, items)},
        groups,
    )
    resource = _struct(
        resource_spans.field("resource").type, {"attributes": owners["resource"]}, groups
    )
    inner = _lists(resource_spans.field("scope_spans").type, one_each, scopes)
    whole = _struct(resource_spans, {"resource": resource, "scope_spans": inner}, groups)
    batch = pa.RecordBatch.from_arrays(
        [_lists(top.type, np.array([0, groups]), whole)], schema=pa.schema([top])
    )
    return encode(TRACES, batch)


def span_field(name: str) -> pa.DataType:
    """Return the type of one field of a span, as `traces_data` takes it."""
    top = decode(TRACES, b"").schema.field(0)
    scope_spans = _inner(top.type.value_type, "scope_spans")
    return _inner(scope_spans, "spans").field(name).type


def attributes(maps: pa.MapArray, kinds: Mapping[str, Kind]) -> pa.ListArray:
    """Return maps of text as lists of KeyValue; `kinds` says which keys are no strings.

    A text that is not of its key's kind stays a string.
    """
    keys, items = _strings(maps.keys), _strings(maps.items)
    raw = any_values(keys, items, kinds)
    kind = span_field("attributes")
    value = _lists(kind.value_type.field("value").type, np.arange(len(raw) + 1), raw)
    pairs = pa.StructArray.from_arrays([keys, value], fields=list(kind.value_type))
    return _lists(kind, np.asarray(maps.offsets), pairs)


def any_values(
    keys: pa.StringArray, texts: pa.StringArray, kinds: Mapping[str, Kind]
) -> pa.BinaryArray:
    """Return the raw `AnyValue` of each text, of the kind that its key has."""
    values = texts.cast(pa.binary())
    lengths = pc.binary_length(values).dictionary_encode()
    headers = [b"\x0a" + _varint(length) for length in lengths.dictionary.to_pylist()]
    header = pa.array(headers, pa.binary()).take(lengths.indices)
    found = pc.binary_join_element_wise(header, values, pa.scalar(b"", pa.binary()))
    names = list(kinds)
    place = pc.index_in(keys, value_set=pa.array(names, pa.string()))
    rows = np.flatnonzero(np.asarray(place.is_valid()))
    if not len(rows):
        return found
    typed = [
        _typed(text, kinds[names[number]])
        for text, number in zip(
            texts.take(pa.array(rows)).to_pylist(),
            place.take(pa.array(rows)).to_pylist(),
            strict=True,
        )
    ]
    mask = np.zeros(len(texts), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(found, pa.array(mask), pa.array(typed, pa.binary()))


def octets(ids: pa.StringArray) -> pa.BinaryArray:
    """Return ids in hex as bytes; '' stays empty."""
    texts = _strings(ids)
    every = np.frombuffer(texts.buffers()[1] or b"\0" * 4, np.int32)[: len(texts) + 1]
    digits = _NIBBLES[np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: every[-1]]]
    half = digits[: len(digits) - len(digits) % 2].reshape(-1, 2)
    data = (half[:, 0] << 4 | half[:, 1]).astype(np.uint8)
    ends = (every // 2).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(texts), buffers)


def like(lists: pa.ListArray, kind: pa.DataType, fields: Mapping[str, pa.Array]) -> pa.ListArray:
    """Return lists as long as the given ones, of structs with these fields."""
    count = len(next(iter(fields.values())))
    values = _struct(kind.value_type, fields, count)
    return _lists(kind, np.asarray(lists.offsets), values)


def _typed(text: str, kind: Kind) -> bytes:
    value = AnyValue(string_value=text)
    if kind == "int" and _INTEGER.fullmatch(text) and -(1 << 63) <= int(text) < 1 << 63:
        value = AnyValue(int_value=int(text))
    elif kind == "bool" and text in ("true", "false"):
        value = AnyValue(bool_value=text == "true")
    elif kind == "double":
        return _double(text) or value.SerializeToString()
    elif kind == "string[]" and text.startswith("["):
        value = _array(text) or value
    return value.SerializeToString()


def _double(text: str) -> bytes:
    try:
        number = float(text)
    except ValueError:
        return b""
    return b"\x21" + struct.pack("<d", number)


def _array(text: str) -> AnyValue | None:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(item, str) for item in items):
        return None
    values = [AnyValue(string_value=item) for item in items]
    return AnyValue(array_value=ArrayValue(values=values))


def _varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _strings(column: pa.Array) -> pa.StringArray:
    """Return a text column of any Arrow type as strings that begin at offset 0."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found = column.cast(pa.string())
    return pa.concat_arrays([found, pa.array([], pa.string())]) if found.offset else found


def _inner(struct_type: pa.DataType, name: str) -> pa.DataType:
    return struct_type.field(name).type.value_type


def _struct(kind: pa.StructType, given: Mapping[str, pa.Array], count: int) -> pa.StructArray:
    """Return structs; a field that is not given has its default in all."""
    fields = list(kind)
    arrays = [
        given[one.name] if one.name in given else _defaults(one.type, count) for one in fields
    ]
    return pa.StructArray.from_arrays(arrays, fields=fields)


def _defaults(kind: pa.DataType, count: int) -> pa.Array:
    if pa.types.is_struct(kind):
        return _struct(kind, {}, count)
    if pa.types.is_list(kind):
        return _lists(kind, np.zeros(count + 1), pa.array([], kind.value_type))
    empty = {"string": "", "binary": b""}.get(str(kind), 0)
    return pa.array([empty] * count, kind)


def _lists(kind: pa.ListType, offsets: NDArray[np.generic], values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values, type=kind)

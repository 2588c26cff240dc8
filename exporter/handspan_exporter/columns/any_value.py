"""Attribute values as text, the way the Collector's clickhouseexporter writes them.

| value | text |
|---|---|
| string | as it is |
| bool | `true`, `false` |
| int64 | all digits |
| double | shortest digits that read back as the same number, as JSON in Go and JavaScript: `1`, `0.1`, `1e+21`; `NaN`, `Infinity`, `-Infinity` |
| bytes | base64 |
| array, map | JSON; keys sorted, last of equal keys; doubles keep a point (`2.0`), so that types stay |
| none | empty |
"""  # noqa: E501 - a table's row is one line

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from handspan_exporter.otlp.any_value import distinct, doubles, shapes, varints

if TYPE_CHECKING:
    from handspan_exporter.otlp.any_value import Ints, Shapes

_PLAIN_FROM, _PLAIN_TO = 1e-5, 1e10
"""Between these Arrow and Go write a double alike."""


def texts(values: pa.BinaryArray) -> pa.StringArray:
    """Return the text of each raw value; total on all that `otlp.decode` lets pass."""
    if not len(values):
        return pa.array([], pa.string())
    found = shapes(values)
    replaced = [
        _long_strings(values, found),
        _of(found.integer, lambda rows: pa.array(varints(found, rows)).cast(pa.string())),
        _of(found.double, lambda rows: _double_texts(doubles(found, rows))),
        _of(found.boolean, lambda rows: _bool_texts(found, rows)),
        _of(found.other, lambda rows: _other_texts(values, found, rows)),
    ]
    rows = np.concatenate([one[0] for one in replaced])
    # The header of a short string is two bytes; an empty value has none and stays empty.
    sliced = pc.binary_slice(values, 2, _END)
    if len(rows):
        mask = np.zeros(len(values), np.bool_)
        mask[rows] = True
        joined = pa.concat_arrays([one[1].cast(pa.binary()) for one in replaced])
        ordered = joined.take(pa.array(np.argsort(rows, kind="stable")))
        sliced = pc.replace_with_mask(sliced, pa.array(mask), ordered)
    return sliced.cast(pa.string())


_END = (1 << 31) - 1


def _of(chosen: Any, text: Any) -> tuple[Ints, pa.Array]:  # noqa: ANN401
    rows = np.flatnonzero(chosen)
    return rows, text(rows) if len(rows) else pa.array([], pa.string())


def _long_strings(values: pa.BinaryArray, found: Shapes) -> tuple[Ints, pa.Array]:
    """Return the strings whose header is longer than two bytes."""
    rows = [np.flatnonzero(found.string & (found.header == size)) for size in (3, 4, 5)]
    cut = [
        pc.binary_slice(values.take(pa.array(some)), size, _END)
        for size, some in zip((3, 4, 5), rows, strict=True)
    ]
    return np.concatenate(rows), pa.concat_arrays(cut)


def _bool_texts(found: Shapes, rows: Ints) -> pa.Array:
    yes = pa.array(found.data[found.start[rows] + 1] == 1)
    return pc.if_else(yes, "true", "false")


def _double_texts(numbers: Any) -> pa.Array:  # noqa: ANN401
    size = np.abs(numbers)
    odd = np.flatnonzero(~((size == 0) | ((size >= _PLAIN_FROM) & (size < _PLAIN_TO))))
    written = pa.array(numbers).cast(pa.string())
    if not len(odd):
        return written
    mask = np.zeros(len(numbers), np.bool_)
    mask[odd] = True
    replaced = pa.array([double_text(number) for number in numbers[odd].tolist()], pa.string())
    return pc.replace_with_mask(written, pa.array(mask), replaced)


def double_text(number: float) -> str:
    """Return one double as Go's encoding/json writes it, and the three that JSON lacks by name."""
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        text = np.format_float_positional(number, trim="-")
        return str(text)
    digits, _, exponent = np.format_float_scientific(number, trim="-").partition("e")
    return f"{digits}e{exponent[0]}{exponent[1:].lstrip('0')}"


def _other_texts(values: pa.BinaryArray, found: Shapes, rows: Ints) -> pa.Array:
    """Write each different value once, one by one: arrays and maps are rare and repeat."""
    raw = distinct(values, found.other)
    written = pa.array([_one_text(AnyValue.FromString(value)) for value in raw], pa.string())
    place = pc.index_in(values.take(pa.array(rows)), pa.array(raw, pa.binary()))
    return written.take(place)


def _one_text(value: AnyValue) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, str):
        return plain
    if isinstance(plain, float):
        return double_text(plain)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _plain(value: AnyValue) -> Any:  # noqa: ANN401
    """Return a value as JSON knows it; the depth is bounded by the protobuf parser (100)."""
    kind = value.WhichOneof("value")
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    if kind == "array_value":
        return [_inner(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _inner(pair.value) for pair in value.kvlist_value.values}
    if kind in (None, "string_value_strindex"):  # an index into profiling data, none here
        return None
    return getattr(value, kind)


def _inner(value: AnyValue) -> Any:  # noqa: ANN401
    """Return a value inside JSON, which has no number for NaN and the infinities."""
    plain = _plain(value)
    if isinstance(plain, float) and not np.isfinite(plain):
        return double_text(plain)
    return plain

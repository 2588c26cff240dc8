"""Answers as Arrow tables: typed by their record, so that a column of unknowns keeps its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from handspan_exporter.query import records

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]
Schema = dict[str, Any]

_USD = pa.decimal128(38, 12)
_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
}


def table(rows: Sequence[Row], record: str) -> pa.Table:
    """Return rows of a record as a table; columns that only these rows have are typed by values."""
    known = records.load()[record]["properties"]
    names = list(dict.fromkeys([*(rows[0] if rows else known)]))
    columns = {name: _column(name, [row[name] for row in rows], known.get(name)) for name in names}
    return pa.table(columns)


def _column(name: str, values: list[Any], schema: Schema | None) -> pa.Array:
    kind = _typed(name, schema) if schema else _compared(name)
    if pa.types.is_map(kind):
        values = [value if value is None else list(value.items()) for value in values]
    return pa.array(values, kind)


def _typed(name: str, schema: Schema) -> pa.DataType:
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else next(one for one in kinds if one != "null")
    if kind == "array":
        return pa.list_(_typed("", schema["items"]))
    if kind == "object":
        return pa.map_(pa.string(), _typed("", schema["additionalProperties"]))
    return _USD if kind == "number" and name.endswith("_usd") else _TYPES[kind]


def _compared(name: str) -> pa.DataType:
    """Return the type of a column that `compare` added."""
    if name in {"change_reason", "change_of", "change_is"}:
        return pa.string()
    if name == "before_n":
        return pa.int64()
    return _USD if name.endswith("_usd") else pa.float64()

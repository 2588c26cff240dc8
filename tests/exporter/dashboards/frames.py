"""Answers of ClickHouse as the frames that grafana-clickhouse-datasource hands to panels.

Facts of the real plugin: a time series with text columns comes back wide, one field per measure and
set of labels, and only if it is sorted by time; moments are milliseconds; a Decimal is a number.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

Answer = tuple[list[tuple[str, str]], list[list[Any]]]
"""Columns with their ClickHouse types, and rows."""
TIME_SERIES = 0
_WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.+)\)$")


class NotSorted(Exception):
    """The plugin refuses a long time series that is not sorted by time."""


def kind(clickhouse_type: str) -> str:
    """Return the kind of frame field that a column of this type becomes."""
    if inner := _WRAPPED.match(clickhouse_type):
        return kind(inner[1])
    if clickhouse_type.startswith("Date"):
        return "time"
    if clickhouse_type.startswith(("Int", "UInt", "Float", "Decimal")):
        return "number"
    if clickhouse_type == "Bool":
        return "boolean"
    return "other" if clickhouse_type.startswith(("Array", "Map", "Tuple")) else "string"


def frame(answer: Answer, ref_id: str, shape: int, executed: str) -> dict[str, Any]:
    """Return one frame of the data source's answer to a query of the format `shape`.

    Raises:
        NotSorted: a time series came unsorted.
    """
    columns, rows = answer
    kinds = [kind(type_of) for _, type_of in columns]
    values = [[_value(row[at], kinds[at]) for row in rows] for at in range(len(columns))]
    fields = [_field(name, kinds[at]) for at, (name, _) in enumerate(columns)]
    if shape == TIME_SERIES and "time" in kinds and "string" in kinds:
        fields, values = _wide(fields, values)
    meta = {"executedQueryString": executed}
    return {"schema": {"refId": ref_id, "meta": meta, "fields": fields}, "data": {"values": values}}


def _field(name: str, kind_of: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind_of, **({"labels": labels} if labels else {})}


def _wide(
    fields: list[dict[str, Any]], values: list[list[Any]]
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    time = next(at for at, field in enumerate(fields) if field["type"] == "time")
    labels = [at for at, field in enumerate(fields) if field["type"] == "string"]
    measures = [at for at, field in enumerate(fields) if field["type"] == "number"]
    if values[time] != sorted(values[time]):
        raise NotSorted("unable to process the data because it is not sorted")
    moments = sorted(set(values[time]))
    place = {moment: at for at, moment in enumerate(moments)}
    wide: dict[tuple[Any, ...], list[Any]] = {}
    for row, moment in enumerate(values[time]):
        label = tuple(values[at][row] for at in labels)
        for at in measures:
            line = wide.setdefault((at, *label), [None] * len(moments))
            line[place[moment]] = values[at][row]
    found = [fields[time]]
    for at, *texts in wide:
        named = {fields[one]["name"]: str(text) for one, text in zip(labels, texts, strict=True)}
        found.append(_field(fields[at]["name"], "number", named))
    return found, [moments, *wide.values()]


def _value(value: object, kind_of: str) -> object:
    if value is None:
        return None
    if kind_of == "time":
        return int(_moment(str(value)).timestamp() * 1000)
    return float(str(value)) if kind_of == "number" else value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)

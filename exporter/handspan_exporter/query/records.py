"""The shape of every record as JSON Schema: rows of tables and answers, and what answers hold.

`records.json` is made from the statements themselves: the store says the type of each column.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from handspan_exporter.query import alerts, kpi
from handspan_exporter.query.operations import OPERATIONS, STATES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from handspan_exporter.store.connection import Connection

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WRAPPED = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
_JSON = {"String": "string", "Bool": "boolean", "UUID": "string", "Date": "string"}
_STATEMENTS = {
    "Run": ("runs/list", ("sort_key",)),
    "RunDetail": ("runs/show", ()),
    "Span": ("runs/spans", ("owner",)),
    "Handoff": ("runs/handoffs", ("run_id",)),
    "Fault": ("runs/faults", ("run_id",)),
    "Wait": ("runs/waits", ("run_id",)),
    "RunMessage": ("runs/messages", ("run_id",)),
    "Metric": ("runs/metrics", ("run_id",)),
    "Budget": ("runs/budgets", ("run_id",)),
    "Decision": ("agents/decisions", ()),
    "HistoryPoint": ("history/read", ()),
}
"""Record -> the statement that answers it, and the columns that stay inside."""

_PARAMETER = re.compile(r"\{(\w+):((?:\w+)(?:\((?:[^{}]|\{[^{}]*\})*\))?)\}")


@cache
def load() -> dict[str, Schema]:
    """Return every record's schema by its name, as it was generated."""
    text = files(__package__).joinpath("records.json").read_text(encoding="utf-8")
    found: dict[str, Schema] = json.loads(text)["$defs"]
    return found


def document(connection: Connection, tables: Sequence[str]) -> Schema:
    """Return the text of `records.json` as an object.

    Args:
        connection: A migrated store, empty or not.
        tables: Fact tables whose rows are records.
    """
    records = {_table_record(one): _described(connection, f"TABLE {one}") for one in tables}
    for name, (statement, hidden) in _STATEMENTS.items():
        records[name] = _statement(connection, statement, hidden)
    for one in kpi.catalog():
        records[kpi_record(one.name)] = _statement(connection, f"kpi/{one.name}", ())
    records["Span"] = _with(records["Span"], depth={"type": "integer"})
    records["HistoryPoint"] = _with(records["HistoryPoint"], is_open={"type": "boolean"})
    return {"$schema": DIALECT, "$defs": {**records, **_composed()}}


def kpi_record(name: str) -> str:
    """Return the name of the record of one KPI's rows: `Kpi.cost_usd`."""
    return f"Kpi.{name}"


def reference(name: str) -> Schema:
    """Return a reference to a record, relative to `records.json`."""
    return {"$ref": f"#/$defs/{name}"}


def _table_record(table: str) -> str:
    return f"Row.{table}"


def _statement(connection: Connection, name: str, hidden: Iterable[str]) -> Schema:
    """Ask the store for the columns of a statement, without running it."""
    text = kpi.filled(name)
    kinds = _PARAMETER.findall(text)
    # A name that is also an identifier has to be one.
    parameters = {one: _sample(one, kind) for one, kind in sorted(kinds, key=_is_identifier)}
    return _described(connection, f"({text})", parameters, hidden)


def _is_identifier(parameter: tuple[str, str]) -> bool:
    return parameter[1] == "Identifier"


def _sample(name: str, kind: str) -> Any:  # noqa: ANN401 - by its kind
    if kind == "Identifier":
        return kpi.TOTAL
    if kind.startswith("Array"):
        return []
    if kind == "Date":
        return "2026-01-05"
    if kind.startswith("DateTime"):
        return "2026-01-05 00:00:00"
    if kind.startswith("Nullable"):
        return None
    return 1 if "Int" in kind else name


def _described(
    connection: Connection,
    what: str,
    parameters: Mapping[str, Any] | None = None,
    hidden: Iterable[str] = (),
) -> Schema:
    rows = connection.rows(f"DESCRIBE {what}", parameters)
    inside = {"revision", "is_deleted", *hidden}
    columns = {row["name"]: _typed(row["type"]) for row in rows if row["name"] not in inside}
    return _record(**columns)


def _record(**columns: Schema) -> Schema:
    return {
        "type": "object",
        "properties": columns,
        "required": list(columns),
        "additionalProperties": False,
    }


def _with(record: Schema, **more: Schema) -> Schema:
    return _record(**record["properties"], **more)


def _typed(kind: str) -> Schema:
    """Return the JSON type of a ClickHouse type."""
    wrapped = _WRAPPED.fullmatch(kind)
    outer, inner = (wrapped[1], wrapped[2]) if wrapped else (kind, "")
    wrappers: dict[str, Callable[[], Schema]] = {
        "Nullable": lambda: _or_null(_typed(inner)),
        "LowCardinality": lambda: _typed(inner),
        "Array": lambda: _list(_typed(inner)),
        "Map": lambda: {
            "type": "object",
            "additionalProperties": _typed(inner.rpartition(", ")[2]),
        },
    }
    if outer in wrappers:
        return wrappers[outer]()
    if outer.startswith("DateTime"):
        return {"type": "string", "format": "date-time"}
    if "Int" in outer:
        return {"type": "integer"}
    if outer.startswith(("Float", "Decimal")):
        return {"type": "number"}
    return {"type": _JSON[outer]}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_MAYBE: Schema = {"type": ["number", "null"]}
_NUMBERS: Schema = {"type": "object", "additionalProperties": _MAYBE}
_BETWEEN = {"since": _TIME, "until": _TIME}


def _optional(record: Schema, **more: Schema) -> Schema:
    return {**record, "properties": {**record["properties"], **more}}


def _composed() -> dict[str, Schema]:
    """Return the records that Python puts together."""
    return {
        "Problem": _optional(_record(title=_TEXT, status=_WHOLE, detail=_TEXT), parameter=_TEXT),
        "Window": _record(**_BETWEEN),
        **_kpi_records(),
        **_run_records(),
        **_comparison_records(),
        **_agent_records(),
        "Health": _optional(
            _record(status=_TEXT, version=_TEXT, newest=_or_null(_TIME), spans=_WHOLE),
            otlp_grpc=_TEXT,
            otlp_http=_TEXT,
        ),
        "Mapping": _record(
            since=_TIME,
            scopes=_list(
                _record(
                    scope=_TEXT,
                    conventions=_list(_TEXT),
                    spans=_WHOLE,
                    spans_read=_WHOLE,
                    attributes=_list(_record(attribute=_TEXT, spans=_WHOLE)),
                    attributes_left_out=_WHOLE,
                    advice=_TEXT,
                )
            ),
        ),
        "Operation": _record(
            operation={"enum": [one.name for one in OPERATIONS]},
            state={"enum": list(STATES)},
            reason=_TEXT,
            since=_or_null(_TIME),
            began=_or_null(_TIME),
            ended=_or_null(_TIME),
            spans_read=_WHOLE,
            spans=_or_null(_WHOLE),
        ),
        "Alert": _record(
            alert=_TEXT,
            kpi=_TEXT,
            measure=_TEXT,
            window=_TEXT,
            by=_TEXT,
            group=_TEXT,
            state={"enum": list(alerts.STATES)},
            reason=_TEXT,
            value=_MAYBE,
            n=_WHOLE,
            low=_MAYBE,
            high=_MAYBE,
            description=_TEXT,
        ),
        "Alerts": _record(
            at=_TIME, state={"enum": list(alerts.STATES)}, alerts=_list(reference("Alert"))
        ),
    }


def _kpi_records() -> dict[str, Schema]:
    about = _record(
        name=_TEXT,
        headline=_TEXT,
        meaning=_TEXT,
        unit=_TEXT,
        undefined_when=_TEXT,
        grain=_TEXT,
        **dict.fromkeys(("groupings", "history", "reads", "used_by"), _list(_TEXT)),
    )
    row: Schema = {
        "description": "As Kpi.<name> has it; compared, also before_<headline>, before_n, "
        "change_<headline>, and what can be judged: change_of (the measure), change_is "
        "(difference or factor), change, change_low, change_high and change_reason.",
        "type": "object",
        "properties": {
            "group": _TEXT,
            "n": _WHOLE,
            "low": _MAYBE,
            "high": _MAYBE,
            "reason": _TEXT,
        },
        "required": ["group", "n", "low", "high", "reason"],
    }
    before = {"before": reference("Window")}
    return {
        "KpiAbout": about,
        "KpiRow": row,
        "KpiAnswer": _optional(
            _record(
                **_BETWEEN,
                by=_TEXT,
                kpi=reference("KpiAbout"),
                rows=_list(reference("KpiRow")),
            ),
            **before,
        ),
        "Overview": _optional(
            _record(**_BETWEEN, kpis=_list(_with(about, row=reference("KpiRow")))), **before
        ),
        "History": _record(
            **_BETWEEN,
            grain=_TEXT,
            by=_TEXT,
            measure=_TEXT,
            points=_list(reference("HistoryPoint")),
            kpi=reference("KpiAbout"),
        ),
    }


def _run_records() -> dict[str, Schema]:
    maybe_whole = _or_null(_WHOLE)
    return {
        "AgentOfRun": _record(
            agent=_TEXT,
            versions=_list(_TEXT),
            agent_runs=_WHOLE,
            failed=_WHOLE,
            agent_time_ns=maybe_whole,
            llm_calls=_WHOLE,
            tool_calls=_WHOLE,
            input_tokens=maybe_whole,
            output_tokens=maybe_whole,
            cost_usd=_MAYBE,
            unpriced_calls=_WHOLE,
        ),
        "RunList": _record(**_BETWEEN, runs=_list(reference("Run")), next=_or_null(_TEXT)),
        "RunAnswer": _record(
            run=reference("RunDetail"),
            spans=_list(reference("Span")),
            spans_left_out=_WHOLE,
            agents=_list(reference("AgentOfRun")),
            handoffs=_list(reference("Handoff")),
            faults=_list(reference("Fault")),
            waits=_list(reference("Wait")),
            messages=_list(reference("RunMessage")),
            metrics=_list(reference("Metric")),
            budgets=_list(reference("Budget")),
        ),
    }


def _comparison_records() -> dict[str, Schema]:
    numbers = {
        "a": _or_null(_NUMBERS),
        "b": _or_null(_NUMBERS),
        "change": _NUMBERS,
        "reasons": {"type": "object", "additionalProperties": _TEXT},
    }
    side = _or_null({"type": "object"})
    line = {"depth": _WHOLE, "label": _TEXT, "a": side, "b": side}
    group = _record(**_BETWEEN, values=_list(_TEXT), runs=_WHOLE)
    measure = _record(
        measure=_TEXT,
        a=_MAYBE,
        b=_MAYBE,
        a_n=_WHOLE,
        b_n=_WHOLE,
        change_is={"enum": ["difference", "factor"]},
        change=_MAYBE,
        low=_MAYBE,
        high=_MAYBE,
        reason=_TEXT,
    )
    compared = _record(
        a=_TEXT,
        b=_TEXT,
        outcome=_record(a=_TEXT, b=_TEXT),
        numbers=_record(**numbers),
        agents=_list(_record(agent=_TEXT, **numbers)),
        spans=_record(both=_WHOLE, only_a=_WHOLE, only_b=_WHOLE, left_out=_WHOLE),
        divergence=_or_null(_record(what=_TEXT, path=_list(_TEXT), **line)),
        alignment=_list(_record(**line)),
        alignment_left_out=_WHOLE,
    )
    return {
        "RunComparison": _record(runs=_list({"type": "object"}), comparisons=_list(compared)),
        "GroupComparison": _record(
            of={"enum": ["runs", "agent_runs"]},
            split=_TEXT,
            a=group,
            b=group,
            measures=_list(measure),
        ),
    }


def _agent_records() -> dict[str, Schema]:
    candidate = _record(
        agent=_TEXT,
        confidence=_MAYBE,
        success_ratio=_MAYBE,
        successful=_WHOLE,
        n=_WHOLE,
        low=_MAYBE,
        high=_MAYBE,
        reason=_TEXT,
        recent_success_ratio=_MAYBE,
        recent_n=_WHOLE,
        duration_mean_s=_NUMBER,
        agent_runs=_WHOLE,
        task_types=_list(_TEXT),
    )
    return {
        "Candidate": candidate,
        "BestAgents": _record(
            **_BETWEEN,
            matched=_record(task_types=_list(_TEXT), domain=_TEXT),
            best={"anyOf": [reference("Candidate"), {"type": "null"}]},
            reason=_TEXT,
            agents=_list(reference("Candidate")),
        ),
        "Decisions": _record(**_BETWEEN, decisions=_list(reference("Decision"))),
    }

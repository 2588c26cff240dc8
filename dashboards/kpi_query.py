"""A KPI's own file as the SQL of a Grafana panel: time macros and variables in place of parameters.

Nothing of a KPI is written here: the file of `sql/kpi/` is the query, asked for the dashboard's
time range and filters. A series is the same file grouped by time as well.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi as kpis

ALL = "*"
"""What a variable holds when nothing is chosen; a name that no dimension has."""
NONE = "none"
"""The group, and the choice, of what has no name: runs without a feature, calls of no agent."""
TIME = "time"
_SINCE = "{since:DateTime64(9, 'UTC')}"
_UNTIL = "{until:DateTime64(9, 'UTC')}"
_FILTER = re.compile(r"\{(\w+):Array\(String\)\}")
_HOLE = re.compile(r"\{\{([\w.]+)\}\}")
_VARIABLE = re.compile(r"\$\{\w+:singlequote\}")
_BUCKET = "grafana_bucket"
_GROUP = '"group"'
_MOMENTS = {"dimensions_runs": "coalesce(ended_at, started_at)", "dimensions_facts": "ended_at"}
"""The moment that decides which window a row belongs to, by fragment."""
_OWN = Path(__file__).parent / "sql"
_OF_THE_WHOLE = frozenset(
    {
        "agent_trend",
        "agent_utilization_ratio",
        "agents_per_workflow",
        "bottlenecks",
        "budget_use",
        "cost_per_feature_usd",
        "resilience_retention_ratio",
        "retries_per_task",
        "workflow_patterns",
    }
)
"""KPIs whose rows depend on the whole window: grouping by time would not ask the same question."""
VARIABLES = ("service", "project", "workflow", "agent", "feature", "user")
"""The filters that are variables of the dashboards; a KPI's others let all through."""


def table(kpi: str, by: str = kpis.TOTAL) -> str:
    """Return the KPI's file over the dashboard's range; columns as in the file.

    Raises:
        UsageError: the KPI cannot be grouped so.
    """
    by = kpis.grouping(kpis.find(kpi), by)
    return _asked(kpis.filled(f"kpi/{kpi}"), by, by)


def series(kpi: str, measures: tuple[str, ...], by: str = kpis.TOTAL) -> str:
    """Return SQL of one row per interval (and group): `time`, the group named as `by`, measures.

    Each interval is answered as the KPI's file answers that interval alone: rows belong to the
    interval of the moment that decides about their window.

    Raises:
        UsageError: the KPI cannot be grouped so, or depends on the whole window.
    """
    if kpi in _OF_THE_WHOLE:
        raise UsageError(f"{kpi} depends on the whole window: it cannot be drawn over time")
    by = kpis.grouping(kpis.find(kpi), by)
    label = _named('substring("group", 12)')
    grouped = "" if by == kpis.TOTAL else f'    {label} AS "{_quoted(by)}",\n'
    columns = ",\n".join(f"    {_number(name)}" for name in measures)
    if grouped and len(measures) == 1:
        # Grafana's legend then shows the group alone.
        columns = f'    toFloat64({measures[0]}) AS "Value"'
    # A total has a constant key; grouped by time it is no longer one.
    inner = _asked(_filled_by_time(kpi, by), _BUCKET, _BUCKET if by == kpis.TOTAL else by)
    return (
        # Ten digits of a moment, a blank, the group.
        f"SELECT\n    toDateTime(toUInt32OrZero(substring(\"group\", 1, 10)), 'UTC') AS {TIME},\n"
        f"{grouped}{columns}\nFROM\n(\n{inner}\n)\nWHERE \"group\" != ''\nORDER BY {TIME}\n"
    )


def columns(kpi: str, chosen: tuple[str, ...], by: str = kpis.TOTAL) -> str:
    """Return SQL that answers the KPI with the `chosen` columns only, the group named as `by`."""
    name = "" if by == kpis.TOTAL else f'    {_named(_GROUP)} AS "{_quoted(by)}",\n'
    listed = ",\n".join(f"    {_number(one)}" for one in chosen)
    return f"SELECT\n{name}{listed}\nFROM\n(\n{table(kpi, by)}\n)\n"


def unfiltered(sql: str) -> str:
    """Return `sql` with All chosen in every variable: alert rules have none."""
    return _VARIABLE.sub(f"'{ALL}'", sql)


def own(name: str) -> str:
    """Return `sql/<name>.sql` of the dashboards; a hole `{{kpi.by}}` is that KPI, grouped so."""
    text = (_OWN / f"{name}.sql").read_text(encoding="utf-8")
    return _filters(_HOLE.sub(_hole, text))


def _hole(hole: re.Match[str]) -> str:
    kpi, _, by = hole[1].partition(".")
    if not by:
        return kpis.fragment(kpi)
    return table(kpi, by)


@cache
def _filled_by_time(kpi: str, by: str) -> str:
    group = "''" if by == kpis.TOTAL else f"toString({by})"
    moments: dict[str, str] = {}
    for name, moment in _MOMENTS.items():
        start = f"toStartOfInterval({moment}, INTERVAL $__interval_s second)"
        bucket = f"concat(toString(toUnixTimestamp({start})), ' ', {group})"
        moments[name] = f"{kpis.fragment(name)},\n    {bucket} AS {_BUCKET}"
    return kpis.filled(f"kpi/{kpi}", **moments)


def _asked(text: str, group_by: str, by: str) -> str:
    asked = text.replace("{by:Identifier}", group_by).replace("{by:String}", f"'{by}'")
    asked = asked.replace(_SINCE, "toDateTime64($__fromTime_ms, 9, 'UTC')")
    asked = asked.replace(_UNTIL, "toDateTime64($__toTime_ms, 9, 'UTC')")
    return _filters(asked).rstrip()


def _filters(text: str) -> str:
    return _FILTER.sub(lambda found: _chosen(found[1]), text)


def _chosen(name: str) -> str:
    if name not in VARIABLES:
        return "CAST([], 'Array(String)')"
    asked = f"one -> multiIf(one = '{ALL}', [], one = '{NONE}', ['', one], [one])"
    return f"arrayFlatten(arrayMap({asked}, [${{{name}:singlequote}}]))"


def _number(column: str) -> str:
    # The plugin gives a Decimal as text to some panels; a figure to look at is a float.
    return f"toFloat64({column}) AS {column}" if column.endswith("_usd") else column


def _named(group: str) -> str:
    return f"if({group} = '', '{NONE}', {group})"


def _quoted(name: str) -> str:
    return name.replace("_", " ")

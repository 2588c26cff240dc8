"""A KPI over time: its closed hours and days as stored, the open one from the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handspan_exporter import sql
from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import Window, iso, parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.store.connection import Connection

GRAINS = {"hour": 3_600_000_000_000, "day": 86_400_000_000_000}
"""Name and length in ns of what history is kept for."""

Row = dict[str, Any]


def history(
    connection: Connection,
    name: str,
    window: Window,
    *,
    grain: str = "hour",
    by: str = "",
    measure: str = "",
    groups: Sequence[str] = (),
) -> Row:
    """Return `points` in time order: `bucket_at`, `group`, `value`, `n`, `low`, `high`, `reason`.

    `is_open` says that a bucket is answered from the facts: the window's last one, while it is
    not stored. `measure` '' is the headline, which alone has `low` and `high`.

    Raises:
        NotFound: no KPI has that name.
        UsageError: the grain, the grouping or the measure is not kept.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    kpi = kpis.find(name)
    by = _kept(kpi, by)
    if grain not in GRAINS:
        raise UsageError(f"{grain[:60]!r} is unknown; use {', '.join(GRAINS)}", parameter="grain")
    measure = measure or kpi.headline
    since_ns = window.since_ns // GRAINS[grain] * GRAINS[grain]
    whole = Window(since_ns, window.until_ns)
    asked = {
        "kpi": name,
        "grain": grain,
        "grouping": "" if by == kpis.TOTAL else by,
        "measure": measure,
        "since": parameter(whole.since_ns),
        "until": parameter(whole.until_ns),
        "groups": list(groups),
    }
    stored = connection.rows(sql.load("history/read"), asked)
    last_ns = max(whole.since_ns, (window.until_ns - 1) // GRAINS[grain] * GRAINS[grain])
    found = [row | {"is_open": False} for row in stored]
    if not stored or stored[-1]["bucket_at"] != _bucket(last_ns):
        last = Window(last_ns, window.until_ns)
        found += _from_facts(connection, kpi, last, by=by, measure=measure, groups=groups)
    return {
        "since": iso(whole.since_ns),
        "until": iso(whole.until_ns),
        "grain": grain,
        "by": by,
        "measure": measure,
        "points": found,
    }


def _kept(kpi: Kpi, by: str) -> str:
    """Return the grouping; without one the first that is kept, which is `total` where it can be."""
    if by and by not in kpi.history:
        kept = ", ".join(kpi.history)
        text = f"no history of {kpi.name} is kept by {by[:60]!r}; use {kept}"
        raise UsageError(text, parameter="by")
    return by or kpi.history[0]


def _from_facts(
    connection: Connection,
    kpi: Kpi,
    window: Window,
    *,
    by: str,
    measure: str,
    groups: Sequence[str],
) -> list[Row]:
    rows = kpis.answer(connection, kpi.name, window.since_ns, window.until_ns, by)
    if rows and measure not in kpis.measures(rows[0]):
        text = f"{kpi.name} has no {measure[:60]!r}; use {', '.join(kpis.measures(rows[0]))}"
        raise UsageError(text, parameter="measure")
    return [
        {
            "bucket_at": _bucket(window.since_ns),
            "group": row["group"],
            "value": None if row[measure] is None else float(row[measure]),
            "n": row["n"],
            "low": row["low"],
            "high": row["high"],
            "reason": row["reason"] if row[measure] is None else "",
            "is_open": True,
        }
        for row in rows
        if not groups or row["group"] in groups
    ]


def _bucket(moment_ns: int) -> str:
    return iso(moment_ns)[:19] + "Z"

"""A KPI over time: closed hours and days as stored; the open one, and filtered ones, from facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handspan_exporter import sql
from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import Window, iso, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.query.kpi import Kpi
    from handspan_exporter.store.connection import Connection

GRAINS = {"hour": 3_600_000_000_000, "day": 86_400_000_000_000}
"""Name and length in ns of what history is kept for."""

MOST_FILTERED = 200
"""Buckets of a filtered history: each is a question of its own to the facts."""

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
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Row:
    """Return `points` in time order: `bucket_at`, `group`, `value`, `n`, `low`, `high`, `reason`.

    `is_open` says that a bucket is answered from the facts: the window's last one, while it is
    not stored. `measure` '' is the headline, which alone has `low` and `high`. With filters, which
    nothing is stored by, the KPI's own file answers each bucket from the facts, for any grouping
    and as far back as there are facts; a bucket without any has no point.

    Raises:
        NotFound: no KPI has that name.
        UsageError: the grain, the grouping or the measure is not kept, or a filter is unknown;
            or a filtered history has more than `MOST_FILTERED` buckets.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    kpi = kpis.find(name)
    by = kpis.grouping(kpi, by or kpi.history[0]) if filters else _kept(kpi, by)
    if grain not in GRAINS:
        raise UsageError(f"{grain[:60]!r} is unknown; use {', '.join(GRAINS)}", parameter="grain")
    measure = measure or kpi.headline
    since_ns = window.since_ns // GRAINS[grain] * GRAINS[grain]
    whole = Window(since_ns, window.until_ns)
    asked = _Asked(kpi, grain, by, measure, tuple(groups), dict(filters or {}))
    read = _filtered if filters else _stored
    found = read(connection, asked, whole)
    return {
        "since": iso(whole.since_ns),
        "until": iso(whole.until_ns),
        "grain": grain,
        "by": by,
        "measure": measure,
        "points": found,
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    kpi: Kpi
    grain: str
    by: str
    measure: str
    groups: tuple[str, ...]
    filters: Mapping[str, Sequence[str]]


def _stored(connection: Connection, asked: _Asked, whole: Window) -> list[Row]:
    """Return what is stored, and the last bucket from the facts where it is not."""
    parameters = {
        "kpi": asked.kpi.name,
        "grain": asked.grain,
        "grouping": "" if asked.by == kpis.TOTAL else asked.by,
        "measure": asked.measure,
        "since": parameter(whole.since_ns),
        "until": parameter(whole.until_ns),
        "groups": list(asked.groups),
    }
    stored = connection.rows(sql.load("history/read"), parameters)
    found = [row | {"is_open": False} for row in stored]
    length_ns = GRAINS[asked.grain]
    last_ns = max(whole.since_ns, (whole.until_ns - 1) // length_ns * length_ns)
    if not stored or stored[-1]["bucket_at"] != _bucket(last_ns):
        found += _from_facts(connection, asked, Window(last_ns, whole.until_ns), is_open=True)
    return found


def _filtered(connection: Connection, asked: _Asked, whole: Window) -> list[Row]:
    """Ask the facts for each bucket."""
    length_ns = GRAINS[asked.grain]
    begins = range(whole.since_ns, whole.until_ns, length_ns)
    if len(begins) > MOST_FILTERED:
        text = (
            f"a filtered history has at most {MOST_FILTERED} buckets, not {len(begins)}: narrow "
            "the window, or take days"
        )
        raise UsageError(text, parameter="grain")
    found: list[Row] = []
    for begin_ns in begins:
        bucket = Window(begin_ns, min(begin_ns + length_ns, whole.until_ns))
        is_open = bucket.until_ns - bucket.since_ns < length_ns
        rows = _from_facts(connection, asked, bucket, is_open=is_open)
        found += [row for row in rows if row["n"] or row["value"] is not None]
    return found


def _kept(kpi: Kpi, by: str) -> str:
    """Return the grouping; without one the first that is kept, which is `total` where it can be."""
    if by and by not in kpi.history:
        kept = ", ".join(kpi.history)
        text = f"no history of {kpi.name} is kept by {by[:60]!r}; use {kept}"
        raise UsageError(text, parameter="by")
    return by or kpi.history[0]


def _from_facts(
    connection: Connection, asked: _Asked, window: Window, *, is_open: bool
) -> list[Row]:
    kpi, measure, groups = asked.kpi, asked.measure, asked.groups
    begin_ns, end_ns = window.since_ns, window.until_ns
    rows = kpis.answer(connection, kpi.name, begin_ns, end_ns, asked.by, asked.filters)
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
            "is_open": is_open,
        }
        for row in rows
        if not groups or row["group"] in groups
    ]


def _bucket(moment_ns: int) -> str:
    return iso(moment_ns)[:19] + "Z"

"""Runs as a list: which of them, in which order, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi, pages
from handspan_exporter.query.pages import Cursor
from handspan_exporter.query.window import Window, iso, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from handspan_exporter.store.connection import Connection

OUTCOMES = ("success", "failure", "cancelled", "running", "lost")
SORTS = ("started", "duration", "cost", "tokens")
"""What a list can be ordered by."""
MOST_RUNS = 1000
"""How many runs one question may list."""
_TOO_LARGE = 1_000_000
"""USD and s: no run costs or lasts so much."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs a list has, in which order, and how many of them."""

    status: Sequence[str] = ()
    """Any of `OUTCOMES`; none means all."""
    text: str = ""
    """Found in id, workflow, project, feature, path, error, message, session or conversation."""
    min_cost_usd: Decimal | None = None
    min_duration_s: float | None = None
    """Of a run that goes on: its time so far."""
    sort: str = "started"
    """One of `SORTS`; the largest first, what is unknown last."""
    limit: int = 20
    """1..`MOST_RUNS`."""
    cursor: str = ""
    """`next` of the page before; it brings its window and its order along."""

    def __post_init__(self) -> None:
        """Refuse what is not a status, an order, a limit or a least value."""
        if unknown := sorted(set(self.status) - set(OUTCOMES)):
            text = f"{unknown[0][:60]!r} is unknown; use {', '.join(OUTCOMES)}"
            raise UsageError(text, parameter="status")
        if self.sort not in SORTS:
            text = f"{self.sort[:60]!r} is unknown; use {', '.join(SORTS)}"
            raise UsageError(text, parameter="sort")
        if not 1 <= self.limit <= MOST_RUNS:
            text = f"must be between 1 and {MOST_RUNS}, not {self.limit}"
            raise UsageError(text, parameter="limit")
        for name in ("min_cost_usd", "min_duration_s"):
            value = getattr(self, name)
            if value is not None and (isnan(value) or not 0 <= value < _TOO_LARGE):
                text = f"must be between 0 and {_TOO_LARGE:,}, not {value}"
                raise UsageError(text, parameter=name)


def listed(
    connection: Connection,
    window: Window,
    wanted: Wanted,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Row:
    """Return `since`, `until`, `runs` (top runs of the window) and `next`: the cursor, or None.

    Raises:
        UsageError: a filter or the cursor is not one.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    sort, key, row = wanted.sort, 0, ""
    if wanted.cursor:
        after = pages.read(wanted.cursor)
        window, sort = Window(after.since_ns, after.until_ns), after.sort
        key, row = after.key, after.row
    parameters = {
        "since": parameter(window.since_ns),
        "until": parameter(window.until_ns),
        "status": list(wanted.status),
        "text": wanted.text,
        "min_cost_usd": wanted.min_cost_usd,
        "min_duration_ns": round((wanted.min_duration_s or 0) * 1e9),
        "sort": sort,
        "after_key": key,
        "after_run": row,
        # One more than wanted tells whether there is a next page.
        "limit": wanted.limit + 1,
        **kpi.filter_parameters(filters or {}),
    }
    rows = connection.rows(kpi.filled("runs/list"), parameters)
    found = rows[: wanted.limit]
    keys = [one.pop("sort_key") for one in found]
    following = None
    if len(rows) > wanted.limit:
        last = Cursor(window.since_ns, window.until_ns, sort, keys[-1], found[-1]["run_id"])
        following = str(last)
    return {
        "since": iso(window.since_ns),
        "until": iso(window.until_ns),
        "runs": found,
        "next": following,
    }

"""A KPI beside what it was before: the change, with an interval where it is a counted share."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query.kpi import measures
from handspan_exporter.query.window import Window, ago_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.kpi import Kpi

PREVIOUS = "previous"
_SHARE = "ratio, 0..1"

Row = dict[str, Any]


def earlier(window: Window, compare: str) -> Window:
    """Return the window to compare with, of the same length.

    `previous` ends where this one begins; `7d` began so much earlier.

    Raises:
        UsageError: it is neither, or lies before 1970.
    """
    length_ns = window.until_ns - window.since_ns
    back_ns = length_ns if compare == PREVIOUS else ago_ns(compare)
    if not back_ns:
        wrong = f"{compare[:60]!r} is unknown; use previous, or how much earlier: 24h, 7d"
        raise UsageError(wrong, parameter="compare")
    if back_ns > window.since_ns:
        raise UsageError("there is nothing before 1970", parameter="compare")
    return Window(window.since_ns - back_ns, window.until_ns - back_ns)


def beside(kpi: Kpi, rows: Sequence[Row], before: Sequence[Row]) -> list[Row]:
    """Return the rows, each with `before_<measure>`, `before_n` and the change of the headline.

    `change_low` and `change_high` are its 95 % interval: Newcombe's, of a counted share; else None,
    with `change_reason`. A group that is gone stands at the end, with n 0.
    """
    earlier_by = {row["group"]: row for row in before}
    groups = {row["group"] for row in rows}
    gone = [_gone(row) for row in before if row["group"] not in groups]
    return [_with_change(kpi, row, earlier_by.get(row["group"])) for row in [*rows, *gone]]


def newcombe(now: Row, before: Row, name: str) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two shares, from their own (Newcombe 1998)."""
    p, was = float(now[name]), float(before[name])
    low = math.hypot(p - now["low"], before["high"] - was)
    high = math.hypot(now["high"] - p, was - before["low"])
    return p - was - low, p - was + high


def _with_change(kpi: Kpi, row: Row, before: Row | None) -> Row:
    headline = measures(row)[0]
    value = row[headline]
    was = before[headline] if before else None
    change, low, high = None, None, None
    if not _is_number(value):
        reason = row["reason"] or "unknown in the window"
    elif before is None or not _is_number(was):
        said = before["reason"] if before else "not in the window"
        reason = f"before: {said or 'unknown'}"
    else:
        change, reason = value - was, ""
        if kpi.unit == _SHARE and None not in (row["low"], before["low"]):
            low, high = newcombe(row, before, headline)
        else:
            reason = "only the change of a counted share has an interval"
    return {
        **row,
        f"before_{headline}": was,
        "before_n": before["n"] if before else 0,
        f"change_{headline}": change,
        "change_low": low,
        "change_high": high,
        "change_reason": reason,
    }


def _gone(before: Row) -> Row:
    known = {"group": before["group"], "n": 0, "reason": "not in the window"}
    return dict.fromkeys(before) | known


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)

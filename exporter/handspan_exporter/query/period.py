"""A KPI beside what it was before: the change, with an interval where it is a share or a mean."""

from __future__ import annotations

import math
import numbers
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query.intervals import Sample, newcombe, welch
from handspan_exporter.query.kpi import measures
from handspan_exporter.query.window import Window, ago_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.query.kpi import Kpi

PREVIOUS = "previous"
_SHARE = "ratio, 0..1"
_SD = re.compile(r"_sd(_[a-z]+)?$")
"""What a KPI's file calls the standard deviation of the values whose mean is its headline."""
_LOG_SD = "_log_sd"
"""The same of logarithms, beside `<stem>_geometric_mean_s`."""
_OF_SUMS = "a sum has no interval; `handspan runs compare` has one for the cost of a run"
_OF_NEITHER = "only the change of a counted share or of a mean has an interval"

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
    """Return the rows, each with `before_<headline>`, `before_n` and `change_<headline>`.

    What can be judged is `change` of the measure `change_of`, with its 95 % interval `change_low`
    and `change_high`: of a counted share the difference (Newcombe); of a mean the difference
    (Welch); of times the factor between geometric means (Welch on logarithms), which `change_is`
    tells. Without an interval `change_reason` says why. A group that is gone stands at the end,
    with n 0.
    """
    earlier_by = {row["group"]: row for row in before}
    groups = {row["group"] for row in rows}
    gone = [_gone(row) for row in before if row["group"] not in groups]
    return [_with_change(kpi, row, earlier_by.get(row["group"])) for row in [*rows, *gone]]


def _with_change(kpi: Kpi, row: Row, before: Row | None) -> Row:
    headline = measures(row)[0]
    was = before[headline] if before else None
    change = None
    if not _is_number(row[headline]):
        judged = {"change_reason": row["reason"] or "unknown in the window"}
    elif before is None or not _is_number(was):
        said = before["reason"] if before else "not in the window"
        judged = {"change_reason": f"before: {said or 'unknown'}"}
    else:
        change = row[headline] - was
        judged = _judged(kpi, headline, row, before)
    return {
        **row,
        f"before_{headline}": was,
        "before_n": before["n"] if before else 0,
        f"change_{headline}": change,
        **_UNJUDGED,
        **judged,
    }


_UNJUDGED: Row = {
    "change_of": "",
    "change_is": "",
    "change": None,
    "change_low": None,
    "change_high": None,
    "change_reason": "",
}


def _judged(kpi: Kpi, headline: str, row: Row, before: Row) -> Row:
    """Return the change that can be judged, by what the KPI's file says of its values."""
    if kpi.unit == _SHARE and None not in (row["low"], before["low"]):
        low, high = newcombe(row, before, headline)
        return _difference(headline, row, before) | {"change_low": low, "change_high": high}
    if (sd := next(filter(_SD.search, row), "")).endswith(_LOG_SD):
        return _factor(sd.removesuffix(_LOG_SD), row, before)
    if sd:
        return _difference(headline, row, before) | _of_means(headline, sd, row, before)
    known = _difference(headline, row, before)
    return known | {"change_reason": _OF_SUMS if headline.endswith("_usd") else _OF_NEITHER}


def _difference(name: str, row: Row, before: Row) -> Row:
    change = float(row[name] - before[name])
    return {"change_of": name, "change_is": "difference", "change": change}


def _of_means(headline: str, sd: str, row: Row, before: Row) -> Row:
    """Return the interval of the change of a mean."""
    ours, theirs = (Sample(float(one[headline]), one[sd] or 0.0, one["n"]) for one in (row, before))
    return _interval(welch(ours, theirs), ours, theirs)


def _factor(stem: str, row: Row, before: Row) -> Row:
    """Return the factor of geometric means and its interval, by Welch's test on logarithms."""
    name = f"{stem}_geometric_mean_s"
    if not (row[name] and before[name]):
        return {"change_reason": "a time of 0 or less has no logarithm"}
    ours, theirs = (
        Sample(math.log(one[name]), one[f"{stem}{_LOG_SD}"] or 0.0, one["n"])
        for one in (row, before)
    )
    found = _interval(welch(ours, theirs), ours, theirs)
    if "change_low" in found:
        found = {key: math.exp(value) for key, value in found.items()}
    return {
        "change_of": name,
        "change_is": "factor",
        "change": row[name] / before[name],
        **found,
    }


def _interval(found: tuple[float, float] | None, ours: Sample, theirs: Sample) -> Row:
    if found is not None:
        return {"change_low": found[0], "change_high": found[1]}
    few = min(ours.n, theirs.n) < 2
    return {"change_reason": "fewer than two values on a side" if few else "no value differs"}


def _gone(before: Row) -> Row:
    known = {"group": before["group"], "n": 0, "reason": "not in the window"}
    return dict.fromkeys(before) | known


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)

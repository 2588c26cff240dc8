"""Alerts as data: a KPI, a window and thresholds give ok, warning, alert or no data.

Alerts are defined in a TOML file:

    [[alert]]
    name = "runs fail"
    kpi = "workflow_success_ratio"
    window = "24h"
    by = "workflow"
    warning_below = 0.95
    alert_below = 0.90
"""

from __future__ import annotations

import numbers
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import HandspanError, UsageError
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import Window, ago_ns, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import Field
    from pathlib import Path

    from handspan_exporter.query.answers import Filters

Row = dict[str, Any]

STATES = ("ok", "no data", "warning", "alert")
"""From what needs nobody to what needs somebody now."""
_LEAST_N = 10
"""Below, a share says little: 9 of 9 may come from a true share of 0.7."""


def _key(meaning: str, default: Any = MISSING) -> Any:  # noqa: ANN401
    if default is MISSING:
        return field(metadata={"meaning": meaning})
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"meaning": meaning})
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of the file; the fields are its keys."""

    name: str = _key("What it is called; once in a file.")
    kpi: str = _key("The KPI, see docs/kpis.md.")
    window: str = _key("How far back it looks: 15m, 24h, 7d.")
    measure: str = _key("One of the KPI's numbers; left out: its headline.", "")
    by: str = _key("One state per group of this; left out: one in total.", kpis.TOTAL)
    filters: Mapping[str, Sequence[str]] = _key(
        'Only these, as the filters of `handspan kpi`: { workflow = ["report"] }.', {}
    )
    warning_below: float | None = _key("Warning where the number is less than this.", None)
    alert_below: float | None = _key("Alert where it is less than this.", None)
    warning_above: float | None = _key("Warning where the number is more than this.", None)
    alert_above: float | None = _key("Alert where it is more than this.", None)
    min_n: int | None = _key(
        f"No data below this n; left out: {_LEAST_N} for a headline with an interval, else 1.", None
    )
    certain: bool = _key(
        "Compare the 95 % interval instead of the number: it must lie beyond as a whole.", False
    )
    description: str = _key("What to do about it; shown with the state.", "")

    def __post_init__(self) -> None:
        """Refuse what cannot be asked."""
        kpis.grouping(kpis.find(self.kpi), self.by)
        kpis.filter_parameters(self.filters)
        if not ago_ns(self.window):
            raise UsageError(f"window: {self.window[:60]!r} is not a length; use 15m, 24h, 7d")
        below = [self.alert_below, self.warning_below]
        above = [self.warning_above, self.alert_above]
        if not any(one is not None for one in (*below, *above)):
            raise UsageError("has no threshold: set alert_below, alert_above or a warning_...")
        for pair in (below, above):
            if None not in pair and sorted(pair, key=float) != pair:  # type: ignore[arg-type]
                raise UsageError("the warning must come before the alert")
        if self.min_n is not None and self.min_n < 1:
            raise UsageError(f"min_n must be at least 1, not {self.min_n}")


def read(path: Path) -> tuple[Alert, ...]:
    """Return the alerts of a file.

    Raises:
        UsageError: it cannot be read, or an alert is wrong; the message says which and how.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", parameter="alerts") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}", parameter="alerts") from None
    if unknown := sorted(set(told) - {"alert"}):
        raise _wrong(path, f"{unknown[0]!r} is unknown; each alert begins with [[alert]]")
    entries = told.get("alert")
    if not isinstance(entries, list) or not entries:
        raise _wrong(path, "there is no [[alert]]")
    found = tuple(_read(path, at, one) for at, one in enumerate(entries, 1))
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong(path, f"two alerts are called {twice[0]!r}")
    return found


def states(
    alerts: Sequence[Alert],
    now_ns: int,
    ask: Callable[[str, Window, str, Filters], list[Row]],
) -> Row:
    """Return `at`, `state` (the worst) and `alerts`: one row per alert and group.

    Args:
        alerts: What to look at.
        now_ns: The end of every window, in ns since the epoch.
        ask: Answers a KPI (name, window, grouping, filters) with its rows.

    Raises:
        UsageError: an alert's measure is not one of its KPI.
        QueryFailed: the store refused or broke off a query.
        StoreDown: the store cannot be reached.
    """
    rows = [row for one in alerts for row in _states(one, now_ns, ask)]
    worst = max((STATES.index(row["state"]) for row in rows), default=0)
    return {"at": iso(now_ns), "state": STATES[worst], "alerts": rows}


def _states(
    alert: Alert, now_ns: int, ask: Callable[[str, Window, str, Filters], list[Row]]
) -> list[Row]:
    window = Window(max(0, now_ns - (ago_ns(alert.window) or 0)), now_ns + 1)
    filters = {name: list(values) for name, values in alert.filters.items()}
    rows = ask(alert.kpi, window, alert.by, filters)
    if not rows:
        nothing = {"group": "", "n": 0}
        return [_said(alert, nothing, None, "no data", f"no {alert.by} in the window")]
    return [_judged(alert, row) for row in rows]


def _judged(alert: Alert, row: Row) -> Row:
    """Return the state of one group."""
    known = kpis.measures(row)
    measure = alert.measure or known[0]
    if measure not in row:
        text = f"alert {alert.name!r}: {alert.kpi} has no {measure[:60]!r}"
        raise UsageError(f"{text}; use {', '.join(known)}", parameter="alerts")
    value = row[measure]
    has_interval = measure == known[0] and row["low"] is not None
    needed = alert.min_n or (_LEAST_N if has_interval else 1)
    if not isinstance(value, numbers.Real | Decimal):
        return _said(alert, row, None, "no data", row["reason"] or "the number is unknown")
    if row["n"] < needed:
        few = f"n = {row['n']} is less than {needed}"
        return _said(alert, row, value, "no data", few)
    if alert.certain and not has_interval:
        return _said(alert, row, value, "no data", "this number has no interval")
    low, high = (row["low"], row["high"]) if alert.certain else (float(value), float(value))
    state, why = _beyond(alert, low, high)
    unpriced = row.get("unpriced_calls") if measure.endswith("_usd") else 0
    if unpriced:
        # A sum of what is known may be beyond without our knowing.
        why = ", ".join(filter(None, [why, f"{unpriced} calls have no price and are not in it"]))
    return _said(alert, row, value, state, why)


def _beyond(alert: Alert, low: float, high: float) -> tuple[str, str]:
    for state in ("alert", "warning"):
        below: float | None = getattr(alert, f"{state}_below")
        above: float | None = getattr(alert, f"{state}_above")
        if below is not None and high < below:
            return state, f"below {below:g}"
        if above is not None and low > above:
            return state, f"above {above:g}"
    return "ok", ""


def _said(alert: Alert, row: Row, value: Any, state: str, reason: str) -> Row:  # noqa: ANN401
    measure = alert.measure or kpis.find(alert.kpi).headline
    return {
        "alert": alert.name,
        "kpi": alert.kpi,
        "measure": measure,
        "window": alert.window,
        "by": alert.by,
        "group": row["group"],
        "state": state,
        "reason": reason,
        "value": None if value is None else float(value),
        "n": row["n"],
        "low": row.get("low"),
        "high": row.get("high"),
        "description": alert.description,
    }


def _read(path: Path, at: int, entry: object) -> Alert:
    if not isinstance(entry, dict):
        raise _wrong(path, "each alert begins with [[alert]]")
    name = str(entry.get("name", f"number {at}"))
    keys = {one.name: one for one in fields(Alert)}
    if unknown := sorted(set(entry) - set(keys)):
        raise _wrong(path, f"alert {name!r}: {unknown[0]!r} is unknown; use {', '.join(keys)}")
    missing = [key for key, one in keys.items() if _is_needed(one) and key not in entry]
    if missing:
        raise _wrong(path, f"alert {name!r}: {missing[0]} is missing")
    for key, value in entry.items():
        if not _fits(keys[key], value):
            raise _wrong(path, f"alert {name!r}: {key} must be {_wanted(keys[key])}")
    try:
        return Alert(**entry)
    except HandspanError as error:
        raise _wrong(path, f"alert {name!r}: {error}") from None


def _is_needed(key: Field[Any]) -> bool:
    return key.default is MISSING and key.default_factory is MISSING


_KINDS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "str": ("a text", str),
    "bool": ("true or false", bool),
    "float | None": ("a number", (int, float)),
    "int | None": ("a whole number", int),
}


def _wanted(key: Field[Any]) -> str:
    return _KINDS[str(key.type)][0] if str(key.type) in _KINDS else 'like { agent = ["writer"] }'


def _fits(key: Field[Any], value: object) -> bool:
    if str(key.type) not in _KINDS:
        return isinstance(value, dict) and all(
            isinstance(one, list) and all(isinstance(text, str) for text in one)
            for one in value.values()
        )
    kind = _KINDS[str(key.type)][1]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _wrong(path: Path, text: str) -> UsageError:
    return UsageError(f"{path}: {text}", parameter="alerts")

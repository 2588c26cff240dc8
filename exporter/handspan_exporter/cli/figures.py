"""Numbers as people read them: money, time, shares; and what is unknown as unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

UNKNOWN = "unknown"

_SUFFIXES = ("_usd", "_s", "_ns", "_ratio")
_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def heading(name: str) -> str:
    """Return a column's name for people: the unit is shown with the numbers."""
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name.replace("_", " ")


def figure(name: str, value: object, *, unit: str = "") -> str:
    """Return a value as text; the suffix of its name, or `unit`, says what it measures."""
    if value is None:
        return UNKNOWN
    if isinstance(value, dict):
        return ", ".join(f"{clean(str(key)) or 'none'}: {n}" for key, n in value.items())
    if isinstance(value, list):
        return ", ".join(clean(str(one)) for one in value)
    if isinstance(value, str):
        return clean(value)
    return _number(name, value, unit)


def interval(low: float | None, high: float | None) -> str:
    """Return the 95 % interval of a share, or nothing when there is none."""
    return "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f} %"


def signed(name: str, value: Any, *, unit: str = "") -> str:  # noqa: ANN401 - int, float, Decimal
    """Return a difference as text, with its sign; of shares in points."""
    sign = "+" if value > 0 else "-" if value < 0 else ""
    text = figure(name, abs(value), unit=unit)
    return sign + text.replace(" %", " points")


def signed_interval(name: str, low: float | None, high: float | None, *, unit: str = "") -> str:
    """Return the 95 % interval of a difference, of shares in points; or nothing."""
    if low is None or high is None:
        return ""
    if is_share(name, unit):
        return f"{100 * low:+.1f} to {100 * high:+.1f}"
    return " to ".join(signed(name, end, unit=unit) for end in (low, high))


def is_share(name: str, unit: str) -> bool:
    """Tell whether a number is shown in per cent."""
    return name.endswith("_ratio") or unit.startswith("ratio")


def share(value: float) -> str:
    """Return a share in per cent."""
    return f"{100 * value:.1f} %"


def money(value: Decimal) -> str:
    """Return USD: cents from one dollar up, three digits below, never a rounded-off zero."""
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    digits = 2 - value.adjusted()
    text = f"{value:.{min(digits, 12)}f}"
    return f"${text.rstrip('0')}"


def seconds(value: float) -> str:
    """Return a duration in s in the unit that leaves three digits."""
    if value < 1e-3:
        return f"{value * 1e6:.3g} us"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    for size_s, unit in _STEPS:
        if value >= 2 * size_s:
            return f"{value / size_s:.3g} {unit}"
    return f"{value:.3g} s"


def lasted(duration_ns: int | None) -> str:
    """Return a duration in ns, or nothing while it goes on."""
    return "" if duration_ns is None else seconds(duration_ns / 1e9)


def tokens(given: int | None, made: int | None, *, brief: bool = False) -> str:
    """Return tokens in and out, or nothing when neither is said."""
    if given is None and made is None:
        return ""
    if brief:
        return f"{_count(given)}/{_count(made)}"
    return f"{_count(given)} in, {_count(made)} out"


def clean(text: str) -> str:
    """Return text that cannot steer a terminal: names come from whoever sent a span."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _number(name: str, value: Any, unit: str) -> str:  # noqa: ANN401 - int, float or Decimal
    if name.endswith("_usd"):
        return money(Decimal(value))
    if name.endswith("_ns"):
        return seconds(value / 1e9)
    if name.endswith("_s") or unit == "s":
        return seconds(value)
    if is_share(name, unit):
        return share(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"

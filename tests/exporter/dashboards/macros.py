"""The macros and variables of a panel's SQL, expanded as grafana-clickhouse-datasource 4.14 does.

`macros.golden.json` holds expansions recorded from the real plugin; a test holds this against them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_CALL = re.compile(r"\$__(\w+)(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?")


@dataclass(frozen=True, slots=True)
class Range:
    """What the dashboard shows: [from_ms, to_ms], and the interval of its graphs."""

    from_ms: int
    to_ms: int
    interval_ms: int = 60_000

    @property
    def interval_s(self) -> int:
        """The interval in whole seconds, at least one."""
        return max(1, self.interval_ms // 1000)


def expand(sql: str, shown: Range) -> str:
    """Return `sql` as the plugin's backend sends it; unknown macros stand as they are."""
    return _CALL.sub(lambda call: _expanded(call, shown), sql)


def _expanded(call: re.Match[str], shown: Range) -> str:
    name, arguments = call[1], [part.strip() for part in _parts(call[2] or "")]
    macro = _MACROS.get(name)
    if macro is None:
        return call[0]
    return macro(shown, *arguments) + ("" if _takes(name) or call[2] is None else f"({call[2]})")


def _parts(text: str) -> list[str]:
    depth, found, start = 0, [], 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            found.append(text[start:at])
            start = at + 1
    return [*found, text[start:]] if text else []


def _takes(name: str) -> bool:
    return name not in {"fromTime", "toTime", "fromTime_ms", "toTime_ms", "interval_s"}


def _second(moment_ms: int) -> str:
    return f"toDateTime({moment_ms // 1000})"


def _millisecond(moment_ms: int) -> str:
    return f"fromUnixTimestamp64Milli({moment_ms})"


def _day(moment_ms: int) -> str:
    return f"toDate('{datetime.fromtimestamp(moment_ms / 1000, UTC):%Y-%m-%d}')"


def _between(moment: Callable[[int], str]) -> Callable[[Range, str], str]:
    def filtered(shown: Range, column: str) -> str:
        return f"{column} >= {moment(shown.from_ms)} AND {column} <= {moment(shown.to_ms)}"

    return filtered


def _both(shown: Range, day: str, moment: str) -> str:
    return f"({_between(_day)(shown, day)}) AND ({_between(_second)(shown, moment)})"


_MACROS: dict[str, Callable[..., str]] = {
    "fromTime": lambda shown: _second(shown.from_ms),
    "toTime": lambda shown: _second(shown.to_ms),
    "fromTime_ms": lambda shown: _millisecond(shown.from_ms),
    "toTime_ms": lambda shown: _millisecond(shown.to_ms),
    "interval_s": lambda shown: str(shown.interval_s),
    "timeFilter": _between(_second),
    "timeFilter_ms": _between(_millisecond),
    "dateFilter": _between(_day),
    "dateTimeFilter": _both,
    "dt": _both,
    "timeInterval": lambda shown, column: (
        f"toStartOfInterval(toDateTime({column}), INTERVAL {shown.interval_s} second)"
    ),
    "timeInterval_ms": lambda shown, column: (
        f"toStartOfInterval(toDateTime64({column}, 3), INTERVAL {shown.interval_ms} millisecond)"
    ),
}

"""KPIs of agents, counted in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.truth.history import clipped, covered_ns
from tests.truth.numbers import (
    added,
    average,
    deviation,
    newcombe,
    ratio,
    welch,
    wilson,
)
from tests.truth.question import by_error, known_cost, number, said, spread, why

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


def _performances(facts: Facts, asked: Question) -> dict[str, Row]:
    rated = asked.grouped(row for row in asked.asked(facts["ratings"]) if row["of_agent"])
    ran = asked.grouped(asked.asked(facts["agent_runs"]))
    found = {}
    for group in {**ran, **rated}:
        given = said(rated.get(group, []), "quality")
        own = _performance(ran.get(group, []))
        found[group] = own | {"rating_mean": average(given), "rating_n": len(given)}
    return found


def _performance(rows: list[Fact]) -> Row:
    won, failed = number(rows, "outcome", "success"), number(rows, "outcome", "failure")
    n = won + failed
    low, high = wilson(won, n)
    costs = [row["cost"] for row in rows if known_cost(row)]
    attempts = [row["attempt"] for row in rows if row["attempt"]]
    return {
        "success_ratio": ratio(won, n),
        "successful": won,
        "failed": failed,
        "agent_runs": len(rows),
        **spread([row["duration_ns"] for row in rows], "duration_{}_s", 50, 90, 95),
        "cost_usd": added(row["cost"] for row in rows),
        "cost_mean_usd": average(costs),
        **spread(costs, "cost_{}_usd", 50, 90, scale=1),
        "cost_n": len(costs),
        "unpriced_calls": sum(row["unpriced"] for row in rows),
        "input_tokens": added(row["input_tokens"] for row in rows),
        "output_tokens": added(row["output_tokens"] for row in rows),
        "attempts_max": max(attempts, default=None),
        "attempts_mean": average(attempts),
        "attempts_n": len(attempts),
        "failures_by_error_type": by_error(rows),
        "n": n,
        "low": low,
        "high": high,
        "reason": why(
            n,
            (not rows, "no agent run in the window"),
            (True, "no agent run ended as success or failure"),
        ),
    }


def _trend(facts: Facts, asked: Question) -> dict[str, Row]:
    half_ns = asked.since_ns + (asked.until_ns - asked.since_ns) // 2
    found = {}
    for group, some in asked.grouped(asked.asked(facts["agent_runs"])).items():
        recent = [row for row in some if row["ended_ns"] >= half_ns]
        earlier = [row for row in some if row["ended_ns"] < half_ns]
        won = [number(half, "outcome", "success") for half in (recent, earlier)]
        n1, n2 = len(recent), len(earlier)
        p1, p2 = ratio(won[0], n1), ratio(won[1], n2)
        change = None if p1 is None or p2 is None else p1 - p2
        low, high = newcombe(won[0], n1, won[1], n2)
        found[group] = {
            "success_change": change,
            "recent_success_ratio": p1,
            "earlier_success_ratio": p2,
            "success_trend": _trend_word(low, high, better_is=1),
            **_log_change("duration", recent, earlier, lambda row: row["duration_ns"]),
            **_log_change("cost", recent, earlier, _cost_of_trend),
            "recent_n": n1,
            "earlier_n": n2,
            "n": n1 + n2,
            "low": low,
            "high": high,
            "reason": why(
                n1 and n2,
                (not some, "no agent run ended as success or failure in the window"),
                (
                    True,
                    "one half of the window has no agent run that ended as success or failure",
                ),
            ),
        }
    return found


def _cost_of_trend(row: Fact) -> Any:  # noqa: ANN401 - Decimal or None
    return row["cost"] if row["unpriced"] == 0 else None


def _log_change(
    name: str, recent: list[Fact], earlier: list[Fact], value: Callable[[Fact], Any]
) -> Row:
    halves = [[math.log(value(row)) for row in half if value(row)] for half in (recent, earlier)]
    test = welch(*halves)
    change, low, high = (math.exp(one) for one in test) if test else (None, None, None)
    return {
        f"{name}_change_ratio": change,
        f"{name}_change_low": low,
        f"{name}_change_high": high,
        f"{name}_trend": _trend_word(low, high, better_is=-1, around=1),
        f"{name}_n": len(halves[0]) + len(halves[1]),
    }


def _trend_word(low: float | None, high: float | None, *, better_is: int, around: int = 0) -> str:
    if low is None or high is None:
        return "insufficient"
    if low > around:
        return "improving" if better_is > 0 else "declining"
    if high < around:
        return "declining" if better_is > 0 else "improving"
    return "stable"


def _utilization(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [
        row
        for row in facts["agent_runs"]
        if row["ended_ns"] > asked.since_ns
        and row["started_ns"] < asked.until_ns
        and asked.has(row)
    ]
    window_ns = asked.until_ns - asked.since_ns
    found = {}
    for group, some in asked.grouped(rows).items():
        busy: dict[tuple[str, str], int] = defaultdict(int)
        for row in some:
            busy[row["service"], row["agent"]] += _busy_ns(row, asked)
        n = len(busy)
        found[group] = {
            "agent_utilization_ratio": sum(busy.values()) / n / window_ns if n else None,
            "utilization_sd_ratio": deviation(one / window_ns for one in busy.values()),
            "utilization_max_ratio": max((one / window_ns for one in busy.values()), default=None),
            "busy_s": sum(busy.values()) / 1e9 if n else None,
            "n": n,
            "low": None,
            "high": None,
            "reason": why(n, (True, "no agent ran in the window")),
        }
    return found


def _busy_ns(row: Fact, asked: Question) -> int:
    """Return the agent-time within the window: every moment of it that nothing below it has."""
    start = max(int(row["started_ns"]), asked.since_ns)
    end = min(int(row["ended_ns"]), asked.until_ns)
    return max(0, end - start) - covered_ns(clipped(row["away"], start, end))


SIMPLE: Simple = {}
WHOLE: Whole = {
    "agent_performance": _performances,
    "agent_trend": _trend,
    "agent_utilization_ratio": _utilization,
}

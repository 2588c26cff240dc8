"""KPIs of tasks, checks, people, ratings, numbers and budgets, counted in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.numbers import (
    average,
    deviation,
    ratio,
    wilson,
)
from tests.truth.question import said, spread, why

if TYPE_CHECKING:
    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


def _retries(facts: Facts, asked: Question) -> dict[str, Row]:
    agents = [row for row in facts["agent_runs"] if row["task_id"]]
    words = ("task_id", "task_type", "task_domain")
    every = [row | {word: row[word] or "" for word in words} for row in [*facts["tasks"], *agents]]
    rows = asked.asked(every)
    found = {}
    for group, some in asked.grouped(rows).items():
        named = [(row["task_id"] or row["trace_id"] + row["span_id"], row) for row in some]
        attempts = [row["attempt"] or 0 for row in some]
        retries = {(task, row["attempt"]) for task, row in named if (row["attempt"] or 0) > 1}
        tasks = {task for task, row in named if row["task_id"] or (row["attempt"] or 0) <= 1}
        found[group] = {
            "retries_per_task": ratio(len(retries), len(tasks)),
            "retries": len(retries),
            "attempts_max": max((one for one in attempts if one), default=None),
            "n": len(tasks),
            "low": None,
            "high": None,
            "reason": why(len(tasks), (True, "no task in the window")),
        }
    return found


def _checks(rows: list[Fact]) -> Row:
    results = [row["result"] or "" for row in rows]
    passed, failed, rejected = (results.count(one) for one in ("pass", "fail", "reject"))
    n = passed + failed + rejected
    low, high = wilson(passed, n)
    return {
        "validation_pass_ratio": ratio(passed, n),
        "passed": passed,
        "failed": failed,
        "rejected": rejected,
        "without_result": len(rows) - n,
        "n": n,
        "low": low,
        "high": high,
        "reason": why(n, (not rows, "no check in the window"), (True, "no check said its result")),
    }


def _critics(rows: list[Fact]) -> Row:
    results = [row["result"] or "" for row in rows]
    rejected, silent = results.count("reject"), results.count("")
    n = len(rows) - silent
    low, high = wilson(rejected, n)
    return {
        "critic_rejection_ratio": ratio(rejected, n),
        "rejected": rejected,
        "without_result": silent,
        "n": n,
        "low": low,
        "high": high,
        "reason": why(
            n,
            (not rows, "no check by a critic in the window"),
            (True, "no critic said a result"),
        ),
    }


def _people(rows: list[Fact]) -> Row:
    rows = [row for row in rows if row["over"]]
    decided = [row["decision"] for row in rows if row["decision"]]
    words = ("approved", "denied", "answered", "timed_out")
    return {
        "escalations": len(rows) or None,
        **spread([row["duration_ns"] for row in rows], "wait_{}_s", 50, 90),
        **{f"{one}_share": ratio(decided.count(one), len(decided)) for one in words},
        "decided_n": len(decided),
        "still_waiting": 0,
        "n": len(rows),
        "reason": why(len(rows), (True, "no wait for a person ended in the window")),
    }


def _ratings(rows: list[Fact]) -> Row:
    given = said(rows, "quality")
    won, again = said(rows, "success"), said(rows, "use_again")
    return {
        "quality_mean": average(given),
        "quality_sd": deviation(given),
        **spread(given, "quality_{}", 10, 50, 90, scale=1),
        "success_share": ratio(sum(won), len(won)),
        "success_n": len(won),
        "use_again_share": ratio(sum(again), len(again)),
        "use_again_n": len(again),
        "alternative_agents": dict(
            Counter(row["alternative"] for row in rows if row["alternative"])
        ),
        "ratings": len(rows),
        "n": len(given),
        "reason": why(
            len(given), (not rows, "no rating in the window"), (True, "no rating says a quality")
        ),
    }


def _metrics(rows: list[Fact]) -> Row:
    values = [row["value"] for row in rows]
    last = max(rows, key=lambda r: (r["ended_ns"], r["trace_id"], r["span_id"]), default=None)
    return {
        "value_mean": average(values),
        "value_sd": deviation(values),
        **spread(values, "value_{}", 10, 50, 90, scale=1),
        "value_min": min(values, default=None),
        "value_max": max(values, default=None),
        "value_sum": sum(values) if values else None,
        "value_last": last["value"] if last else None,
        "runs_n": len({row["run_id"] for row in rows}),
        "n": len(rows),
        "reason": why(len(rows), (True, "no number was recorded in the window")),
    }


def _budgets(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [row for row in asked.asked(facts["budget_events"]) if _is_told(row)]
    found = {}
    for group, some in asked.grouped(rows).items():
        pots: dict[tuple[str, str, str], list[Fact]] = defaultdict(list)
        for row in some:
            pots[row["budget"], row["scope"], row["pot"]].append(row)
        told = [_pot(sorted(pot, key=_when)) for pot in pots.values()]
        states = Counter(one["state"] for one in told)
        n, limit = len(told), sum(one["limit"] for one in told)
        worst = next((one for one in ("exceeded", "warning") if states[one]), "ok")
        found[group] = {
            "used_ratio": ratio(float(sum(one["used"] for one in told)), float(limit)),
            "limit_usd": limit if n else None,
            "used_usd": sum(one["used"] for one in told) if n else None,
            "state": worst if n else None,
            "warning": states["warning"],
            "exceeded": states["exceeded"],
            "exhausted_at": min(filter(None, (one["exhausted"] for one in told)), default=None),
            "n": n,
            "low": None,
            "high": None,
            "reason": why(n, (True, "no budget said its limit and use in the window")),
        }
    return found


def _is_told(row: Fact) -> bool:
    return row["limit_usd"] is not None and row["used_usd"] is not None


def _when(row: Fact) -> tuple[int, str]:
    return row["ended_ns"], row["span_id"]


def _pot(events: list[Fact]) -> Row:
    """Return what a budget last said, and when nothing will be left of it."""
    first, last = events[0], events[-1]
    limit, used = last["limit_usd"], last["used_usd"]
    follows = "exceeded" if used > limit else "warning" if used >= limit * Decimal("0.8") else "ok"
    spent, took = float(used) - float(first["used_usd"]), last["ended_ns"] - first["ended_ns"]
    exhausted = None
    if took > 0 and spent > 0 and used < limit:
        left_ns = (float(limit) - float(used)) / (spent / took)
        exhausted = last["ended_ns"] + left_ns if left_ns < 1e18 else None
    return {
        "limit": limit,
        "used": used,
        "state": last["state"] or follows,
        "exhausted": exhausted,
    }


SIMPLE: Simple = {
    "validation_pass_ratio": ("validations", lambda _: True, _checks),
    "critic_rejection_ratio": ("validations", lambda row: row["role"] == "critic", _critics),
    "human_escalations": ("human_waits", lambda _: True, _people),
    "quality_rating": ("ratings", lambda _: True, _ratings),
    "run_metrics": ("run_metrics", lambda _: True, _metrics),
}
WHOLE: Whole = {
    "retries_per_task": _retries,
    "budget_use": _budgets,
}

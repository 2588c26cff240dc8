"""KPIs of runs, counted in plain Python."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.truth.numbers import (
    added,
    average,
    deviation,
    ratio,
    seconds,
    wilson,
)
from tests.truth.question import known_cost, logarithmic, moment_ns, number, said, spread, why

if TYPE_CHECKING:
    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


def _success(rows: list[Fact]) -> Row:
    won, failed = number(rows, "outcome", "success"), number(rows, "outcome", "failure")
    n = won + failed
    low, high = wilson(won, n)
    return {
        "workflow_success_ratio": ratio(won, n),
        "successful": won,
        "failed": failed,
        **{one: number(rows, "outcome", one) for one in ("cancelled", "running", "lost")},
        "n": n,
        "low": low,
        "high": high,
        "reason": why(
            n,
            (not rows, "no run in the window"),
            (True, "no run ended as success or failure"),
        ),
    }


def _ended(row: Fact) -> bool:
    return row["ended_ns"] is not None


def _duration(rows: list[Fact]) -> Row:
    lasted = [row["duration_ns"] for row in rows]
    return {
        **spread(lasted, "duration_{}_s", 50, 90, 95),
        "duration_mean_s": seconds(average(lasted)),
        **logarithmic(lasted, "duration"),
        **spread([row["active_ns"] for row in rows], "active_{}_s", 50, 90, 95),
        "n": len(rows),
        "reason": why(len(rows), (True, "no run ended in the window")),
    }


def _completion(rows: list[Fact]) -> Row:
    began = [row["started_ns"] if row["queued_ns"] is None else row["queued_ns"] for row in rows]
    lasted = [row["ended_ns"] - start for row, start in zip(rows, began, strict=True)]
    return {
        **spread(lasted, "completion_{}_s", 50, 90, 95),
        "completion_mean_s": seconds(average(lasted)),
        **logarithmic(lasted, "completion"),
        "queued_n": len(said(rows, "queued_ns")),
        "n": len(rows),
        "reason": why(len(rows), (True, "no run succeeded in the window")),
    }


def _estimates(rows: list[Fact]) -> Row:
    timed = [row for row in rows if row["estimated_s"] and row["estimated_s"] > 0]
    priced = [r for r in rows if known_cost(r) and (r["estimated_cost"] or 0) > 0]
    ratios = [row["duration_ns"] / 1e9 / row["estimated_s"] for row in timed]
    lasted = sum(row["duration_ns"] for row in timed) / 1e9
    return {
        "duration_vs_estimate_ratio": ratio(lasted, sum(row["estimated_s"] for row in timed)),
        **spread(ratios, "duration_vs_estimate_{}_ratio", 50, 90, scale=1),
        "cost_vs_estimate_ratio": ratio(
            float(sum(row["cost"] for row in priced)),
            float(sum(row["estimated_cost"] for row in priced)),
        ),
        "cost_n": len(priced),
        "n": len(timed),
        "reason": why(len(timed), (True, "no run with an estimated duration ended in the window")),
    }


def _agents(rows: list[Fact]) -> Row:
    counts = [len(row["agents"]) for row in rows]
    return {
        "agents_mean": average(counts),
        "agents_sd": deviation(counts),
        **spread(counts, "agents_{}", 50, 90, 95, scale=1),
        "agents_max": max(counts, default=None),
        "n": len(rows),
        "reason": why(len(rows), (True, "no run ended in the window")),
    }


def _overhead(rows: list[Fact]) -> Row:
    known = [row for row in rows if row["coordination_ns"] is not None]
    ratios = [r["coordination_ns"] / r["agent_time_ns"] for r in known if r["agent_time_ns"]]
    spent = sum(row["coordination_ns"] for row in known)
    whole = sum(row["agent_time_ns"] for row in known)
    n = len(ratios)
    share = ratio(spent, whole)
    advice = "above 0.30: fewer handoffs, larger tasks or parallel agents would help"
    return {
        "coordination_overhead_ratio": share,
        **spread(ratios, "coordination_{}_ratio", 50, 90, scale=1),
        "coordination_s": spent / 1e9 if n else None,
        "agent_time_s": whole / 1e9 if n else None,
        "advice": advice if share is not None and share > 0.3 else "",
        "n": n,
        "reason": why(n, (True, "no run with work or a leaf agent ended in the window")),
    }


def _completeness(rows: list[Fact]) -> Row:
    n = sum(row["spans"] for row in rows)
    missing = sum(row["missing"] for row in rows)
    low, high = wilson(n - missing, n)
    return {
        "trace_completeness_ratio": ratio(n - missing, n),
        "complete": n - missing,
        "parents_missing": missing,
        "multi_root_traces": len({one for row in rows for one in row["multi_root"]}),
        "traces": len({one for row in rows for one in row["traces"]}),
        "n": n,
        "low": low,
        "high": high,
        "reason": why(n, (True, "no run ended in the window")),
    }


def _patterns(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [row | {"pattern": row["path"]} for row in asked.ended(facts["runs"])]
    groups = asked.grouped(rows)
    n = len({row["run_id"] for some in groups.values() for row in some})
    found = {}
    for group, some in groups.items():
        won, failed = number(some, "outcome", "success"), number(some, "outcome", "failure")
        low, high = wilson(len(some), n)
        success_low, success_high = wilson(won, won + failed)
        costs = [row["cost"] for row in some if known_cost(row)]
        found[group] = {
            "share": ratio(len(some), n),
            "runs_n": len(some),
            "success_ratio": ratio(won, won + failed),
            "success_low": success_low,
            "success_high": success_high,
            "success_n": won + failed,
            **spread([row["duration_ns"] for row in some], "duration_{}_s", 50, 90, 95),
            "cost_mean_usd": average(costs),
            "cost_n": len(costs),
            "n": n,
            "low": low,
            "high": high,
            "reason": why(n, (True, "no run ended in the window")),
        }
    return found


def _feature_cost(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [row for row in asked.asked(facts["runs"]) if row["feature"]]
    found = {}
    for group, some in asked.grouped(rows).items():
        features: dict[str, list[Fact]] = defaultdict(list)
        for row in some:
            features[row["feature"]].append(row)
        last = [max(runs, key=lambda r: (moment_ns(r), r["run_id"])) for runs in features.values()]
        n = number(last, "outcome", "success")
        cost = added(row["cost"] for row in some)
        found[group] = {
            "cost_per_feature_usd": None if cost is None else ratio(cost, n),
            "cost_usd": cost,
            "unpriced_calls": sum(row["unpriced"] for row in some),
            "features": len(features),
            "runs_n": len(some),
            "n": n,
            "low": None,
            "high": None,
            "reason": why(
                n and cost is not None,
                (not features, "no run of a feature in the window"),
                (n == 0, "no feature was completed"),
                (True, "no call is priced"),
            ),
        }
    return found


SIMPLE: Simple = {
    "workflow_success_ratio": ("runs", lambda _: True, _success),
    "workflow_duration_s": ("runs", _ended, _duration),
    "time_to_completion_s": ("runs", lambda row: row["outcome"] == "success", _completion),
    "duration_vs_estimate_ratio": ("runs", _ended, _estimates),
    "agents_per_workflow": ("runs", _ended, _agents),
    "coordination_overhead_ratio": (
        "runs",
        lambda row: row["coordination_ns"] is not None,
        _overhead,
    ),
    "trace_completeness_ratio": ("runs", _ended, _completeness),
}
WHOLE: Whole = {
    "workflow_patterns": _patterns,
    "cost_per_feature_usd": _feature_cost,
}

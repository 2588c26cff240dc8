"""KPIs of faults and what came of them, counted in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.truth.numbers import (
    average,
    deviation,
    log_ratio,
    ratio,
    seconds,
    wilson,
)
from tests.truth.question import logarithmic, number, said, spread, why

if TYPE_CHECKING:
    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


def _recovery(rows: list[Fact]) -> Row:
    ended = [row for row in rows if row["outcome"] != "open"]
    won = number(rows, "outcome", "recovered")
    n = len(ended)
    low, high = wilson(won, n)
    return {
        "fault_recovery_ratio": ratio(won, n),
        "recovered": won,
        "unrecovered": n - won,
        "open": len(rows) - n,
        "by_recovery": number(ended, "recovered_by", "recovery"),
        "by_later_success": number(ended, "recovered_by", "success"),
        "by_run": number(ended, "recovered_by", "run"),
        "n": n,
        "low": low,
        "high": high,
        "reason": why(
            n, (not rows, "no fault in the window"), (True, "no run with a fault has ended")
        ),
    }


def _recovery_time(rows: list[Fact]) -> Row:
    ended = [row for row in rows if row["outcome"] != "open"]
    took = said(ended, "recovery_ns")
    every = [math.inf if row["recovery_ns"] is None else row["recovery_ns"] for row in ended]
    return {
        "recovery_mean_s": seconds(average(took)),
        **logarithmic(took, "recovery"),
        **spread(took, "recovery_{}_s", 50, 90),
        "all_faults_p50_s": _median_with_infinity(every),
        "unrecovered": number(rows, "outcome", "unrecovered"),
        "n": len(took),
        "reason": why(
            len(took), (not rows, "no fault in the window"), (True, "no fault was recovered")
        ),
    }


def _median_with_infinity(values: list[float]) -> float | None:
    ordered = sorted(values)
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    if not middle or math.inf in middle:
        return None
    return sum(middle) / len(middle) / 1e9


def _score(facts: Facts, asked: Question) -> dict[str, Row]:
    found = {}
    for group, some in asked.grouped(asked.ended(facts["runs"])).items():
        scores = [one for one in (_score_of(facts, run) for run in some) if one is not None]
        found[group] = {
            "resilience_score": average(scores),
            "resilience_sd_score": deviation(scores),
            **spread(scores, "resilience_{}_score", 10, 50, 90, scale=1),
            "n": len(scores),
            "low": None,
            "high": None,
            "reason": why(len(scores), (True, "no ended run had a fault in the window")),
        }
    return found


def _score_of(facts: Facts, run: Fact) -> Any:  # noqa: ANN401 - float or None
    mine = [fault for fault in facts["faults"] if fault["run_id"] == run["run_id"]]
    weight = sum(fault["severity"] for fault in mine)
    if not weight:
        return run["said_score"]
    return 100 * sum(fault["severity"] for fault in mine if fault["in_time"]) / weight


def _retention(facts: Facts, asked: Question) -> dict[str, Row]:
    hit = {fault["run_id"] for fault in facts["faults"] if fault["injected"]}
    rows = [
        run | {"faulted": run["run_id"] in hit}
        for run in asked.ended(facts["runs"])
        if run["outcome"] in ("success", "failure")
    ]
    kinds: dict[str, set[bool]] = defaultdict(set)
    for row in rows:
        kinds[row["workflow"]].add(row["faulted"])
    rows = [row for row in rows if len(kinds[row["workflow"]]) == 2]
    found = {}
    for group, some in asked.grouped(rows).items():
        faulted = [row for row in some if row["faulted"]]
        others = [row for row in some if not row["faulted"]]
        k1, k2 = (number(half, "outcome", "success") for half in (faulted, others))
        n1, n2 = len(faulted), len(others)
        known = n1 > 0 and k2 > 0
        low, high = log_ratio(k1, n1, k2, n2) if known else (None, None)
        found[group] = {
            "resilience_retention_ratio": (k1 / n1) / (k2 / n2) if known else None,
            "faulted_success_ratio": ratio(k1, n1),
            "baseline_success_ratio": ratio(k2, n2),
            "faulted_k": k1,
            "baseline_k": k2,
            "faulted_n": n1,
            "baseline_n": n2,
            "n": len(some),
            "low": low,
            "high": high,
            "reason": why(
                known,
                (
                    not some,
                    "no workflow has runs with and without injected faults in the window",
                ),
                (True, "no run without faults succeeded"),
            ),
        }
    return found


SIMPLE: Simple = {
    "fault_recovery_ratio": ("faults", lambda _: True, _recovery),
    "time_to_recovery_s": ("faults", lambda _: True, _recovery_time),
}
WHOLE: Whole = {
    "resilience_score": _score,
    "resilience_retention_ratio": _retention,
}

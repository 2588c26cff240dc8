"""Every KPI of kpis.md over known facts, counted in plain Python."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.truth.history import clipped, covered_ns
from tests.truth.numbers import (
    added,
    average,
    log_ratio,
    newcombe,
    quantile,
    ratio,
    seconds,
    welch,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Fact = dict[str, Any]
Facts = dict[str, list[Fact]]
Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One question to a KPI."""

    kpi: str
    by: str
    since_ns: int
    until_ns: int
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def has(self, fact: Fact) -> bool:
        """Say whether a fact passes the filters; a run, by any of its agents."""
        for name, wanted in self.filters.items():
            said = fact["agents"] if name == "agent" and "agents" in fact else [fact[name]]
            if not set(said) & set(wanted):
                return False
        return True

    def ends_inside(self, fact: Fact) -> bool:
        """Say whether a fact belongs to the window: it holds its end."""
        return bool(self.since_ns <= fact["ended_ns"] < self.until_ns)

    def asked(self, facts: Iterable[Fact]) -> list[Fact]:
        """Return the facts that are asked for."""
        return [fact for fact in facts if self.ends_inside(fact) and self.has(fact)]

    def groups(self, fact: Fact) -> list[str]:
        """Return the groups in which a fact stands: a run, in one for each agent."""
        if self.by == "total":
            return [""]
        if self.by == "agent" and "agents" in fact:
            wanted = self.filters.get("agent", ())
            return [name for name in fact["agents"] if not wanted or name in wanted]
        return [str(fact[self.by])]

    def grouped(self, facts: Iterable[Fact]) -> dict[str, list[Fact]]:
        """Return facts by group; the total is there even without any."""
        found: dict[str, list[Fact]] = {"": []} if self.by == "total" else {}
        for fact in facts:
            for group in self.groups(fact):
                found.setdefault(group, []).append(fact)
        return found


def answer(facts: Facts, asked: Question) -> dict[str, Row]:
    """Return the true rows by group: every column that the KPI's file has."""
    if asked.kpi in WHOLE:
        return WHOLE[asked.kpi](facts, asked)
    table, keep, count = SIMPLE[asked.kpi]
    rows = asked.asked(facts[table])
    for row in rows:
        row.update(_derived(table, row))
    return {
        group: _complete(count(some))
        for group, some in asked.grouped(row for row in rows if keep(row)).items()
    }


def _derived(table: str, fact: Fact) -> Row:
    """Return what a fact can be grouped by beside what it says."""
    return DERIVED[table](fact) if table in DERIVED else {}


def _complete(row: Row) -> Row:
    return {"low": None, "high": None} | row


def _why(n: int, *reasons: tuple[bool, str]) -> str:
    """Return why a KPI is unknown: the first reason that holds, '' with n."""
    return "" if n else next(text for holds, text in reasons if holds)


def _by_error(rows: Iterable[Fact]) -> dict[str, int]:
    return dict(Counter(row["error_type"] for row in rows if row["outcome"] == "failure"))


def _number(rows: Iterable[Fact], word: str, *values: str) -> int:
    return sum(row[word] in values for row in rows)


def _said(rows: Iterable[Fact], word: str) -> list[Any]:
    return [row[word] for row in rows if row[word] is not None]


def _spread(values: list[Any], name: str, *percents: int, scale: float = 1e9) -> Row:
    """Return quantiles in seconds, named as in `name.format(percent)`."""
    found = {}
    for percent in percents:
        value = quantile(values, percent / 100)
        found[name.format(f"p{percent}")] = None if value is None else value / scale
    return found


# --- Runs ------------------------------------------------------------------------------------


def _success(rows: list[Fact]) -> Row:
    won, failed = _number(rows, "outcome", "success"), _number(rows, "outcome", "failure")
    n = won + failed
    low, high = wilson(won, n)
    return {
        "workflow_success_ratio": ratio(won, n),
        "successful": won,
        "failed": failed,
        **{one: _number(rows, "outcome", one) for one in ("cancelled", "running", "lost")},
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(
            n,
            (not rows, "no run in the window"),
            (True, "no run ended as success or failure"),
        ),
    }


def _duration(rows: list[Fact]) -> Row:
    lasted = [row["duration_ns"] for row in rows]
    return {
        **_spread(lasted, "duration_{}_s", 50, 90, 95),
        "duration_mean_s": seconds(average(lasted)),
        **_spread([row["active_ns"] for row in rows], "active_{}_s", 50, 90, 95),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no run ended in the window")),
    }


def _completion(rows: list[Fact]) -> Row:
    began = [row["started_ns"] if row["queued_ns"] is None else row["queued_ns"] for row in rows]
    lasted = [row["ended_ns"] - start for row, start in zip(rows, began, strict=True)]
    return {
        **_spread(lasted, "completion_{}_s", 50, 90, 95),
        "completion_mean_s": seconds(average(lasted)),
        "queued_n": len(_said(rows, "queued_ns")),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no run succeeded in the window")),
    }


def _known_cost(row: Fact) -> bool:
    return row["cost"] is not None and row["unpriced"] == 0


def _estimates(rows: list[Fact]) -> Row:
    timed = [row for row in rows if row["estimated_s"] and row["estimated_s"] > 0]
    priced = [r for r in rows if _known_cost(r) and (r["estimated_cost"] or 0) > 0]
    ratios = [row["duration_ns"] / 1e9 / row["estimated_s"] for row in timed]
    lasted = sum(row["duration_ns"] for row in timed) / 1e9
    return {
        "duration_vs_estimate_ratio": ratio(lasted, sum(row["estimated_s"] for row in timed)),
        **_spread(ratios, "duration_vs_estimate_{}_ratio", 50, 90, scale=1),
        "cost_vs_estimate_ratio": ratio(
            float(sum(row["cost"] for row in priced)),
            float(sum(row["estimated_cost"] for row in priced)),
        ),
        "cost_n": len(priced),
        "n": len(timed),
        "reason": _why(len(timed), (True, "no run with an estimated duration ended in the window")),
    }


def _agents(rows: list[Fact]) -> Row:
    counts = [len(row["agents"]) for row in rows]
    return {
        "agents_mean": average(counts),
        **_spread(counts, "agents_{}", 50, 90, 95, scale=1),
        "agents_max": max(counts, default=None),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no run ended in the window")),
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
        **_spread(ratios, "coordination_{}_ratio", 50, 90, scale=1),
        "coordination_s": spent / 1e9 if n else None,
        "agent_time_s": whole / 1e9 if n else None,
        "advice": advice if share is not None and share > 0.3 else "",
        "n": n,
        "reason": _why(n, (True, "no run with work or a leaf agent ended in the window")),
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
        "reason": _why(n, (True, "no run ended in the window")),
    }


def _patterns(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [row | {"pattern": row["path"]} for row in asked.asked(facts["runs"])]
    groups = asked.grouped(rows)
    n = len({row["run_id"] for some in groups.values() for row in some})
    found = {}
    for group, some in groups.items():
        won, failed = _number(some, "outcome", "success"), _number(some, "outcome", "failure")
        low, high = wilson(len(some), n)
        success_low, success_high = wilson(won, won + failed)
        costs = [row["cost"] for row in some if _known_cost(row)]
        found[group] = {
            "share": ratio(len(some), n),
            "runs_n": len(some),
            "success_ratio": ratio(won, won + failed),
            "success_low": success_low,
            "success_high": success_high,
            "success_n": won + failed,
            **_spread([row["duration_ns"] for row in some], "duration_{}_s", 50, 90, 95),
            "cost_mean_usd": average(costs),
            "cost_n": len(costs),
            "n": n,
            "low": low,
            "high": high,
            "reason": _why(n, (True, "no run ended in the window")),
        }
    return found


def _feature_cost(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [row for row in asked.asked(facts["runs"]) if row["feature"]]
    found = {}
    for group, some in asked.grouped(rows).items():
        features: dict[str, list[Fact]] = defaultdict(list)
        for row in some:
            features[row["feature"]].append(row)
        last = [max(runs, key=lambda r: (r["ended_ns"], r["run_id"])) for runs in features.values()]
        n = _number(last, "outcome", "success")
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
            "reason": _why(
                n and cost is not None,
                (not features, "no run of a feature in the window"),
                (n == 0, "no feature was completed"),
                (True, "no call is priced"),
            ),
        }
    return found


# --- Agents ----------------------------------------------------------------------------------


def _performance(rows: list[Fact]) -> Row:
    won, failed = _number(rows, "outcome", "success"), _number(rows, "outcome", "failure")
    n = won + failed
    low, high = wilson(won, n)
    costs = [row["cost"] for row in rows if _known_cost(row)]
    attempts = [row["attempt"] for row in rows if row["attempt"]]
    return {
        "success_ratio": ratio(won, n),
        "successful": won,
        "failed": failed,
        "agent_runs": len(rows),
        **_spread([row["duration_ns"] for row in rows], "duration_{}_s", 50, 90, 95),
        "cost_usd": added(row["cost"] for row in rows),
        "cost_mean_usd": average(costs),
        **_spread(costs, "cost_{}_usd", 50, 90, scale=1),
        "cost_n": len(costs),
        "unpriced_calls": sum(row["unpriced"] for row in rows),
        "input_tokens": added(row["input_tokens"] for row in rows),
        "output_tokens": added(row["output_tokens"] for row in rows),
        "attempts_max": max(attempts, default=None),
        "attempts_mean": average(attempts),
        "attempts_n": len(attempts),
        "failures_by_error_type": _by_error(rows),
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(
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
        won = [_number(half, "outcome", "success") for half in (recent, earlier)]
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
            "reason": _why(
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
            "utilization_max_ratio": max((one / window_ns for one in busy.values()), default=None),
            "busy_s": sum(busy.values()) / 1e9 if n else None,
            "n": n,
            "low": None,
            "high": None,
            "reason": _why(n, (True, "no agent ran in the window")),
        }
    return found


def _busy_ns(row: Fact, asked: Question) -> int:
    """Return the agent-time within the window: every moment of it that nothing below it has."""
    start = max(int(row["started_ns"]), asked.since_ns)
    end = min(int(row["ended_ns"]), asked.until_ns)
    return max(0, end - start) - covered_ns(clipped(row["away"], start, end))


# --- Calls -----------------------------------------------------------------------------------


def _cost(facts: Facts, asked: Question) -> dict[str, Row]:
    edges = {
        row["target_key"]: f"{row['source']} > {row['target']}"
        for row in facts["handoffs"]
        if row["target_key"]
    }
    rows = []
    for row in asked.asked(facts["llm_calls"]):
        if _known_call(row):
            entry = f"entry > {row['agent']}" if row["agent_run"] else "no agent"
            rows.append(row | {"edge": edges.get((row["trace_id"], row["agent_run"]), entry)})
    found = {}
    for group, some in asked.grouped(rows).items():
        costs = _said(some, "cost")
        reasons = sorted({row["unknown_reason"] for row in some})
        found[group] = {
            "cost_usd": added(costs),
            "priced_calls": len(costs),
            "unpriced_calls": len(some) - len(costs),
            "n": len(some),
            "low": None,
            "high": None,
            "reason": _why(
                len(costs),
                (not some, "no LLM call in the window"),
                (True, f"no call is priced: {', '.join(reasons)}"),
            ),
        }
    return found


def _known_call(row: Fact) -> bool:
    words = ("cost", "input_tokens", "output_tokens")
    return bool(row["model"]) or any(row[word] is not None for word in words)


def _coverage(rows: list[Fact]) -> Row:
    priced, n = len(_said(rows, "cost")), len(rows)
    low, high = wilson(priced, n)
    return {
        "cost_coverage_ratio": ratio(priced, n),
        "priced_calls": priced,
        "unpriced_calls": n - priced,
        "unpriced_by_reason": dict(
            Counter(row["unknown_reason"] for row in rows if row["cost"] is None)
        ),
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(n, (True, "no LLM call with usage or a model in the window")),
    }


def _tokens(rows: list[Fact]) -> Row:
    say = [r for r in rows if r["input_tokens"] is not None and r["cache_read"] is not None]
    ratios = [one for one in map(_hit_ratio, _by_run(say).values()) if one is not None]
    n = len(_said(rows, "input_tokens"))
    return {
        "input_tokens": added(row["input_tokens"] for row in rows),
        "output_tokens": added(row["output_tokens"] for row in rows),
        "cache_read_tokens": added(row["cache_read"] for row in rows),
        "cache_write_tokens": added(row["cache_write"] for row in rows),
        "reasoning_tokens": added(row["reasoning"] for row in rows),
        "cache_hit_ratio": _hit_ratio(say),
        **_spread(ratios, "cache_hit_{}_ratio", 50, 90, scale=1),
        "cache_hit_runs_n": len(ratios),
        "cache_hit_calls_n": len(say),
        "n": n,
        "reason": _why(n, (True, "no LLM call with input tokens in the window")),
    }


def _hit_ratio(rows: list[Fact]) -> Any:  # noqa: ANN401 - float or None
    return ratio(sum(r["cache_read"] for r in rows), sum(r["input_tokens"] for r in rows))


def _by_run(rows: list[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for row in rows:
        found[row["run_id"]].append(row)
    return found


def _coordination_tokens(rows: list[Fact]) -> Row:
    known = [row for row in rows if row["input_tokens"] is not None or row["output_tokens"]]
    ratios = [one for one in map(_coordination_share, _by_run(known).values()) if one is not None]
    whole, n = sum(map(_all_tokens, known)), len(known)
    spent = sum(_all_tokens(row) for row in known if row["coordination"])
    return {
        "coordination_token_ratio": ratio(spent, whole),
        **_spread(ratios, "coordination_token_{}_ratio", 50, 90, scale=1),
        "runs_n": len(ratios),
        "coordination_tokens": spent,
        "all_tokens": whole,
        "n": n,
        "reason": _why(n, (True, "no LLM call with tokens in the window")),
    }


def _all_tokens(row: Fact) -> int:
    return int(row["input_tokens"] or 0) + int(row["output_tokens"] or 0)


def _coordination_share(rows: list[Fact]) -> Any:  # noqa: ANN401 - float or None
    spent = sum(_all_tokens(row) for row in rows if row["coordination"])
    return ratio(spent, sum(map(_all_tokens, rows)))


def _latency(rows: list[Fact]) -> Row:
    lasted = [row["duration_ns"] for row in rows]
    return {
        **_spread(lasted, "latency_{}_s", 50, 90, 95),
        "latency_mean_s": seconds(average(lasted)),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no LLM call in the window")),
    }


def _first_token(rows: list[Fact]) -> Row:
    waited = _said(rows, "first_token_s")
    return {
        **_spread(waited, "first_token_{}_s", 50, 90, 95, scale=1),
        "first_token_mean_s": average(waited),
        "n": len(waited),
        "reason": _why(
            len(waited), (True, "no LLM call with a time to its first token in the window")
        ),
    }


def _errors(rows: list[Fact]) -> Row:
    failed, n = _number(rows, "outcome", "failure"), len(rows)
    low, high = wilson(failed, n)
    return {
        "llm_error_ratio": ratio(failed, n),
        "failed": failed,
        "failures_by_error_type": _by_error(rows),
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(n, (True, "no LLM call in the window")),
    }


def _tool_errors(rows: list[Fact]) -> Row:
    row = _errors(rows)
    row["tool_error_ratio"] = row.pop("llm_error_ratio")
    row |= _spread([one["duration_ns"] for one in rows], "duration_{}_s", 50, 90, 95)
    return row | {"reason": _why(len(rows), (True, "no tool call in the window"))}


# --- Handoffs --------------------------------------------------------------------------------

HANDOFF_OUTCOMES = ("accepted", "refused", "lost", "pending")


def _handoffs(rows: list[Fact]) -> Row:
    return {
        "handoffs": len(rows) or None,
        **{one: _number(rows, "outcome", one) for one in HANDOFF_OUTCOMES},
        **_spread(_said(rows, "latency_ns"), "latency_{}_s", 50, 90, 95),
        "latency_n": len(_said(rows, "latency_ns")),
        "payload_bytes": added(row["payload_bytes"] for row in rows),
        "payload_n": len(_said(rows, "payload_bytes")),
        "cost_usd": added(row["cost"] for row in rows),
        "cost_n": len(_said(rows, "cost")),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no handoff in the window")),
    }


def _loss(rows: list[Fact]) -> Row:
    found = {one: _number(rows, "outcome", one) for one in HANDOFF_OUTCOMES}
    n = found["lost"] + found["accepted"]
    low, high = wilson(found["lost"], n)
    return {
        "handoff_loss_ratio": ratio(found["lost"], n),
        **found,
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(
            n,
            (not rows, "no handoff in the window"),
            (True, "no handoff was accepted or lost"),
        ),
    }


def _ping_pong(rows: list[Fact]) -> Row:
    back, n = sum(row["ping_pong"] for row in rows), len(rows)
    low, high = wilson(back, n)
    return {
        "ping_pong_ratio": ratio(back, n),
        "ping_pongs": back,
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(n, (True, "no handoff passed control in the window")),
    }


def _bottlenecks(facts: Facts, asked: Question) -> dict[str, Row]:
    rows = [r | _step(r) for r in asked.asked(facts["critical_paths"]) if r["run_id"]]
    whole = sum(row["critical_ns"] for row in rows)
    found = {}
    for group, some in asked.grouped(rows).items():
        own = sum(row["critical_ns"] for row in some)
        n = len({row["run_id"] for row in some})
        found[group] = {
            "share": ratio(own, whole),
            "critical_s": own / 1e9 if own else None,
            "spans": len(some),
            "n": n,
            "low": None,
            "high": None,
            "reason": _why(n, (True, "no critical path in the window")),
        }
    return found


def _step(row: Fact) -> Row:
    return {"step": f"{row['part']} {row['name']}"}


# --- Trouble ---------------------------------------------------------------------------------


def _recovery(rows: list[Fact]) -> Row:
    ended = [row for row in rows if row["outcome"] != "open"]
    won = _number(rows, "outcome", "recovered")
    n = len(ended)
    low, high = wilson(won, n)
    return {
        "fault_recovery_ratio": ratio(won, n),
        "recovered": won,
        "unrecovered": n - won,
        "open": len(rows) - n,
        "by_recovery": _number(ended, "recovered_by", "recovery"),
        "by_later_success": _number(ended, "recovered_by", "success"),
        "by_run": _number(ended, "recovered_by", "run"),
        "n": n,
        "low": low,
        "high": high,
        "reason": _why(
            n, (not rows, "no fault in the window"), (True, "no run with a fault has ended")
        ),
    }


def _recovery_time(rows: list[Fact]) -> Row:
    ended = [row for row in rows if row["outcome"] != "open"]
    took = _said(ended, "recovery_ns")
    every = [math.inf if row["recovery_ns"] is None else row["recovery_ns"] for row in ended]
    return {
        "recovery_mean_s": seconds(average(took)),
        **_spread(took, "recovery_{}_s", 50, 90),
        "all_faults_p50_s": _median_with_infinity(every),
        "unrecovered": _number(rows, "outcome", "unrecovered"),
        "n": len(took),
        "reason": _why(
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
    for group, some in asked.grouped(asked.asked(facts["runs"])).items():
        scores = [one for one in (_score_of(facts, run) for run in some) if one is not None]
        found[group] = {
            "resilience_score": average(scores),
            **_spread(scores, "resilience_{}_score", 10, 50, 90, scale=1),
            "n": len(scores),
            "low": None,
            "high": None,
            "reason": _why(len(scores), (True, "no ended run had a fault in the window")),
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
        for run in asked.asked(facts["runs"])
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
        k1, k2 = (_number(half, "outcome", "success") for half in (faulted, others))
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
            "reason": _why(
                known,
                (
                    not some,
                    "no workflow has runs with and without injected faults in the window",
                ),
                (True, "no run without faults succeeded"),
            ),
        }
    return found


# --- Everything else -------------------------------------------------------------------------


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
            "reason": _why(len(tasks), (True, "no task in the window")),
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
        "reason": _why(n, (not rows, "no check in the window"), (True, "no check said its result")),
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
        "reason": _why(
            n,
            (not rows, "no check by a critic in the window"),
            (True, "no critic said a result"),
        ),
    }


def _people(rows: list[Fact]) -> Row:
    decided = [row["decision"] for row in rows if row["decision"]]
    words = ("approved", "denied", "answered", "timed_out")
    return {
        "escalations": len(rows) or None,
        **_spread([row["duration_ns"] for row in rows], "wait_{}_s", 50, 90),
        **{f"{one}_share": ratio(decided.count(one), len(decided)) for one in words},
        "decided_n": len(decided),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no wait for a person ended in the window")),
    }


def _ratings(rows: list[Fact]) -> Row:
    given = _said(rows, "quality")
    won, again = _said(rows, "success"), _said(rows, "use_again")
    return {
        "quality_mean": average(given),
        **_spread(given, "quality_{}", 10, 50, 90, scale=1),
        "success_share": ratio(sum(won), len(won)),
        "success_n": len(won),
        "use_again_share": ratio(sum(again), len(again)),
        "use_again_n": len(again),
        "alternative_agents": dict(
            Counter(row["alternative"] for row in rows if row["alternative"])
        ),
        "ratings": len(rows),
        "n": len(given),
        "reason": _why(
            len(given), (not rows, "no rating in the window"), (True, "no rating says a quality")
        ),
    }


def _metrics(rows: list[Fact]) -> Row:
    values = [row["value"] for row in rows]
    last = max(rows, key=lambda r: (r["ended_ns"], r["trace_id"], r["span_id"]), default=None)
    return {
        "value_mean": average(values),
        **_spread(values, "value_{}", 10, 50, 90, scale=1),
        "value_min": min(values, default=None),
        "value_max": max(values, default=None),
        "value_sum": sum(values) if values else None,
        "value_last": last["value"] if last else None,
        "runs_n": len({row["run_id"] for row in rows}),
        "n": len(rows),
        "reason": _why(len(rows), (True, "no number was recorded in the window")),
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
            "reason": _why(n, (True, "no budget said its limit and use in the window")),
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


def moment(text: str) -> float:
    """Return ISO text as Unix ns, cut to microseconds."""
    whole, _, part = text.removesuffix("Z").partition(".")
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1) * 1e9 + float(
        f"0.{part or 0}"
    ) * 1e9


Rows = list[Fact]
SIMPLE: dict[str, tuple[str, Callable[[Fact], bool], Callable[[Rows], Row]]] = {
    "workflow_success_ratio": ("runs", lambda _: True, _success),
    "workflow_duration_s": ("runs", lambda _: True, _duration),
    "time_to_completion_s": ("runs", lambda row: row["outcome"] == "success", _completion),
    "duration_vs_estimate_ratio": ("runs", lambda _: True, _estimates),
    "agents_per_workflow": ("runs", lambda _: True, _agents),
    "coordination_overhead_ratio": (
        "runs",
        lambda row: row["coordination_ns"] is not None,
        _overhead,
    ),
    "trace_completeness_ratio": ("runs", lambda _: True, _completeness),
    "agent_performance": ("agent_runs", lambda _: True, _performance),
    "cost_coverage_ratio": ("llm_calls", _known_call, _coverage),
    "tokens": ("llm_calls", lambda _: True, _tokens),
    "coordination_token_ratio": (
        "llm_calls",
        lambda row: row["input_tokens"] is not None or row["output_tokens"] is not None,
        _coordination_tokens,
    ),
    "llm_latency_s": ("llm_calls", lambda row: not row["container"], _latency),
    "time_to_first_token_s": ("llm_calls", lambda row: not row["container"], _first_token),
    "llm_error_ratio": ("llm_calls", lambda row: not row["container"], _errors),
    "tool_error_ratio": ("tool_calls", lambda row: not row["delegation"], _tool_errors),
    "handoffs": ("handoffs", lambda _: True, _handoffs),
    "handoff_loss_ratio": ("handoffs", lambda _: True, _loss),
    "ping_pong_ratio": ("handoffs", lambda row: row["mode"] == "pass_control", _ping_pong),
    "fault_recovery_ratio": ("faults", lambda _: True, _recovery),
    "time_to_recovery_s": ("faults", lambda _: True, _recovery_time),
    "validation_pass_ratio": ("validations", lambda _: True, _checks),
    "critic_rejection_ratio": ("validations", lambda row: row["role"] == "critic", _critics),
    "human_escalations": ("human_waits", lambda _: True, _people),
    "quality_rating": ("ratings", lambda _: True, _ratings),
    "run_metrics": ("run_metrics", lambda _: True, _metrics),
}
"""KPI -> the facts it is about, which of them, and how they are counted."""

WHOLE: dict[str, Callable[[Facts, Question], dict[str, Row]]] = {
    "workflow_patterns": _patterns,
    "cost_per_feature_usd": _feature_cost,
    "agent_trend": _trend,
    "agent_utilization_ratio": _utilization,
    "cost_usd": _cost,
    "bottlenecks": _bottlenecks,
    "resilience_score": _score,
    "resilience_retention_ratio": _retention,
    "retries_per_task": _retries,
    "budget_use": _budgets,
}
"""KPI -> how it is counted, where a group is more than its own facts."""

DERIVED: dict[str, Callable[[Fact], Row]] = {
    "handoffs": lambda row: {"edge": f"{row['source']} > {row['target']}"},
    "faults": lambda row: {"origin": "injected" if row["injected"] else "real"},
    "validations": lambda row: {
        word: row[word] or "" for word in ("validation", "validator", "role")
    },
    "human_waits": lambda row: {
        word: row[word] or "" for word in ("human_reason", "priority", "decision")
    },
    "run_metrics": lambda row: {"metric": row["metric"] or ""},
}
"""Facts -> what they can be grouped by beside what they say."""

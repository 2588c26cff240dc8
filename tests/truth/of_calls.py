"""KPIs of calls of models and tools, counted in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.truth.numbers import (
    added,
    average,
    ratio,
    seconds,
    wilson,
)
from tests.truth.question import by_error, logarithmic, number, said, spread, why

if TYPE_CHECKING:
    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


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
        costs = said(some, "cost")
        reasons = sorted({row["unknown_reason"] for row in some})
        found[group] = {
            "cost_usd": added(costs),
            "priced_calls": len(costs),
            "unpriced_calls": len(some) - len(costs),
            "n": len(some),
            "low": None,
            "high": None,
            "reason": why(
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
    priced, n = len(said(rows, "cost")), len(rows)
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
        "reason": why(n, (True, "no LLM call with usage or a model in the window")),
    }


def _tokens(rows: list[Fact]) -> Row:
    say = [r for r in rows if r["input_tokens"] is not None and r["cache_read"] is not None]
    ratios = [one for one in map(_hit_ratio, _by_run(say).values()) if one is not None]
    n = len(said(rows, "input_tokens"))
    return {
        "input_tokens": added(row["input_tokens"] for row in rows),
        "output_tokens": added(row["output_tokens"] for row in rows),
        "cache_read_tokens": added(row["cache_read"] for row in rows),
        "cache_write_tokens": added(row["cache_write"] for row in rows),
        "reasoning_tokens": added(row["reasoning"] for row in rows),
        "cache_hit_ratio": _hit_ratio(say),
        **spread(ratios, "cache_hit_{}_ratio", 50, 90, scale=1),
        "cache_hit_runs_n": len(ratios),
        "cache_hit_calls_n": len(say),
        "n": n,
        "reason": why(n, (True, "no LLM call with input tokens in the window")),
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
        **spread(ratios, "coordination_token_{}_ratio", 50, 90, scale=1),
        "runs_n": len(ratios),
        "coordination_tokens": spent,
        "all_tokens": whole,
        "n": n,
        "reason": why(n, (True, "no LLM call with tokens in the window")),
    }


def _all_tokens(row: Fact) -> int:
    return int(row["input_tokens"] or 0) + int(row["output_tokens"] or 0)


def _coordination_share(rows: list[Fact]) -> Any:  # noqa: ANN401 - float or None
    spent = sum(_all_tokens(row) for row in rows if row["coordination"])
    return ratio(spent, sum(map(_all_tokens, rows)))


def _latency(rows: list[Fact]) -> Row:
    lasted = [row["duration_ns"] for row in rows]
    return {
        **spread(lasted, "latency_{}_s", 50, 90, 95),
        "latency_mean_s": seconds(average(lasted)),
        **logarithmic(lasted, "latency"),
        "n": len(rows),
        "reason": why(len(rows), (True, "no LLM call in the window")),
    }


def _first_token(rows: list[Fact]) -> Row:
    waited = said(rows, "first_token_s")
    return {
        **spread(waited, "first_token_{}_s", 50, 90, 95, scale=1),
        "first_token_mean_s": average(waited),
        **logarithmic(waited, "first_token", scale=1),
        "n": len(waited),
        "reason": why(
            len(waited), (True, "no LLM call with a time to its first token in the window")
        ),
    }


def _errors(rows: list[Fact]) -> Row:
    failed, n = number(rows, "outcome", "failure"), len(rows)
    low, high = wilson(failed, n)
    return {
        "llm_error_ratio": ratio(failed, n),
        "failed": failed,
        "failures_by_error_type": by_error(rows),
        "n": n,
        "low": low,
        "high": high,
        "reason": why(n, (True, "no LLM call in the window")),
    }


def _tool_errors(rows: list[Fact]) -> Row:
    row = _errors(rows)
    row["tool_error_ratio"] = row.pop("llm_error_ratio")
    row |= spread([one["duration_ns"] for one in rows], "duration_{}_s", 50, 90, 95)
    return row | {"reason": why(len(rows), (True, "no tool call in the window"))}


SIMPLE: Simple = {
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
}
WHOLE: Whole = {
    "cost_usd": _cost,
}

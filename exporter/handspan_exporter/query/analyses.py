"""Analyses under the names and with the keys of older systems; what is unknown is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handspan_exporter.query.kpi import TOTAL
from handspan_exporter.query.window import iso

if TYPE_CHECKING:
    from handspan_exporter.query.answers import Answers, Filters
    from handspan_exporter.query.window import Window

Row = dict[str, Any]

_PATTERNS = 5
_MOST = 0.30
"""Share of agent-time spent on coordination from which there is advice (docs/kpis.md)."""


def workflows(answers: Answers, window: Window) -> Row:
    """Return how many workflows there were, how long, how successful, and their patterns."""
    success = _total(answers, "workflow_success_ratio", window)
    duration = _total(answers, "workflow_duration_s", window)
    agents = _total(answers, "agents_per_workflow", window)
    patterns = answers.kpi("workflow_patterns", window)["rows"][:_PATTERNS]
    counted = ("successful", "failed", "cancelled", "running", "lost")
    return {
        "total_workflows": sum(success[name] for name in counted),
        "avg_duration_minutes": _minutes(duration["duration_mean_s"]),
        "success_rate": success["workflow_success_ratio"],
        "success_rate_n": success["n"],
        "success_rate_low": success["low"],
        "success_rate_high": success["high"],
        "avg_agents_per_workflow": agents["agents_mean"],
        "most_common_patterns": [
            {"pattern": row["group"], "count": row["runs_n"], "success_rate": row["success_ratio"]}
            for row in patterns
        ],
    }


def coordination(answers: Answers, window: Window) -> Row:
    """Return how much of the agents' time went into coordination, and what to do about it."""
    row = _total(answers, "coordination_overhead_ratio", window)
    ratio, n = row["coordination_overhead_ratio"], row["n"]
    if ratio is None:
        recommendation = f"unknown: {row['reason']}"
    else:
        fine = f"coordination is below {_MOST:.0%} of agent time: nothing to do"
        recommendation = row["advice"] or fine
    spent_s = row["coordination_s"]
    return {
        "coordination_overhead_pct": None if ratio is None else 100 * ratio,
        "recommendation": recommendation,
        "avg_coordination_minutes": _minutes(spent_s / n) if n and spent_s is not None else None,
        "n": n,
    }


def trend(answers: Answers, window: Window, agent: str) -> Row:
    """Return whether an agent succeeds more often than before: recent half against the earlier."""
    rows = answers.kpi("agent_trend", window, by="agent", filters={"agent": [agent]})["rows"]
    row = rows[0] if rows else {"reason": f"no run of {agent} in the window", "n": 0}
    return {
        "agent_name": agent,
        "trend": row.get("success_trend", "insufficient"),
        "success_rate_change": row.get("success_change"),
        "recent_success_rate": row.get("recent_success_ratio"),
        "historical_success_rate": row.get("earlier_success_ratio"),
        "change_low": row.get("low"),
        "change_high": row.get("high"),
        "n": row["n"],
        "reason": row["reason"],
    }


def ranking(answers: Answers, window: Window, task_type: str) -> list[Row]:
    """Return the agents by how sure their success is."""
    found = answers.best_agents(window, task_type=task_type, min_confidence=0)
    return [_ranked(row) for row in found["agents"]]


def best_agent(
    answers: Answers, window: Window, task: str, domain: str, min_confidence: float
) -> Row | None:
    """Return who should do a task, or None."""
    found = answers.best_agents(window, task=task, domain=domain, min_confidence=min_confidence)
    return _ranked(found["best"]) if found["best"] else None


def statistics(answers: Answers, window: Window) -> Row:
    """Return all of it: workflows, coordination, and the agents by how sure their success is."""
    return {
        "since": iso(window.since_ns),
        "until": iso(window.until_ns),
        "workflows": workflows(answers, window),
        "coordination": coordination(answers, window),
        "agents": ranking(answers, window, ""),
    }


def summary(found: Row) -> str:
    """Return what `statistics` found as lines for people; what is unknown says so."""
    done, spent = found["workflows"], found["coordination"]
    lines = [
        f"{found['since'][:10]} to {found['until'][:10]} UTC",
        f"workflows: {done['total_workflows']}",
        f"success: {_percent(done['success_rate'])} (n = {done['success_rate_n']})",
        f"mean duration: {_told(done['avg_duration_minutes'], 'minutes')}",
        f"coordination: {_told(spent['coordination_overhead_pct'], '% of agent time')}",
        *(
            f"agent {one['agent_name']}: {_percent(one['success_rate'])} (n = {one['total_tasks']})"
            for one in found["agents"]
        ),
    ]
    return "\n".join(lines)


def run_statistics(answers: Answers, run: str) -> Row:
    """Return the numbers of one run."""
    answer = answers.run(run)
    found, faults = answer["run"], answer["faults"]
    counted = ("agent_runs", "handoffs", "llm_calls", "tool_calls", "input_tokens", "output_tokens")
    duration_ns = found["duration_ns"]
    return {
        "run_id": found["run_id"],
        "workflow": found["workflow"],
        "status": found["outcome"],
        "duration_seconds": None if duration_ns is None else duration_ns / 1e9,
        "agents": found["agents"],
        **{name: found[name] for name in counted},
        "total_cost_usd": found["cost_usd"],
        "unpriced_calls": found["unpriced_calls"],
        "faults": len(faults),
        "recovered_faults": sum(one["outcome"] == "recovered" for one in faults),
        "human_waits": len(answer["waits"]),
        "metrics": [{"name": one["metric"], "value": one["value"]} for one in answer["metrics"]],
    }


def metrics(answers: Answers, window: Window, name: str, filters: Filters) -> Row:
    """Return what `run_metrics` knows of one number."""
    rows = answers.kpi("run_metrics", window, by="metric", filters=filters)["rows"]
    found = [row for row in rows if row["group"] == name]
    if not found:
        return {"name": name, "n": 0, "reason": f"no {name} in the window"}
    return {"name": name, **{key: value for key, value in found[0].items() if key != "group"}}


def _total(answers: Answers, name: str, window: Window) -> Row:
    (row,) = answers.kpi(name, window, by=TOTAL)["rows"]
    found: Row = row
    return found


def _ranked(row: Row) -> Row:
    return {
        "agent_name": row["agent"],
        "confidence": row["confidence"],
        "success_rate": row["success_ratio"],
        "avg_duration_minutes": _minutes(row["duration_mean_s"]),
        "total_tasks": row["n"],
        "recent_performance": row["recent_success_ratio"],
    }


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.1f} %"


def _told(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:.3g} {unit}"


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60

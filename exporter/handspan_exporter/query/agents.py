"""Agents: who should do a task, and what an actor decided."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi
from handspan_exporter.query.intervals import wilson
from handspan_exporter.query.window import iso, parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.query.window import Window
    from handspan_exporter.store.connection import Connection

MOST_DECISIONS = 10_000

Row = dict[str, Any]

_WORD = re.compile(r"[^\W_]+")
_SHORT = 3
"""Characters: `a`, `of`, `to` name no type of task."""


def best_agents(
    connection: Connection,
    window: Window,
    *,
    task: str = "",
    domain: str = "",
    task_type: str = "",
    min_confidence: float = 0.5,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Row:
    """Return `best` (a row, or None with `reason`), all `agents`, the surest first, and `matched`.

    An agent's `confidence` is the lower end of the 95 % interval of its success ratio: few runs
    give little. `matched` says what was compared: the types of task that the text names, where it
    names any that were recorded, and the domain.

    Args:
        connection: The store.
        window: When the agents worked.
        task: What is to be done, in anybody's words.
        domain: Only this `handspan.task.domain`.
        task_type: Only this type, instead of the types that `task` names.
        min_confidence: What the best one must reach, 0..1.
        filters: As everywhere.

    Raises:
        UsageError: `min_confidence` or a filter is wrong.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    if not 0 <= min_confidence <= 1:
        text = f"must be between 0 and 1, not {min_confidence}"
        raise UsageError(text, parameter="min_confidence")
    parameters = {
        "since": parameter(window.since_ns),
        "until": parameter(window.until_ns),
        "recent": parameter((window.since_ns + window.until_ns) // 2),
        "domain": domain,
        "task_type": task_type,
        **kpi.filter_parameters(filters or {}),
    }
    rows = connection.rows(kpi.filled("agents/candidates"), parameters)
    types = [task_type] if task_type else _named(task, {row["task_type"] for row in rows})
    kept = [row for row in rows if not types or row["task_type"] in types]
    agents = sorted(_by_agent(kept), key=lambda row: (-(row["confidence"] or -1), row["agent"]))
    best = agents[0] if agents and (agents[0]["confidence"] or -1) >= min_confidence else None
    return {
        "since": iso(window.since_ns),
        "until": iso(window.until_ns),
        "matched": {"task_types": types, "domain": domain},
        "best": best,
        "reason": "" if best else _none_best(agents, min_confidence),
        "agents": agents,
    }


def decisions(
    connection: Connection,
    window: Window,
    *,
    actor: str = "",
    run: str = "",
    limit: int = 1000,
    filters: Mapping[str, Sequence[str]] | None = None,
) -> Row:
    """Return `decisions` in time order: handoffs, checks and people's answers; '' is everyone's.

    Raises:
        UsageError: the limit or a filter is not one.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    if not 1 <= limit <= MOST_DECISIONS:
        text = f"must be between 1 and {MOST_DECISIONS}, not {limit}"
        raise UsageError(text, parameter="limit")
    parameters = {
        "since": parameter(window.since_ns),
        "until": parameter(window.until_ns),
        "actor": actor,
        "run": run,
        "limit": limit,
        **kpi.filter_parameters(filters or {}),
    }
    rows = connection.rows(kpi.filled("agents/decisions"), parameters)
    return {"since": iso(window.since_ns), "until": iso(window.until_ns), "decisions": rows}


def _named(task: str, known: set[str]) -> list[str]:
    """Return the recorded types of task that the text names, all those that share most words."""
    said = _words(task)
    shared = {one: len(said & _words(one)) for one in known if one}
    most = max(shared.values(), default=0)
    return sorted(one for one, count in shared.items() if count == most) if most else []


def _words(text: str) -> set[str]:
    """Return the words without their endings: `reviewing` and `review` are one."""
    words = (word.lower() for word in _WORD.findall(text))
    return {re.sub(r"(ing|ed|es|s)$", "", one) or one for one in words if len(one) >= _SHORT}


def _by_agent(rows: Sequence[Row]) -> list[Row]:
    of: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of[row["agent"]].append(row)
    return [_agent(agent, own) for agent, own in of.items()]


def _agent(agent: str, rows: Sequence[Row]) -> Row:
    def total(name: str) -> int:
        return sum(row[name] for row in rows)

    successful, n = total("successful"), total("n")
    low, high = wilson(successful, n)
    recent_n = total("recent_n")
    return {
        "agent": agent,
        "confidence": low,
        "success_ratio": successful / n if n else None,
        "successful": successful,
        "n": n,
        "low": low,
        "high": high,
        "reason": "" if n else "no agent run ended as success or failure",
        "recent_success_ratio": total("recent_successful") / recent_n if recent_n else None,
        "recent_n": recent_n,
        "duration_mean_s": total("total_duration_ns") / total("agent_runs") / 1e9,
        "agent_runs": total("agent_runs"),
        "task_types": sorted({row["task_type"] for row in rows} - {""}),
    }


def _none_best(agents: Sequence[Row], min_confidence: float) -> str:
    if not agents:
        return "no agent did such a task in the window"
    nearest = agents[0]
    if nearest["confidence"] is None:
        return "no agent's run ended as success or failure"
    return (
        f"no agent reaches a confidence of {min_confidence:g}; the nearest is "
        f"{nearest['agent']} with {nearest['confidence']:.2f} (n = {nearest['n']})"
    )

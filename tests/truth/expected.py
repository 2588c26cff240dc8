"""Every KPI of kpis.md over known facts, counted in plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.truth import of_agents, of_calls, of_handoffs, of_people, of_runs, of_trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.question import Fact, Facts, Question, Row, Simple, Whole


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


def moment(text: str) -> float:
    """Return ISO text as Unix ns, cut to microseconds."""
    whole, _, part = text.removesuffix("Z").partition(".")
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1) * 1e9 + float(
        f"0.{part or 0}"
    ) * 1e9


SIMPLE: Simple = {
    **of_runs.SIMPLE,
    **of_agents.SIMPLE,
    **of_calls.SIMPLE,
    **of_handoffs.SIMPLE,
    **of_trouble.SIMPLE,
    **of_people.SIMPLE,
}

WHOLE: Whole = {
    **of_runs.WHOLE,
    **of_agents.WHOLE,
    **of_calls.WHOLE,
    **of_handoffs.WHOLE,
    **of_trouble.WHOLE,
    **of_people.WHOLE,
}

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

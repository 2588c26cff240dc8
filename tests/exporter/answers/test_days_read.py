"""Questions leave out the days that do not reach into their window."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handspan_exporter.processor.facts import FACTS
from handspan_exporter.query import kpi
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.comparison import Group
from handspan_exporter.query.window import window
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.exporter.answers.facts import Facts

    from handspan_exporter.query.answers import Answers
    from handspan_exporter.store.connection import Connection

DAY = window("2026-01-05", "2026-01-06", now_ns=0)
NIGHT = window("2026-01-05T12:00:00Z", "2026-01-06", now_ns=0)
LONG = {"started_at": "2026-01-01T09:00:00Z", "ended_at": "2026-01-05T09:00:00Z"}
PARTITIONED = [table for table in FACTS if table not in ("runs", "run_traces")]
QUESTIONS: dict[str, Callable[[Answers], object]] = {
    **{
        one.name: lambda a, name=one.name: a.kpi(name, DAY)  # type: ignore[misc]
        for one in kpi.catalog()
        if not one.name.startswith("resilience_")  # all faults of a run, whenever they were
    },
    "decisions": lambda a: a.decisions(DAY),
    "best_agents": lambda a: a.best_agents(DAY),
    "compare_groups": lambda a: a.compare_groups(Group(DAY), Group(NIGHT), of="agent_runs"),
}


@pytest.fixture
def answers(facts: Facts) -> Iterator[Answers]:
    """Return who answers from the store."""
    with closing(DirectAnswers(connect(facts.dsn, settings=LIMITS))) as found:
        yield found


def test_what_a_question_reads_does_not_grow_with_the_days_before(
    facts: Facts, answers: Answers
) -> None:
    """With FINAL no index helps: only the start, which decides the day, leaves anything out."""
    _insert(facts, ["2026-01-05"])
    facts.insert("runs", {"outcome": "success", "ended_at": "2026-01-05T09:00:01Z"})
    before = {name: _rows_read(facts.connection, name, answers) for name in QUESTIONS}
    _insert(facts, ["2025-12-20", "2025-12-21", "2025-12-22"])
    after = {name: _rows_read(facts.connection, name, answers) for name in QUESTIONS}

    grown = {name: (before[name], after[name]) for name in QUESTIONS if after[name] > before[name]}
    assert grown == {}
    assert min(before.values()) > 0


def test_what_lies_between_two_windows_is_not_read(facts: Facts, answers: Answers) -> None:
    """Of this month and the same one a year ago, not the year; in either order."""
    far = window("2025-06-05", "2025-06-06", now_ns=0)
    pairs = [(Group(DAY), Group(far)), (Group(far), Group(DAY))]
    _insert(facts, ["2025-06-05", "2026-01-05"])

    def compared() -> list[object]:
        return [answers.compare_groups(a, b, of="agent_runs") for a, b in pairs]

    first, before = compared(), _selected(facts.connection, compared)
    _insert(facts, ["2025-06-04", "2025-08-01", "2025-10-01", "2025-12-20", "2026-01-06"])

    assert _selected(facts.connection, compared) == before > 0
    assert compared() == first
    assert {(one["a"]["runs"], one["b"]["runs"]) for one in first} == {(1, 1)}  # type: ignore[index]


def _insert(facts: Facts, days: list[str]) -> None:
    for table in PARTITIONED:
        rows = [{"agent": "writer", "started_at": f"{day}T09:00:00Z"} for day in days]
        facts.insert(table, *rows)
        facts.connection.command(f"OPTIMIZE TABLE {table} FINAL")  # builds the index on ended_at


def _rows_read(connection: Connection, name: str, answers: Answers) -> int:
    return _selected(connection, lambda: QUESTIONS[name](answers))


def _selected(connection: Connection, ask: Callable[[], object]) -> int:
    """Return how many rows the engine reads for a question."""

    def read() -> int:
        asked = "SELECT value FROM system.events WHERE event = 'SelectedRows'"
        return int(connection.rows(asked)[0]["value"])

    begun = read()
    again = read() - begun  # what asking for it reads itself
    begun = read()
    ask()
    return read() - begun - again


def test_what_lasted_for_days_is_found_where_it_ended(facts: Facts, answers: Answers) -> None:
    """Its day is the one that it began in: no question may leave that out."""
    facts.insert("agent_runs", LONG | {"agent": "writer", "outcome": "success"})
    for table in ("decisions", "handoffs", "validations"):
        facts.insert(table, LONG | {"agent": "writer"})
    facts.insert("human_waits", LONG | {"state": "ended"})

    assert [row["n"] for row in answers.best_agents(DAY)["agents"]] == [1]
    kinds = {row["kind"] for row in answers.decisions(DAY)["decisions"]}
    assert kinds == {"decision", "handoff", "validation", "human"}
    compared = answers.compare_groups(Group(NIGHT), Group(DAY), of="agent_runs")
    assert (compared["a"]["runs"], compared["b"]["runs"]) == (0, 1)


@pytest.mark.parametrize("fault", ["2026-01-06T08:00:00Z", "2025-12-20T08:00:00Z"])
@pytest.mark.parametrize("since", ["2026-01-05", "1970-01-01"])
def test_a_fault_counts_though_it_began_before_its_run_or_after_its_end(
    since: str, fault: str, facts: Facts, answers: Answers
) -> None:
    """Its process has another clock, or the run went on for days after it."""
    facts.insert(
        "runs",
        LONG | {"run_id": "hit", "outcome": "success"},
        LONG | {"run_id": "spared", "outcome": "success"},
    )
    for start in (fault,):
        said = {"run_id": "hit", "injected": True, "severity": 1, "within_deadline": True}
        facts.insert("faults", said | {"started_at": start})
    between = window(since, "2026-01-06", now_ns=0)

    (score,) = answers.kpi("resilience_score", between)["rows"]
    assert (score["resilience_score"], score["n"]) == (100, 1)
    (kept,) = answers.kpi("resilience_retention_ratio", between, by="total")["rows"]
    assert (kept["faulted_n"], kept["baseline_n"]) == (1, 1)

"""Which facts a KPI counts: its window, its filters, the newest version of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handspan_exporter.query import kpi
from handspan_exporter.query.window import Window, moment, window

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

DAY = window("2026-01-05", "2026-01-06", now_ns=0)
TABLE_OF = {
    "workflow_success_ratio": "runs",
    "cost_usd": "llm_calls",
    "handoffs": "handoffs",
    "agent_performance": "agent_runs",
}
FILTERED = [(name, by) for name in TABLE_OF for by in kpi.filters()]


def ask(facts: Facts, name: str, between: Window = DAY, **rest: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the KPI's rows."""
    return kpi.answer(facts.connection, name, between.since_ns, between.until_ns, **rest)


def a_fact(name: str, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a row of the KPI's table that it counts."""
    own = {
        "runs": {"outcome": "success"},
        "llm_calls": {"model": "m", "cost_usd": "0.01"},
        "handoffs": {"outcome": "accepted", "source": "a", "target": "b"},
        "agent_runs": {"outcome": "success"},
    }
    return own[TABLE_OF[name]] | values


@pytest.mark.parametrize("name", TABLE_OF)
def test_a_fact_belongs_to_the_window_that_holds_its_end(name: str, facts: Facts) -> None:
    """[since, until): to the nanosecond, and whatever day the fact began."""
    ends = (
        "2026-01-04T23:59:59.999999999Z",
        "2026-01-05T00:00:00Z",
        "2026-01-05T23:59:59.999999999Z",
        "2026-01-06T00:00:00Z",
    )
    for end in ends:
        facts.insert(TABLE_OF[name], a_fact(name, started_at="2026-01-04T22:00:00Z", ended_at=end))

    assert [row["n"] for row in ask(facts, name)] == [2]
    day_before = Window(DAY.since_ns - 86_400 * 10**9, DAY.since_ns)
    assert [row["n"] for row in ask(facts, name, day_before)] == [1]


def test_an_unfinished_run_belongs_to_the_window_that_holds_its_start(facts: Facts) -> None:
    """It has no end yet, and it must be seen."""
    facts.insert("runs", {"outcome": "running", "started_at": "2026-01-05T23:00:00Z"})

    assert ask(facts, "workflow_success_ratio")[0]["running"] == 1
    later = window("2026-01-06", "2026-01-07", now_ns=0)
    assert ask(facts, "workflow_success_ratio", later)[0]["running"] == 0


def test_the_zone_of_the_machine_moves_no_window(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same question gives the same answer on any laptop (D2)."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    facts.insert("runs", a_fact("workflow_success_ratio", ended_at="2026-01-05T23:30:00Z"))

    assert ask(facts, "workflow_success_ratio")[0]["n"] == 1
    assert moment("since", "2026-01-05", 0) == DAY.since_ns


@pytest.mark.parametrize("name", TABLE_OF)
def test_only_the_newest_version_of_a_row_counts(name: str, facts: Facts) -> None:
    """The processor writes a row again whenever its run changes, and deletes some."""
    key = {"run_id": "r"} if TABLE_OF[name] == "runs" else {"trace_id": "t", "span_id": "s"}
    gone = {field: f"{value}-gone" for field, value in key.items()}
    facts.insert(TABLE_OF[name], a_fact(name, **key), a_fact(name, **gone))
    facts.insert(TABLE_OF[name], a_fact(name, **key, revision=2))
    facts.insert(TABLE_OF[name], a_fact(name, **gone, revision=2, is_deleted=1))

    assert [row["n"] for row in ask(facts, name)] == [1]


@pytest.mark.parametrize(("name", "by"), FILTERED)
def test_a_filter_and_a_grouping_mean_the_same_thing(name: str, by: str, facts: Facts) -> None:
    """Each value is a group; filtering by it leaves that group, by two leaves both."""
    column = {"user": "user_id", "conversation": "conversation_id"}.get(by, by)
    for value in ("red", "green", "gr'een\\", "green"):
        named: dict[str, Any] = {column: value}
        if by == "agent" and TABLE_OF[name] == "runs":
            named = {"agents": [value]}
        facts.insert(TABLE_OF[name], a_fact(name, **named))

    def counts(filters: dict[str, list[str]]) -> dict[str, int]:
        return {row["group"]: row["n"] for row in ask(facts, name, by=by, filters=filters)}

    assert counts({}) == {"red": 1, "green": 2, "gr'een\\": 1}
    assert counts({by: ["gr'een\\"]}) == {"gr'een\\": 1}
    assert counts({by: ["red", "green"]}) == {"red": 1, "green": 2}
    assert counts({by: ["gre"]}) == {}


def test_a_run_stands_in_the_group_of_each_of_its_agents(facts: Facts) -> None:
    """And, filtered by one agent, in that one's group alone; in total it counts once."""
    facts.insert("runs", {"outcome": "success", "agents": ["a", "b"]})
    name = "workflow_success_ratio"

    assert [row["group"] for row in ask(facts, name, by="agent")] == ["a", "b"]
    assert [row["n"] for row in ask(facts, name)] == [1]
    only_b = {"agent": ["b"]}
    assert [row["group"] for row in ask(facts, name, by="agent", filters=only_b)] == ["b"]
    assert [row["n"] for row in ask(facts, name, filters={"agent": ["a", "b"]})] == [1]


def test_costs_add_up_exactly_however_they_are_grouped(facts: Facts) -> None:
    """Decimal all the way: 0.1 three times is 0.3, and groups sum to the total."""
    calls = [{"model": f"m{i % 7}", "agent": f"a{i % 3}", "cost_usd": "0.1"} for i in range(30)]
    facts.insert("llm_calls", *calls)

    (total,) = ask(facts, "cost_usd")
    assert str(total["cost_usd"]) == "3.000000000000"
    for by in ("model", "agent", "edge", "service"):
        assert sum(row["cost_usd"] for row in ask(facts, "cost_usd", by=by)) == total["cost_usd"]


def test_ratings_add_up_over_hours_without_a_run(facts: Facts) -> None:
    """People and nightly judges rate long after the run: hours must say as many as the day."""
    facts.insert("agent_runs", {"agent": "writer", "outcome": "success"})
    ends = ("2026-01-05T09:10:00Z", "2026-01-05T11:10:00Z", "2026-01-05T11:20:00Z")
    facts.insert(
        "ratings",
        *({"agent": "writer", "agent_run": "1", "quality": 4, "ended_at": end} for end in ends),
    )
    hour_ns = 3_600 * 10**9
    hours = [Window(at, at + hour_ns) for at in range(DAY.since_ns, DAY.until_ns, hour_ns)]

    rows = [row for one in hours for row in ask(facts, "agent_performance", one, by="agent")]
    told = [(row["group"], row["agent_runs"], row["rating_n"], row["reason"]) for row in rows]
    none = "no agent run in the window"
    assert told == [("writer", 1, 1, ""), ("writer", 0, 2, none)]
    (rated,) = ask(facts, "quality_rating", by="agent")
    assert sum(row["rating_n"] for row in rows) == rated["n"] == 3

"""A history with filters: the KPI's own file per bucket, from the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.answers.facts import at

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi
from handspan_exporter.query.history import GRAINS, MOST_FILTERED, history
from handspan_exporter.query.window import Window, window

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

MORNING = window("2026-01-05T08:00:00Z", "2026-01-05T12:30:00Z", now_ns=0)
HOUR_S = 3600
NAMES = ("workflow_success_ratio", "cost_usd", "agent_performance", "workflow_patterns")


@pytest.fixture
def worked(facts: Facts) -> Facts:
    """Two agents at work from nine on, with an hour of rest at ten."""
    for hour, minute, agent in ((0, 5, "a"), (0, 50, "b"), (2, 1, "a"), (2, 2, "a"), (3, 20, "b")):
        moment = {"started_at": at(hour * HOUR_S), "ended_at": at(hour * HOUR_S + minute * 60)}
        won = {"outcome": "success" if minute % 2 else "failure"}
        facts.insert("runs", {**moment, **won, "agents": [agent], "path": agent, "workflow": "w"})
        facts.insert("agent_runs", {**moment, **won, "agent": agent})
        facts.insert("llm_calls", {**moment, "agent": agent, "model": "m", "cost_usd": "0.1"})
    return facts


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("name", NAMES)
def test_each_bucket_is_what_the_kpi_answers_for_it(name: str, grain: str, worked: Facts) -> None:
    """One formula, and no bucket where nothing was."""
    filters = {"agent": ["a"]}
    told = history(worked.connection, name, MORNING, grain=grain, filters=filters)

    true = []
    length_ns = GRAINS[grain]
    for begin_ns in range(MORNING.since_ns // length_ns * length_ns, MORNING.until_ns, length_ns):
        end_ns = min(begin_ns + length_ns, MORNING.until_ns)
        rows = kpi.answer(worked.connection, name, begin_ns, end_ns, told["by"], filters)
        true += [(row["group"], row[told["measure"]], row["n"]) for row in rows if row["n"]]
    found = [(one["group"], one["value"], one["n"]) for one in told["points"]]
    assert found == [(group, pytest.approx(float(value)), n) for group, value, n in true]
    assert len(found) == (1 if grain == "day" else 2)


def test_a_filtered_history_has_any_grouping_and_measure(worked: Facts) -> None:
    """Also those that are not kept; the last bucket is the one that goes on."""
    points = ask(worked, "workflow_success_ratio", by="conversation", measure="failed")["points"]

    assert [(one["bucket_at"][11:16], one["value"]) for one in points] == [
        ("09:00", 1.0),
        ("11:00", 1.0),
        ("12:00", 1.0),
    ]
    assert [one["is_open"] for one in points] == [False, False, True]


def ask(worked: Facts, name: str, **rest: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the morning's history of workflow `w`."""
    return history(worked.connection, name, MORNING, filters={"workflow": ["w"]}, **rest)


def test_a_long_filtered_history_is_refused(worked: Facts) -> None:
    """Each bucket is a question of its own: a month of hours would stall who else asks."""
    month = Window(MORNING.since_ns - (MOST_FILTERED + 1) * GRAINS["hour"], MORNING.until_ns)

    with pytest.raises(UsageError, match="at most 200 buckets, not 206: narrow the window, or"):
        history(worked.connection, "cost_usd", month, filters={"agent": ["a"]})
    with pytest.raises(UsageError, match="'agnet' is unknown"):
        history(worked.connection, "cost_usd", MORNING, filters={"agnet": ["a"]})

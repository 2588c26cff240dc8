"""The Python client: the same answers from a service and from the store, as rows and tables."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.exporter.answers import team
from tests.exporter.answers.facts import at

import handspan_exporter
from handspan_exporter import Client
from handspan_exporter.errors import HandspanError, NotFound, StoreDown, UsageError
from handspan_exporter.query import kpi, opening
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.lock import StoreLock
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.exporter.answers.facts import Facts


def clock_ns() -> int:
    """An hour after the team worked."""
    return team.NOW_NS


@pytest.fixture(scope="module")
def server(store: Facts) -> Iterator[Server]:
    """A service on the team's facts, with some more of its agents."""
    team.insert(store)
    store.insert("agent_runs", *(_agent_run(number) for number in range(30)))
    store.insert("run_metrics", *(_metric(value) for value in (1.0, 2.0, 6.0)))
    one = Server(store.dsn, Settings(web="127.0.0.1:0"), Counters(), clock_ns=clock_ns)
    one.start()
    yield one
    one.stop()


def _agent_run(number: int) -> dict[str, Any]:
    """The reviewer succeeds 10 of 10 times early on, then 10 of 20."""
    known = {"agent": "reviewer", "task_type": "code_review", "task_domain": "billing"}
    when = {"started_at": at(number * 60), "ended_at": at(number * 60 + 30)}
    return known | when | {"outcome": "success" if number < 20 else "failure"}


def _metric(value: float) -> dict[str, Any]:
    return {"trace_id": team.RUN, "span_id": f"metric-{value}", "run_id": team.RUN} | {
        "metric": "tickets",
        "value": value,
        "started_at": at(1),
        "ended_at": at(1),
    }


@pytest.fixture(scope="module")
def over_http(server: Server) -> Iterator[Client]:
    """A client of the service."""
    with Client(server.url, clock_ns=clock_ns) as client:
        yield client


@pytest.fixture(scope="module")
def direct(server: Server, store: Facts) -> Iterator[Client]:
    """A client of the store; the engine of this process is already open, so it is handed in."""
    assert server.url

    class Opened(Client):
        def __init__(self) -> None:
            self._clock_ns = clock_ns
            self._answers = DirectAnswers(connect(store.dsn, settings=LIMITS))

        def close(self) -> None:
            self._answers.close()

    with Opened() as client:
        yield client


@pytest.fixture(params=["direct", "over_http"])
def client(request: pytest.FixtureRequest) -> Client:
    """Return each of the two, one after the other."""
    found: Client = request.getfixturevalue(request.param)
    return found


QUESTIONS: list[Callable[[Client], Any]] = [
    *(lambda c, name=name: c.kpi(name, since="2h") for name in Client.kpis()),
    lambda c: c.kpi("cost_usd", since="2h", by="model", compare="previous"),
    lambda c: c.kpi("workflow_success_ratio", filters={"agent": "writer"}),
    lambda c: c.history("cost_usd", grain="day", by="agent"),
    lambda c: c.history("workflow_success_ratio", since="2h", filters={"agent": "writer"}),
    lambda c: c.runs(since="2h", sort="cost", min_cost_usd=Decimal("0.001")),
    lambda c: c.spans(team.RUN),
    lambda c: c.query_decisions_for_actor("triage"),
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_ways_give_the_same_tables(
    direct: Client, over_http: Client, question: Callable[[Client], Any]
) -> None:
    """Value for value and type for type, also where nothing is known."""
    here, there = question(direct), question(over_http)

    assert here == there
    assert here.arrow().equals(there.arrow())
    assert here.pandas().equals(there.pandas())
    assert not any(pa.types.is_null(field.type) for field in here.arrow().schema)


ANALYSES: list[Callable[[Client], Any]] = [
    lambda c: c.overview(since="2h"),
    lambda c: c.run(team.RUN),
    lambda c: c.compare_runs([team.RUN, team.FAILED]),
    lambda c: c.compare_groups(split="workflow", a_values=["report"]),
    lambda c: c.analyze_workflows(),
    lambda c: c.calculate_coordination_overhead(),
    lambda c: c.get_agent_performance_trends("reviewer", days=1),
    lambda c: c.get_agent_ranking("code_review"),
    lambda c: c.query_best_agent("please review my code", "billing"),
    lambda c: c.generate_statistics(),
    lambda c: c.get_run_statistics(team.RUN),
    lambda c: c.aggregate_metrics("tickets"),
]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_both_ways_give_the_same_analyses(
    direct: Client, over_http: Client, analysis: Callable[[Client], Any]
) -> None:
    """A notebook does not change because `serve` runs."""
    assert analysis(direct) == analysis(over_http)


WRONG: list[Callable[[Client], Any]] = [
    lambda c: c.kpi("none"),
    lambda c: c.kpi("cost_usd", by="x"),
    lambda c: c.kpi("cost_usd", since="x"),
    lambda c: c.kpi("cost_usd", filters={"agnet": "writer"}),
    lambda c: c.kpi("cost_usd", compare="x"),
    lambda c: c.history("tokens", by="x"),
    lambda c: c.run("none"),
    lambda c: c.runs(limit=0),
    lambda c: c.runs(cursor="x"),
    lambda c: c.compare_runs([team.RUN]),
    lambda c: c.compare_groups(split="x"),
    lambda c: c.query_best_agent(min_confidence=2),
    lambda c: c.get_run_statistics("none"),
    lambda c: c.query_decisions_for_actor("triage", limit=0),
    lambda c: c.alerts(),
]


@pytest.mark.parametrize("question", WRONG)
def test_both_ways_refuse_alike(
    direct: Client, over_http: Client, question: Callable[[Client], Any]
) -> None:
    """The same words, wherever it was noticed; a kind of NotFound is NotFound over HTTP."""
    with pytest.raises(HandspanError) as here:
        question(direct)
    with pytest.raises(HandspanError) as there:
        question(over_http)

    assert str(here.value) == str(there.value)
    assert isinstance(here.value, type(there.value))


def test_statistics_are_written_and_printed(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is unknown is null in the file, and a word on the terminal."""
    client.save_statistics(tmp_path / "statistics.json")
    client.print_summary()

    saved = json.loads((tmp_path / "statistics.json").read_text(encoding="utf-8"))
    assert saved["workflows"]["total_workflows"] == 3
    assert [one["agent_name"] for one in saved["agents"]] == ["reviewer", "triage", "writer"]
    printed = capsys.readouterr().out
    assert "success: 50.0 % (n = 2)" in printed
    assert "agent reviewer: 66.7 % (n = 30)" in printed
    client.print_summary("2025-01-01", "2025-01-02")
    assert "success: unknown (n = 0)" in capsys.readouterr().out


def test_workflows_are_analyzed_with_the_keys_people_know(client: Client) -> None:
    """Two ended and one that goes on; one succeeded, in 1.5 s on average."""
    found = client.analyze_workflows()

    assert found["total_workflows"] == 3
    assert found["avg_duration_minutes"] == pytest.approx(1.5 / 60)
    assert (found["success_rate"], found["success_rate_n"]) == (0.5, 2)
    assert found["avg_agents_per_workflow"] == 1.5
    patterns = [(one["pattern"], one["count"]) for one in found["most_common_patterns"]]
    assert sorted(patterns) == sorted([("triage > writer", 1), (team.EVIL, 1)])


def test_what_older_systems_guessed_is_unknown_here(client: Client) -> None:
    """Nothing in the window is no success rate of 0, and no overhead of 0."""
    nothing = {"since": "2025-01-01", "until": "2025-01-02"}

    assert client.analyze_workflows(**nothing)["success_rate"] is None
    overhead = client.calculate_coordination_overhead(**nothing)
    assert overhead["coordination_overhead_pct"] is None
    assert overhead["recommendation"].startswith("unknown: no run")
    trend = client.get_agent_performance_trends("nobody")
    assert (trend["trend"], trend["success_rate_change"]) == ("insufficient", None)
    assert client.aggregate_metrics("none") == {
        "name": "none",
        "n": 0,
        "reason": "no none in the window",
    }


def test_a_trend_says_how_sure_it_is(client: Client) -> None:
    """Twenty successes, then ten failures: in the halves of two hours that is one half."""
    found = client.get_agent_performance_trends("reviewer")

    assert found["trend"] == "insufficient"
    assert found["reason"].startswith("one half of the window has no agent run")
    assert (found["recent_success_rate"], found["n"]) == (pytest.approx(2 / 3), 30)


def test_agents_are_ranked_by_how_sure_they_are(client: Client) -> None:
    """20 of 30 are surer than 1 of 1; the words of a task find its type."""
    ranked = client.get_agent_ranking()
    assert [one["agent_name"] for one in ranked] == ["reviewer", "triage", "writer"]
    assert ranked[0]["confidence"] == pytest.approx(0.4878, abs=1e-4)
    assert (ranked[0]["total_tasks"], ranked[0]["avg_duration_minutes"]) == (30, 0.5)

    best = client.query_best_agent("please review my code", "billing", min_confidence=0.4)
    assert best is not None
    assert best["agent_name"] == "reviewer"
    assert client.query_best_agent("please review my code", "billing") is None
    assert client.query_best_agent("x", "shipping", min_confidence=0) is None


def test_a_run_has_its_numbers(client: Client) -> None:
    """Whatever was recorded of it."""
    found = client.get_run_statistics(team.RUN[:10])

    assert (found["status"], found["duration_seconds"]) == ("success", 2.0)
    assert (found["total_cost_usd"], found["unpriced_calls"]) == (Decimal("0.0123"), 1)
    assert (found["faults"], found["recovered_faults"], found["human_waits"]) == (2, 1, 1)
    assert [one["value"] for one in found["metrics"]] == [1.0, 2.0, 6.0]
    tickets = client.aggregate_metrics("tickets")
    assert (tickets["n"], tickets["value_mean"], tickets["value_max"]) == (3, 3.0, 6.0)


def test_decisions_are_found_by_who_made_them(client: Client) -> None:
    """An agent decides and hands over, a critic passes, a person approves."""
    told = {
        actor: [(one["kind"], one["decision"], one["about"]) for one in found]
        for actor in ("triage", "critic", "human")
        if (found := client.query_decisions_for_actor(actor))
    }

    assert told == {
        "triage": [("decision", "ask the writer", "next"), ("handoff", "accepted", "writer")],
        "critic": [("validation", "pass", "style")],
        "human": [("human", "approved", "writer")],
    }
    assert len(client.query_decisions_for_actor("triage", run_id="none")) == 0


def test_two_values_are_compared_over_the_same_time(client: Client) -> None:
    """Two versions over two weeks would be a comparison of weeks."""
    compared = client.compare_groups(split="agent", a_values=["triage"], b_values=["writer"])
    assert compared["a"]["since"] == compared["b"]["since"]
    assert compared["a"]["until"] == compared["b"]["until"]
    weeks = client.compare_groups()
    assert weeks["a"]["until"] == weeks["b"]["since"]


def test_a_frame_keeps_what_is_unknown(client: Client) -> None:
    """Whole numbers stay whole, money stays exact, unknown is not 0."""
    frame = client.runs(since="2h").pandas().set_index("run_id")

    assert str(frame.duration_ns.dtype) == "int64[pyarrow]"
    assert frame.cost_usd[team.RUN] == Decimal("0.0123")
    assert bool(frame.cost_usd.isna()[team.RUNNING])


def test_moments_may_be_datetimes(client: Client) -> None:
    """Without a zone they are UTC."""
    day = datetime(2026, 1, 5), datetime(2026, 1, 6)  # noqa: DTZ001 - this is the point
    answer = client.runs(since=day[0], until=day[1], limit=1)

    assert (answer.said["since"], len(answer)) == ("2026-01-05T00:00:00.000000000Z", 1)
    assert answer.said["next"]


def test_a_held_store_is_asked_through_its_holder(server: Server, tmp_path: Path) -> None:
    """A notebook beside a running `serve` needs no other address."""
    (tmp_path / "engine").mkdir()
    with (
        StoreLock(tmp_path, url=server.url),
        Client(f"chdb://{tmp_path}", clock_ns=clock_ns) as one,
    ):
        assert len(one.runs(since="2h")) == 3


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """And asking makes none."""
    with pytest.raises(NotFound, match="no data yet"):
        Client(f"chdb://{tmp_path}/none")
    with pytest.raises(UsageError, match="scheme"):
        Client("ftp://x")
    with pytest.raises(StoreDown, match="no answer"), Client("http://127.0.0.1:9") as client:
        client.health()
    assert not list(tmp_path.iterdir())


def test_the_package_offers_what_it_names_and_nothing_else() -> None:
    """Asked for, not loaded: a part of the package is imported without it."""
    assert all(getattr(handspan_exporter, name) for name in handspan_exporter.__all__)
    assert not hasattr(handspan_exporter, "Server")
    assert opening.is_url("https://x")
    assert len(Client.kpis()) == len(kpi.catalog())

"""Runs are listed and shown as they are, whoever is asked: the store, or `serve`."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.answers import team

from handspan_exporter.errors import HandspanError, NotFound, StoreDown, UsageError
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.query.comparison import Group
from handspan_exporter.query.listing import Wanted
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.query.window import window
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.exporter.answers.facts import Facts

    from handspan_exporter.query.answers import Answers, Filters

ALERTS = """
[[alert]]
name = "too dear"
kpi = "cost_usd"
window = "7d"
by = "agent"
alert_above = 0.01
"""
DAY = window("2026-01-05", "2026-01-06", now_ns=0)


@pytest.fixture(scope="module")
def working(store: Facts) -> Facts:
    """Return the store with the team's facts."""
    team.insert(store)
    return store


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with one alert."""
    path = tmp_path_factory.mktemp("alerts") / "alerts.toml"
    path.write_text(ALERTS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def direct(working: Facts, alerts: Path) -> Iterator[Answers]:
    """Answers from the store itself."""
    answers = DirectAnswers(
        connect(working.dsn, settings=LIMITS),
        about={"otlp_grpc": "here:1"},
        alerts_file=alerts,
        clock_ns=lambda: team.NOW_NS,
    )
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def over_http(working: Facts, alerts: Path) -> Iterator[Answers]:
    """Answers from a real server on a free port."""
    server = Server(
        working.dsn,
        Settings(web="127.0.0.1:0", alerts=str(alerts)),
        Counters(),
        about={"otlp_grpc": "here:1"},
        clock_ns=lambda: team.NOW_NS,
    )
    server.start()
    answers = HttpAnswers(server.url)
    yield answers
    answers.close()
    server.stop()


@pytest.fixture(params=["direct", "over_http"])
def answers(request: pytest.FixtureRequest) -> Answers:
    """Return each of the two, one after the other."""
    found: Answers = request.getfixturevalue(request.param)
    return found


def test_runs_are_listed_newest_first(answers: Answers) -> None:
    """The one that a person has just started is what they look for."""
    listed = answers.runs(DAY, Wanted())["runs"]

    assert [run["run_id"] for run in listed] == [team.RUNNING, team.FAILED, team.RUN]
    assert [run["outcome"] for run in listed] == ["running", "failure", "success"]
    assert listed[2]["duration_ns"] == 2_000_000_000
    assert listed[2]["started"] == "2026-01-05T09:00:00.000000000Z"
    assert (listed[0]["ended"], listed[0]["duration_ns"]) == (None, None)


def test_runs_can_be_narrowed(answers: Answers) -> None:
    """By status, by any filter of the KPIs, by number."""

    def ids(filters: Filters | None = None, **wanted: Any) -> list[str]:  # noqa: ANN401
        found = answers.runs(DAY, Wanted(**wanted), filters=filters)
        return [run["run_id"] for run in found["runs"]]

    assert ids(status=["failure", "running"]) == [team.RUNNING, team.FAILED]
    assert ids(filters={"agent": ["writer"]}) == [team.RUN]
    assert ids(filters={"agent": ["writer", team.EVIL]}) == [team.FAILED, team.RUN]
    assert ids(filters={"workflow": ["none"]}) == []
    assert ids(limit=1) == [team.RUNNING]


def test_a_running_run_is_listed_however_long_ago_it_began(answers: Answers) -> None:
    """It is still there; a window on its end cannot hide it."""
    later = window("2026-01-07", "2026-01-08", now_ns=0)

    assert [run["run_id"] for run in answers.runs(later, Wanted())["runs"]] == [team.RUNNING]


def test_a_run_is_shown_as_a_tree(answers: Answers) -> None:
    """Depth first, siblings in time order; a span below no agent work finds its agent."""
    spans = answers.run(team.RUN)["spans"]

    assert [(span["depth"], span["span_id"]) for span in spans] == [
        (0, "root"),
        (1, "agent-1"),
        (2, "tool-1"),
        (2, "llm-1"),
        (2, "handoff-1"),
        (1, "agent-2"),
        (2, "llm-2"),
    ]


def test_spans_carry_what_the_facts_say(answers: Answers) -> None:
    """Cost and its reason from the facts, tokens of an agent from its own calls."""
    spans = {span["span_id"]: span for span in answers.run(team.RUN)["spans"]}

    assert str(spans["llm-2"]["cost_usd"].normalize()) == "0.0123"
    assert spans["llm-1"]["cost_usd"] is None
    assert spans["llm-1"]["cost_unknown_reason"] == "no price for this model"
    assert (spans["agent-2"]["input_tokens"], spans["agent-2"]["output_tokens"]) == (1000, 50)
    assert spans["tool-1"]["input_tokens"] is None


@pytest.mark.parametrize("kept", [2, 1, 0])
def test_a_run_over_days_is_shown_whole(working: Facts, direct: Answers, kept: int) -> None:
    """Only days that hold it are read; its facts stay when the spans of its first days are gone."""
    run, (first, last) = f"days-{kept}", ("2025-11-30T23:00:00Z", "2025-12-04T01:00:00Z")
    spans = [
        {"trace_id": run, "span_id": "early", "started_at": first},
        {"trace_id": run, "span_id": "late", "started_at": last},
    ]
    # A clock behind that of the root: work begins on the day before its run.
    facts = [one | {"run_id": run, "agent": one["span_id"], "outcome": "success"} for one in spans]
    times = {"started_at": "2025-12-01T00:00:01Z", "ended_at": last}
    root = {"run_id": run, "root_trace_id": run, "trace_ids": [run], "outcome": "success"}
    working.insert("runs", root | times)
    working.insert("agent_runs", *facts)
    if kept:
        working.insert("agent_spans", *spans[-kept:])

    shown = direct.run(run)

    names = ["early", "late"]
    assert [span["span_id"] for span in shown["spans"]] == names[2 - kept :]
    assert all(span["outcome"] == "success" for span in shown["spans"])
    assert [agent["agent"] for agent in shown["agents"]] == names


def test_a_run_comes_with_its_handoffs(answers: Answers) -> None:
    """Who, to whom, what became of it, after how long."""
    (handoff,) = answers.run(team.RUN)["handoffs"]

    assert (handoff["source"], handoff["target"]) == ("triage", "writer")
    assert (handoff["outcome"], handoff["latency_ns"]) == ("accepted", 200_000_000)
    assert (handoff["span_id"], handoff["target_span_id"]) == ("handoff-1", "agent-2")


@pytest.mark.parametrize("typed", [team.RUN, team.RUN[:8], team.RUNNING, "orders/"])
def test_the_beginning_of_an_id_is_enough(answers: Answers, typed: str) -> None:
    """Nobody types 32 digits; and an id may hold what its user likes."""
    assert answers.run(typed)["run"]["run_id"].startswith(typed)


REFUSED: list[tuple[str, Callable[[Answers], object], type[HandspanError]]] = [
    ("several runs' ids begin with '4bf92f'", lambda a: a.run("4bf92f"), UsageError),
    ("no run's id begins with 'zz'", lambda a: a.run("zz"), NotFound),
    ("a run's id is missing", lambda a: a.run(""), UsageError),
    ("two to 10 runs can be compared", lambda a: a.compare_runs([team.RUN]), UsageError),
    ("'x' is not a cursor", lambda a: a.runs(DAY, Wanted(cursor="x")), UsageError),
    ("no history of tokens is kept by", lambda a: a.history("tokens", DAY, by="x"), UsageError),
    ("'3x' is unknown; use previous", lambda a: a.kpi("tokens", DAY, compare="3x"), UsageError),
    (
        "runs cannot be split by 'agent'",
        lambda a: a.compare_groups(Group(DAY), Group(DAY), split="agent", of="runs"),
        UsageError,
    ),
    ("no KPI is called 'x/y'", lambda a: a.kpi("x/y", DAY), NotFound),
    ("cannot be grouped by 'x'", lambda a: a.kpi("tokens", DAY, by="x"), UsageError),
    ("'x' is unknown", lambda a: a.overview(DAY, filters={"x": ["y"]}), UsageError),
    ("'odd' is unknown; use success", lambda a: a.runs(DAY, Wanted(status=["odd"])), UsageError),
    ("must be between 1 and 1000", lambda a: a.runs(DAY, Wanted(limit=0)), UsageError),
]


@pytest.mark.parametrize(("said", "question", "kind"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_wrong_question_is_refused_in_the_same_words(
    answers: Answers, said: str, question: Callable[[Answers], object], kind: type[HandspanError]
) -> None:
    """A command must not behave differently because `serve` happens to run."""
    with pytest.raises(kind, match=said) as caught:
        question(answers)

    assert isinstance(caught.value, kind)


def test_both_give_the_same_answers(direct: Answers, over_http: Answers) -> None:
    """Every kind of question, value for value and type for type."""
    filters = {"agent": ["triage", "writer"], "project": ["books"]}
    questions: list[Callable[[Answers], object]] = [
        lambda a: a.overview(DAY),
        lambda a: a.overview(DAY, filters=filters),
        lambda a: a.kpi("agent_performance", DAY),
        lambda a: a.kpi("cost_usd", DAY, by="edge", filters=filters),
        lambda a: a.kpi("handoffs", DAY, by=""),
        lambda a: a.kpi("workflow_success_ratio", DAY, by="workflow", compare="previous"),
        lambda a: a.overview(DAY, compare="7d"),
        lambda a: a.history("cost_usd", DAY, grain="day", by="model", groups=["gpt-4o"]),
        lambda a: a.runs(DAY, Wanted(), filters={"user": [""]}),
        lambda a: a.runs(DAY, Wanted(min_cost_usd=Decimal("0.01"), min_duration_s=1.5, text="REP")),
        lambda a: a.run(team.RUN),
        lambda a: a.compare_runs([team.RUN, team.FAILED, team.RUNNING]),
        lambda a: a.compare_groups(Group(DAY), Group(DAY, ["report"]), split="workflow"),
        lambda a: a.compare_groups(Group(DAY), Group(DAY), filters=filters),
        lambda a: a.best_agents(DAY, task="write it", min_confidence=0.1),
        lambda a: a.decisions(DAY, actor="triage"),
        lambda a: a.alerts(),
        lambda a: a.run(team.RUNNING),
        lambda a: a.mapping(DAY.since_ns),
        lambda a: a.health(),
    ]

    for question in questions:
        here, there = question(direct), question(over_http)
        assert here == there
        assert _types(here) == _types(there)


def _types(value: object) -> object:
    """Return the answer with every value replaced by its type: 1 == 1.0 == Decimal(1)."""
    if isinstance(value, dict):
        return {name: _types(one) for name, one in value.items()}
    return [_types(one) for one in value] if isinstance(value, list) else type(value)


def test_the_grain_of_a_kpi_is_what_nobody_has_to_ask_for(answers: Answers) -> None:
    """Handoffs are read by edge; the total is one word away."""
    assert [row["group"] for row in answers.kpi("handoffs", DAY)["rows"]] == ["triage > writer"]
    assert [row["group"] for row in answers.kpi("handoffs", DAY, by="total")["rows"]] == [""]


def test_an_overview_has_every_kpi_in_one_row(answers: Answers) -> None:
    """The first thing a person sees, and what the page shows."""
    lines = {one["name"]: one for one in answers.overview(DAY)["kpis"]}

    success = lines["workflow_success_ratio"]
    assert (success["headline"], success["row"]["n"]) == ("workflow_success_ratio", 2)
    assert success["row"]["workflow_success_ratio"] == 0.5
    assert lines["handoff_loss_ratio"]["row"]["handoff_loss_ratio"] == 0.0
    # All paths are all of the paths, which says nothing: one of two is that of its own.
    commonest = lines["workflow_patterns"]["row"]
    assert (commonest["group"], commonest["share"]) == (min(team.EVIL, "triage > writer"), 0.5)


def test_health_says_how_new_the_data_is(answers: Answers) -> None:
    """And where to send some."""
    health = answers.health()

    assert health["status"] == "ok"
    assert health["newest"] == "2026-01-05T09:00:20.000000000Z"
    assert health["otlp_grpc"] == "here:1"


def test_a_server_that_is_gone_is_one_line(working: Facts) -> None:
    """`serve` may end between two questions."""
    server = Server(working.dsn, Settings(web="127.0.0.1:0"), Counters())
    server.start()
    answers = HttpAnswers(server.url)
    assert answers.health()["status"] == "ok"
    server.stop()

    with pytest.raises(StoreDown, match=r"no answer from http://127\.0\.0\.1:.* still running\?"):
        answers.health()
    answers.close()

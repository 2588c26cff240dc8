"""The event stream: events become spans, lines and KPIs."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode

import handspan
from handspan.compat import counts, events
from handspan.compat.events import Emitter, emit_event, get_emitter, get_metrics
from handspan.json_lines import read_json_lines
from handspan.testing import assert_agent, assert_tree, assert_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from handspan.testing import Clock, Spans


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


class Unprintable:
    """A value that no code of ours may trip over."""

    def __str__(self) -> str:
        """Fail, as values of users do."""
        raise ValueError("no text for you")


@pytest.fixture
def emitter(monkeypatch: pytest.MonkeyPatch) -> Emitter:
    """The emitter of this process, made anew."""
    monkeypatch.setattr(events, "_emitter", None)
    return get_emitter()


def agent_works(clock: Clock, agent: str, status: str, **more: Any) -> None:  # noqa: ANN401
    """One agent works ten seconds on task t-1."""
    emit_event("agent_started", {"agent": agent, "task_id": "t-1", "model": "m", "tools": ["git"]})
    clock.advance(10)
    emit_event("agent_completed", {"agent": agent, "task_id": "t-1", "status": status, **more})


def build_login(clock: Clock) -> None:
    """A task that waits 5 s, is rejected once, then approved after 45 s in all."""
    emit_event("task_queued", {"task_id": "t-1", "feature": "login", "est_cost": 0.5})
    clock.advance(5)
    agent_works(clock, "coder", "success", cost_usd=0.25)
    agent_works(clock, "critic", "rejected", cost_usd=0.05, duration_ms=4000)
    get_emitter().record_critic_decision(rejected=True)
    agent_works(clock, "coder", "success", cost_usd=0.25)
    agent_works(clock, "critic", "approved", cost_usd=0.05)
    get_emitter().record_critic_decision(rejected=False)


def test_the_events_of_a_task_are_a_run(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """Attempts and agents in it, under the caller's task id."""
    before = get_current()
    build_login(handspan_clock)
    assert get_current() is before
    assert_tree(
        [span for span in handspan_spans if span.name != "validate critic"],
        """
        handspan.task.queued
        invoke_workflow task
          run_task task
            invoke_agent coder
            invoke_agent critic
          run_task task
            invoke_agent coder
            invoke_agent critic
        """,
    )
    run = assert_workflow(
        handspan_spans,
        "task",
        outcome="success",
        agents=["coder", "critic", "coder", "critic"],
        handspan__workflow__id="t-1",
        handspan__feature="login",
    )
    assert (run.end_time or 0) - (run.start_time or 0) == 40_000_000_000
    assert counts() == {}
    assert emitter.get_metrics()["time_to_completion"] == 45.0


def test_an_agent_says_task_attempt_model_and_cost(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """Retries, cost per feature and time to completion are counted from these."""
    build_login(handspan_clock)
    coders = [span for span in handspan_spans if span.name == "invoke_agent coder"]
    assert [(span.attributes or {})["handspan.attempt"] for span in coders] == [1, 2]
    first = dict(coders[0].attributes or {})
    assert first == first | {
        "handspan.workflow.id": "t-1",
        "handspan.task.id": "t-1",
        "gen_ai.request.model": "m",
        "handspan.cost.usd": 0.25,
    }
    task = next(span for span in handspan_spans if span.name == "run_task task")
    assert task.attributes is not None
    assert task.attributes["handspan.task.feature"] == "login"
    assert task.attributes["handspan.task.estimated_cost_usd"] == 0.5
    assert task.attributes["handspan.task.queued_at_ns"] == (task.start_time or 0) - 5_000_000_000
    critic = next(span for span in handspan_spans if span.name == "invoke_agent critic")
    assert critic.status.status_code is StatusCode.UNSET
    assert (critic.end_time or 0) - (critic.start_time or 0) == 4_000_000_000
    decisions = [
        (span.attributes or {})["handspan.validation.result"]
        for span in handspan_spans
        if span.name == "validate critic"
    ]
    assert decisions == ["reject", "pass"]
    assert emitter.get_metrics()["n"]["average_retry_count"] == 1


@pytest.mark.usefixtures("emitter")
def test_the_six_kpis(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """By their old names, each with how many it stands on."""
    build_login(handspan_clock)
    emit_event("task_queued", {"task_id": "t-2", "feature": "search"})
    emit_event("agent_started", {"agent": "tester", "task_id": "t-2"})
    handspan_clock.advance(45)
    emit_event("validation_complete", {"task_id": "t-2", "result": "failed", "cost": 0.4})
    emit_event("validation_complete", {"task_id": "t-1", "result": "pass", "duration_ms": 50})
    metrics = get_metrics()
    assert metrics == {
        "agent_utilization": pytest.approx((20 / 90 + 20 / 90 + 45 / 90) / 3),
        "cost_per_feature": pytest.approx(1.0),
        "average_retry_count": 0.5,
        "critic_rejection_rate": 0.5,
        "validation_pass_rate": 0.5,
        "time_to_completion": 90.0,
        "n": {
            "agent_utilization": 3,
            "cost_per_feature": 1,
            "average_retry_count": 2,
            "critic_rejection_rate": 2,
            "validation_pass_rate": 2,
            "time_to_completion": 1,
        },
    }
    assert len(handspan_spans) > 0


def test_what_nobody_told_is_unknown(emitter: Emitter) -> None:
    """0 would be a claim."""
    assert emitter.get_metrics() == {
        "agent_utilization": None,
        "cost_per_feature": None,
        "average_retry_count": None,
        "critic_rejection_rate": None,
        "validation_pass_rate": None,
        "time_to_completion": None,
        "n": dict.fromkeys(
            (
                "agent_utilization",
                "cost_per_feature",
                "average_retry_count",
                "critic_rejection_rate",
                "validation_pass_rate",
                "time_to_completion",
            ),
            0,
        ),
    }


async def test_stop_ends_what_is_open_as_of_its_last_event(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """No event says that a task is over; the time until somebody stops is not its time."""
    agent_works(handspan_clock, "coder", "failed")
    emit_event("agent_started", {"agent": "lost", "task_id": "t-2"})
    handspan_clock.advance(1_000)
    await emitter.stop()
    failed, cancelled = sorted(
        (span for span in handspan_spans if span.name == "invoke_workflow task"),
        key=lambda span: span.start_time or 0,
    )
    assert (failed.end_time or 0) - (failed.start_time or 0) == 10_000_000_000
    assert (failed.attributes or {})["handspan.workflow.outcome"] == "failure"
    assert (cancelled.attributes or {})["handspan.workflow.outcome"] == "cancelled"
    assert assert_agent(handspan_spans, "coder", error_type="failed").events == ()
    assert_agent(handspan_spans, "lost")


def test_an_idle_task_ends_and_may_go_on(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """A service that never stops still shows its runs; more events are the same run."""
    agent_works(handspan_clock, "coder", "success")
    handspan_clock.advance(700)
    emit_event("agent_started", {"agent": "other", "task_id": "t-2"})
    assert_workflow(handspan_spans, "task", outcome="success")
    agent_works(handspan_clock, "coder", "approved")
    ids = [
        (span.attributes or {})["handspan.workflow.id"]
        for span in handspan_spans
        if span.name == "invoke_workflow task"
    ]
    assert ids == ["t-1", "t-1"]
    assert emitter.get_metrics()["n"]["time_to_completion"] == 1


def test_inside_a_run_of_the_caller_no_other_is_opened(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """Who moves to the verbs step by step mixes both."""
    with handspan.workflow("support", id="ticket-7"):
        agent_works(handspan_clock, "coder", "approved")
    assert_tree(
        handspan_spans,
        """
        invoke_workflow support
          run_task task
            invoke_agent coder
        """,
    )
    assert emitter.get_metrics()["n"]["agent_utilization"] == 1


def test_a_question_to_a_person_waits_until_work_goes_on(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """The wait is known, what was decided is not."""
    agent_works(handspan_clock, "coder", "failed")
    emit_event(
        "hitl_escalated",
        {"task_id": "t-1", "attempts": 3, "last_error": "no key", "priority": "HIGH"},
    )
    handspan_clock.advance(3_600)
    agent_works(handspan_clock, "coder", "approved")
    wait = handspan_spans.one("await_human escalation")
    assert (wait.end_time or 0) - (wait.start_time or 0) == 3_600_000_000_000
    assert wait.status.status_code is StatusCode.UNSET
    assert wait.attributes is not None
    assert wait.attributes["handspan.human.priority"] == "high"
    assert "handspan.human.decision" not in wait.attributes
    assert emitter.get_metrics()["average_retry_count"] == 1


def test_budget_events_are_events_of_the_run(
    handspan_spans: Spans, handspan_clock: Clock, emitter: Emitter
) -> None:
    """As `handspan.budget` writes them, whatever the old payload called its numbers."""
    emit_event("agent_started", {"agent": "coder", "task_id": "t-1"})
    emit_event("budget_warning", {"task_id": "t-1", "limit": 10, "spent": 8.5, "name": "daily"})
    emit_event("budget_exceeded", {"used": 11})
    handspan_clock.advance(1)
    emit_event("agent_completed", {"agent": "coder", "task_id": "t-1", "status": "approved"})
    (event,) = handspan_spans.one("run_task task").events
    assert event.name == "handspan.budget"
    assert event.attributes == {
        "handspan.budget.name": "daily",
        "handspan.budget.limit_usd": 10.0,
        "handspan.budget.used_usd": 8.5,
        "handspan.budget.used_ratio": 0.85,
        "handspan.budget.state": "warning",
    }
    assert handspan_spans.attributes("handspan.budget") == {
        "handspan.budget.used_usd": 11.0,
        "handspan.budget.state": "exceeded",
    }
    assert counts() == {"budget events without a limit": 1}
    assert emitter.get_metrics()["cost_per_feature"] is None


def test_a_completion_without_a_start_is_recorded_from_its_duration(
    handspan_spans: Spans, emitter: Emitter
) -> None:
    """Its agent and its time are known."""
    emit_event(
        "agent_completed",
        {"agent": "coder", "task_id": "t-1", "status": "approved", "duration_ms": 1500},
    )
    span = assert_agent(handspan_spans, "coder")
    assert (span.end_time or 0) - (span.start_time or 0) == 1_500_000_000
    assert counts() == {"completions of an unknown agent": 1}
    assert emitter.get_metrics()["agent_utilization"] is None


async def test_an_event_reaches_console_and_file_at_once(
    handspan_spans: Spans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the old shape, between start and stop."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream, path = Terminal(), tmp_path / "logs" / "events.jsonl"
    emitter = Emitter(file=path, stream=stream)
    emitter.emit_event("deployed", {"before": "start"})
    await emitter.start()
    emitter.emit_event("agent_started", {"agent": "co\nder", "task_id": "t-1"})
    emitter.emit_event("deployed")
    await emitter.stop()
    emitter.emit_event("deployed", {"after": "stop"})
    assert read_json_lines(path) == [
        {
            "event_type": "agent_started",
            "timestamp": 1_767_225_600.0,
            "payload": {"agent": "co\nder", "task_id": "t-1"},
        },
        {"event_type": "deployed", "timestamp": 1_767_225_600.0, "payload": {"value": None}},
    ]
    assert stream.getvalue() == (
        "\x1b[90m00:00:00.000\x1b[0m \x1b[36magent_started      \x1b[0m agent=co�der task_id=t-1\n"
        "\x1b[90m00:00:00.000\x1b[0m deployed            value=None\n"
    )
    assert counts() == {"events of an unknown type": 3}
    assert_agent(handspan_spans, "co\nder")


async def test_a_file_or_stream_that_fails_is_counted(
    handspan_spans: Spans, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The spans and KPIs go on."""
    (tmp_path / "file").write_text("")
    stream = io.StringIO()
    stream.close()
    emitter = Emitter(file=tmp_path / "file" / "events.jsonl", stream=stream)
    await emitter.start()
    for _ in range(3):
        emitter.emit_event("task_queued", {"task_id": "t-1"})
    assert counts() == {"files not written": 4}
    assert len(caplog.records) == 2
    assert len(handspan_spans) == 3


def test_emitting_from_threads_keeps_tasks_apart(handspan_spans: Spans, emitter: Emitter) -> None:
    """Agents of one team run in a pool."""

    def work(task: int) -> None:
        for agent in ("coder", "critic"):
            told = {"agent": agent, "task_id": f"t-{task}"}
            emit_event("agent_started", told)
            emit_event("agent_completed", {**told, "status": "success"})
        emit_event("validation_complete", {"task_id": f"t-{task}", "result": True})

    threads = [threading.Thread(target=work, args=(task,)) for task in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(handspan_spans) == 40 * (1 + 1 + 2 + 1)
    by_trace: dict[int, set[object]] = {}
    for span in handspan_spans:
        assert span.context is not None
        own = by_trace.setdefault(span.context.trace_id, set())
        own.add((span.attributes or {})["handspan.workflow.id"])
    assert len(by_trace) == 40
    assert all(len(ids) == 1 for ids in by_trace.values())
    assert emitter.get_metrics()["n"]["validation_pass_rate"] == 40


def test_tasks_beyond_the_bound_are_ended_and_forgotten(
    handspan_spans: Spans, emitter: Emitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that runs for months sees more tasks than it can remember."""
    monkeypatch.setattr("handspan.compat.started.MAX_STARTED", 3)
    for number in range(10):
        told = {"agent": "coder", "task_id": f"t-{number}"}
        emit_event("agent_started", told)
        emit_event("agent_completed", {**told, "status": "failed"})
    ended = [span for span in handspan_spans if span.name == "invoke_workflow task"]
    assert [(span.attributes or {})["handspan.workflow.id"] for span in ended] == [
        f"t-{number}" for number in range(7)
    ]
    assert emitter.get_metrics()["n"]["average_retry_count"] == 3
    assert counts() == {}


def test_events_of_any_kind_never_raise(
    handspan_spans: Spans, handspan_errors: list[Exception], emitter: Emitter
) -> None:
    """An emitter stands in the middle of everything."""
    emit_event(None, None)  # type: ignore[arg-type]
    emit_event([], 3)  # type: ignore[arg-type]
    emit_event("agent_started")
    emit_event("agent_started", {"agent": Unprintable(), "task_id": Unprintable()})
    emit_event("agent_completed", {"duration_ms": "x", "cost_usd": [], "task_id": {}})
    emit_event("validation_complete", {"result": Unprintable()})
    emit_event("budget_warning", {"limit": 0, "used": float("nan")})
    emit_event("hitl_escalated", {"priority": 7})
    emitter.record_critic_decision(rejected="yes")  # type: ignore[arg-type]
    assert emitter.get_metrics()["n"]["validation_pass_rate"] == 1
    handspan_errors.clear()
    assert len(handspan_spans) > 0

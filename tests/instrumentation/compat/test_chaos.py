"""Chaos sessions: entries as before, and spans of faults, recoveries and evaluations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opentelemetry.context import get_current
from tests.instrumentation.compat.sessions import play

from handspan.compat import counts
from handspan.compat.chaos import restore, start_session
from handspan.testing import assert_tree, assert_workflow

if TYPE_CHECKING:
    import pytest

    from handspan.testing import Clock, Spans


class Unprintable:
    """A value that no code of ours may trip over."""

    def __str__(self) -> str:
        """Fail, as values of users do."""
        raise ValueError("no text for you")

    __repr__ = __str__


def test_a_session_is_a_run_with_its_faults(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Recovery KPIs are made from these spans, by any backend."""
    before = get_current()
    session = play(handspan_clock)
    assert get_current() is before
    assert_tree(
        handspan_spans,
        """
        invoke_workflow chaos guided
          inject_fault inject_500_error
          recover retry
          recover cache
          inject_fault delay
          validate answers
        """,
    )
    run = assert_workflow(
        handspan_spans,
        "chaos guided",
        outcome="success",
        handspan__workflow__id=session.session_id,
        handspan__seed=7,
        handspan__resilience__score=50.0,
    )
    assert [(event.attributes or {})["handspan.session.action"] for event in run.events] == [
        "session_start",
        "user_interaction",
        "evaluation_case_start",
        "session_end",
    ]
    assert dict(run.events[1].attributes or {}) == {
        "handspan.session.action": "user_interaction",
        "handspan.session.step": 2,
        "handspan.session.element": "start-button",
    }
    assert counts() == {}


def test_each_effect_is_paired_with_its_recovery(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """By the fault's id, on the spans and in the log alike."""
    session = play(handspan_clock)
    fault = handspan_spans.attributes("inject_fault inject_500_error")
    assert fault == fault | {
        "handspan.kind": "fault",
        "handspan.workflow.id": session.session_id,
        "handspan.fault.id": f"{session.session_id}-3",
        "handspan.fault.type": "inject_500_error",
        "handspan.fault.target": "fetch_operation",
        "handspan.fault.parameters": '{"rate": "50%"}',
        "handspan.fault.seed": 7,
        "handspan.fault.injected": True,
        "handspan.fault.score_impact": -15.0,
    }
    retry = handspan_spans.one("recover retry")
    cache = handspan_spans.attributes("recover cache")
    assert (retry.end_time or 0) - (retry.start_time or 0) == 100_000_000
    assert retry.attributes == cache | {
        "handspan.recovery.strategy": "retry",
        "handspan.recovery.attempt": 1,
        "handspan.recovery.success": False,
    }
    assert cache == cache | {
        "handspan.recovery.fault_id": f"{session.session_id}-3",
        "handspan.recovery.attempt": 2,
        "handspan.recovery.success": True,
    }
    first, second = session.effects()
    assert (first["step"], first["recovered_step"], first["attempts"]) == (3, 5, 2)
    assert (first["recovered_ms"], first["strategy"]) == (500.0, "cache")
    assert (second["recovered_ms"], second["attempts"]) == (None, 0)


def test_entries_have_the_shape_that_readers_know(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Field by field as the older logger wrote them."""
    session = play(handspan_clock)
    assert session.entries[2] == {
        "step": 3,
        "timestamp": "2026-01-01T00:00:01.000Z",
        "relative_time": 1000.0,
        "action": "effect_injection",
        "effect_type": "inject_500_error",
        "target": "fetch_operation",
        "parameters": {"rate": "50%"},
        "result": {"score_impact": -15.0, "current_score": 85.0},
        "performance_impact": -15.0,
        "resilience_score": 0.0,
        "current_score": 85.0,
        "fault_id": f"{session.session_id}-3",
    }
    assert [entry["action"] for entry in session.entries] == [
        "session_start",
        "user_interaction",
        "effect_injection",
        "recovery_attempt",
        "recovery_attempt",
        "effect_injection",
        "evaluation_case_start",
        "evaluation_result",
        "session_end",
    ]
    assert [
        (one["step"], one["current_score"], one["resilience_score"], one["performance_impact"])
        for one in session.timeline()
    ] == [
        (1, 100.0, None, None),
        (2, 100.0, None, None),
        (3, 85.0, 0.0, -15.0),
        (4, 85.0, 0.0, None),
        (5, 90.0, 100.0, 5.0),
        (6, 60.0, 50.0, -30.0),
        (7, 60.0, 50.0, None),
        (8, 60.0, 50.0, None),
        (9, 60.0, 50.0, None),
    ]
    assert len(handspan_spans) == 6


def test_figures_while_it_runs(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """A recovery that never came stands beside the times of those that did."""
    assert play(handspan_clock).metrics() == {
        "effects": 2,
        "recovered": 1,
        "unrecovered": 1,
        "recovery_rate": 0.5,
        "resilience_score": 50.0,
        "mean_time_to_recovery_ms": 500.0,
        "median_time_to_recovery_ms": 500.0,
        "current_score": 60.0,
        "evaluations": 1,
        "evaluation_pass_rate": 1.0,
    }
    assert len(handspan_spans) == 6


def test_without_faults_nothing_is_known_about_resilience(handspan_spans: Spans) -> None:
    """A perfect score for whoever was never hit is the lie of the peers."""
    session = start_session()
    session.log_recovery_attempt("retry", success=True, duration=1.0)
    session.end_session({"success": False})
    figures = session.metrics()
    assert (figures["effects"], figures["recovery_rate"]) == (0, None)
    assert (figures["resilience_score"], figures["mean_time_to_recovery_ms"]) == (None, None)
    assert figures["evaluation_pass_rate"] is None
    assert counts() == {"recoveries without a fault": 1}
    run = assert_workflow(handspan_spans, "chaos", outcome="failure")
    assert run.attributes is not None
    assert "handspan.resilience.score" not in run.attributes


def test_a_recovery_may_say_which_fault_it_answers(handspan_spans: Spans) -> None:
    """Faults overlap; the latest is only the default."""
    session = start_session()
    first = session.log_effect_injection("delay", "search")
    session.log_effect_injection("delay", "bank")
    session.log_effect_injection("error", "bank")
    assert first is not None
    for told, step in [
        ({"fault_id": first["fault_id"]}, 2),
        ({"target": "bank", "effect_type": "delay"}, 3),
        (None, 4),
        (None, None),
    ]:
        entry = session.log_recovery_attempt("retry", success=True, duration=0, metadata=told)
        assert entry is not None
        assert entry["effect_step"] == step
    assert session.metrics()["recovery_rate"] == 1.0
    assert len(handspan_spans) == 7


def test_same_seed_same_draws() -> None:
    """A session is repeated by its seed; without one it is not."""
    draws = [start_session(seed=seed).random.random() for seed in (7, 7, 8, None, None)]
    assert draws[0] == draws[1]
    assert len(set(draws)) == 4


def test_listeners_hear_each_entry(handspan_spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    """Live views follow a session so; one that breaks does not break the session."""
    session = start_session()
    heard: list[int] = []
    session.on_trace(lambda entry: entry["missing"])
    session.on_trace(lambda entry: heard.append(entry["step"]))
    session.log_trace("custom", {"a": 1})
    session.end_session()
    session.end_session()
    assert heard == [2, 3]
    assert len(caplog.records) == 1
    assert len(handspan_spans) == 1


def test_a_full_session_drops_its_oldest_entries(handspan_spans: Spans) -> None:
    """Memory has an end; figures do not forget."""
    session = start_session(max_entries=5)
    session.log_effect_injection("delay", "search")
    for _ in range(10):
        session.log_trace("tick")
    assert [entry["step"] for entry in session.entries] == [8, 9, 10, 11, 12]
    assert session.metrics()["effects"] == 1
    assert counts() == {"entries dropped from a full session": 7}
    assert len(handspan_spans) == 1


def test_resources_are_measured_on_request(handspan_spans: Spans) -> None:
    """What a fault costs the process itself."""
    session = start_session(measure_resources=True)
    sum(range(200_000))
    entry = session.log_trace("tick")
    assert entry is not None
    assert entry["resource_impact"]["cpu_ratio"] > 0
    assert entry["resource_impact"]["memory_bytes"] > 1_000_000
    session.end_session()
    event = assert_workflow(handspan_spans, "chaos").events[1]
    assert (event.attributes or {})["handspan.resource.memory_bytes"] > 1_000_000  # type: ignore[operator]


def test_threads_log_to_one_session(handspan_spans: Spans) -> None:
    """Steps are numbered without gap or double."""
    session = start_session()
    threads = [
        threading.Thread(target=lambda: [session.log_trace("tick") for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["step"] for entry in session.entries] == list(range(1, 402))
    assert len(handspan_spans) == 0


def test_values_of_any_kind_never_raise(
    handspan_spans: Spans, handspan_errors: list[Exception]
) -> None:
    """A chaos tool is used where things break."""
    session = start_session(3, mode="m", seed="x")  # type: ignore[arg-type]
    session.log_trace(None, 7)  # type: ignore[arg-type]
    session.log_effect_injection(None, Unprintable(), "p", [1])  # type: ignore[arg-type]
    session.log_recovery_attempt("s", success=True, duration="long")  # type: ignore[arg-type]
    session.log_evaluation_result("c", Unprintable(), None, 3)  # type: ignore[arg-type]
    session.log_interaction("e", "t", {"v": Unprintable()})
    session.end_session("done")  # type: ignore[arg-type]
    assert [entry["step"] for entry in session.entries] == [1, 2, 3, 5, 6, 7]
    for export in (session.export_as_json, session.export_as_csv, session.export_as_report):
        assert "<Unprintable>" in export()
    assert restore(session.export_as_shareable_url()) is not None
    # One is the duration; SDK 1.39 makes no second one of an attribute that cannot be printed.
    assert 1 <= len(handspan_errors) <= 2
    handspan_errors.clear()
    assert len(handspan_spans) >= 1


def test_a_session_needs_no_provider() -> None:
    """Its exports are local, so no service and no SDK is asked for them."""
    session = start_session({"rate": "50%"})
    session.log_effect_injection("delay", "search")
    session.end_session()
    assert session.metrics()["recovery_rate"] == 0.0
    assert len(session.entries) == 3

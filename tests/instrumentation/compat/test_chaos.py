"""Chaos sessions: entries as before, spans of faults and recoveries, exports and links."""

from __future__ import annotations

import csv
import io
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import get_current

from handspan import settings
from handspan.compat import counts
from handspan.compat.chaos import Session, SessionLog, restore, start_session
from handspan.testing import assert_tree, assert_workflow

if TYPE_CHECKING:
    from handspan.testing import Clock, Spans

V1_LINK = (Path(__file__).parent / "session_v1.link").read_text().strip()


class Unprintable:
    """A value that no code of ours may trip over."""

    def __str__(self) -> str:
        """Fail, as values of users do."""
        raise ValueError("no text for you")

    __repr__ = __str__


def play(clock: Clock) -> Session:
    """A session with two effects, one of them overcome at the second attempt."""
    session = start_session({"rate": "50%"}, mode="guided", seed=7)
    clock.advance(0.5)
    session.log_interaction("start-button", "click", {"x": 3})
    clock.advance(0.5)
    session.log_effect_injection(
        "inject_500_error", "fetch_operation", {"rate": "50%"}, {"score_impact": -15}
    )
    clock.advance(0.25)
    session.log_recovery_attempt("retry", success=False, duration=100.0)
    clock.advance(0.25)
    session.log_recovery_attempt("cache", success=True, duration=50.0, metadata={"score_impact": 5})
    session.log_effect_injection("delay", "search", {"ms": 300}, {"current_score": 60})
    session.evaluation_case_start("answers")
    session.log_evaluation_result("answers", "passed", 0.9, ["is polite", "is short"])
    clock.advance(1)
    session.end_session({"verdict": "shaky"})
    return session


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


def test_credentials_leave_by_no_export(handspan_spans: Spans) -> None:
    """Links are shared with strangers."""
    key = "sk-proj-abcdefghijklmnopqrstuvwx"
    session = start_session({"api_key": "hunter2-hunter2", "note": f"uses {key}"})
    session.log_interaction("login", "submit", {"password": "hunter2-hunter2", "n": [{"t": key}]})
    session.log_effect_injection(
        "error", f"https://u:hunter2-hunter2@host/?k={key}", {"token": key}
    )
    session.log_recovery_attempt("x", success=True, duration=1, metadata={"mail": "a@example.com"})
    session.end_session({"authorization": f"Bearer {key}"})
    session.add_export_format("raw", lambda log: repr(log.as_dict()))
    restored = restore(session.export_as_shareable_url())
    assert restored is not None
    for text in (
        session.export_as_json(),
        session.export_as_csv(),
        session.export_as_report(),
        session.export("raw"),
        restored.export_as_json(),
        repr([span.attributes for span in handspan_spans]),
    ):
        assert "session_start" in text or "effect_type" in text or "inject" in text or "#" in text
        assert key not in text
        assert "hunter2" not in text
        assert "example.com" not in text


def test_a_link_shows_no_credentials_even_where_spans_may() -> None:
    """Spans go to one's own service, links to strangers; own rules are applied on top."""
    settings.use(redact=(), redact_keys=["employee_id"])
    session = start_session({"password": "hunter2-hunter2", "employee_id": "E-4711"})
    settings.use()
    assert session.configuration == {
        "password": "[redacted:key]",
        "employee_id": "[redacted:key]",
    }


def test_export_as_json(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """All of it, with the analyses that were registered."""
    session = play(handspan_clock)
    session.register_analyzer("steps", lambda log: len(log.entries))
    session.register_analyzer("broken", lambda log: log.entries[99])
    told = json.loads(session.export_as_json())
    assert told == json.loads(session.export_as_json(pretty=True))
    assert "\n  " in session.export_as_json(pretty=True)
    assert told["session"] == {
        "id": session.session_id,
        "started_at": "2026-01-01T00:00:00.000Z",
        "mode": "guided",
        "seed": 7,
        "configuration": {"rate": "50%"},
    }
    assert told["summary"] == {"verdict": "shaky"}
    assert told["entries"] == session.entries
    assert told["analysis"] == {
        "steps": 9,
        "broken": "failed: IndexError('list index out of range')",
    }
    assert len(handspan_spans) == 6


def test_export_as_csv_has_a_column_for_every_key(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Actions differ in what they say; a spreadsheet shows all of it."""
    rows = list(csv.DictReader(io.StringIO(play(handspan_clock).export_as_csv())))
    assert len(rows) == 9
    assert list(rows[0])[:5] == [
        "step",
        "timestamp",
        "relative_time",
        "action",
        "configuration.rate",
    ]
    assert rows[2]["parameters.rate"] == "50%"
    assert rows[2]["result.current_score"] == "85.0"
    assert rows[0]["parameters.rate"] == ""
    assert rows[7]["assertions"] == '["is polite", "is short"]'
    assert len(handspan_spans) == 6


def test_export_as_report(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """For people: the figures, each effect with its recovery, unknown in words."""
    session = play(handspan_clock)
    session.register_analyzer("advice", lambda _: "cache | retry\nless")
    lines = session.export_as_report().splitlines()
    for line in (
        f"# Chaos session {session.session_id}",
        "- recovery rate: 0.5",
        "| 3 | inject_500_error | fetch_operation | 500 | cache | 2 |",
        "| 6 | delay | search | unknown | unknown | 0 |",
        "| 8 | answers | pass | 0.9 |",
        "| 5 | 1500 | 90 | 100 | 5 |",
        "- verdict: shaky",
        "- advice: cache \\| retry less",
    ):
        assert line in lines
    assert len(handspan_spans) == 6


def test_own_formats_and_their_failures(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A format that raises must not end the experiment it describes."""
    session = start_session()
    session.add_export_format("ids", lambda log: log.session_id)
    session.add_export_format("broken", lambda log: str(log.summary["x"]))
    assert session.export("ids") == session.session_id
    assert session.export("broken") == ""
    assert session.export("missing") == ""
    assert len(caplog.records) == 2
    assert len(handspan_spans) == 0


def test_a_link_restores_the_session(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Figures, pairs and entries are those of the original; no server is asked."""
    session = play(handspan_clock)
    url = session.export_as_shareable_url("https://example.com/s")
    assert url.startswith("https://example.com/s#v1.")
    again = restore(url)
    assert isinstance(again, SessionLog)
    assert json.loads(again.export_as_json()) == json.loads(session.export_as_json())
    assert again.random.random() == start_session(seed=7).random.random()
    assert list(again.replay()) == session.entries
    assert len(handspan_spans) == 6


def test_replay_keeps_the_times(
    handspan_spans: Spans, handspan_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At double speed in half the time."""
    waits: list[float] = []
    monkeypatch.setattr("handspan.compat.session_log.time.sleep", waits.append)
    steps = [entry["step"] for entry in play(handspan_clock).replay(speed=2.0)]
    assert steps == list(range(1, 10))
    assert [round(wait, 6) for wait in waits] == [0, 0.25, 0.25, 0.125, 0.125, 0, 0, 0, 0.5]
    assert len(handspan_spans) == 6


def test_a_link_of_the_first_version_is_readable_for_ever() -> None:
    """People keep links in tickets. Never write this file anew."""
    log = restore(V1_LINK)
    assert log is not None
    assert (log.mode, log.seed, log.summary) == ("guided", 7, {"verdict": "shaky"})
    assert [entry["step"] for entry in log.replay()] == list(range(1, 10))
    assert log.metrics()["recovery_rate"] == 0.5


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no link to a session"),
        ("https://example.com/", "no link to a session"),
        ("handspan:session#v2.abc", "of version v2, update handspan"),
        (V1_LINK[:-9], "damaged, copy all of it"),
        (V1_LINK + "%", "damaged"),
        ("handspan:session#v1.eNqrrgUAAXUA-Q", "holds no session"),
        ("handspan:session#v1.eNqLjgUAARUAuQ", "holds no session"),
    ],
)
def test_a_link_that_cannot_be_read_is_told(
    caplog: pytest.LogCaptureFixture, url: str, says: str
) -> None:
    """Half a link is what a chat leaves of it."""
    assert restore(url) is None
    assert says in caplog.text
    assert counts() == {"links not readable": 1}


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
    assert len(handspan_errors) == 2
    handspan_errors.clear()
    assert len(handspan_spans) >= 1


def test_a_session_needs_no_provider() -> None:
    """Its exports are local, so no service and no SDK is asked for them."""
    session = start_session({"rate": "50%"})
    session.log_effect_injection("delay", "search")
    session.end_session()
    assert session.metrics()["recovery_rate"] == 0.0
    assert len(session.entries) == 3

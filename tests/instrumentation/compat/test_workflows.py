"""Workflows logged by id become runs, handoffs and the times of agents."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode

import handspan
from handspan.compat import counts
from handspan.compat.invocations import log_invocation, update_invocation
from handspan.compat.started import MAX_STARTED
from handspan.compat.workflows import (
    log_agent_handoff,
    log_workflow_complete,
    log_workflow_start,
    write_files,
)
from handspan.json_lines import read_json_lines
from handspan.testing import assert_agent, assert_handoff, assert_tree, assert_workflow

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from handspan.testing import Clock, Spans

PLAN = ["planner", "coder", "critic"]


def run_shop(clock: Clock) -> None:
    """One run of 60 seconds as programs log it: planner 10 s, coder 20 s, critic 30 s."""
    log_workflow_start("wf-1", "shop", PLAN, estimated_duration=3600)
    clock.advance(10)
    log_agent_handoff("wf-1", "planner", "coder", ["plan.md"])
    clock.advance(20)
    log_agent_handoff("wf-1", "coder", "critic", ["shop.py", "test_shop.py"])
    clock.advance(30)
    log_workflow_complete("wf-1", 60.0, success=True, agents_executed=PLAN)


def seconds(spans: Spans, name: str) -> list[tuple[float, float]]:
    """Return when the spans of a name began and ended, seconds after the first of all."""
    zero = min(span.start_time or 0 for span in spans)
    return [
        (((span.start_time or 0) - zero) / 1e9, ((span.end_time or 0) - zero) / 1e9)
        for span in sorted(spans, key=lambda span: span.start_time or 0)
        if span.name == name
    ]


def test_a_logged_workflow_is_a_run(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Old calls, unchanged, fill every workflow and handoff KPI."""
    before = get_current()
    run_shop(handspan_clock)
    assert get_current() is before
    assert_tree(
        handspan_spans,
        """
        invoke_workflow shop
          invoke_agent planner
          handoff coder
          invoke_agent coder
          handoff critic
          invoke_agent critic
        """,
    )
    run = assert_workflow(handspan_spans, "shop", outcome="success", agents=PLAN)
    assert run.attributes == {
        "handspan.kind": "workflow",
        "handspan.workflow.id": "wf-1",
        "handspan.workflow.name": "shop",
        "handspan.workflow.plan": tuple(PLAN),
        "handspan.workflow.estimated_s": 3600,
        "handspan.workflow.outcome": "success",
        "handspan.project": "shop",
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "shop",
    }
    assert_handoff(handspan_spans, "planner", "coder", artifacts=["plan.md"])
    assert all(span.attributes["handspan.workflow.id"] == "wf-1" for span in handspan_spans)  # type: ignore[index]
    assert counts() == {}


def test_an_agent_works_from_its_handoff_to_the_next(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Agent time and bottlenecks come from these times; they are what was logged, no more."""
    run_shop(handspan_clock)
    assert seconds(handspan_spans, "invoke_workflow shop") == [(0, 60)]
    assert seconds(handspan_spans, "invoke_agent planner") == [(0, 10)]
    assert seconds(handspan_spans, "handoff coder") == [(10, 10)]
    assert seconds(handspan_spans, "invoke_agent coder") == [(10, 30)]
    assert seconds(handspan_spans, "invoke_agent critic") == [(30, 60)]


def test_control_that_comes_back_is_a_second_time_at_work(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """A critic that sends work back makes the coder work twice."""
    log_workflow_start("wf-1", "shop", ["coder", "critic"])
    for source, target in [("coder", "critic"), ("critic", "coder"), ("coder", "critic")]:
        handspan_clock.advance(1)
        log_agent_handoff("wf-1", source, target, [])
    log_workflow_complete("wf-1", 4.0, success=True, agents_executed=["coder", "critic"])
    assert seconds(handspan_spans, "invoke_agent coder") == [(0, 1), (2, 3)]
    assert seconds(handspan_spans, "invoke_agent critic") == [(1, 2), (3, 4)]


def test_a_target_that_never_ran_gets_no_span(handspan_spans: Spans) -> None:
    """So that its handoff counts as lost, which it was."""
    log_workflow_start("wf-1", "shop", PLAN)
    log_agent_handoff("wf-1", "planner", "coder", [])
    log_workflow_complete("wf-1", 5.0, success=False, agents_executed=["planner"])
    run = assert_workflow(handspan_spans, "shop", outcome="failure", agents=["planner"])
    assert run.status.status_code is StatusCode.ERROR


def test_an_agent_of_unknown_time_is_counted_and_not_guessed(handspan_spans: Spans) -> None:
    """A made-up time would become somebody's bottleneck."""
    log_workflow_start("wf-1", "shop", PLAN)
    log_workflow_complete("wf-1", 5.0, success=True, agents_executed=PLAN)
    assert_workflow(handspan_spans, "shop", agents=[])
    assert counts() == {"agents without a known time": 1}


def test_the_only_agent_worked_all_the_time(handspan_spans: Spans) -> None:
    """There is nobody else it could have been."""
    log_workflow_start("wf-1", "shop", ["coder"])
    log_workflow_complete("wf-1", 5.0, success=True, agents_executed=["coder"])
    assert seconds(handspan_spans, "invoke_agent coder") == [(0, 5)]
    assert counts() == {}


def test_a_handoff_before_its_workflow_is_joined_by_id(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Processes of one run log to their own Handspan; nothing is refused, all is counted."""
    log_agent_handoff("wf-9", "planner", "coder", [])
    log_agent_handoff("wf-9", "coder", "critic", [])
    first = assert_handoff(handspan_spans, "planner", "coder")
    assert first.parent is None
    assert first.attributes is not None
    assert first.attributes["handspan.workflow.id"] == "wf-9"
    assert counts() == {"handoffs of an unknown workflow": 2}
    (record,) = caplog.records
    assert "Call log_workflow_start first" in record.message


def test_a_completion_without_a_start_is_a_run_that_ends_now(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Its id and its duration are known, its name is not."""
    log_workflow_complete("wf-9", 30.0, success=True, agents_executed=["coder"])
    run = assert_workflow(handspan_spans, "unknown", outcome="success", agents=["coder"])
    assert run.end_time == handspan_clock.now_ns
    assert seconds(handspan_spans, "invoke_workflow unknown") == [(0, 30)]
    assert counts() == {"completions of an unknown workflow": 1}


def test_a_workflow_that_never_completes_breaks_nothing(handspan_spans: Spans) -> None:
    """Programs crash; the next run with the same id is a new one."""
    log_workflow_start("wf-1", "shop", PLAN)
    log_workflow_start("wf-1", "shop", PLAN)
    log_workflow_complete("wf-1", 5.0, success=True, agents_executed=[])
    assert len(handspan_spans) == 1
    assert counts() == {"workflows started twice": 1}


def test_forgotten_workflows_do_not_fill_the_memory(handspan_spans: Spans) -> None:
    """What is remembered of them has an end."""
    for number in range(MAX_STARTED + 3):
        log_workflow_start(f"wf-{number}", "shop", [])
    assert counts()["starts forgotten, too many are open"] >= 3
    for number in range(MAX_STARTED + 3):
        log_workflow_complete(f"wf-{number}", 1.0, success=True, agents_executed=[])
    assert len(handspan_spans) == MAX_STARTED + 3
    assert counts()["completions of an unknown workflow"] >= 3


def test_calls_come_from_any_thread(handspan_spans: Spans) -> None:
    """Old loggers were called from pools; no run may get another's handoffs."""

    def one(number: int) -> None:
        log_workflow_start(f"wf-{number}", f"shop-{number}", PLAN)
        for target in PLAN[1:]:
            handing = threading.Thread(
                target=log_agent_handoff, args=(f"wf-{number}", "planner", target, [])
            )
            handing.start()
            handing.join()
        log_workflow_complete(f"wf-{number}", 1.0, success=True, agents_executed=PLAN)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(50)))
    by_trace: dict[int, set[object]] = {}
    for span in handspan_spans:
        assert span.context is not None
        assert span.attributes is not None
        own = by_trace.setdefault(span.context.trace_id, set())
        own.add(span.attributes["handspan.workflow.id"])
    assert len(by_trace) == 50
    assert all(len(ids) == 1 for ids in by_trace.values())
    assert len(handspan_spans) == 50 * (1 + 2 + 3)


def test_arguments_of_any_kind_never_raise(
    handspan_spans: Spans, handspan_errors: list[Exception]
) -> None:
    """A logger that raises would be the bug it should have found."""
    log_workflow_start(None, None, None)  # type: ignore[arg-type]
    log_agent_handoff(1, object(), [], None)  # type: ignore[arg-type]
    log_workflow_complete({}, "long", None, 3)  # type: ignore[arg-type]
    assert handspan_errors != []
    assert len(handspan_spans) <= 1
    handspan_errors.clear()


def test_the_old_files_are_written_on_request(
    handspan_spans: Spans, handspan_clock: Clock, folder: Path
) -> None:
    """Scripts that read them go on working, line by line as before."""
    run_shop(handspan_clock)
    said = {"workflow_id": "wf-1", "session_id": "s-1"}
    assert read_json_lines(folder / "workflow_events.jsonl") == [
        {"timestamp": "2026-01-01T00:00:00.000Z", "event": "workflow_start"}
        | said
        | {"project_name": "shop", "agent_plan": PLAN, "estimated_duration": 3600},
        {"timestamp": "2026-01-01T00:00:10.000Z", "event": "agent_handoff"}
        | said
        | {"from_agent": "planner", "to_agent": "coder", "artifacts": ["plan.md"]},
        {"timestamp": "2026-01-01T00:00:30.000Z", "event": "agent_handoff"}
        | said
        | {
            "from_agent": "coder",
            "to_agent": "critic",
            "artifacts": ["shop.py", "test_shop.py"],
        },
        {"timestamp": "2026-01-01T00:01:00.000Z", "event": "workflow_complete"}
        | said
        | {"duration_seconds": 60.0, "success": True, "agents_executed": PLAN},
    ]
    assert len(handspan_spans) == 6


def test_files_are_written_without_any_provider(folder: Path) -> None:
    """Local by default: they never needed a service."""
    log_workflow_start("wf-1", "shop", PLAN)
    log_agent_handoff("wf-1", "planner", "coder", [])
    log_workflow_complete("wf-1", 1.0, success=True, agents_executed=PLAN)
    assert len(read_json_lines(folder / "workflow_events.jsonl")) == 3
    assert handspan.current_run() is None


def test_a_folder_that_cannot_be_written_is_counted(handspan_spans: Spans, tmp_path: Path) -> None:
    """The span is recorded all the same."""
    (tmp_path / "file").write_text("")
    write_files(tmp_path / "file")
    log_workflow_start("wf-1", "shop", PLAN)
    log_workflow_complete("wf-1", 1.0, success=True, agents_executed=[])
    write_files(None)
    assert counts() == {"files not written": 2}
    assert_workflow(handspan_spans, "shop")


def test_an_agent_may_be_named_in_a_workflow_it_joins(handspan_spans: Spans) -> None:
    """An agent that logs its own invocation is not recorded twice."""
    log_workflow_start("wf-1", "shop", ["coder"])
    invocation_id = log_invocation("coder", "developer", "fix it", {}, workflow_id="wf-1")
    update_invocation(invocation_id, 2.0, "success", [])
    log_workflow_complete("wf-1", 5.0, success=True, agents_executed=["coder"])
    assert_workflow(handspan_spans, "shop", agents=["coder"])
    assert_agent(handspan_spans, "coder", handspan__agent__type="developer")
    assert counts() == {}

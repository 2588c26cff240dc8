"""Invocations logged by id become agent spans."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from opentelemetry.trace import StatusCode

import handspan
from handspan import settings
from handspan.compat import counts
from handspan.compat.invocations import log_invocation, log_success_metric, update_invocation
from handspan.json_lines import read_json_lines
from handspan.testing import assert_agent, assert_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handspan.testing import Clock, Spans

FEATURES = {
    "codebase": {"languages": ["python", "sql"], "files": 12},
    "task": {"type": "bug_fix", "scope": "small", "risk_level": 0.2},
    "context": {"hour": 9, "reviewed": False, "branch": None},
    "historical": {},
}


@pytest.fixture
def content_captured() -> Iterator[None]:
    """Record content, as HANDSPAN_CAPTURE_CONTENT=true does."""
    settings.use(capture_content=True)
    yield
    settings.use()


def test_a_logged_invocation_is_an_agent_span(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Type of agent, kind of task and state are what a choice of agent is learnt from."""
    invocation_id = log_invocation("coder", "developer", "fix the login", FEATURES)
    assert str(UUID(invocation_id)) == invocation_id
    handspan_clock.advance(1)
    update_invocation(invocation_id, 95.5, "success", ["login.py"])
    span = assert_agent(handspan_spans, "coder")
    assert span.attributes == {
        "handspan.kind": "agent",
        "handspan.workflow.id": invocation_id,
        "handspan.agent.name": "coder",
        "handspan.agent.type": "developer",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "coder",
        "handspan.task.type": "bug_fix",
        "handspan.task.files_modified": ("login.py",),
        "handspan.state.codebase.languages": ("python", "sql"),
        "handspan.state.codebase.files": 12,
        "handspan.state.task.type": "bug_fix",
        "handspan.state.task.scope": "small",
        "handspan.state.task.risk_level": 0.2,
        "handspan.state.context.hour": 9,
        "handspan.state.context.reviewed": False,
    }
    assert (span.end_time or 0) - (span.start_time or 0) == 95_500_000_000
    assert span.status.status_code is StatusCode.UNSET
    assert counts() == {}


@pytest.mark.usefixtures("content_captured")
def test_the_task_in_words_is_content(handspan_spans: Spans) -> None:
    """It is on the span only when the user wants content there (the test above)."""
    update_invocation(log_invocation("coder", "developer", "fix it", {}), 1.0, "success", [])
    span = assert_agent(handspan_spans, "coder", handspan__task__description="fix it")
    assert span.parent is None


@pytest.mark.parametrize("status", ["failed", "FAILURE", "error", "timeout"])
def test_an_invocation_that_failed_is_an_error(handspan_spans: Spans, status: str) -> None:
    """Success ratios of agents depend on it."""
    update_invocation(log_invocation("coder", "developer", "", {}), 1.0, status, [])
    span = assert_agent(handspan_spans, "coder", error_type=status)
    assert span.status.status_code is StatusCode.ERROR


def test_an_invocation_belongs_to_the_run_around_it(handspan_spans: Spans) -> None:
    """Who moves to the verbs step by step mixes both."""
    with handspan.workflow("support"):
        update_invocation(log_invocation("coder", "developer", "", {}), 1.0, "success", [])
    assert_tree(handspan_spans, "invoke_workflow support\n  invoke_agent coder")


def test_a_rating_links_to_its_invocation(handspan_spans: Spans, folder: Path) -> None:
    """Also when the person takes a day for it, and the agent's span has long left."""
    invocation_id = log_invocation("coder", "developer", "", {})
    update_invocation(invocation_id, 1.0, "success", [])
    log_success_metric(
        invocation_id,
        True,
        4,
        feedback_source="reviewer",
        feedback_notes="forgot a test",
        would_use_again=True,
        alternative_agent_suggested="tester",
    )
    rating = handspan_spans.one("rate reviewer")
    rated = assert_agent(handspan_spans, "coder").get_span_context()
    assert rated is not None
    assert [link.context.span_id for link in rating.links] == [rated.span_id]
    assert rating.attributes == {
        "handspan.kind": "rating",
        "handspan.workflow.id": invocation_id,
        "handspan.agent.name": "coder",
        "handspan.rating.quality": 4,
        "handspan.rating.success": True,
        "handspan.rating.source": "reviewer",
        "handspan.rating.notes": "forgot a test",
        "handspan.rating.would_use_again": True,
        "handspan.rating.alternative_agent": "tester",
    }
    assert counts() == {}
    (line,) = read_json_lines(folder / "success_metrics.jsonl")
    assert list(line) == [
        "timestamp",
        "invocation_id",
        "success",
        "quality_rating",
        "feedback_source",
        "feedback_notes",
        "would_use_again",
        "alternative_agent_suggested",
    ]


def test_a_rating_from_another_process_finds_its_run_by_id(handspan_spans: Spans) -> None:
    """An invocation outside a workflow is a run of this id."""
    log_success_metric("elsewhere", False, 1)
    assert handspan_spans.attributes("rate human")["handspan.workflow.id"] == "elsewhere"
    assert counts() == {"invocations unknown": 1}


def test_an_outcome_of_an_unknown_id_records_nothing_and_is_counted(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a name there is no agent to speak of."""
    invocation_id = log_invocation("coder", "developer", "", {})
    update_invocation(invocation_id, 1.0, "success", [])
    update_invocation(invocation_id, 1.0, "success", [])
    update_invocation("elsewhere", 1.0, "success", [])
    assert len(handspan_spans) == 1
    assert counts() == {"invocations unknown": 2}
    (record,) = caplog.records
    assert "Call both in the same process" in record.message


def test_features_never_crowd_out_the_names(handspan_spans: Spans) -> None:
    """A span keeps 128 attributes and drops the oldest: kind and agent, if nobody takes care."""
    features = {f"f{n}": {"value": n, "odd": [n, "x", b"y"]} for n in range(200)}
    features["f0"]["long"] = "x" * 5_000
    invocation_id = log_invocation("coder", "developer", "", features)
    update_invocation(invocation_id, 1.0, "success", [])
    span = assert_agent(handspan_spans, "coder")
    assert span.dropped_attributes == 0
    assert span.attributes is not None
    assert span.attributes["handspan.state.f0.long"] == "x" * 1_000
    assert span.attributes["handspan.state.f1.odd"] == ("1", "x", "b'y'")


def test_an_id_comes_back_whatever_is_given(
    handspan_spans: Spans, handspan_errors: list[Exception]
) -> None:
    """The caller keeps it for later; None would be his next error."""
    invocation_id = log_invocation("coder", "developer", "", None)  # type: ignore[arg-type]
    assert UUID(invocation_id)
    assert handspan_errors != []
    assert len(handspan_spans) == 0
    handspan_errors.clear()


def test_the_old_file_has_one_line_for_each_invocation(
    handspan_spans: Spans, handspan_clock: Clock, folder: Path
) -> None:
    """Its readers count lines, so the line waits for its outcome."""
    invocation_id = log_invocation("coder", "developer", "fix the login", FEATURES)
    handspan_clock.advance(1)
    assert read_json_lines(folder / "agent_invocations.jsonl") == []
    update_invocation(invocation_id, 1.0, "success", ["login.py"])
    (line,) = read_json_lines(folder / "agent_invocations.jsonl")
    assert list(line) == [
        "timestamp",
        "session_id",
        "invocation_id",
        "agent_name",
        "agent_type",
        "task_description",
        "state_features",
        "outcome",
    ]
    assert line["timestamp"] == "2026-01-01T00:00:00.000Z"
    assert line["state_features"] == FEATURES
    assert line["outcome"] == {"status": "success", "files_modified": ["login.py"]}
    assert len(handspan_spans) == 1


@pytest.mark.end_to_end
def test_an_invocation_without_an_outcome_is_written_at_the_end(tmp_path: Path) -> None:
    """A line is missing only after a crash."""
    program = """
from handspan.compat.invocations import log_invocation, write_files
write_files("telemetry")
log_invocation("coder", "developer", "fix it", {})
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    (line,) = read_json_lines(tmp_path / "telemetry" / "agent_invocations.jsonl")
    assert line["outcome"] == {"status": "unknown", "files_modified": []}

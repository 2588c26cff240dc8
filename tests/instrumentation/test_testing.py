"""The pytest plugin and its helpers, as the test suites of users meet them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import handspan
from handspan.testing import assert_agent, assert_handoff, assert_tree, assert_workflow

if TYPE_CHECKING:
    from pathlib import Path

    from handspan.testing import Spans

USERS_TESTS = """
from collections import UserDict

import handspan

def run_my_team():
    with handspan.workflow("support"):
        with handspan.agent("triage"), handspan.handoff("triage", "refund"):
            pass
        with handspan.agent("refund"):
            pass

def test_tree(handspan_spans):
    run_my_team()
    assert handspan_spans.tree() == [
        "invoke_workflow support",
        "  invoke_agent triage",
        "    handoff refund",
        "  invoke_agent refund",
    ]

def test_ids_and_time_are_fixed(handspan_spans, handspan_clock):
    with handspan.agent("triage"):
        handspan_clock.advance(1.5)
    span = handspan_spans.one("invoke_agent triage")
    assert (span.context.trace_id, span.context.span_id) == (1, 1)
    assert span.start_time == 1_767_225_600_000_000_000
    assert span.end_time - span.start_time == 1_500_000_000

def test_nothing_is_left_from_other_tests(handspan_spans):
    assert len(handspan_spans) == 0
    run_my_team()
    assert handspan_spans.attributes("handoff refund")["handspan.handoff.seq"] == 1

def test_without_the_fixture_nothing_is_recorded():
    with handspan.agent("triage") as agent:
        assert not agent.started

def test_missing_span(handspan_spans):
    run_my_team()
    handspan_spans.one("invoke_agent closing")

class Broken(UserDict):
    def __getitem__(self, name):
        raise RuntimeError("a bug inside Handspan")

def test_error_inside_handspan(handspan_spans):
    with handspan.agent("a", attributes=Broken(a=1)):
        pass
"""


@pytest.mark.end_to_end
def test_the_fixtures_do_what_they_promise(tmp_path: Path) -> None:
    """A span that is missing and an error of Handspan's own are told plainly."""
    (tmp_path / "test_team.py").write_text(USERS_TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 5 passed, 1 error" in done.stdout
    assert "0 spans are named 'invoke_agent closing' in ['invoke_workflow support'" in done.stdout
    assert "RuntimeError: a bug inside Handspan" in done.stdout


@pytest.fixture
def team(handspan_spans: Spans) -> Spans:
    """Two agents, one of them twice, with two handoffs."""
    with handspan.workflow("support", feature="refunds") as run:
        with handspan.agent("triage"):
            handspan.handoff("triage", "refund", mode="pass_control", reason="money").start().end()
        handspan.agent("refund").start().end("card declined", error_type="Declined")
        with handspan.agent("triage"), handspan.handoff("triage", "refund", artifacts=["ticket"]):
            pass
        run.outcome("failure")
    handspan.agent("apart").start().end()
    return handspan_spans


def test_helpers_return_the_span_they_found(team: Spans) -> None:
    """What they do not ask can be asked of the span."""
    run = assert_workflow(
        team,
        "support",
        outcome="failure",
        agents=["triage", "refund", "triage"],
        handspan__feature="refunds",
    )
    assert run is team.one("invoke_workflow support")
    assert assert_agent(team, "refund", error_type="Declined").name == "invoke_agent refund"
    assert_agent(team, "triage", times=2)
    assert_handoff(team, "triage", "refund", times=2)
    assert_handoff(team, "triage", "refund", artifacts=["ticket"])
    handoff = assert_handoff(team, "triage", "refund", mode="pass_control", reason="money")
    assert handoff.attributes is not None
    assert handoff.attributes["handspan.handoff.seq"] == 1
    assert_tree(
        team,
        """
        invoke_workflow support
          invoke_agent triage
            handoff refund
          invoke_agent refund
          invoke_agent triage
            handoff refund
        invoke_agent apart
        """,
    )


def test_helpers_say_what_was_recorded_instead(team: Spans) -> None:
    """A failing test must be read, not debugged."""
    with pytest.raises(AssertionError, match=r"0 handoff spans, not 1, .*'refund'.*'triage'"):
        assert_handoff(team, "refund", "triage")
    with pytest.raises(AssertionError, match=r"2 handoff spans, not 1"):
        assert_handoff(team, "triage", "refund")
    with pytest.raises(AssertionError, match=r"0 handoff spans.*'pass_control'"):
        assert_handoff(team, "triage", "refund", mode="return_to_caller")
    with pytest.raises(AssertionError, match=r"0 workflow spans.*'failure'"):
        assert_workflow(team, "support", outcome="success")
    with pytest.raises(AssertionError, match=r"worked \['triage', 'refund', 'triage'\], not"):
        assert_workflow(team, "support", agents=["triage", "refund"])
    with pytest.raises(AssertionError, match=r"0 agent spans.*'Declined'"):
        assert_agent(team, "refund", error_type="Timeout")
    with pytest.raises(AssertionError, match=r"(?s)another tree.*- *invoke_agent closing"):
        assert_tree(team, "invoke_workflow support\n  invoke_agent closing")

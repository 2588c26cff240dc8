"""The pytest plugin, as the test suites of users meet it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

USERS_TESTS = """
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

class Unprintable:
    def __str__(self):
        raise RuntimeError("a bug inside Handspan")

def test_error_inside_handspan(handspan_spans):
    with handspan.agent(Unprintable()):
        pass
"""


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

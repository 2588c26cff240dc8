"""The life of a recording: blocks, callbacks, errors, tasks and threads."""

from __future__ import annotations

import asyncio
import threading
from collections import UserDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.trace import StatusCode

import handspan
from handspan.record import Recording

if TYPE_CHECKING:
    from handspan.testing import Clock, Spans


class Broken(UserDict[str, int]):
    """A mapping that no code of ours may trip over."""

    def __getitem__(self, name: str) -> int:
        """Fail, as objects of users do."""
        raise ValueError("no value for you")


def team() -> None:
    """One run with every verb."""
    with (
        handspan.workflow("support"),
        handspan.agent("triage"),
        handspan.task("sort"),
        handspan.tool("search"),
        handspan.llm("m"),
    ):
        pass


def test_blocks_nest_and_leave_nothing_behind(handspan_spans: Spans) -> None:
    """A leaked Context would adopt the next run's spans."""
    before = get_current()
    team()
    assert get_current() is before
    assert handspan_spans.tree() == [
        "invoke_workflow support",
        "  invoke_agent triage",
        "    run_task sort",
        "      execute_tool search",
        "        chat m",
    ]


def test_the_current_run_is_known_inside_only() -> None:
    """Without a provider nothing runs as far as Handspan can say."""
    with handspan.workflow("support"):
        assert handspan.current_run() is None


def test_the_current_run_says_who_runs(handspan_spans: Spans) -> None:
    """Users put it into their logs."""
    assert handspan.current_run() is None
    with handspan.workflow("support", id="ticket-7"), handspan.agent("triage"):
        run = handspan.current_run()
        assert repr(run) == ("Run(id='ticket-7', workflow='support', agent='triage', attempt=None)")
    assert handspan.current_run() is None
    assert len(handspan_spans) == 2


def test_by_hand_nothing_ambient_is_touched(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Callback frameworks start in one thread, end in another, and out of order."""
    before = get_current()
    run = handspan.workflow("support").start(parent=Context())
    triage = handspan.agent("triage").start(parent=run)
    handspan_clock.advance(1)
    refund = handspan.agent("refund").start(parent=run.context, start_ns=handspan_clock.now_ns)
    call = handspan.tool("pay").start(parent=refund)
    run.end()
    ending = threading.Thread(target=refund.end, args=("card declined",))
    ending.start()
    ending.join()
    call.end()
    triage.end(end_ns=handspan_clock.now_ns + 5)

    assert get_current() is before
    assert handspan_spans.tree() == [
        "invoke_workflow support",
        "  invoke_agent triage",
        "  invoke_agent refund",
        "    execute_tool pay",
    ]
    assert handspan_spans.one("invoke_agent triage").end_time == handspan_clock.now_ns + 5
    assert handspan_spans.attributes("execute_tool pay")["handspan.agent.name"] == "refund"
    status = handspan_spans.one("invoke_agent refund").status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "card declined")
    assert handspan_spans.attributes("invoke_agent refund")["error.type"] == "_OTHER"


def test_an_empty_context_as_parent_starts_a_new_trace(handspan_spans: Spans) -> None:
    """A job started from within a run need not belong to it."""
    with handspan.workflow("outer"):
        handspan.workflow("apart").start(parent=Context()).end()
    assert handspan_spans.one("invoke_workflow apart").parent is None
    ids = {span.context.trace_id for span in handspan_spans if span.context}
    assert len(ids) == 2


def test_a_second_end_does_nothing(handspan_spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    """Callbacks come twice; the SDK would warn each time."""
    agent = handspan.agent("triage").start()
    agent.end()
    agent.end(ValueError("late"))
    assert handspan_spans.one("invoke_agent triage").status.status_code is StatusCode.UNSET
    assert caplog.records == []


def test_a_recording_may_be_used_again_after_its_end(handspan_spans: Spans) -> None:
    """Nothing of the first use may show in the second."""
    run = handspan.workflow("support")
    with run:
        run.outcome("failure")
    with run:
        pass
    outcomes = [span.attributes["handspan.workflow.outcome"] for span in handspan_spans]  # type: ignore[index]
    assert outcomes == ["failure", "success"]


def test_a_recording_entered_twice_at_once_warns_and_breaks_nothing(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake, but it must not tear the Context of whoever makes it."""
    before = get_current()
    agent = handspan.agent("triage")
    with agent, agent, handspan.tool("search"):
        pass
    assert get_current() is before
    assert handspan_spans.tree() == ["invoke_agent triage", "  execute_tool search"]
    (record,) = caplog.records
    assert "entered twice" in record.message


@pytest.mark.parametrize("stop", [asyncio.CancelledError, KeyboardInterrupt])
def test_a_stopped_workflow_is_cancelled_and_no_error(
    handspan_spans: Spans, stop: type[BaseException]
) -> None:
    """Somebody's decision to stop must not lower a success ratio."""
    with pytest.raises(stop), handspan.workflow("support"), handspan.agent("triage"):
        raise stop
    workflow = handspan_spans.attributes("invoke_workflow support")
    assert workflow["handspan.workflow.outcome"] == "cancelled"
    assert workflow["error.type"].endswith(stop.__name__)
    for span in handspan_spans:
        assert span.status.status_code is StatusCode.UNSET
        assert span.events == ()


def test_a_failed_workflow_is_a_failure(handspan_spans: Spans) -> None:
    """An exception of the user's own class shows with its module."""
    with pytest.raises(OrderError), handspan.workflow("support"):
        raise OrderError
    attributes = handspan_spans.attributes("invoke_workflow support")
    assert attributes["handspan.workflow.outcome"] == "failure"
    assert attributes["error.type"] == f"{OrderError.__module__}.OrderError"


class OrderError(Exception):
    """An error of the user's."""


def test_spans_of_others_say_who_ran_them(handspan_spans: Spans) -> None:
    """An httpx or database span below an agent is that agent's, whoever made it."""
    httpx = handspan_spans.tracer("opentelemetry.instrumentation.httpx")
    with httpx.start_as_current_span("before"):
        pass
    with (
        handspan.workflow("support", id="ticket-7"),
        handspan.agent("triage"),
        handspan.task("sort", attempt=3),
        httpx.start_as_current_span("GET", attributes={"handspan.agent.name": "own"}),
        httpx.start_as_current_span("connect"),
    ):
        pass
    attributed = {
        "handspan.workflow.id": "ticket-7",
        "handspan.workflow.name": "support",
        "handspan.agent.name": "triage",
        "handspan.attempt": 3,
    }
    assert handspan_spans.attributes("connect") == attributed
    assert handspan_spans.attributes("GET") == attributed | {"handspan.agent.name": "own"}
    assert handspan_spans.attributes("before") == {}


def test_a_span_goes_with_its_context_into_a_thread(handspan_spans: Spans) -> None:
    """`active()` is for pools and threads that copy no Context."""
    with handspan.agent("triage") as agent, ThreadPoolExecutor(4) as pool:

        def work() -> None:
            with agent.active(), handspan.tool("search"):
                pass

        for _ in range(8):
            pool.submit(work)
    assert handspan_spans.tree() == ["invoke_agent triage", *["  execute_tool search"] * 8]


async def test_a_block_left_in_another_task_breaks_nothing(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A token's reset in the wrong task is what others log as "Failed to detach context"."""
    agent = handspan.agent("triage")
    agent.__enter__()
    inside = get_current()

    async def leave() -> None:
        agent.__exit__(None, None, None)
        assert get_current() is not inside

    await asyncio.create_task(leave())
    agent.detach()
    assert caplog.records == []
    assert len(handspan_spans) == 1


async def test_a_block_left_where_another_is_current_leaves_that_one_alone(
    handspan_spans: Spans,
) -> None:
    """Else what follows there would hang below whatever was around the first block."""
    triage = handspan.agent("triage")
    triage.__enter__()

    async def elsewhere() -> None:
        with handspan.agent("writer"):
            triage.__exit__(None, None, None)
            with handspan.tool("search"):
                pass

    await asyncio.create_task(elsewhere())
    triage.detach()
    assert handspan_spans.tree() == [
        "invoke_agent triage",
        "  invoke_agent writer",
        "    execute_tool search",
    ]


def test_without_a_provider_nothing_happens_and_nothing_is_made() -> None:
    """A library may carry our verbs; whoever does not switch telemetry on pays nearly nothing."""
    before = get_current()
    with handspan.workflow("support") as run, handspan.llm("m") as call:
        assert get_current() is before
        call.usage(input_tokens=1)
        run.outcome("success")
        assert run.span is trace.INVALID_SPAN
        with run.active():
            assert get_current() is before
    assert run.__dict__.keys() <= {*handspan.workflow.__dataclass_fields__, "_outcome", "_ended"}


def test_an_error_of_handspans_own_stays_inside(
    handspan_spans: Spans,
    handspan_errors: list[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The user's program goes on; the error is logged once, with where and how to report it."""
    done = []
    for _ in range(3):
        with handspan.agent("a", attributes=Broken({"a": 1})):
            done.append(True)
    assert done == [True] * 3
    assert len(handspan_spans) == 0
    assert [str(error) for error in handspan_errors] == ["no value for you"] * 3
    (record,) = caplog.records
    assert "Handspan failed in Recording._open" in record.message
    handspan_errors.clear()


def test_every_verb_is_a_recording() -> None:
    """Adapters of frameworks take any of them as a parent."""
    verbs = (
        handspan.workflow("x"),
        handspan.agent("x"),
        handspan.plan(),
        handspan.task("x"),
        handspan.handoff("x", "y"),
        handspan.tool("x"),
        handspan.llm("x"),
        handspan.validation("x"),
        handspan.fault("x"),
        handspan.recovery("x"),
        handspan.human("x"),
    )
    assert all(isinstance(verb, Recording) for verb in verbs)

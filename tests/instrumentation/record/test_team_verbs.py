"""What the verbs of planning, checking, failing, waiting and rating write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

import handspan
from handspan.context import inject

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from handspan.testing import Clock, Spans


def ids(span: ReadableSpan) -> tuple[str, str]:
    """Return trace and span id as people copy them from a user interface."""
    assert span.context
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id)


def test_a_plan_names_the_agent_that_plans(handspan_spans: Spans) -> None:
    """Planning is coordination: its time and tokens must be told from work."""
    with handspan.agent("lead"), handspan.plan():
        pass
    with handspan.plan("lead"):
        pass
    assert handspan_spans.tree() == ["invoke_agent lead", "  plan lead", "plan lead"]
    inside, alone = [
        dict(span.attributes or {}) for span in handspan_spans if span.name == "plan lead"
    ]
    assert alone == {
        "handspan.kind": "plan",
        "gen_ai.operation.name": "plan",
        "gen_ai.agent.name": "lead",
    }
    assert inside == alone | {"handspan.agent.name": "lead"}


@pytest.mark.parametrize("result", ["pass", "fail", "reject"])
def test_a_validation_says_what_was_found(handspan_spans: Spans, result: str) -> None:
    """The critic's rejections are a KPI of their own."""
    with handspan.validation("no_secrets", role="critic", validator="carla") as check:
        check.result(result, score=0.25)  # type: ignore[arg-type]
    assert handspan_spans.attributes("validate no_secrets") == {
        "handspan.kind": "validation",
        "handspan.validation.name": "no_secrets",
        "handspan.validation.role": "critic",
        "handspan.validation.validator": "carla",
        "handspan.validation.result": result,
        "handspan.validation.score": 0.25,
    }


def test_a_fault_is_a_span_with_all_that_makes_it_repeatable(handspan_spans: Spans) -> None:
    """Lesson 14: faults in the same trace, so that any backend can see them."""
    with handspan.fault(
        "slow_tool",
        "search",
        id="f-1",
        parameters={"delay_s": 3},
        seed=7,
        severity=2.0,
        score_impact=-0.1,
        deadline_s=5.0,
    ):
        pass
    assert handspan_spans.attributes("inject_fault slow_tool") == {
        "handspan.kind": "fault",
        "handspan.fault.id": "f-1",
        "handspan.fault.type": "slow_tool",
        "handspan.fault.target": "search",
        "handspan.fault.parameters": '{"delay_s": 3}',
        "handspan.fault.seed": 7,
        "handspan.fault.injected": True,
        "handspan.fault.severity": 2.0,
        "handspan.fault.score_impact": -0.1,
        "handspan.fault.deadline_s": 5.0,
    }


def test_recoveries_are_paired_with_their_fault_and_counted(handspan_spans: Spans) -> None:
    """Recovery ratio and time to recovery are computed from the pairs."""
    with handspan.fault("timeout") as timeout:
        pass
    with pytest.raises(TimeoutError), handspan.recovery("retry", timeout):
        raise TimeoutError
    with handspan.recovery("use_cache", timeout.fault_id) as second:
        second.success(False)
    with handspan.recovery("ask_human", timeout):
        pass
    assert handspan_spans.attributes("inject_fault timeout")["handspan.fault.id"] == f"{1:016x}"
    found = [
        [
            span.attributes[f"handspan.recovery.{name}"]
            for name in ("fault_id", "attempt", "success")
        ]
        for span in handspan_spans
        if span.attributes and span.attributes["handspan.kind"] == "recovery"
    ]
    assert found == [[f"{1:016x}", 1, False], [f"{1:016x}", 2, False], [f"{1:016x}", 3, True]]


def test_a_recovery_that_was_cancelled_is_neither_success_nor_failure(
    handspan_spans: Spans,
) -> None:
    """Nobody knows whether it would have helped."""
    with pytest.raises(asyncio.CancelledError), handspan.recovery("retry", "f-1"):
        raise asyncio.CancelledError
    assert "handspan.recovery.success" not in handspan_spans.attributes("recover retry")


def test_a_used_fault_makes_a_new_id_for_its_next_use(handspan_spans: Spans) -> None:
    """Two faults with one id would share their recoveries."""
    fault = handspan.fault("timeout")
    for _ in range(2):
        with fault:
            pass
    found = {span.attributes["handspan.fault.id"] for span in handspan_spans}  # type: ignore[index]
    assert len(found) == 2


def test_a_fault_without_length_is_an_event_on_the_span_that_it_hits(
    handspan_spans: Spans,
) -> None:
    """A point in time is an event or a span of no length, never both."""
    with handspan.tool("search"):
        fault = handspan.fault("timeout", injected=False).now()
    (event,) = handspan_spans.one("execute_tool search").events
    assert event.name == "handspan.fault"
    assert event.attributes == {
        "handspan.fault.id": fault.fault_id,
        "handspan.fault.type": "timeout",
        "handspan.fault.injected": False,
    }
    assert len(handspan_spans) == 1


def test_a_fault_without_length_and_without_a_span_is_a_span_of_no_length(
    handspan_spans: Spans,
) -> None:
    """It must not be lost because nothing was being recorded."""
    fault = handspan.fault("timeout").now()
    span = handspan_spans.one("inject_fault timeout")
    assert span.start_time == span.end_time
    assert handspan_spans.attributes("inject_fault timeout") == {
        "handspan.kind": "fault",
        "handspan.fault.id": fault.fault_id,
        "handspan.fault.type": "timeout",
        "handspan.fault.injected": True,
    }


def test_a_wait_for_a_person_covers_the_wait_and_says_how_it_ended(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Its length is taken out of the agent's time."""
    with handspan.human("approve_refund", priority="high") as wait:
        handspan_clock.advance(90)
        wait.decision("denied")
    span = handspan_spans.one("await_human approve_refund")
    assert (span.end_time or 0) - (span.start_time or 0) == 90_000_000_000
    assert handspan_spans.attributes("await_human approve_refund") == {
        "handspan.kind": "human",
        "handspan.human.reason": "approve_refund",
        "handspan.human.priority": "high",
        "handspan.human.decision": "denied",
    }


@pytest.mark.parametrize(
    ("error", "decision"), [(TimeoutError(), "timed_out"), (PermissionError("no"), None)]
)
def test_a_wait_for_a_person_is_never_an_error(
    handspan_spans: Spans, error: Exception, decision: str | None
) -> None:
    """Lesson 17: a pause that shows as ERROR lowers every success ratio above it."""
    with pytest.raises(type(error)) as caught, handspan.human("approve"):
        raise error
    assert caught.value is error
    span = handspan_spans.one("await_human approve")
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert handspan_spans.attributes(span.name).get("handspan.human.decision") == decision


def test_a_wait_that_nobody_decided_is_pending(handspan_spans: Spans) -> None:
    """Made-up decisions would be in the shares that people read."""
    with handspan.human("approve"):
        pass
    assert "handspan.human.decision" not in handspan_spans.attributes("await_human approve")


def test_a_person_may_answer_much_later_from_somewhere_else(handspan_spans: Spans) -> None:
    """Lesson 17: one trace, although nobody kept a block open meanwhile."""
    with handspan.workflow("support") as run:
        wait = handspan.human("approve").start()
    handspan.tool("unrelated").start().end()
    wait.decision("approved")
    wait.end()
    with handspan.workflow("support", resumes=run):
        pass
    human = handspan_spans.one("await_human approve")
    assert human.parent is not None
    assert human.parent.span_id == 1


def test_a_resumed_run_links_to_its_earlier_part(handspan_spans: Spans) -> None:
    """Lesson 17: a run that waits for days goes on in another trace, and is still one run."""
    with handspan.workflow("support") as first:
        stored = inject()["traceparent"]
    for resumes in (first, stored):
        with handspan.workflow("support", resumes=resumes):
            pass
    for span in list(handspan_spans)[1:]:
        (link,) = span.links
        assert span.parent is None
        assert link.attributes == {"handspan.link": "resumes"}
        assert (link.context.trace_id, link.context.span_id) == (1, 1)


def test_what_cannot_be_resumed_is_told_and_changes_nothing(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error in an id is no reason to fail."""
    with handspan.workflow("support", resumes="ticket-7"):
        pass
    assert handspan_spans.one("invoke_workflow support").links == ()
    assert "no W3C traceparent" in caplog.text


def test_a_rating_is_a_span_of_no_length_that_links_to_what_is_rated(
    handspan_spans: Spans,
) -> None:
    """Ratings come later than what they rate, often from another program."""
    with handspan.workflow("support", id="ticket-7"), handspan.agent("writer") as writer:
        pass
    handspan.rate(
        4,
        success=True,
        source="judge",
        notes="a little long",
        would_use_again=True,
        alternative_agent="lawyer",
        of=writer,
    )
    span = handspan_spans.one("rate judge")
    assert span.start_time == span.end_time
    assert handspan_spans.attributes("rate judge") == {
        "handspan.kind": "rating",
        "handspan.workflow.id": "ticket-7",
        "handspan.workflow.name": "support",
        "handspan.agent.name": "writer",
        "handspan.rating.quality": 4,
        "handspan.rating.success": True,
        "handspan.rating.source": "judge",
        "handspan.rating.notes": "a little long",
        "handspan.rating.would_use_again": True,
        "handspan.rating.alternative_agent": "lawyer",
    }
    (link,) = span.links
    assert link.attributes == {"handspan.link": "rates"}
    assert link.context.span_id == writer.span.get_span_context().span_id


def test_whatever_runs_now_may_be_rated(handspan_spans: Spans) -> None:
    """The simplest case must be the shortest to write."""
    with handspan.agent("writer"):
        handspan.rate(5)
    (link,) = handspan_spans.one("rate human").links
    assert link.context.span_id == 1
    assert handspan_spans.attributes("rate human")["handspan.agent.name"] == "writer"


def test_what_was_stored_is_rated_by_its_ids(handspan_spans: Spans) -> None:
    """Whoever rates next week has a run id, or a span copied from a user interface."""
    with handspan.agent("writer"):
        traceparent = inject()["traceparent"]
    trace_and_span = ids(handspan_spans.one("invoke_agent writer"))
    with handspan.workflow("office hours"):
        handspan.rate(1, of="ticket-7", source="run")
        handspan.rate(2, of=traceparent, source="traceparent")
        handspan.rate(3, of=trace_and_span, source="ids")
    assert handspan_spans.one("rate run").links == ()
    assert handspan_spans.attributes("rate run")["handspan.workflow.id"] == "ticket-7"
    for name in ("rate traceparent", "rate ids"):
        (link,) = handspan_spans.one(name).links
        assert (link.context.trace_id, link.context.span_id) == (1, 1)
        assert "handspan.workflow.id" not in handspan_spans.attributes(name)


@pytest.mark.parametrize("quality", [0, 6, 4.5])
def test_a_rating_off_the_scale_is_told_and_not_recorded(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture, quality: int
) -> None:
    """A mean of 1..5 with a 6 in it means nothing."""
    handspan.rate(quality, success=False)
    assert "handspan.rating.quality" not in handspan_spans.attributes("rate human")
    assert f"ignores the rating {quality}" in caplog.text


def test_a_handoff_to_a_person_says_so(handspan_spans: Spans) -> None:
    """It is matched with a wait, not with an agent."""
    with handspan.handoff("triage", "support desk", target_type="human"):
        pass
    attributes = handspan_spans.attributes("handoff support desk")
    assert attributes["handspan.handoff.target_type"] == "human"


def test_a_state_is_flat_on_the_wire(handspan_spans: Spans) -> None:
    """Later learning needs features under stable names, however they were nested."""
    state = {
        "languages": ["de", "en"],
        "risk": {"level": "high", "score": 0.5, "by": {"rule": True}},
        "unknown": None,
        "mixed": [1, "a"],
        "empty": [],
    }
    with handspan.agent("triage", state=state), handspan.task("sort", state={"size": 3}):
        pass
    assert {
        name: value
        for name, value in handspan_spans.attributes("invoke_agent triage").items()
        if "state" in name
    } == {
        "handspan.state.languages": ("de", "en"),
        "handspan.state.risk.level": "high",
        "handspan.state.risk.score": 0.5,
        "handspan.state.risk.by.rule": True,
        "handspan.state.mixed": ("1", "a"),
        "handspan.state.empty": (),
    }
    assert handspan_spans.attributes("run_task sort")["handspan.state.size"] == 3


def test_attributes_of_the_users_own_never_displace_handspans(handspan_spans: Spans) -> None:
    """A name written twice by mistake must not change what KPIs read."""
    own = {"my.customer": "acme", "my.unknown": None, "handspan.kind": "mine"}
    with handspan.agent("triage", attributes=own):
        pass
    assert handspan_spans.attributes("invoke_agent triage") == {
        "my.customer": "acme",
        "handspan.kind": "agent",
        "handspan.agent.name": "triage",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "triage",
    }

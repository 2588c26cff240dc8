"""What each verb writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import handspan
from handspan import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan.testing import Clock, Spans

TRACE_ID = f"{1:032x}"


@pytest.fixture
def content_captured() -> Iterator[None]:
    """Record content, as HANDSPAN_CAPTURE_CONTENT=true does."""
    settings.use(capture_content=True)
    yield
    settings.use()


def test_a_workflow_says_what_was_planned_and_how_it_ended(handspan_spans: Spans) -> None:
    """Plan, estimate and outcome are what workflow KPIs stand on."""
    with handspan.workflow(
        "support",
        plan=["triage", "refund"],
        estimated_s=30.0,
        feature="refunds",
        project="shop",
        seed=7,
        session_id="s-1",
        user_id="u-1",
        conversation_id="c-1",
    ):
        pass

    span = handspan_spans.one("invoke_workflow support")
    assert span.kind is SpanKind.INTERNAL
    assert handspan_spans.attributes("invoke_workflow support") == {
        "handspan.kind": "workflow",
        "handspan.workflow.id": TRACE_ID,
        "handspan.workflow.name": "support",
        "handspan.workflow.plan": ("triage", "refund"),
        "handspan.workflow.estimated_s": 30.0,
        "handspan.workflow.outcome": "success",
        "handspan.feature": "refunds",
        "handspan.project": "shop",
        "handspan.seed": 7,
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "support",
        "gen_ai.conversation.id": "c-1",
        "session.id": "s-1",
        "user.id": "u-1",
    }


def test_the_users_workflow_id_wins_over_the_trace_id(handspan_spans: Spans) -> None:
    """Two traces with one id are one run."""
    with handspan.workflow("support", id="ticket-7"), handspan.agent("triage"):
        pass
    assert {span.attributes["handspan.workflow.id"] for span in handspan_spans} == {"ticket-7"}  # type: ignore[index]


def test_a_workflow_inside_another_is_a_run_of_its_own(handspan_spans: Spans) -> None:
    """With the outer one's trace id as its id, the two would be counted as one run."""
    with handspan.workflow("outer"), handspan.agent("boss"), handspan.workflow("inner"):
        pass
    assert handspan_spans.attributes("invoke_workflow inner") == {
        "handspan.kind": "workflow",
        "handspan.workflow.id": f"{TRACE_ID}-{3:016x}",
        "handspan.workflow.name": "inner",
        "handspan.workflow.outcome": "success",
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "inner",
    }


def test_an_agent_names_itself_on_its_own_span(handspan_spans: Spans) -> None:
    """Backends that know only `gen_ai.*` and ours must both find it."""
    with handspan.agent("researcher", type="worker", version="3", conversation_id="c-1"):
        pass
    assert handspan_spans.one("invoke_agent researcher").kind is SpanKind.INTERNAL
    assert handspan_spans.attributes("invoke_agent researcher") == {
        "handspan.kind": "agent",
        "handspan.agent.name": "researcher",
        "handspan.agent.type": "worker",
        "handspan.agent.version": "3",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "researcher",
        "gen_ai.conversation.id": "c-1",
    }


def test_a_remote_agent_is_a_client_span(handspan_spans: Spans) -> None:
    """The conventions tell in-process and remote agents apart by the span's kind."""
    with handspan.agent("researcher", remote=True):
        pass
    assert handspan_spans.one("invoke_agent researcher").kind is SpanKind.CLIENT


def test_a_task_tells_its_attempt_to_every_span_inside(handspan_spans: Spans) -> None:
    """Retries are counted from the attempt on what was done in it."""
    with (
        handspan.agent("coder"),
        handspan.task(
            "bug_fix",
            id="t-1",
            domain="backend",
            description="secret",
            feature="billing",
            estimated_cost_usd=0.5,
            queued_at_ns=1_767_225_599_000_000_000,
            attempt=2,
        ) as fix,
        handspan.tool("pytest"),
    ):
        fix.files_modified(["billing.py"])

    assert handspan_spans.one("run_task bug_fix").kind is SpanKind.INTERNAL
    assert handspan_spans.attributes("run_task bug_fix") == {
        "handspan.kind": "task",
        "handspan.agent.name": "coder",
        "handspan.attempt": 2,
        "handspan.task.id": "t-1",
        "handspan.task.type": "bug_fix",
        "handspan.task.domain": "backend",
        "handspan.task.feature": "billing",
        "handspan.task.estimated_cost_usd": 0.5,
        "handspan.task.queued_at_ns": 1_767_225_599_000_000_000,
        "handspan.task.files_modified": ("billing.py",),
    }
    assert handspan_spans.attributes("execute_tool pytest")["handspan.attempt"] == 2


def test_an_agent_inside_a_task_says_which_task(handspan_spans: Spans) -> None:
    """Who is best at what kind of task is asked of agents, not of tasks."""
    with (
        handspan.task("bug_fix", id="t-1", domain="backend", feature="billing"),
        handspan.agent("coder"),
    ):
        pass
    assert handspan_spans.attributes("invoke_agent coder") == {
        "handspan.kind": "agent",
        "handspan.agent.name": "coder",
        "handspan.attempt": 1,
        "handspan.task.id": "t-1",
        "handspan.task.type": "bug_fix",
        "handspan.task.domain": "backend",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "coder",
    }


def test_a_handoff_says_who_gave_what_to_whom(handspan_spans: Spans) -> None:
    """Without an error nobody knows yet whether the target takes over: no outcome."""
    with (
        handspan.workflow("support", id="ticket-7"),
        handspan.agent("triage"),
        handspan.handoff(
            "triage",
            "refund",
            mode="pass_control",
            reason="wants money",
            artifacts=["ticket.json"],
            payload_bytes=512,
        ),
    ):
        pass
    assert handspan_spans.one("handoff refund").kind is SpanKind.INTERNAL
    assert handspan_spans.attributes("handoff refund") == {
        "handspan.kind": "handoff",
        "handspan.workflow.id": "ticket-7",
        "handspan.workflow.name": "support",
        "handspan.agent.name": "triage",
        "handspan.handoff.source": "triage",
        "handspan.handoff.target": "refund",
        "handspan.handoff.target_type": "agent",
        "handspan.handoff.mode": "pass_control",
        "handspan.handoff.reason": "wants money",
        "handspan.handoff.artifacts": ("ticket.json",),
        "handspan.handoff.payload_bytes": 512,
        "handspan.handoff.seq": 1,
    }


def test_handoffs_are_counted_within_their_trace(handspan_spans: Spans) -> None:
    """The same target twice is two handoffs, in an order that a backend can rely on."""
    for _ in range(2):
        with handspan.workflow("support"):
            for target in ("refund", "refund", "closing"):
                with handspan.handoff("triage", target):
                    pass
    counted = [
        span.attributes["handspan.handoff.seq"]  # type: ignore[index]
        for span in handspan_spans
        if span.name.startswith("handoff")
    ]
    assert counted == [1, 2, 3, 1, 2, 3]


def test_a_target_may_become_known_late(handspan_spans: Spans) -> None:
    """Some frameworks open the handoff before the model's choice is read."""
    handoff = handspan.handoff("triage").start()
    handoff.to("refund")
    handoff.end()
    assert handspan_spans.attributes("handoff refund")["handspan.handoff.target"] == "refund"


def test_an_exception_in_a_handoff_means_refused(handspan_spans: Spans) -> None:
    """The user's own exception comes back unchanged; telemetry only watches."""
    error = RuntimeError("busy")
    with pytest.raises(RuntimeError) as caught, handspan.handoff("planner", "coder"):
        raise error

    assert caught.value is error
    assert handspan_spans.attributes("handoff coder")["handspan.handoff.outcome"] == "refused"


def test_an_outcome_that_was_told_wins_over_an_exception(handspan_spans: Spans) -> None:
    """The sender may know better than an exception that happened to pass."""
    run = handspan.workflow("w").start()
    run.outcome("success")
    run.end(TimeoutError())
    handoff = handspan.handoff("planner", "coder").start()
    handoff.outcome("lost")
    handoff.end(TimeoutError())
    assert handspan_spans.attributes("handoff coder")["handspan.handoff.outcome"] == "lost"
    assert handspan_spans.attributes("invoke_workflow w")["handspan.workflow.outcome"] == "success"


def test_a_tool_says_which_agent_uses_it(handspan_spans: Spans) -> None:
    """The conventions ask for the agent on the tool span."""
    with (
        handspan.agent("researcher"),
        handspan.tool("search", call_id="call_1", type="function", description="the web") as call,
    ):
        call.arguments({"query": "secret"})
        call.result("secret")
    assert handspan_spans.one("execute_tool search").kind is SpanKind.INTERNAL
    assert handspan_spans.attributes("execute_tool search") == {
        "handspan.kind": "tool",
        "handspan.agent.name": "researcher",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.agent.name": "researcher",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "the web",
    }


def test_an_llm_call_carries_every_kind_of_token(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Cost is computed from these; 0 is a number, absent is unknown."""
    with handspan.llm("gpt-5-mini", provider="openai", stream=True) as call:
        handspan_clock.advance(0.25)
        call.first_token()
        handspan_clock.advance(1)
        call.response(model="gpt-5-mini-2025-08-07", id="resp_1", finish_reasons=["stop"])
        call.usage(
            input_tokens=812,
            output_tokens=64,
            cache_read_tokens=512,
            cache_write_tokens=0,
            reasoning_tokens=32,
        )
        call.cost(0.0012, input_usd=0.0002, output_usd=0.001)
        call.messages(input=[{"role": "user", "content": "secret"}])

    span = handspan_spans.one("chat gpt-5-mini")
    assert span.kind is SpanKind.CLIENT
    assert (span.end_time or 0) - (span.start_time or 0) == 1_250_000_000
    assert handspan_spans.attributes("chat gpt-5-mini") == {
        "handspan.kind": "llm",
        "handspan.cost.usd": 0.0012,
        "handspan.cost.input_usd": 0.0002,
        "handspan.cost.output_usd": 0.001,
        "handspan.cost.source": "provider",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 64,
        "gen_ai.usage.cache_read.input_tokens": 512,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 32,
    }


def test_sound_and_pictures_are_parts_of_the_tokens(handspan_spans: Spans) -> None:
    """They may have a price of their own; a kind that does not exist must not hurt the rest."""
    with handspan.llm("gpt-4o-audio-preview") as call:
        odd: dict[Any, int] = {"input_audio": 90, "cache_read_image": 0, "smell": 3}
        call.usage(input_tokens=100, output_tokens=4, modality_tokens=odd)
        call.usage(modality_tokens={"output_audio": 4, "cache_write_1h": 2})
    said = handspan_spans.attributes("chat gpt-4o-audio-preview")
    assert {name: said[name] for name in said if name.startswith("gen_ai.usage.")} == {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.audio.input_tokens": 90,
        "gen_ai.usage.image.cache_read.input_tokens": 0,
        "gen_ai.usage.audio.output_tokens": 4,
    }
    assert said["handspan.usage.cache_write_1h_tokens"] == 2


def test_an_abandoned_stream_is_marked(handspan_spans: Spans) -> None:
    """Its tokens are a lower bound, and sums must be able to say so."""
    with handspan.llm(None, operation="generate_content") as call:
        call.usage(output_tokens=3, partial=True)
    assert handspan_spans.attributes("generate_content")["handspan.usage.partial"] is True


@pytest.mark.usefixtures("content_captured")
def test_content_is_recorded_only_when_switched_on(handspan_spans: Spans) -> None:
    """The snapshots above show that it is absent by default."""
    with (
        handspan.task("bug_fix", description="fix it"),
        handspan.tool("search") as tool,
        handspan.llm("m") as call,
    ):
        tool.arguments({"query": "refund"})
        tool.result("none")
        call.messages(input=[{"role": "user"}], output=[], instructions="be brief")

    assert handspan_spans.attributes("run_task bug_fix")["handspan.task.description"] == "fix it"
    tool_span = handspan_spans.attributes("execute_tool search")
    assert tool_span["gen_ai.tool.call.arguments"] == '{"query": "refund"}'
    assert tool_span["gen_ai.tool.call.result"] == "none"
    llm_span = handspan_spans.attributes("chat m")
    assert llm_span["gen_ai.input.messages"] == '[{"role": "user"}]'
    assert llm_span["gen_ai.output.messages"] == "[]"
    assert llm_span["gen_ai.system_instructions"] == "be brief"


@pytest.mark.parametrize(
    "verb",
    [
        handspan.workflow("x"),
        handspan.agent("x"),
        handspan.task("x"),
        handspan.tool("x"),
        handspan.llm("x"),
        handspan.handoff("x", "y"),
    ],
    ids=lambda verb: verb.kind,
)
def test_an_error_is_on_the_span_and_reaches_the_user(
    handspan_spans: Spans, verb: handspan.agent
) -> None:
    """Status, type and traceback are what an error rate and a person looking at it need."""
    with pytest.raises(ZeroDivisionError), verb:
        _ = 1 / 0
    (span,) = handspan_spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "division by zero"
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ZeroDivisionError"
    (event,) = span.events
    assert event.name == "exception"
    assert event.timestamp == span.end_time


def test_content_is_recorded_where_a_verb_says_so(handspan_spans: Spans) -> None:
    """One call under the microscope, or one customer's run kept out, without a setting for all."""
    with handspan.workflow("support"):
        with handspan.agent("triage", capture_content=True):
            with handspan.llm("loud") as call:
                call.messages(input="hello")
            with handspan.tool("search", capture_content=False) as tool:
                tool.arguments({"query": "x"})
            with handspan.task("fix", description="the bug"):
                pass
        with handspan.llm("quiet") as call:
            call.messages(input="hello")
    assert handspan_spans.attributes("chat loud")["gen_ai.input.messages"] == "hello"
    assert "gen_ai.tool.call.arguments" not in handspan_spans.attributes("execute_tool search")
    assert handspan_spans.attributes("run_task fix")["handspan.task.description"] == "the bug"
    assert "gen_ai.input.messages" not in handspan_spans.attributes("chat quiet")


def test_a_decorated_tool_may_keep_its_arguments_to_itself(
    handspan_spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Capture is on for all but the one that handles passwords."""
    monkeypatch.setattr(settings, "_current", settings.Settings(capture_content=True))

    @handspan.tool("login", capture_content=False)
    def login(word: str) -> str:
        return word

    @handspan.tool
    def greet(name: str) -> str:
        return name

    login("hush")
    greet("Ada")
    assert "gen_ai.tool.call.arguments" not in handspan_spans.attributes("execute_tool login")
    greeted = handspan_spans.attributes("execute_tool greet")
    assert greeted["gen_ai.tool.call.arguments"] == '{"name": "Ada"}'
    assert greeted["gen_ai.tool.call.result"] == "Ada"

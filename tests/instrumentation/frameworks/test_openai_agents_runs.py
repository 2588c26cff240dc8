"""OpenAI Agents: runs, agents, tools and guardrails, and how they end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from agents import (
    InputGuardrailTripwireTriggered,
    MaxTurnsExceeded,
    ModelBehaviorError,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    UserError,
    function_tool,
    set_trace_processors,
    trace,
)
from agents.testing import ModelStep
from agents.tracing import TracingProcessor

import handspan
from handspan.frameworks.openai_agents import OpenAIAgentsInstrumentor

if TYPE_CHECKING:
    from agents import Agent, InputGuardrail, OutputGuardrail
    from agents.tracing import Span, Trace
    from tests.instrumentation.frameworks.conftest import Team

    from handspan.testing import Spans


async def _run(agent: Agent[None], *, streamed: bool, max_turns: int = 10) -> None:
    if streamed:
        async for _ in Runner.run_streamed(agent, "hi", max_turns=max_turns).stream_events():
            pass
    else:
        await Runner.run(agent, "hi", max_turns=max_turns)


async def test_a_run_is_a_workflow_with_its_agent_calls_and_tools(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """The SDK's task and turn frames are not work: calls hang below their agent."""
    agent = team.agent("solo", team.call("look", {"query": "x"}), "done", tools=tools)
    await Runner.run(agent, "hi")

    assert recorded.tree() == [
        "invoke_workflow Agent workflow",
        "  invoke_agent solo",
        "    chat gpt-4.1-mini",
        "    execute_tool look",
        "    chat gpt-4.1-mini",
    ]
    trace_id = recorded.attributes("invoke_agent solo")["handspan.workflow.id"]
    assert trace_id.startswith("trace_")
    run = {"handspan.workflow.id": trace_id, "handspan.workflow.name": "Agent workflow"}
    assert recorded.attributes("invoke_workflow Agent workflow") == {
        **run,
        "handspan.kind": "workflow",
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "Agent workflow",
        "handspan.workflow.outcome": "success",
    }
    assert recorded.attributes("invoke_agent solo") == {
        **run,
        "handspan.kind": "agent",
        "handspan.agent.name": "solo",
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "solo",
    }
    assert recorded.attributes("execute_tool look") == {
        **run,
        "handspan.kind": "tool",
        "handspan.agent.name": "solo",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.agent.name": "solo",
        "gen_ai.tool.name": "look",
        "gen_ai.tool.type": "function",
    }


async def test_group_and_metadata_of_a_trace_are_on_its_workflow(
    recorded: Spans, team: Team
) -> None:
    """A group is a conversation; only scalars of the metadata can be grouped by."""
    metadata = {"topic": "tea", "words": 300, "urgent": True, "nested": {"a": 1}, "user_id": "u1"}
    config = RunConfig(workflow_name="report", group_id="chat-9", trace_metadata=metadata)
    await Runner.run(team.agent("solo", "done"), "hi", run_config=config)

    found = recorded.attributes("invoke_workflow report")
    assert found["gen_ai.conversation.id"] == "chat-9"
    assert found["user.id"] == "u1"
    told = {name: value for name, value in found.items() if "metadata" in name}
    assert told == {
        "handspan.workflow.metadata.topic": "tea",
        "handspan.workflow.metadata.words": 300,
        "handspan.workflow.metadata.urgent": True,
    }
    assert recorded.attributes("invoke_agent solo")["gen_ai.conversation.id"] == "chat-9"


async def test_a_trace_of_the_users_holds_several_runs(recorded: Spans, team: Team) -> None:
    """`trace()` around two Runner calls is one workflow."""
    with trace("two steps", trace_id="trace_mine"):
        await Runner.run(team.agent("one", "done"), "hi")
        await Runner.run(team.agent("two", "done"), "hi")

    assert recorded.tree() == [
        "invoke_workflow two steps",
        "  invoke_agent one",
        "    chat gpt-4.1-mini",
        "  invoke_agent two",
        "    chat gpt-4.1-mini",
    ]
    assert recorded.attributes("invoke_agent two")["handspan.workflow.id"] == "trace_mine"


async def test_a_tool_error_that_the_model_may_read_names_the_exceptions_class(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """The SDK redacts the text by default; the class says what it is, and the run goes on."""
    agent = team.agent("solo", team.call("fail", {"query": "x"}), "sorry", tools=tools)
    await Runner.run(agent, "hi")

    span = recorded.one("execute_tool fail")
    assert recorded.attributes("execute_tool fail")["error.type"] == "LookupError"
    assert span.status.description == (
        "Error running tool (non-fatal): Tool execution failed. Error details are redacted."
    )
    assert not span.events
    workflow = recorded.attributes("invoke_workflow Agent workflow")
    assert workflow["handspan.workflow.outcome"] == "success"


async def test_a_tool_error_that_ends_the_run_is_the_tools_own(recorded: Spans, team: Team) -> None:
    """The SDK wraps it into a UserError; on the tool it is still what the tool raised."""

    @function_tool(failure_error_function=None)
    async def strict(query: str) -> str:
        raise KeyError(query)

    agent = team.agent("solo", team.call("strict", {"query": "x"}), tools=[strict])
    with pytest.raises(UserError):
        await Runner.run(agent, "hi")

    assert recorded.attributes("execute_tool strict")["error.type"] == "KeyError"
    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "failure"
    assert found["error.type"] == "agents.exceptions.UserError"


@pytest.mark.parametrize("streamed", [False, True])
async def test_too_many_turns_are_a_failure(
    recorded: Spans, team: Team, tools: list[Any], *, streamed: bool
) -> None:
    """In a streamed run the exception never passes the SDK's spans: only its words tell."""
    agent = team.agent("solo", team.call("look", {"query": "x"}), tools=tools)
    with pytest.raises(MaxTurnsExceeded):
        await _run(agent, streamed=streamed, max_turns=1)

    for name in ("invoke_workflow Agent workflow", "invoke_agent solo"):
        assert recorded.attributes(name)["error.type"] == "agents.exceptions.MaxTurnsExceeded"
        assert not recorded.one(name).status.is_ok
    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "failure"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_error_is_on_the_call_the_agent_and_the_run(
    recorded: Spans, team: Team, *, streamed: bool
) -> None:
    """Each of them failed, and of the same."""
    agent = team.agent("solo", ConnectionError("down"))
    with pytest.raises(ConnectionError):
        await _run(agent, streamed=streamed)

    names = ("chat gpt-4.1-mini", "invoke_agent solo", "invoke_workflow Agent workflow")
    assert [recorded.attributes(name)["error.type"] for name in names] == ["ConnectionError"] * 3


async def test_errors_that_the_user_hides_are_told_by_class_only(
    recorded: Spans, team: Team
) -> None:
    """`trace_include_sensitive_data=False` holds for us as for the SDK's own export."""
    agent = team.agent("solo", ConnectionError("secret host"))
    config = RunConfig(trace_include_sensitive_data=False)
    with pytest.raises(ConnectionError):
        await Runner.run(agent, "hi", run_config=config)

    for name in ("invoke_agent solo", "invoke_workflow Agent workflow"):
        span = recorded.one(name)
        assert recorded.attributes(name)["error.type"] == "ConnectionError"
        assert "secret" not in span.to_json()


async def test_a_tool_that_does_not_exist_is_the_models_failure(
    recorded: Spans, team: Team
) -> None:
    """The SDK notes it on its turn, which is not recorded: the exception tells it."""
    with pytest.raises(ModelBehaviorError):
        await Runner.run(team.agent("solo", team.call("nope")), "hi")

    found = recorded.attributes("invoke_agent solo")
    assert found["error.type"] == "agents.exceptions.ModelBehaviorError"


async def test_guardrails_are_validations_that_pass(
    recorded: Spans,
    team: Team,
    input_guard: InputGuardrail[None],
    output_guard: OutputGuardrail[None],
) -> None:
    """Each check is a span of its own, in the role of a guard."""
    agent = team.agent(
        "solo", "fine", input_guardrails=[input_guard], output_guardrails=[output_guard]
    )
    await Runner.run(agent, "good")

    assert recorded.tree() == [
        "invoke_workflow Agent workflow",
        "  invoke_agent solo",
        "    validate no_bad_words",
        "    chat gpt-4.1-mini",
        "    validate no_leak",
    ]
    found = recorded.attributes("validate no_bad_words")
    del found["handspan.workflow.id"]
    assert found == {
        "handspan.kind": "validation",
        "handspan.workflow.name": "Agent workflow",
        "handspan.agent.name": "solo",
        "handspan.validation.name": "no_bad_words",
        "handspan.validation.validator": "no_bad_words",
        "handspan.validation.role": "guard",
        "handspan.validation.result": "pass",
    }


async def test_a_tripwire_rejects_and_fails_the_run(
    recorded: Spans, team: Team, input_guard: InputGuardrail[None]
) -> None:
    """The check itself worked; it is the run that got no answer."""
    agent = team.agent("solo", "never said", input_guardrails=[input_guard])
    with pytest.raises(InputGuardrailTripwireTriggered):
        await Runner.run(agent, "bad")

    guard = recorded.one("validate no_bad_words")
    assert (guard.attributes or {})["handspan.validation.result"] == "reject"
    assert guard.status.is_unset
    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "failure"
    assert found["error.type"] == "agents.exceptions.InputGuardrailTripwireTriggered"


async def test_an_output_tripwire_fails_the_run(
    recorded: Spans, team: Team, output_guard: OutputGuardrail[None]
) -> None:
    """The answer existed and was not let out."""
    agent = team.agent("solo", "leak", output_guardrails=[output_guard])
    with pytest.raises(OutputGuardrailTripwireTriggered):
        await Runner.run(agent, "good")

    assert recorded.attributes("validate no_leak")["handspan.validation.result"] == "reject"
    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "failure"


async def test_a_cancelled_run_is_cancelled_not_failed(recorded: Spans, team: Team) -> None:
    """Whoever stops waiting decides nothing about the agents."""

    async def forever(_call: object) -> ModelStep:
        await asyncio.Event().wait()
        return ModelStep()

    task = asyncio.create_task(Runner.run(team.agent("solo", ModelStep.respond(forever)), "hi"))
    for _ in range(50):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "cancelled"
    assert recorded.one("invoke_workflow Agent workflow").status.is_unset
    assert recorded.attributes("chat gpt-4.1-mini")["handspan.usage.partial"] is True


async def test_a_run_inside_an_except_block_is_not_blamed_for_its_exception(
    recorded: Spans, team: Team
) -> None:
    """A fallback run succeeds although an exception is being handled around it."""
    try:
        int("first try")
    except ValueError:
        await Runner.run(team.agent("fallback", "done"), "hi")

    for span in recorded:
        assert span.status.is_unset
        assert "error.type" not in (span.attributes or {})


async def test_content_is_recorded_only_when_the_user_asks_for_it(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """Arguments and results are content."""
    handspan.configure(instrument=(), capture_content=True, tracer_provider=recorded.provider)
    try:
        agent = team.agent("solo", team.call("look", {"query": "x"}), "done", tools=tools)
        await Runner.run(agent, "hi")
    finally:
        handspan.configure(instrument=(), tracer_provider=recorded.provider)

    found = recorded.attributes("execute_tool look")
    assert found["gen_ai.tool.call.arguments"] == '{"query":"x"}'
    assert found["gen_ai.tool.call.result"] == "found x"


async def test_the_users_processors_stay_and_ours_survives_theirs(
    recorded: Spans, team: Team
) -> None:
    """`set_trace_processors` is how one stops the export to OpenAI; it must not stop ours."""
    seen: list[str] = []

    class Mine(TracingProcessor):
        def on_trace_start(self, trace: Trace) -> None:
            seen.append(trace.name)

        def on_trace_end(self, trace: Trace) -> None: ...
        def on_span_start(self, span: Span[Any]) -> None: ...
        def on_span_end(self, span: Span[Any]) -> None: ...
        def shutdown(self) -> None: ...
        def force_flush(self) -> None: ...

    set_trace_processors([Mine()])
    await Runner.run(team.agent("solo", "done"), "hi")

    assert seen == ["Agent workflow"]
    assert len(recorded) == 3


async def test_uninstrument_stops_recording_and_instrument_starts_it_again(
    recorded: Spans, team: Team
) -> None:
    """Once each, however often it is switched."""
    OpenAIAgentsInstrumentor().uninstrument()
    await Runner.run(team.agent("unseen", "done"), "hi")
    assert recorded.tree() == []

    handspan.instrument("openai-agents")
    await Runner.run(team.agent("seen", "done"), "hi")
    assert len(recorded) == 3

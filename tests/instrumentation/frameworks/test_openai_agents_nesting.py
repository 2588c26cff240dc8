"""OpenAI Agents: what is inside what, across tasks, threads, streams and other people's spans."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from agents import (
    Runner,
    custom_span,
    function_tool,
    generation_span,
    trace,
    transcription_span,
)
from agents.tracing import get_trace_provider, mcp_tools_span, speech_span
from opentelemetry.context import get_current

import handspan
from handspan.frameworks import openai_agents

if TYPE_CHECKING:
    import pytest
    from agents import Agent
    from tests.instrumentation.frameworks.conftest import Team

    from handspan.testing import Spans


async def test_an_unnamed_run_inside_a_workflow_of_the_users_joins_it(
    recorded: Spans, team: Team
) -> None:
    """As inside `trace()`: whoever named the work around the call knows what the run is."""
    with handspan.workflow("support", id="ticket-7"), handspan.task("answer", attempt=2):
        await Runner.run(team.agent("solo", "done"), "hi")

    assert recorded.tree() == [
        "invoke_workflow support",
        "  run_task answer",
        "    invoke_agent solo",
        "      chat gpt-4.1-mini",
    ]
    found = recorded.attributes("chat gpt-4.1-mini")
    assert found["handspan.workflow.id"] == "ticket-7"
    assert found["handspan.attempt"] == 2


async def test_a_named_run_inside_a_workflow_of_the_users_is_a_workflow_in_it(
    recorded: Spans, team: Team
) -> None:
    """A name that somebody gave is kept; inside another it is no top run."""
    with handspan.workflow("support"), trace("draft"):
        await Runner.run(team.agent("solo", "done"), "hi")

    assert recorded.tree() == [
        "invoke_workflow support",
        "  invoke_workflow draft",
        "    invoke_agent solo",
        "      chat gpt-4.1-mini",
    ]
    assert recorded.attributes("invoke_agent solo")["handspan.workflow.name"] == "draft"


async def test_spans_of_others_inside_a_tool_belong_to_it_and_say_who_ran_them(
    recorded: Spans, team: Team
) -> None:
    """httpx, a database, our own verbs: whatever a tool does is below the tool."""
    tracer = recorded.tracer("somebody else")

    @function_tool
    async def fetch() -> str:
        with tracer.start_as_current_span("GET"), handspan.tool("parse"):
            return "page"

    await Runner.run(team.agent("solo", team.call("fetch"), "done", tools=[fetch]), "hi")

    assert recorded.tree() == [
        "invoke_workflow Agent workflow",
        "  invoke_agent solo",
        "    chat gpt-4.1-mini",
        "    execute_tool fetch",
        "      GET",
        "        execute_tool parse",
        "    chat gpt-4.1-mini",
    ]
    assert recorded.attributes("GET")["handspan.agent.name"] == "solo"


async def test_a_synchronous_tool_in_a_thread_keeps_its_place(recorded: Spans, team: Team) -> None:
    """The SDK runs plain functions in a worker thread."""
    tracer = recorded.tracer("somebody else")
    threads: list[threading.Thread] = []

    @function_tool
    def query() -> str:
        threads.append(threading.current_thread())
        with tracer.start_as_current_span("SELECT"):
            return "row"

    await Runner.run(team.agent("solo", team.call("query"), "done", tools=[query]), "hi")

    assert threads != [threading.main_thread()]
    assert "      SELECT" in recorded.tree()


async def test_a_run_inside_somebody_elses_span_inside_a_tool_is_below_that_span(
    recorded: Spans, team: Team
) -> None:
    """The SDK's parent is the tool; the truth is one step deeper."""
    tracer, helper = recorded.tracer("somebody else"), team.agent("helper", "done")

    @function_tool
    async def ask() -> str:
        with tracer.start_as_current_span("retry loop"):
            await Runner.run(helper, "hi")
        return "done"

    await Runner.run(team.agent("boss", team.call("ask"), "done", tools=[ask]), "hi")

    assert "      retry loop" in recorded.tree()
    assert "        invoke_agent helper" in recorded.tree()


async def test_a_run_inside_a_servers_span_is_below_it(recorded: Spans, team: Team) -> None:
    """The request that caused a run is its parent, and stays current afterwards."""
    tracer = recorded.tracer("a web framework")
    with tracer.start_as_current_span("POST /ask"):
        await Runner.run(team.agent("solo", "done"), "hi")
        with tracer.start_as_current_span("render"):
            pass

    assert recorded.tree() == [
        "POST /ask",
        "  invoke_workflow Agent workflow",
        "    invoke_agent solo",
        "      chat gpt-4.1-mini",
        "  render",
    ]


async def test_fifty_runs_at_once_have_no_wrong_parent(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """Each run has its own trace, and every span of it names its own agents."""

    def pair(number: int) -> Agent[None]:
        second = team.agent(f"second {number}", team.call("look", {"query": "x"}), "done")
        second.tools.extend(tools)
        return team.agent(
            f"first {number}",
            team.call("look", {"query": "x"}),
            team.call(f"transfer_to_second_{number}"),
            tools=tools,
            handoffs=[second],
        )

    await asyncio.gather(*(Runner.run(pair(number), "hi") for number in range(50)))

    by_id = {span.context.span_id: span for span in recorded if span.context}
    assert len(by_id) == 50 * 10
    names_of_trace: dict[int, set[str]] = {}
    for span in by_id.values():
        attributes = span.attributes or {}
        assert span.context
        if span.parent is None:
            assert attributes["handspan.kind"] == "workflow"
            continue
        parent = by_id[span.parent.span_id]
        assert parent.context
        assert parent.context.trace_id == span.context.trace_id
        agent = str(attributes["handspan.agent.name"])
        names_of_trace.setdefault(span.context.trace_id, set()).add(agent.rsplit(" ", 1)[1])
        if attributes["handspan.kind"] != "agent":
            assert (parent.attributes or {})["gen_ai.agent.name"] == agent
    assert len(names_of_trace) == 50
    assert all(len(numbers) == 1 for numbers in names_of_trace.values())


async def test_a_streamed_run_has_the_same_spans(recorded: Spans, team: Team) -> None:
    """The SDK runs it in a task of its own, below whatever is around the call."""
    tracer = recorded.tracer("somebody else")
    writer = team.agent("writer", "done")
    triage = team.agent("triage", team.call("transfer_to_writer"), handoffs=[writer])
    with tracer.start_as_current_span("request"):
        async for _ in Runner.run_streamed(triage, "hi").stream_events():
            with tracer.start_as_current_span("consumer"):
                pass

    tree = [line for line in recorded.tree() if line != "  consumer"]
    assert tree == [
        "request",
        "  invoke_workflow Agent workflow",
        "    invoke_agent triage",
        "      chat gpt-4.1-mini",
        "      handoff writer",
        "    invoke_agent writer",
        "      chat gpt-4.1-mini",
    ]


async def test_a_cancelled_stream_is_cancelled(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """Nothing stays open, nothing stays current."""
    agent = team.agent("solo", team.call("look", {"query": "x"}), "done", tools=tools)
    stream = Runner.run_streamed(agent, "hi")
    async for _ in stream.stream_events():
        stream.cancel()
    await asyncio.sleep(0)

    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "cancelled"


def test_a_stream_abandoned_with_its_loop_is_cancelled(recorded: Spans, team: Team) -> None:
    """Leaving the loop cancels the SDK's task; its spans end, in whatever order."""

    async def leave_early() -> None:
        agent = team.agent("solo", "done")
        async for _ in Runner.run_streamed(agent, "hi").stream_events():
            break

    asyncio.run(leave_early())
    found = recorded.attributes("invoke_workflow Agent workflow")
    assert found["handspan.workflow.outcome"] == "cancelled"


def test_spans_that_end_out_of_order_and_in_other_threads_leave_nothing_behind(
    recorded: Spans,
) -> None:
    """Callbacks end spans wherever they like; the fixture checks that nothing stays current."""

    def disorder() -> None:
        with trace("mixed"):
            outer = custom_span("outer")
            outer.start(mark_as_current=True)
            inner = custom_span("inner")
            inner.start(mark_as_current=True)
            worker = threading.Thread(target=outer.finish)
            worker.start()
            worker.join()
            inner.finish(reset_current=True)
            with recorded.tracer("somebody else").start_as_current_span("after"):
                pass
        assert get_current() == {}

    copy_context().run(disorder)  # the SDK itself keeps a span current that ended elsewhere
    assert recorded.tree() == [
        "invoke_workflow mixed",
        "  outer",
        "    inner",
        "  after",
    ]


def test_what_the_sdk_never_ends_ends_with_its_trace(recorded: Spans) -> None:
    """A generator nobody closes: the call is there, marked as partial, and no memory is kept."""
    with trace("leaky"):
        generation_span(model="gpt-4.1").start()

    assert recorded.attributes("chat gpt-4.1")["handspan.usage.partial"] is True


def test_open_runs_are_bounded(recorded: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never finishes its traces costs no more than the bound."""
    monkeypatch.setattr(openai_agents, "MAX_OPEN_TRACES", 2)
    listener = openai_agents.Listener()
    listener.listens = True
    traces = [get_trace_provider().create_trace(f"run {number}") for number in range(3)]
    for each in traces:
        copy_context().run(listener.on_trace_start, each)

    assert recorded.tree() == ["invoke_workflow run 0"]


async def test_a_paused_run_that_goes_on_is_the_same_run(recorded: Spans, team: Team) -> None:
    """The SDK goes on with a trace that it had ended, without saying so: the ids join the two."""

    @function_tool(needs_approval=True)
    async def pay() -> str:
        return "paid"

    agent = team.agent("solo", team.call("pay"), "done", tools=[pay])
    paused = await Runner.run(agent, "hi")
    state = paused.to_state()
    state.approve(paused.interruptions[0])
    await Runner.run(agent, state)

    workflows = [span for span in recorded if span.name == "invoke_workflow Agent workflow"]
    ids = {(span.attributes or {})["handspan.workflow.id"] for span in workflows}
    assert len(workflows) == 2
    assert len(ids) == 1


async def test_other_kinds_of_spans_keep_the_tree_whole(recorded: Spans) -> None:
    """They are no agent work: they have a name and a place, and no kind."""
    with trace("all"), custom_span("mine", {"a": 1}):
        with mcp_tools_span(server="files"):
            pass
        with transcription_span(model="whisper-1"), speech_span(model="tts-1"):
            pass

    assert recorded.tree() == [
        "invoke_workflow all",
        "  mine",
        "    tools/list files",
        "    transcription whisper-1",
        "      speech tts-1",
    ]
    assert "handspan.kind" not in recorded.attributes("mine")

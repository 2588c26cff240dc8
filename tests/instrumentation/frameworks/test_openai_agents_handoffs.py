"""OpenAI Agents: handoffs, and agents used as tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agents import Runner, function_tool, handoff

if TYPE_CHECKING:
    from tests.instrumentation.frameworks.conftest import Team

    from handspan.testing import Spans


def _edges(recorded: Spans) -> list[tuple[Any, ...]]:
    """Return source, target, mode and outcome of each handoff, in order."""
    found: list[dict[str, Any]] = [dict(span.attributes or {}) for span in recorded]
    edges = [one for one in found if one["handspan.kind"] == "handoff"]
    names = ("source", "target", "mode", "outcome")
    return [
        tuple(edge.get(f"handspan.handoff.{name}") for name in names)
        for edge in sorted(edges, key=lambda edge: edge["handspan.handoff.seq"])
    ]


async def test_a_handoff_names_its_target_and_the_target_is_a_sibling(
    recorded: Spans, team: Team
) -> None:
    """The SDK knows the target only at the end; the target's agent is not inside the source's."""
    writer = team.agent("writer", "done")
    triage = team.agent("triage", team.call("transfer_to_writer"), handoffs=[writer])
    await Runner.run(triage, "hi")

    assert recorded.tree() == [
        "invoke_workflow Agent workflow",
        "  invoke_agent triage",
        "    chat gpt-4.1-mini",
        "    handoff writer",
        "  invoke_agent writer",
        "    chat gpt-4.1-mini",
    ]
    found = recorded.attributes("handoff writer")
    del found["handspan.workflow.id"]
    assert found == {
        "handspan.kind": "handoff",
        "handspan.workflow.name": "Agent workflow",
        "handspan.agent.name": "triage",
        "handspan.handoff.source": "triage",
        "handspan.handoff.target": "writer",
        "handspan.handoff.target_type": "agent",
        "handspan.handoff.mode": "pass_control",
        "handspan.handoff.seq": 1,
    }


async def test_of_several_handoffs_the_first_wins_and_the_others_are_refused(
    recorded: Spans, team: Team
) -> None:
    """The SDK calls it an error and goes on with the first; the others were asked for too."""
    writer, critic = team.agent("writer", "done"), team.agent("critic")
    both = [team.call("transfer_to_writer"), team.call("transfer_to_critic")]
    await Runner.run(team.agent("triage", both, handoffs=[writer, critic]), "hi")

    assert _edges(recorded) == [
        ("triage", "writer", "pass_control", "accepted"),
        ("triage", "critic", "pass_control", "refused"),
    ]
    first = recorded.one("handoff writer")
    assert not first.status.is_ok
    assert (first.attributes or {})["error.type"] == "multiple_handoffs_requested"
    workflow = recorded.attributes("invoke_workflow Agent workflow")
    assert workflow["handspan.workflow.outcome"] == "success"


async def test_a_handoff_whose_callback_raises_is_refused(recorded: Spans, team: Team) -> None:
    """The SDK never learns the target then; with one declared handoff there is no doubt."""

    def busy(_context: object) -> None:
        raise RuntimeError("three drafts are waiting")

    critic = team.agent("critic")
    writer = team.agent(
        "writer", team.call("transfer_to_critic"), handoffs=[handoff(critic, on_handoff=busy)]
    )
    with pytest.raises(RuntimeError, match="three drafts"):
        await Runner.run(writer, "hi")

    assert _edges(recorded) == [("writer", "critic", "pass_control", "refused")]
    assert recorded.attributes("handoff critic")["error.type"] == "RuntimeError"


async def test_agents_may_hand_back_and_forth(recorded: Spans, team: Team) -> None:
    """Each way is an edge of its own."""
    writer = team.agent("writer", team.call("transfer_to_critic"), team.call("transfer_to_critic"))
    critic = team.agent("critic", team.call("transfer_to_writer"), "good", handoffs=[writer])
    writer.handoffs.append(critic)
    await Runner.run(writer, "hi")

    forth = ("writer", "critic", "pass_control", None)
    assert _edges(recorded) == [forth, ("critic", "writer", "pass_control", None), forth]


async def test_an_agent_as_a_tool_is_a_tool_and_a_delegation(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """One edge from the caller to the sub-agent; the tool keeps its span, the agent is below."""
    checker = team.agent("checker", team.call("look", {"query": "x"}), "true", tools=tools)
    boss = team.agent(
        "boss",
        team.call("check", {"input": "claim"}),
        "done",
        tools=[checker.as_tool("check", "Checks facts.")],
    )
    await Runner.run(boss, "hi")

    assert recorded.tree() == [
        "invoke_workflow Agent workflow",
        "  invoke_agent boss",
        "    chat gpt-4.1-mini",
        "    execute_tool check",
        "      handoff checker",
        "      invoke_agent checker",
        "        chat gpt-4.1-mini",
        "        execute_tool look",
        "        chat gpt-4.1-mini",
        "    chat gpt-4.1-mini",
    ]
    assert _edges(recorded) == [("boss", "checker", "return_to_caller", None)]
    assert recorded.attributes("handoff checker")["handspan.agent.name"] == "boss"
    tool, edge = recorded.one("execute_tool check"), recorded.one("handoff checker")
    assert edge.start_time == tool.start_time
    assert edge.end_time == recorded.one("invoke_agent checker").start_time


async def test_an_agent_as_a_tool_that_hands_over_is_one_delegation(
    recorded: Spans, team: Team
) -> None:
    """The second agent inside the tool came by its own handoff, not from the caller."""
    expert = team.agent("expert", "true")
    checker = team.agent("checker", team.call("transfer_to_expert"), handoffs=[expert])
    boss = team.agent(
        "boss", team.call("check", {"input": "x"}), "done", tools=[checker.as_tool("check", "-")]
    )
    await Runner.run(boss, "hi")

    assert _edges(recorded) == [
        ("boss", "checker", "return_to_caller", None),
        ("checker", "expert", "pass_control", None),
    ]


async def test_runs_inside_a_function_tool_are_delegations_too(recorded: Spans, team: Team) -> None:
    """Whoever calls the Runner in a tool of their own delegates as `as_tool` does."""
    one, two = team.agent("one", "a"), team.agent("two", "b")

    @function_tool
    async def ask_both() -> str:
        await Runner.run(one, "hi")
        await Runner.run(two, "hi")
        return "done"

    boss = team.agent("boss", team.call("ask_both"), "done", tools=[ask_both])
    await Runner.run(boss, "hi")

    assert _edges(recorded) == [
        ("boss", "one", "return_to_caller", None),
        ("boss", "two", "return_to_caller", None),
    ]


async def test_a_failing_agent_as_a_tool_fails_its_tool_not_the_run(
    recorded: Spans, team: Team
) -> None:
    """The caller reads of the error and goes on."""
    checker = team.agent("checker", ConnectionError("down"))
    boss = team.agent(
        "boss", team.call("check", {"input": "x"}), "done", tools=[checker.as_tool("check", "-")]
    )
    await Runner.run(boss, "hi")

    failed = {span.name for span in recorded if "error.type" in (span.attributes or {})}
    assert failed == {"execute_tool check", "invoke_agent checker", "chat gpt-4.1-mini"}
    assert recorded.attributes("execute_tool check")["error.type"] == "ConnectionError"
    workflow = recorded.attributes("invoke_workflow Agent workflow")
    assert workflow["handspan.workflow.outcome"] == "success"

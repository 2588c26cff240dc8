"""One trace of the load: a team of agents at work, 51 spans with 14 attributes and one event each.

Of the 51, 39 are agent work (a workflow, four agents, three handoffs, eighteen model calls,
thirteen tool calls), as Handspan's own instrumentation and GenAI instrumentors write it; twelve
are the HTTP requests beneath the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from handspan import semconv

if TYPE_CHECKING:
    from random import Random

AGENTS = ("triage", "researcher", "writer", "critic")
ATTRIBUTES = 14
"""Of every span."""

Value = str | int | float | list[str]
Said = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Work:
    """One span, before it has ids and times."""

    name: str
    parent: int | None
    """Place of the parent in the trace."""
    attributes: dict[str, Value]
    is_agent_work: bool = True


def trace(random: Random, workflow_id: str) -> list[Work]:
    """Return the spans of one run, parents first."""
    team = _said(random, workflow_id)
    spans = [_workflow(team)]
    for place, agent in enumerate(AGENTS):
        said: Said = {semconv.AGENT_NAME: agent, **team}
        me = len(spans)
        spans.append(_agent(agent, said))
        if place:
            spans.append(_handoff(AGENTS[place - 1], agent, me, said))
        for call in range((5, 5, 4, 4)[place]):
            spans.append(_chat(random, me, said))
            if call < 3:
                spans.append(_request(len(spans) - 1, said))
        spans += [_tool(random, me, said) for _ in range((4, 3, 3, 3)[place])]
    assert all(len(span.attributes) == ATTRIBUTES for span in spans)
    return spans


def pair(key: str, value: Value) -> KeyValue:
    """Return one attribute as OTLP has it."""
    return KeyValue(key=key, value=_any_value(value))


def _any_value(value: Value) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[_any_value(one) for one in value]))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    return AnyValue(string_value=value)


def _said(random: Random, workflow_id: str) -> Said:
    """Return what every span of a trace says."""
    return {
        semconv.WORKFLOW_NAME: "research_report",
        semconv.WORKFLOW_ID: workflow_id,
        semconv.ATTEMPT: 1,
        semconv.GEN_AI_CONVERSATION_ID: f"conv-{random.getrandbits(48):012x}",
        semconv.USER_ID: f"user-{random.randrange(500)}",
    }


def _workflow(said: Said) -> Work:
    own: dict[str, Value] = {
        semconv.KIND: "workflow",
        semconv.GEN_AI_OPERATION_NAME: "invoke_workflow",
        semconv.GEN_AI_WORKFLOW_NAME: "research_report",
        semconv.WORKFLOW_PLAN: list(AGENTS),
        semconv.WORKFLOW_ESTIMATED_S: 42.5,
        semconv.WORKFLOW_OUTCOME: "success",
        semconv.PROJECT: "market-watch",
        semconv.FEATURE: "weekly-report",
        semconv.SEED: 7,
    }
    return Work("invoke_workflow research_report", None, said | own)


def _agent(agent: str, said: Said) -> Work:
    own: dict[str, Value] = {
        semconv.KIND: "agent",
        semconv.GEN_AI_OPERATION_NAME: "invoke_agent",
        semconv.GEN_AI_AGENT_NAME: agent,
        semconv.AGENT_TYPE: "llm",
        semconv.AGENT_VERSION: "1.4.0",
        semconv.TASK_TYPE: "report",
        semconv.TASK_DOMAIN: "research",
        semconv.GEN_AI_PROVIDER_NAME: "openai",
    }
    return Work(f"invoke_agent {agent}", 0, said | own)


def _handoff(source: str, target: str, parent: int, said: Said) -> Work:
    own: dict[str, Value] = {
        semconv.KIND: "handoff",
        semconv.HANDOFF_SOURCE: source,
        semconv.HANDOFF_TARGET: target,
        semconv.HANDOFF_MODE: "pass_control",
        semconv.HANDOFF_TARGET_TYPE: "agent",
        semconv.HANDOFF_REASON: "the next step of the plan is another's",
        semconv.HANDOFF_PAYLOAD_BYTES: 1832,
        semconv.HANDOFF_SEQ: AGENTS.index(target),
    }
    return Work(f"handoff {target}", parent, said | own)


def _chat(random: Random, parent: int, said: Said) -> Work:
    said = {key: value for key, value in said.items() if key != semconv.ATTEMPT}
    own: dict[str, Value] = {
        semconv.KIND: "llm",
        semconv.GEN_AI_OPERATION_NAME: "chat",
        semconv.GEN_AI_PROVIDER_NAME: "openai",
        semconv.GEN_AI_REQUEST_MODEL: "gpt-4o",
        semconv.GEN_AI_RESPONSE_MODEL: "gpt-4o-2024-08-06",
        semconv.GEN_AI_USAGE_INPUT_TOKENS: random.randrange(200, 5000),
        semconv.GEN_AI_USAGE_OUTPUT_TOKENS: random.randrange(20, 900),
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: random.randrange(200),
        semconv.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"],
    }
    return Work("chat gpt-4o", parent, said | own)


def _tool(random: Random, parent: int, said: Said) -> Work:
    tool = random.choice(("web_search", "read_page", "run_sql"))
    own: dict[str, Value] = {
        semconv.KIND: "tool",
        semconv.GEN_AI_OPERATION_NAME: "execute_tool",
        semconv.GEN_AI_TOOL_NAME: tool,
        semconv.GEN_AI_TOOL_TYPE: "function",
        semconv.GEN_AI_TOOL_CALL_ID: f"call_{random.getrandbits(64):016x}",
        semconv.GEN_AI_TOOL_DESCRIPTION: "Looks something up and returns what it found as text.",
        semconv.GEN_AI_AGENT_NAME: said[semconv.AGENT_NAME],
        semconv.TASK_TYPE: "report",
    }
    return Work(f"execute_tool {tool}", parent, said | own)


def _request(parent: int, said: Said) -> Work:
    """Return the HTTP request beneath a model call: no agent work, but attributed to an agent."""
    own: dict[str, Value] = {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": "https://api.example.com/v1/chat/completions",
        "server.address": "api.example.com",
        "server.port": 443,
        "network.protocol.version": "1.1",
        "network.peer.address": "203.0.113.7",
        "user_agent.original": "python-httpx/0.28",
    }
    return Work("POST", parent, said | own, is_agent_work=False)

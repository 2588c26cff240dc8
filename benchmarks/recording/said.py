"""What every SDK is told of the same work: eight attributes a span, six of a call at its end.

Ids and counts are others in every run, as in life: nothing must live on having seen it all before.
"""

from __future__ import annotations

Said = dict[str, "str | int | float | bool"]

MORE: Said = {"a.text": "one", "a.count": 2, "a.share": 0.5, "a.flag": True, "a.word": "five"}
"""Attributes of the user's own, without a meaning that any SDK knows."""

WORKFLOW: Said = {
    "workflow.id": "ticket-7",
    "workflow.estimated_s": 30.0,
    "feature": "refunds",
    "project": "shop",
    "seed": 7,
    "session.id": "s-1",
    "user.id": "u-1",
    "conversation.id": "c-1",
}
AGENT: Said = {"agent.type": "worker", "agent.version": "3", "conversation.id": "c-1", **MORE}
TOOL: Said = {"call.id": "call_1", "tool.type": "function", "tool.description": "finds", **MORE}
ASKED: Said = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}
ANSWERED: Said = {"gen_ai.response.model": "gpt-5-mini-2025-08-07", "gen_ai.response.id": "resp_1"}
USED: Said = {
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
    "gen_ai.usage.cache_read.input_tokens": 512,
    "gen_ai.usage.reasoning.output_tokens": 32,
}


def vary(number: int) -> None:
    """Have the ids and counts of run `number`; changed in place."""
    WORKFLOW["workflow.id"] = f"ticket-{number}"
    WORKFLOW["user.id"] = f"u-{number % 1000}"
    WORKFLOW["seed"] = number
    TOOL["call.id"] = f"call_{number:x}"
    ANSWERED["gen_ai.response.id"] = f"resp_{number:x}"
    USED["gen_ai.usage.input_tokens"] = 812 + number % 100
    USED["gen_ai.usage.output_tokens"] = 64 + number % 50

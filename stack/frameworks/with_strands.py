"""The story in Strands Agents: a swarm whose first agent hands control over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from strands import Agent, tool
from strands.models.model import Model
from strands.multiagent import Swarm

from stack.frameworks import story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = story.ENDINGS
PACKAGES: Final = {
    "native": ("strands-agents",),
    "openinference": ("strands-agents", "openinference-instrumentation-strands-agents"),
}
"""Source of telemetry -> what its recording depends on."""


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on; the framework's own is always on."""
    if source == "openinference":
        from openinference.instrumentation.strands_agents import (
            StrandsAgentsToOpenInferenceProcessor,
        )

        recorder.provider.add_span_processor(StrandsAgentsToOpenInferenceProcessor())
    recorder.install()


def tell(ending: str) -> None:
    """Run the team to one ending."""
    replies: list[Any] = list(story.REFUND_REPLIES)
    if ending == "outage":
        replies = [story.ModelDown(story.MODEL_DOWN)]
    refund = Agent(
        Scripted(replies),
        name=story.REFUND,
        tools=[tool(story.lookup_order), tool(story.pay_back)],
        callback_handler=None,
    )
    triage = Agent(
        Scripted([story.HANDS_OVER, story.CLOSES]),
        name=story.TRIAGE,
        callback_handler=None,
    )
    try:
        Swarm([triage, refund], entry_point=triage)(story.QUESTION)
    except story.ModelDown:
        assert ending == "outage"


class Scripted(Model):
    """A model that says its lines, in the shape of Bedrock's stream."""

    def __init__(self, replies: list[Any]) -> None:
        """Take the replies, in order; one that is an exception is raised."""
        self._replies = iter(replies)
        self.config = {"model_id": story.MODEL}

    def update_config(self, **model_config: Any) -> None:
        """Change nothing."""

    def get_config(self) -> Any:
        """Return the model's name."""
        return self.config

    def structured_output(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        raise NotImplementedError

    async def stream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the events of one reply."""
        reply = next(self._replies)
        if isinstance(reply, Exception):
            raise reply
        yield {"messageStart": {"role": "assistant"}}
        for event in _content(reply):
            yield event
        yield {"messageStop": {"stopReason": "tool_use" if reply.tool else "end_turn"}}
        usage = {
            "inputTokens": reply.input_tokens,
            "outputTokens": reply.output_tokens,
            "totalTokens": reply.input_tokens + reply.output_tokens,
            "cacheReadInputTokens": reply.cache_read_tokens,
        }
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 1}}}


def _content(reply: Reply) -> list[Any]:
    if not reply.tool:
        return [
            {"contentBlockStart": {"start": {}}},
            {"contentBlockDelta": {"delta": {"text": reply.text}}},
            {"contentBlockStop": {}},
        ]
    name, arguments = reply.tool, dict(reply.arguments)
    if reply is story.HANDS_OVER:
        name, arguments = (
            "handoff_to_agent",
            {"agent_name": story.REFUND, "message": story.QUESTION},
        )
    use = {"name": name, "toolUseId": f"call_{reply.input_tokens}"}
    return [
        {"contentBlockStart": {"start": {"toolUse": use}}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps(arguments)}}}},
        {"contentBlockStop": {}},
    ]

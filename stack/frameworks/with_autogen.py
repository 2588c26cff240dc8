"""The story in AutoGen: a swarm whose first agent hands control over."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import TextMentionTermination
from autogen_agentchat.teams import Swarm
from autogen_core import FunctionCall
from autogen_core.models import CreateResult, ModelInfo, RequestUsage
from autogen_ext.models.replay import ReplayChatCompletionClient

from stack.frameworks import story

if TYPE_CHECKING:
    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = story.ENDINGS
PACKAGES: Final = {
    "native": ("autogen-agentchat",),
    "openinference": ("autogen-agentchat", "openinference-instrumentation-autogen-agentchat"),
}
"""Source of telemetry -> what its recording depends on."""


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on; the framework's own is always on."""
    recorder.install()
    if source == "openinference":
        from openinference.instrumentation.autogen_agentchat import AutogenAgentChatInstrumentor

        AutogenAgentChatInstrumentor().instrument(tracer_provider=recorder.provider)


def tell(ending: str) -> None:
    """Run the team to one ending."""
    asyncio.run(_tell(ending))


async def _tell(ending: str) -> None:
    hands_over = _says(story.HANDS_OVER, f"transfer_to_{story.REFUND}")
    triage = AssistantAgent(story.TRIAGE, _model(hands_over), handoffs=[story.REFUND])
    replies = [_says(reply) for reply in story.REFUND_REPLIES]
    refund = AssistantAgent(
        story.REFUND,
        _model(*replies) if ending == "refund" else Down([], model_info=INFO),
        tools=[story.lookup_order, story.pay_back],
        max_tool_iterations=5,
    )
    team = Swarm([triage, refund], termination_condition=TextMentionTermination(story.ANSWER))
    try:
        await team.run(task=story.QUESTION)
    except Exception as error:  # AutoGen raises another one, with the text of ours
        assert ending == "outage", error
        assert story.MODEL_DOWN in str(error)


class Down(ReplayChatCompletionClient):
    """A model that cannot be reached."""

    async def create(self, *args: Any, **kwargs: Any) -> CreateResult:
        """Raise."""
        raise story.ModelDown(story.MODEL_DOWN)


INFO: Final = ModelInfo(
    vision=False,
    function_calling=True,
    json_output=False,
    family="gpt-4o",
    structured_output=False,
)


def _model(*replies: CreateResult) -> ReplayChatCompletionClient:
    return ReplayChatCompletionClient(list(replies), model_info=INFO)


def _says(reply: Reply, tool: str = "") -> CreateResult:
    content: Any = reply.text
    if reply.tool:
        content = [
            FunctionCall(
                id=f"call_{reply.input_tokens}",
                arguments=json.dumps(reply.arguments),
                name=tool or reply.tool,
            )
        ]
    return CreateResult(
        finish_reason="function_calls" if reply.tool else "stop",
        content=content,
        usage=RequestUsage(reply.input_tokens, reply.output_tokens),
        cached=False,
    )

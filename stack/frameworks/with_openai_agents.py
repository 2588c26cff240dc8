"""The story in the OpenAI Agents SDK: the first agent hands control over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from agents import Agent, Runner, function_tool, set_trace_processors
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.tracing import generation_span
from agents.usage import InputTokensDetails, OutputTokensDetails, Usage

from stack.frameworks import story

if TYPE_CHECKING:
    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = story.ENDINGS
PACKAGES: Final = {
    "handspan": ("openai-agents",),
    "openinference": ("openai-agents", "openinference-instrumentation-openai-agents"),
    "openllmetry": ("openai-agents", "opentelemetry-instrumentation-openai-agents"),
    "official": ("openai-agents", "opentelemetry-instrumentation-genai-openai-agents"),
}
"""Source of telemetry -> what its recording depends on."""


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on."""
    set_trace_processors([])  # the SDK's own posts to its maker
    recorder.install()
    _instrumentor(source).instrument(tracer_provider=recorder.provider)


def _instrumentor(source: str) -> Any:
    if source == "handspan":
        from handspan.frameworks.openai_agents import OpenAIAgentsInstrumentor as Handspan

        return Handspan()
    if source == "openinference":
        from openinference.instrumentation.openai_agents import (
            OpenAIAgentsInstrumentor as OpenInference,
        )

        return OpenInference()
    if source == "openllmetry":
        from opentelemetry.instrumentation.openai_agents import (
            OpenAIAgentsInstrumentor as OpenLlmetry,
        )

        return OpenLlmetry()
    from opentelemetry.instrumentation.genai.openai_agents import (
        OpenAIAgentsInstrumentor as Official,
    )

    return Official()


def tell(ending: str) -> None:
    """Run the team to one ending."""
    asyncio.run(_tell(ending))


async def _tell(ending: str) -> None:
    refund = Agent(
        story.REFUND,
        model=_model(*map(_step, story.REFUND_REPLIES))
        if ending == "refund"
        else _model(ModelStep.raise_error(story.ModelDown(story.MODEL_DOWN))),
        tools=[function_tool(story.lookup_order), function_tool(story.pay_back)],
    )
    hands_over = _step(
        story.HANDS_OVER, function_call(f"transfer_to_{story.REFUND}", {}, call_id="c")
    )
    triage = Agent(story.TRIAGE, model=_model(hands_over), handoffs=[refund])
    try:
        await Runner.run(triage, story.QUESTION)
    except story.ModelDown:
        assert ending == "outage"


class Model(ScriptedModel):
    """Scripted, and traced as the SDK traces the chat models that it ships."""

    async def get_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next step's response."""
        with generation_span(model=story.MODEL) as span:
            try:
                response = await super().get_response(*args, **kwargs)
            except story.ModelDown as error:
                span.set_error({"message": str(error), "data": {"name": type(error).__name__}})
                raise
            used = response.usage
            span.span_data.usage = {
                "requests": used.requests,
                "input_tokens": used.input_tokens,
                "output_tokens": used.output_tokens,
                "total_tokens": used.total_tokens,
                "input_tokens_details": used.input_tokens_details.model_dump(),
                "output_tokens_details": used.output_tokens_details.model_dump(),
            }
            return response


def _model(*steps: ModelStep) -> Model:
    return Model(steps)


def _step(reply: Reply, *output: Any) -> ModelStep:
    said = [function_call(reply.tool, reply.arguments, call_id=f"call_{reply.input_tokens}")]
    return ModelStep(
        output=list(output) or ([assistant_message(reply.text)] if reply.text else said),
        usage=Usage(
            requests=1,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            total_tokens=reply.input_tokens + reply.output_tokens,
            input_tokens_details=InputTokensDetails(
                cached_tokens=reply.cache_read_tokens, cache_write_tokens=0
            ),
            output_tokens_details=OutputTokensDetails(reasoning_tokens=reply.reasoning_tokens),
        ),
    )

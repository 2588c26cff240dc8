"""The story in pydantic-ai: the first agent delegates by a tool and has the last word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_ai import (
    Agent,
    ApprovalRequired,
    DeferredToolRequests,
    DeferredToolResults,
    InstrumentationSettings,
    ModelRetry,
    RunContext,
)
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

from stack.frameworks import story

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = (*story.ENDINGS, "approval")
PACKAGES: Final = {
    "native": ("pydantic-ai-slim",),
    "openinference": ("pydantic-ai-slim", "openinference-instrumentation-pydantic-ai"),
}
"""Source of telemetry -> what its recording depends on."""
ASKS_REFUND: Final = "ask_refund"


class Model(FunctionModel):
    """A scripted model that can be priced."""

    @property
    def system(self) -> str:
        """The provider."""
        return story.PROVIDER


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on."""
    if source == "openinference":
        from openinference.instrumentation.pydantic_ai import OpenInferenceSpanProcessor

        recorder.provider.add_span_processor(OpenInferenceSpanProcessor())
    recorder.install()
    Agent.instrument_all(InstrumentationSettings(tracer_provider=recorder.provider))


def tell(ending: str) -> None:
    """Run the team to one ending."""
    if ending == "approval":
        _ask_somebody()
        return
    replies: list[Reply | Exception] = list(story.REFUND_REPLIES)
    if ending == "outage":
        replies = [story.ModelDown(story.MODEL_DOWN)]
    refund = Agent(_model(replies), name=story.REFUND, tools=[story.lookup_order, pay_back])
    triage = Agent(_model([story.HANDS_OVER, story.CLOSES]), name=story.TRIAGE)

    @triage.tool_plain(name=ASKS_REFUND)
    async def ask_refund(question: str) -> str:
        return (await refund.run(question)).output

    try:
        triage.run_sync(story.QUESTION)
    except story.ModelDown:
        assert ending == "outage"


def pay_back(order_id: str) -> str:
    """Pay an order back; the framework's way to tell the model that a tool failed."""
    try:
        return story.pay_back(order_id)
    except story.BankDown as error:
        raise ModelRetry(str(error)) from error


def _ask_somebody() -> None:
    replies = [*story.REFUND_REPLIES[:2], story.REFUND_REPLIES[2]]
    refund: Any = Agent(
        _model(replies),
        name=story.REFUND,
        tools=[story.lookup_order],
        output_type=[str, DeferredToolRequests],
    )

    @refund.tool(name=story.PAY_BACK)
    def pay_back(context: RunContext[None], order_id: str) -> str:
        if not context.tool_call_approved:
            raise ApprovalRequired
        return f"order {order_id} is paid back"

    first = refund.run_sync(story.QUESTION)
    approved = DeferredToolResults(
        approvals={call.tool_call_id: True for call in first.output.approvals}
    )
    refund.run_sync(message_history=first.all_messages(), deferred_tool_results=approved)


def _model(replies: Iterable[Reply | Exception]) -> Model:
    left = iter(replies)

    def answer(messages: Any, info: Any) -> ModelResponse:
        reply = next(left)
        if isinstance(reply, Exception):
            raise reply
        usage = RequestUsage(
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            cache_read_tokens=reply.cache_read_tokens,
            details={"reasoning_tokens": reply.reasoning_tokens},
        )
        if reply is story.HANDS_OVER:
            part: Any = ToolCallPart(ASKS_REFUND, {"question": story.QUESTION}, "call_0")
        elif reply.tool:
            part = ToolCallPart(reply.tool, reply.arguments, f"call_{reply.input_tokens}")
        else:
            part = TextPart(reply.text)
        return ModelResponse([part], usage=usage, model_name=story.MODEL)

    return Model(answer, model_name=story.MODEL)

"""The story as a team of one's own tells it with the Langfuse SDK, by decorator and by context."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from langfuse import Langfuse, observe

from stack.frameworks import story

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = story.ENDINGS
PACKAGES: Final = {"native": ("langfuse",)}
"""Source of telemetry -> what its recording depends on."""
_KEPT: Final[dict[str, Langfuse]] = {}


def trace(source: str, recorder: Recorder) -> None:
    """Give Langfuse our provider; what it would send to its server goes nowhere."""
    del source
    recorder.install()
    _KEPT["client"] = Langfuse(
        public_key="pk-recorded",
        secret_key="sk-recorded",  # noqa: S106 - nobody is asked
        base_url="http://127.0.0.1:9",
        tracer_provider=recorder.provider,
        span_exporter=_Nowhere(),
    )


def tell(ending: str) -> None:
    """Run the team to one ending."""
    with suppress(story.ModelDown):
        _support(ending)


@observe(as_type="chain", name="support")
def _support(ending: str) -> None:
    _triage()
    _refund(ending)


@observe(as_type="agent", name=story.TRIAGE)
def _triage() -> None:
    _generate(story.HANDS_OVER)


@observe(as_type="agent", name=story.REFUND)
def _refund(ending: str) -> str:
    if ending == "outage":
        with _KEPT["client"].start_as_current_observation(
            name="answer", as_type="generation", model=story.MODEL
        ):
            raise story.ModelDown(story.MODEL_DOWN)
    tools: dict[str, Callable[..., str]] = {story.LOOK_UP: _look_up, story.PAY_BACK: _pay_back}
    text = ""
    for reply in story.REFUND_REPLIES:
        text = _generate(reply)
        if reply.tool:
            with suppress(story.BankDown):
                tools[reply.tool](**reply.arguments)
    return text


@observe(as_type="tool", name=story.LOOK_UP)
def _look_up(order_id: str) -> str:
    return story.lookup_order(order_id)


@observe(as_type="tool", name=story.PAY_BACK)
def _pay_back(order_id: str) -> str:
    return story.pay_back(order_id)


def _generate(reply: Reply) -> str:
    """Record an answer; Langfuse counts what was cached, and what was thought, beside the rest."""
    with _KEPT["client"].start_as_current_observation(
        name="answer", as_type="generation", model=story.MODEL, input=story.QUESTION
    ) as call:
        usage: dict[str, Any] = {
            "input": reply.input_tokens - reply.cache_read_tokens,
            "output": reply.output_tokens - reply.reasoning_tokens,
        }
        if reply.cache_read_tokens:
            usage["cache_read_input_tokens"] = reply.cache_read_tokens
        if reply.reasoning_tokens:
            usage["output_reasoning_tokens"] = reply.reasoning_tokens
        call.update(output=reply.text or reply.tool, usage_details=usage)
    return reply.text


class _Nowhere:
    """Takes spans and forgets them."""

    def export(self, spans: Any) -> Any:
        """Take them."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        del spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """End."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        """Have nothing to do."""
        del timeout_millis
        return True

"""The story in CrewAI: the first agent delegates to its coworker and has the last word."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

os.environ |= {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false"}

from crewai import Agent, BaseLLM, Crew, Task
from crewai.events import crewai_event_bus
from crewai.events.types.llm_events import LLMCallType
from crewai.llms.base_llm import llm_call_context
from crewai.tools import tool

from stack.frameworks import story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = story.ENDINGS
PACKAGES: Final = {
    "native": ("crewai",),
    "openinference": ("crewai", "openinference-instrumentation-crewai"),
    "openinference_events": ("crewai", "openinference-instrumentation-crewai"),
    "openllmetry": ("crewai", "opentelemetry-instrumentation-crewai"),
}
"""Source of telemetry -> what its recording depends on."""
_DELEGATES: Final = {"coworker": story.REFUND, "task": story.QUESTION, "context": "order 7"}


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on."""
    recorder.install()
    if source == "native":
        _SESSION.append(recorder)
    elif source == "openllmetry":
        from opentelemetry.instrumentation.crewai import CrewAIInstrumentor as OpenLlmetry

        OpenLlmetry().instrument(tracer_provider=recorder.provider)
    else:
        from openinference.instrumentation.crewai import CrewAIInstrumentor as OpenInference

        events = source == "openinference_events"
        OpenInference().instrument(tracer_provider=recorder.provider, use_event_listener=events)


_SESSION: Final[list[Recorder]] = []


def tell(ending: str) -> None:
    """Run the team to one ending."""
    with _session(ending):
        try:
            _crew(ending).kickoff()
        except story.ModelDown:
            assert ending == "outage"
        crewai_event_bus.flush()


@contextmanager
def _session(ending: str) -> Iterator[None]:
    """Open the framework's own tracing, which keeps its spans from the global provider."""
    if not _SESSION:
        yield
        return
    from crewai.telemetry.tracing import telemetry_session

    recorder = _SESSION[0]
    with telemetry_session(
        ending, "crew", resource=recorder.provider.resource, processors=[recorder.processor()]
    ):
        yield


def _crew(ending: str) -> Crew:
    replies: list[Any] = list(story.REFUND_REPLIES)
    if ending == "outage":
        replies = [story.ModelDown(story.MODEL_DOWN)] * 10
    refund = Agent(
        role=story.REFUND,
        max_retry_limit=0,
        goal="settle orders",
        backstory="knows all orders",
        llm=Scripted(model=story.MODEL, replies=replies),
        tools=[tool(story.LOOK_UP)(story.lookup_order), tool(story.PAY_BACK)(story.pay_back)],
    )
    triage = Agent(
        role=story.TRIAGE,
        goal="find out who helps",
        backstory="knows everybody",
        llm=Scripted(model=story.MODEL, replies=[story.HANDS_OVER, story.CLOSES]),
        allow_delegation=True,
    )
    task = Task(description=story.QUESTION, expected_output="an answer", agent=triage)
    return Crew(agents=[triage, refund], tasks=[task], name="crew")


class Scripted(BaseLLM):
    """A model that says its lines, in the text form of tool calls."""

    replies: list[Any]

    def supports_function_calling(self) -> bool:
        """Say no: tools are called by text."""
        return False

    def call(self, messages: Any, *args: Any, **kwargs: Any) -> str:
        """Return the next reply and tell the event bus, as the shipped models do."""
        who = {name: kwargs.get(name) for name in ("from_task", "from_agent")}
        with llm_call_context():
            self._emit_call_started_event(messages=messages, **who)
            reply = self.replies.pop(0)
            if isinstance(reply, Exception):
                self._emit_call_failed_event(error=str(reply), **who)
                raise reply
            text, usage = _text(reply), _usage(reply)
            self._track_token_usage_internal(usage)
            self._emit_call_completed_event(
                response=text,
                call_type=LLMCallType.LLM_CALL,
                messages=messages,
                usage=usage,
                **who,
            )
        return text


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "cached_prompt_tokens": reply.cache_read_tokens,
        "reasoning_tokens": reply.reasoning_tokens,
    }


def _text(reply: Reply) -> str:
    if not reply.tool:
        return f"Thought: I know it\nFinal Answer: {reply.text}"
    name, arguments = reply.tool, reply.arguments
    if reply is story.HANDS_OVER:
        name, arguments = "Delegate work to coworker", _DELEGATES
    return f"Thought: I need it\nAction: {name}\nAction Input: {json.dumps(arguments)}"

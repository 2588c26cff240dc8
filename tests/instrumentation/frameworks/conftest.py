"""The OpenAI Agents SDK itself, instrumented, with models that answer from a script."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrail,
    ModelSettings,
    OutputGuardrail,
    function_tool,
    generation_span,
    set_trace_processors,
)
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.usage import Usage, model_usage_to_span_usage
from opentelemetry.context import get_current

import handspan
from handspan.frameworks.openai_agents import OpenAIAgentsInstrumentor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from agents.items import ModelResponse, TResponseOutputItem, TResponseStreamEvent

    from handspan.testing import Spans


class TracedModel(ScriptedModel):
    """A scripted model whose calls are traced as those of the SDK's own models."""

    name: str = "gpt-4.1-mini"

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:  # noqa: ANN401
        """Answer, with the model and usage on the SDK's span."""
        with generation_span(model=self.name) as span:
            response = await super().get_response(*args, **kwargs)
            span.span_data.usage = model_usage_to_span_usage(response.usage)
            return response

    async def stream_response(
        self,
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Stream an answer, with the model on the SDK's span."""
        with generation_span(model=self.name):
            async for event in super().stream_response(*args, **kwargs):
                yield event


class Team:
    """Makes agents that do what they are told."""

    def __init__(self) -> None:
        self._calls = count(1)

    def agent(self, name: str, *steps: object, **options: Any) -> Agent[None]:  # noqa: ANN401
        """Return an agent; a step is a text, one or several calls, an exception or a ModelStep."""
        model = TracedModel([self._step(step) for step in steps])
        options.setdefault("model_settings", ModelSettings())
        return Agent(name, model=model, **options)

    def call(self, name: str, arguments: Mapping[str, Any] | None = None) -> TResponseOutputItem:
        """Return the model's wish to call a tool."""
        return function_call(name, arguments or {}, call_id=f"call_{next(self._calls)}")

    def _step(self, step: object) -> ModelStep:
        if isinstance(step, ModelStep):
            return step
        if isinstance(step, Exception):
            return ModelStep.raise_error(step)
        said = assistant_message(step) if isinstance(step, str) else step
        output: list[Any] = said if isinstance(said, list) else [said]
        usage = Usage(requests=1, input_tokens=10, output_tokens=5, total_tokens=15)
        return ModelStep(output=output, usage=usage)


@pytest.fixture
def team() -> Team:
    """Agents with scripted models."""
    return Team()


@pytest.fixture
def recorded(handspan_spans: Spans) -> Iterator[Spans]:
    """Spans of the OpenAI Agents SDK, which has no processor but ours."""
    before = get_current()
    set_trace_processors([])
    handspan.instrument("openai-agents")
    yield handspan_spans
    OpenAIAgentsInstrumentor().uninstrument()
    assert get_current() == before, "something was left current"


@function_tool
async def look(query: str) -> str:
    """Look something up."""
    return f"found {query}"


@function_tool
def fail(query: str) -> str:
    """Fail, and let the model read about it."""
    raise LookupError(query)


@pytest.fixture
def tools() -> list[Any]:
    """A tool that works and one that raises."""
    return [look, fail]


@pytest.fixture
def input_guard() -> InputGuardrail[None]:
    """Trip when the question is bad."""

    async def no_bad_words(
        _context: object, _agent: object, question: object
    ) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered="bad" in str(question))

    return InputGuardrail(no_bad_words, run_in_parallel=False)


@pytest.fixture
def output_guard() -> OutputGuardrail[None]:
    """Trip when the answer leaks."""

    async def no_leak(_context: object, _agent: object, answer: object) -> GuardrailFunctionOutput:
        return GuardrailFunctionOutput(None, tripwire_triggered="leak" in str(answer))

    return OutputGuardrail(no_leak)

"""OpenAI Agents: calls of language models, through the SDK's real model classes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    generation_span,
    response_span,
    trace,
)
from openai import AsyncOpenAI
from openai.types.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.instrumentation.frameworks.conftest import Team

    from handspan.testing import Spans

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4.1-2025-04-14",
    "status": "completed",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "tea", "annotations": []}],
        }
    ],
    "parallel_tool_calls": False,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 1200,
        "output_tokens": 80,
        "total_tokens": 1280,
        "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 7},
        "output_tokens_details": {"reasoning_tokens": 32},
    },
}

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl_1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1-mini-2025-04-14",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "tea"}}
    ],
    "usage": {
        "prompt_tokens": 900,
        "completion_tokens": 60,
        "total_tokens": 960,
        "prompt_tokens_details": {"cached_tokens": 512},
        "completion_tokens_details": {"reasoning_tokens": 16},
    },
}


def _client(answer: Mapping[str, Any], base_url: str, status: int = 200) -> AsyncOpenAI:
    """Return OpenAI's own client, which gets this answer without a network."""

    def handle(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=json.dumps(answer).encode())

    transport = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
    return AsyncOpenAI(api_key="none", base_url=base_url, http_client=transport, max_retries=0)


def _llm(recorded: Spans, name: str) -> dict[str, Any]:
    found = recorded.attributes(name)
    return {
        key.removeprefix("gen_ai."): value
        for key, value in found.items()
        if key.startswith("gen_ai.")
    }


async def test_the_responses_api_tells_model_id_reason_and_all_kinds_of_tokens(
    recorded: Spans,
) -> None:
    """Which model was asked for the SDK does not say, so it is absent; the answer names itself."""
    client = _client(RESPONSE, "https://api.openai.com/v1/")
    agent = Agent("solo", model=OpenAIResponsesModel("gpt-4.1", client))
    await Runner.run(agent, "hi")

    assert _llm(recorded, "chat gpt-4.1-2025-04-14") == {
        "operation.name": "chat",
        "provider.name": "openai",
        "response.model": "gpt-4.1-2025-04-14",
        "response.id": "resp_1",
        "response.finish_reasons": ("stop",),
        "usage.input_tokens": 1200,
        "usage.output_tokens": 80,
        "usage.cache_read.input_tokens": 1024,
        "usage.cache_write.input_tokens": 7,
        "usage.reasoning.output_tokens": 32,
    }


def test_a_response_says_why_it_ended(recorded: Spans) -> None:
    """In the conventions' words; a model class of the user's may pass on what the SDK's refuses."""
    cut: dict[str, Any] = {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "model": "cut",
    }
    wish = {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"}
    calls: dict[str, Any] = {"output": [wish], "model": "calls"}
    for change in (cut, calls):
        with trace("t"), response_span(Response.model_validate(RESPONSE | change)):
            pass

    assert _llm(recorded, "chat cut")["response.finish_reasons"] == ("length",)
    assert _llm(recorded, "chat calls")["response.finish_reasons"] == ("tool_call",)


async def test_usage_is_kept_when_the_user_hides_content(recorded: Spans) -> None:
    """The SDK drops the whole response then, but not how many tokens it took."""
    client = _client(RESPONSE, "https://api.openai.com/v1/")
    agent = Agent("solo", model=OpenAIResponsesModel("gpt-4.1", client))
    config = RunConfig(trace_include_sensitive_data=False)
    await Runner.run(agent, "hi", run_config=config)

    found = _llm(recorded, "chat")
    assert found["usage.input_tokens"] == 1200
    assert "response.model" not in found


@pytest.mark.parametrize(
    ("base_url", "provider"),
    [
        ("https://api.openai.com/v1/", "openai"),
        ("https://mine.openai.azure.com/openai/v1/", "azure.ai.openai"),
        ("https://api.groq.com/openai/v1/", "groq"),
        ("http://127.0.0.1:8000/v1/", None),
    ],
)
async def test_chat_completions_tell_the_model_and_by_their_address_the_provider(
    recorded: Spans, base_url: str, provider: str | None
) -> None:
    """A model behind an address that nobody knows has no provider: it may be anybody's."""
    client = _client(COMPLETION, base_url)
    agent = Agent("solo", model=OpenAIChatCompletionsModel("gpt-4.1-mini", client))
    await Runner.run(agent, "hi")

    expected = {
        "operation.name": "chat",
        "provider.name": provider,
        "request.model": "gpt-4.1-mini",
        "usage.input_tokens": 900,
        "usage.output_tokens": 60,
        "usage.cache_read.input_tokens": 512,
        "usage.cache_write.input_tokens": 0,
        "usage.reasoning.output_tokens": 16,
    }
    known = {name: value for name, value in expected.items() if value is not None}
    assert _llm(recorded, "chat gpt-4.1-mini") == known


async def test_a_refused_request_is_an_error_of_the_clients_class(recorded: Spans) -> None:
    """error.type is the exception's class, with its module."""
    client = _client({"error": {"message": "no"}}, "https://api.openai.com/v1/", status=401)
    agent = Agent("solo", model=OpenAIChatCompletionsModel("gpt-4.1-mini", client))
    with pytest.raises(Exception, match="no"):
        await Runner.run(agent, "hi")

    assert recorded.attributes("chat gpt-4.1-mini")["error.type"] == "openai.AuthenticationError"


async def test_usage_is_counted_once_though_the_sdk_repeats_it(
    recorded: Spans, team: Team, tools: list[Any]
) -> None:
    """Turns and tasks carry the sum of their calls: nothing but calls may have usage."""
    agent = team.agent("solo", team.call("look", {"query": "x"}), "done", tools=tools)
    await Runner.run(agent, "hi")

    used = {
        span.name: (span.attributes or {})["gen_ai.usage.input_tokens"]
        for span in recorded
        if "gen_ai.usage.input_tokens" in (span.attributes or {})
    }
    assert used == {"chat gpt-4.1-mini": 10}


async def test_a_prefix_of_the_model_names_the_provider_and_is_left_off(recorded: Spans) -> None:
    """LiteLLM writes anthropic/claude-...; price lists know the two apart."""
    with trace("t"), generation_span(model="litellm/anthropic/claude-sonnet-4-5"):
        pass
    with trace("t"), generation_span(model="inhouse-7b"):
        pass

    claude = _llm(recorded, "chat claude-sonnet-4-5")
    assert claude["provider.name"] == "anthropic"
    assert claude["request.model"] == "claude-sonnet-4-5"
    assert "provider.name" not in _llm(recorded, "chat inhouse-7b")


async def test_usage_that_is_not_reported_is_absent_not_zero(recorded: Spans) -> None:
    """Unknown is unknown; and older key names are read as well."""
    with trace("t"):
        with generation_span(model="silent"):
            pass
        usage = {"prompt_tokens": 0, "completion_tokens": 3}
        with generation_span(model="legacy", usage=usage):
            pass

    assert not [name for name in _llm(recorded, "chat silent") if "usage" in name]
    legacy = _llm(recorded, "chat legacy")
    assert legacy["usage.input_tokens"] == 0
    assert legacy["usage.output_tokens"] == 3

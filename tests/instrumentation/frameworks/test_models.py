"""Model names as frameworks write them."""

from __future__ import annotations

import pytest

from handspan.frameworks._models import named


@pytest.mark.parametrize(
    ("model", "base_url", "expected"),
    [
        ("gpt-4.1", None, ("gpt-4.1", "openai")),
        ("o3", None, ("o3", "openai")),
        ("o3-mini", "", ("o3-mini", "openai")),
        ("omni-7b", None, ("omni-7b", None)),
        ("gpt-oss-20b", None, ("gpt-oss-20b", None)),
        ("litellm/anthropic/claude-sonnet-4-5", None, ("claude-sonnet-4-5", "anthropic")),
        ("bedrock/anthropic.claude-v2", "", ("anthropic.claude-v2", "aws.bedrock")),
        ("openrouter/openai/gpt-4o", None, ("openai/gpt-4o", "openrouter")),
        ("meta-llama/Llama-3-8B", None, ("meta-llama/Llama-3-8B", None)),
        ("gpt-4.1", "https://mine.openai.azure.com/v1", ("gpt-4.1", "azure.ai.openai")),
        ("gpt-oss-20b", "http://localhost:8000/v1", ("gpt-oss-20b", None)),
        ("azure/gpt-4.1", "https://proxy.example.com", ("gpt-4.1", "azure.ai.openai")),
        ("gpt-4.1", "http://[broken", ("gpt-4.1", None)),
        ("", None, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_a_provider_is_named_only_when_something_says_who_it_is(
    model: str | None, base_url: str | None, expected: tuple[str | None, str | None]
) -> None:
    """A wrong provider is a wrong price; none is a price by the model alone, or none."""
    assert named(model, base_url) == expected

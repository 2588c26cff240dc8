"""Model names as frameworks write them: who runs the model, and what it is called there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_PREFIXES = {
    "anthropic": "anthropic",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gemini": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "ollama": "ollama",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""`provider/` before a model's name, as LiteLLM and AnyLLM spell it -> the conventions' name."""

_HOSTS = {
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.openai.com": "openai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "openrouter.ai": "openrouter",
}
"""Host of an API -> who runs it."""

_HOST_ENDINGS = {
    ".openai.azure.com": "azure.ai.openai",
    ".services.ai.azure.com": "azure.ai.inference",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
}

_ROUTERS = ("litellm", "any-llm", "any_llm")
"""Prefixes that name a library, not a provider."""

_OPENAI_FAMILY = re.compile(r"(gpt-(?!oss)|chatgpt-|o[1-9](-|$)|codex-|computer-use-)")


def named(model: str | None, base_url: str | None = None) -> tuple[str | None, str | None]:
    """Return model and provider, each None where unknown.

    The address of the API says it best, then a prefix of the name, then a name that only OpenAI
    gives. Nothing is assumed: a model of its own name behind an unknown address has no provider.

    Args:
        model: as the framework writes it, for example `litellm/anthropic/claude-sonnet-4-5`.
        base_url: address of the API, if known.
    """
    name, prefixed = _split(model)
    by_host = _provider_of(base_url)
    if by_host or base_url:
        return name, by_host or prefixed
    if prefixed is None and name is not None and _OPENAI_FAMILY.match(name):
        return name, "openai"
    return name, prefixed


def _split(model: str | None) -> tuple[str | None, str | None]:
    head, slash, rest = (model or "").partition("/")
    if slash and head in _ROUTERS:
        return _split(rest)
    if slash and rest and head in _PREFIXES:
        return rest, _PREFIXES[head]
    return model or None, None


def _provider_of(base_url: str | None) -> str | None:
    try:
        host = (urlsplit(base_url or "").hostname or "").lower()
    except ValueError:
        return None
    ending = next((name for end, name in _HOST_ENDINGS.items() if host.endswith(end)), None)
    return _HOSTS.get(host, ending)

"""Who to ask for a price: what the cost processor in the agent and the service must agree on.

Imports nothing: the price data itself is genai-prices', asked where it is installed. Cached
tokens are part of the input tokens here as everywhere in Handspan: a convention that counts
them apart is converted before it is priced.
"""

from __future__ import annotations

PROVIDER_ALIASES = {
    "amazon_bedrock": "aws",
    "aws_bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_openai": "azure",
    "gcp.gen_ai": "google",
    "google_genai": "google",
    "x_ai": "x-ai",
}
"""A provider as conventions spell it -> its id in genai-prices, where that misses or errs.

Without its line `azure.ai.openai` would get OpenAI's prices.
"""

FRAMEWORK_PROVIDERS = frozenset(
    {
        "ag2",
        "agno",
        "autogen",
        "crewai",
        "dspy",
        "fm",
        "google_adk",
        "haystack",
        "langchain",
        "langgraph",
        "llama-index",
        "llama_index",
        "llamaindex",
        "microsoft.agent_framework",
        "openai-agents",
        "openai_agents",
        "pydantic-ai",
        "pydantic_ai",
        "semantic_kernel",
        "smolagents",
        "strands",
        "strands-agents",
    }
)
"""What frameworks write where the provider belongs: it says nothing about who was paid."""

UNPRICED_PROVIDERS = frozenset(
    {"ibm.watsonx.ai", "llama_cpp", "llama.cpp", "lm_studio", "ollama", "vllm"}
)
"""Real providers that genai-prices does not know. Asking by the model alone would answer with
what somebody else takes for it: a guess."""


def price_provider(provider: str) -> str | None:
    """Return the provider to ask genai-prices for; None: ask by the model alone."""
    name = provider.strip().lower()
    if not name or name in FRAMEWORK_PROVIDERS:
        return None
    return PROVIDER_ALIASES.get(name, name)

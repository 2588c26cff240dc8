"""What a call costs: what the cost processor in the agent and the service must agree on.

Imports nothing before it is asked: the price data is genai-prices', where that is installed.
Cached tokens are part of the input tokens here as everywhere in Handspan: a convention that
counts them apart is converted before it is priced.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from genai_prices.types import ModelInfo, Provider, TieredPrices

SOURCE = "genai-prices"
"""Who says the prices; a value of `handspan.cost.source`."""

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


TOKEN_PRICES = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
    "input_audio": "input_audio_mtok",
    "input_image": "input_image_mtok",
    "cache_read_audio": "cache_audio_read_mtok",
    "cache_read_image": "cache_image_read_mtok",
    "output_audio": "output_audio_mtok",
    "output_image": "output_image_mtok",
}
"""Kind of token -> price of genai-prices. Prices for films, hours and searches are left: spans do
not say how many there were, and without them genai-prices counts none either."""

_UNAVOIDABLE = ("output_citation_mtok",)
"""Prices of what every call of the model has and no span reports."""

Tiers = tuple[tuple[int, "Decimal"], ...]
"""(tokens of input above which it holds, USD per million), base first, ascending."""


class Unpriced(LookupError):
    """There is no price; the message is why, in words for a reader of KPIs."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one model costs at one moment."""

    provider: str
    """Id of the price list's entry."""
    model: str
    """Id of the price list's entry."""
    tokens: Mapping[str, Tiers]
    """Kind of token, as in `TOKEN_PRICES` -> its tiers; empty: no price of its own."""
    usd_per_krequest: Decimal
    """USD per thousand requests."""


@cache
def price_version() -> str:
    """Return the version of the price list: prices change with the package.

    Raises:
        PackageNotFoundError: genai-prices is not installed.
    """
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("genai-prices")


def find_model(provider: str, model: str) -> tuple[Provider, ModelInfo]:
    """Return the price list's entry for names as they stand on spans.

    Raises:
        Unpriced: there is none.
        ImportError: genai-prices is not installed.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.2 s of imports

    snapshot = get_snapshot()
    name = price_provider(provider)
    if name in UNPRICED_PROVIDERS:
        raise Unpriced("provider has no price list")
    try:
        if name is not None:
            snapshot.find_provider(None, name, None)
    except LookupError:
        name = None
    try:
        found: tuple[Provider, ModelInfo] = snapshot.find_provider_model(model, None, name, None)
    except LookupError:
        raise Unpriced("model unknown") from None
    return found


def rates_at(provider: Provider, model: ModelInfo, at: datetime) -> Rates:
    """Return the prices of a model at a moment.

    Raises:
        Unpriced: calls cannot be priced from what a span says.
    """
    from decimal import Decimal  # noqa: PLC0415 - see above

    from genai_prices.types import ModelPrice  # noqa: PLC0415 - see above

    if not model.prices and not isinstance(model.prices, ModelPrice):
        raise Unpriced("no price")
    prices = {key: value for key, value in vars(model.get_prices(at)).items() if value is not None}
    # An entry without any price means free only where the name says so; else nobody knows.
    if not prices and not model.id.endswith(":free"):
        raise Unpriced("no price")
    if prices and TOKEN_PRICES["input"] not in prices:
        raise Unpriced("not priced by token")
    if any(key in prices for key in _UNAVOIDABLE):
        raise Unpriced("priced by what spans do not say")
    return Rates(
        provider=provider.id,
        model=model.id,
        tokens={kind: _tiers(prices.get(key)) for kind, key in TOKEN_PRICES.items()},
        usd_per_krequest=_tiers(prices.get("requests_kcount", Decimal(0)))[0][1],
    )


def _tiers(price: Decimal | TieredPrices | None) -> Tiers:
    from genai_prices.types import TieredPrices  # noqa: PLC0415 - see above

    if price is None:
        return ()
    if not isinstance(price, TieredPrices):
        return ((0, price),)
    return ((0, price.base), *((tier.start, tier.price) for tier in price.tiers))

"""What a model call says of itself, in whatever convention: for a budget, which sees them all.

A small part of the service's mapping (handspan_exporter/columns/mapping.py), which reads stored
spans; tests/instrumentation/record/test_foreign_calls.py holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL_WORDS: Final[Mapping[str, frozenset[str]]] = {
    semconv.KIND: frozenset({"llm"}),
    "traceloop.span.kind": frozenset(),
    semconv.GEN_AI_OPERATION_NAME: frozenset(
        {semconv.OPERATION_CHAT, "generate_content", "text_completion", "embeddings"}
    ),
    "openinference.span.kind": frozenset({"LLM", "EMBEDDING"}),
    "llm.request.type": frozenset({"chat", "completion", "embedding"}),
}
"""Attribute that says what a span is -> the words for a model call; the first that is there
decides."""

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_PROVIDER_NAME: (
        semconv.GEN_AI_PROVIDER_NAME,
        "gen_ai.system",
        "llm.provider",
        "llm.system",
    ),
    semconv.GEN_AI_RESPONSE_MODEL: (
        semconv.GEN_AI_RESPONSE_MODEL,
        semconv.GEN_AI_REQUEST_MODEL,
        "llm.model_name",
        "llm.response.model_name",
        "llm.request.model_name",
        "embedding.model_name",
    ),
    semconv.GEN_AI_USAGE_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_INPUT_TOKENS,
        "llm.token_count.prompt",
        "gen_ai.usage.prompt_tokens",
    ),
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS: (
        semconv.GEN_AI_USAGE_OUTPUT_TOKENS,
        "llm.token_count.completion",
        "gen_ai.usage.completion_tokens",
    ),
    semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
        "gen_ai.usage.cache_creation.input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: (
        semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        "llm.token_count.completion_details.reasoning",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
    ),
}
"""Our name -> what conventions call it; the first that a span has wins."""

COSTS: Final = (
    semconv.COST_USD,
    semconv.GEN_AI_USAGE_COST_AMOUNT,
    "llm.cost.total",
    "operation.cost",
    "gen_ai.usage.cost",
)
"""Where a cost stands that somebody reports, USD."""


def is_call(attributes: Mapping[str, Any]) -> bool:
    """Say whether a span is one request to a model; agents that repeat its usage are not."""
    for key, words in CALL_WORDS.items():
        if key in attributes:
            return attributes[key] in words
    models = NAMES[semconv.GEN_AI_RESPONSE_MODEL]
    return any(name in attributes for name in models)


def reported_usd(attributes: Mapping[str, Any]) -> float | None:
    """Return the cost that the span itself tells, USD; None: it tells none."""
    for name in COSTS:
        value = _number(attributes.get(name))
        if value is not None and value >= 0:
            return value
    return None


def in_our_names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return provider, model and tokens of a call under the names that Handspan uses."""
    found: dict[str, Any] = {}
    for ours, names in NAMES.items():
        for name in names:
            value = attributes.get(name)
            if value not in (None, ""):
                found[ours] = _whole(value) if ours.startswith(_USAGE) else value
                break
    return found


_USAGE: Final = "gen_ai.usage."


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number // 1 else None

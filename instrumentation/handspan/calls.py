"""What a model call says of itself, in whatever convention: for a budget, which sees them all.

A small part of the service's mapping (handspan_exporter/columns/mapping.py), which reads stored
spans; tests/instrumentation/record/test_foreign_calls.py holds the two together.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

CALL_WORDS: Final[Mapping[str, frozenset[str]]] = {
    semconv.KIND: frozenset({"llm"}),
    "traceloop.span.kind": frozenset(),
    "langsmith.span.kind": frozenset({"llm", "embedding"}),
    semconv.GEN_AI_OPERATION_NAME: frozenset(
        {semconv.OPERATION_CHAT, "generate_content", "text_completion", "embeddings"}
    ),
    "openinference.span.kind": frozenset({"LLM", "EMBEDDING"}),
    "llm.request.type": frozenset({"chat", "completion", "embedding"}),
    "langfuse.observation.type": frozenset({"generation", "embedding"}),
}
"""Attribute that says what a span is -> the words for a model call; the first that is there
decides."""

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_PROVIDER_NAME: (
        semconv.GEN_AI_PROVIDER_NAME,
        "langsmith.metadata.ls_provider",
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
        "langfuse.observation.model.name",
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
    semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
        "llm.token_count.prompt_details.audio",
        "gen_ai.usage.details.input_audio_tokens",
    ),
    semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
        "gen_ai.usage.details.input_image_tokens",
    ),
    semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: (
        semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
        "llm.token_count.completion_details.audio",
        "gen_ai.usage.details.output_audio_tokens",
    ),
    semconv.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS: (
        semconv.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
        "gen_ai.usage.details.output_image_tokens",
    ),
    semconv.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
        "gen_ai.usage.details.cache_audio_read_tokens",
    ),
    semconv.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
        "gen_ai.usage.details.cache_image_read_tokens",
    ),
    semconv.USAGE_CACHE_WRITE_1H_TOKENS: (
        semconv.USAGE_CACHE_WRITE_1H_TOKENS,
        "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.cache_write_1h_tokens",
    ),
}
"""Our name -> what conventions call it; the first that a span has wins."""

BUCKETS_KEY: Final = "langfuse.observation.usage_details"
"""Langfuse: a JSON text with numbers of tokens by bucket."""

BUCKETS: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_USAGE_INPUT_TOKENS: ("input",),
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS: ("output",),
    semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: (
        "cache_read_input_tokens",
        "input_cache_read",
        "input_cache_read_tokens",
        "input_cached_tokens",
    ),
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: (
        "cache_creation_input_tokens",
        "input_cache_creation",
        "input_cache_write",
        "input_cache_write_tokens",
    ),
    semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: ("output_reasoning", "output_reasoning_tokens"),
    semconv.USAGE_CACHE_WRITE_1H_TOKENS: (
        "cache_creation_ephemeral_1h_input_tokens",
        "input_ephemeral_1h_input_tokens",
    ),
}
"""Our name -> the buckets that hold it; the first that is there counts."""

BUCKETS_ADDED: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: (
        "input_ephemeral_5m_input_tokens",
        "input_ephemeral_1h_input_tokens",
    ),
}
"""Our name -> buckets that count, each of them, beside its own."""

BUCKETS_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_USAGE_INPUT_TOKENS: (
        semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    ),
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS: (semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,),
}
"""Our name -> what lies beside it there and is part of it here, unless `total` tells otherwise."""

BUCKETS_INCLUSIVE: Final[Mapping[str, str]] = {
    semconv.GEN_AI_USAGE_INPUT_TOKENS: "prompt_tokens",
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS: "completion_tokens",
    semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: "cached_tokens",
    semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: "reasoning_tokens",
}
"""Our name -> the name in usage as OpenAI tells it."""

USAGE_KEY: Final = "langsmith.metadata.usage_metadata"
"""LangSmith: a JSON text with LangChain's usage, where input and output include their details."""

USAGE: Final[Mapping[str, str]] = {
    semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: "input_token_details.cache_read",
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: "input_token_details.cache_creation",
    semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: "output_token_details.reasoning",
    semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS: "input_token_details.audio",
    semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: "output_token_details.audio",
    semconv.USAGE_CACHE_WRITE_1H_TOKENS: "input_token_details.ephemeral_1h_input_tokens",
}
"""Our name -> the count in it, behind the object that it is in."""

USAGE_ADDED: Final[Mapping[str, tuple[str, ...]]] = {
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: (
        "input_token_details.ephemeral_5m_input_tokens",
        "input_token_details.ephemeral_1h_input_tokens",
    ),
}
"""Our name -> counts beside its own."""

COST_KEY: Final = "langfuse.observation.cost_details"
"""Langfuse: a JSON text with costs by bucket, of which the total counts."""

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
    usd = _number(_json(attributes.get(COST_KEY)).get("total"))
    failed = attributes.get("langfuse.observation.level") == "ERROR"
    return usd if usd is not None and (usd > 0 or (usd == 0 and not failed)) else None


def in_our_names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return provider, model and tokens of a call under the names that Handspan uses."""
    found: dict[str, Any] = {}
    for ours, names in NAMES.items():
        for name in names:
            value = attributes.get(name)
            if value not in (None, ""):
                found[ours] = _whole(value) if ours.startswith(_USAGE) else value
                break
    if BUCKETS_KEY in attributes:
        return _in_buckets(_json(attributes[BUCKETS_KEY])) | found
    if USAGE_KEY in attributes:
        return _in_details(_json(attributes[USAGE_KEY])) | found
    return found


def _in_details(said: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens that LangSmith tells beside input and output."""
    flat = {
        f"{outer}.{inner}": count
        for outer, details in said.items()
        if isinstance(details, dict)
        for inner, count in details.items()
    }
    counts = {ours: _first(flat, (name,)) for ours, name in USAGE.items()}
    _add(counts, flat, USAGE_ADDED)
    return {ours: count for ours, count in counts.items() if count is not None}


def _in_buckets(said: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens that Langfuse's buckets hold."""
    counts = {ours: _first(said, names) for ours, names in BUCKETS.items()}
    _add(counts, said, BUCKETS_ADDED)
    whole = sum(counts[ours] or 0 for ours in BUCKETS_BESIDE)
    for ours, beside in BUCKETS_BESIDE.items():
        own = counts[ours]
        if own is not None and said.get("total") != whole:
            counts[ours] = own + sum(counts[other] or 0 for other in beside)
    flat = said | {
        name: count
        for nested in said.values()
        if isinstance(nested, dict)
        for name, count in nested.items()
    }
    for ours, name in BUCKETS_INCLUSIVE.items():
        if counts[ours] is None:
            counts[ours] = _first(flat, (name,))
    return {ours: count for ours, count in counts.items() if count is not None}


def _add(
    counts: dict[str, int | None], said: dict[str, Any], added: Mapping[str, tuple[str, ...]]
) -> None:
    for ours, names in added.items():
        more = [one for name in names if (one := _first(said, (name,))) is not None]
        if more:
            counts[ours] = sum(more, counts[ours] or 0)


def _first(said: dict[str, Any], names: tuple[str, ...]) -> int | None:
    counts = (said.get(name) for name in names)
    return next((one for one in counts if type(one) is int and 0 <= one < _MOST), None)


def _json(text: object) -> dict[str, Any]:
    """Return the object in a JSON text, an empty one where there is none."""
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_USAGE: Final = ("gen_ai.usage.", "handspan.usage.")
_MOST: Final = 10**18


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number // 1 else None

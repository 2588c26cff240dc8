"""Puts on an LLM call what it cost: the number that the service, too, makes of its tokens.

The rule is that of sql/facts/work_costs.sql: each request by itself, because a tier holds for the
whole request; exact to 1e-12 USD; what cannot be priced has a reason and no cost. Needs
genai-prices (extra `cost`); without it, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handspan import prices, semconv, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handspan.prices import Rates, Tiers

_MOST_TOKENS = 10**12
_MOST_USD = 10**6
_SMALLEST_USD = Decimal("1e-12")
_PER_MILLION = Decimal("1e-6")
_PER_THOUSAND = Decimal("1e-3")
_MINUTE_NS = 60 * 10**9
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
"""The program's own context may have any precision."""

_TOKENS = {
    "input": semconv.GEN_AI_USAGE_INPUT_TOKENS,
    "output": semconv.GEN_AI_USAGE_OUTPUT_TOKENS,
    "cache_read": semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    "cache_write": semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    "reasoning": semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call cost, USD; the parts leave out a price per request."""

    usd: float
    input_usd: float
    output_usd: float


def add_cost(attributes: dict[str, Any], start_ns: int) -> bool:
    """Put cost or the reason why it is unknown on a call that Handspan recorded.

    A cost that is there already is the provider's or the user's, and wins. Spans of others are
    left alone: what their usage means is the service's to know.

    Args:
        attributes: of the span; changed in place.
        start_ns: when it began, nanoseconds since the epoch.

    Returns:
        Whether anything changed.
    """
    if attributes.get(semconv.KIND) != "llm" or semconv.COST_USD in attributes:
        return False
    if not settings.current().cost or not available():
        return False
    try:
        cost = cost_of(attributes, start_ns)
    except prices.Unpriced as reason:
        attributes[semconv.COST_UNKNOWN_REASON] = str(reason)
        return True
    attributes[semconv.COST_USD] = cost.usd
    attributes[semconv.COST_INPUT_USD] = cost.input_usd
    attributes[semconv.COST_OUTPUT_USD] = cost.output_usd
    attributes[semconv.COST_SOURCE] = prices.SOURCE
    attributes[semconv.COST_PRICE_VERSION] = prices.price_version()
    return True


@lru_cache(maxsize=1)
def available() -> bool:
    """Say whether there is a price list; asked once, the first time takes 0.2 s of imports."""
    try:
        import genai_prices.data_snapshot  # noqa: F401, PLC0415 - only who wants prices pays
    except ImportError:
        return False
    return True


def cost_of(attributes: Mapping[str, Any], at_ns: int) -> Cost:
    """Return what a call cost.

    Args:
        attributes: of an LLM span; model, provider and tokens are read.
        at_ns: when it began, nanoseconds since the epoch: prices change.

    Raises:
        Unpriced: it is not known; says why, in the words of the service.
        ImportError: genai-prices is not installed.
    """
    model = _model(attributes)
    said = {kind: _count(attributes.get(name)) for kind, name in _TOKENS.items()}
    if not model:
        raise prices.Unpriced("no model")
    if said["input"] is None and said["output"] is None:
        raise prices.Unpriced("no usage")
    rates = _rates(str(attributes.get(semconv.GEN_AI_PROVIDER_NAME, "")), model, at_ns)
    usage = {kind: count or 0 for kind, count in said.items()}
    reason = _unpriceable(rates, said, usage)
    if reason:
        raise prices.Unpriced(reason)
    with localcontext(_EXACT):
        return _priced(rates, usage)


def _model(attributes: Mapping[str, Any]) -> str:
    names = (semconv.GEN_AI_RESPONSE_MODEL, semconv.GEN_AI_REQUEST_MODEL)
    return next((str(attributes[name]) for name in names if attributes.get(name)), "")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _rates(provider: str, model: str, at_ns: int) -> Rates:
    found = _asked(provider, model, at_ns // _MINUTE_NS)
    if isinstance(found, str):
        raise prices.Unpriced(found)
    return found


@lru_cache(maxsize=1024)
def _asked(provider: str, model: str, minute: int) -> Rates | str:
    """Return the rates in one minute, within which no price of the list changes, or why not."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only who wants prices pays

    at = datetime.fromtimestamp(60 * minute, UTC)
    try:
        return prices.rates_at(*prices.find_model(provider, model), at)
    except prices.Unpriced as reason:
        return str(reason)


def _unpriceable(rates: Rates, said: Mapping[str, int | None], usage: Mapping[str, int]) -> str:
    """Return why tokens do not tell the cost, in the order in which the service asks; or ''."""
    cached = usage["cache_read"] + usage["cache_write"]
    input_rate = _rate(rates.tokens["input"], usage["input"])
    output_rate = _rate(rates.tokens["output"], usage["input"])
    own_reasoning = bool(rates.tokens["reasoning"])
    reasons = (
        (
            max(one for kind, one in usage.items() if kind != "reasoning") > _MOST_TOKENS,
            "usage is not plausible",
        ),
        (said["input"] is None and (bool(input_rate) or cached > 0), "no input tokens"),
        (said["output"] is None and bool(output_rate), "no output tokens"),
        (cached > usage["input"], "cache tokens exceed input"),
        (
            own_reasoning and said["reasoning"] is None and usage["output"] > 0,
            "no reasoning tokens",
        ),
        (own_reasoning and usage["reasoning"] > usage["output"], "reasoning tokens exceed output"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _rate(tiers: Tiers, request_tokens: int) -> Decimal | None:
    """Return the price for a request of this size; None without a price of its own."""
    found = None
    for above, usd in tiers:
        if found is None or request_tokens > above:
            found = usd
    return found


def _priced(rates: Rates, usage: Mapping[str, int]) -> Cost:
    request = usage["input"]
    rate = {kind: _rate(tiers, request) for kind, tiers in rates.tokens.items()}
    # A kind of token without a price of its own is paid as the kind that it is part of.
    apart = {
        kind: 0 if rate[kind] is None else usage[kind]
        for kind in ("cache_read", "cache_write", "reasoning")
    }
    input_usd = _PER_MILLION * (
        (usage["input"] - apart["cache_read"] - apart["cache_write"]) * (rate["input"] or 0)
        + apart["cache_read"] * (rate["cache_read"] or 0)
        + apart["cache_write"] * (rate["cache_write"] or 0)
    )
    output_usd = _PER_MILLION * (
        (usage["output"] - apart["reasoning"]) * (rate["output"] or 0)
        + apart["reasoning"] * (rate["reasoning"] or 0)
    )
    usd = input_usd + output_usd + _PER_THOUSAND * rates.usd_per_krequest
    if usd >= _MOST_USD:
        raise prices.Unpriced("cost is not plausible")
    return Cost(*(float(_rounded(one)) for one in (usd, input_usd, output_usd)))


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(_SMALLEST_USD)

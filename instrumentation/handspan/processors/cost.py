"""Puts on an LLM call what it cost: the number that the service, too, makes of its tokens.

The rule is that of sql/facts/work_costs.sql: each request by itself, because a tier holds for the
whole request; exact to 1e-12 USD; what cannot be priced has a reason and no cost. Needs
genai-prices (extra `cost`); without it spans get no cost. A file of own prices (setting `prices`)
is the service's, read by the same module.
"""

from __future__ import annotations

import threading
from decimal import Context, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from handspan import prices, semconv, settings
from handspan.internal import contained, warn_once
from handspan.processors.parts import copied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handspan.price_file import PriceFile
    from handspan.prices import Rates, Tiers

_MOST_TOKENS = 10**12
_MINUTE_NS = 60 * 10**9

# Money is counted in whole numbers of 1e-24 USD: exact, and six times as quick as decimals.
_USD = 10**24
_MOST = 10**6 * _USD
_SMALLEST = 10**12
"""1e-12 USD: what a cost is rounded to."""
_SMALLEST_PER_USD = 10**12
_PER_MILLION = 18
_PER_THOUSAND = 21
_EXACT = Context(prec=60)
"""The program's own context may have any precision."""

_Price = tuple[tuple[int, int], ...]
"""(tokens of input above which it holds, 1e-24 USD per token), base first, ascending."""

_TOKENS = (
    semconv.GEN_AI_USAGE_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_OUTPUT_TOKENS,
    semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
)
_MODAL_TOKENS = (
    semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
    semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    semconv.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
    semconv.USAGE_CACHE_WRITE_1H_TOKENS,
)
"""After `_TOKENS` in the order of `_Usage`; most calls have none of them."""
_IS_MODAL = frozenset(_MODAL_TOKENS)


class _Rates(NamedTuple):
    """What one model costs at one moment: kinds of input first, `_OF_INPUT` in number."""

    input: _Price
    cache_read: _Price
    cache_write: _Price
    cache_write_1h: _Price
    input_audio: _Price
    input_image: _Price
    cache_read_audio: _Price
    cache_read_image: _Price
    output: _Price
    reasoning: _Price
    output_audio: _Price
    output_image: _Price
    request: int
    """1e-24 USD per request."""
    source: str
    version: str


class _Usage(NamedTuple):
    """Tokens of one request; None: not told."""

    input: int | None
    output: int | None
    cache_read: int
    cache_write: int
    reasoning: int | None
    input_audio: int = 0
    input_image: int = 0
    cache_read_audio: int = 0
    cache_read_image: int = 0
    output_audio: int = 0
    output_image: int = 0
    cache_write_1h: int = 0


class Cost(NamedTuple):
    """What one call cost, USD; the parts leave out a price per request."""

    usd: float
    input_usd: float
    output_usd: float
    source: str
    """Who said the prices, `handspan.cost.source`."""
    price_version: str


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
    if attributes.get(semconv.KIND) != "llm" or not wanted():
        return False
    told = told_by(attributes, start_ns)
    attributes.update(told)
    return bool(told)


def told_by(attributes: Mapping[str, Any], start_ns: int) -> dict[str, Any]:
    """Return what to put on a call: its cost, or the reason why it is unknown.

    Nothing when that has been said. For the rest see `add_cost`.
    """
    if semconv.COST_USD in attributes or semconv.COST_UNKNOWN_REASON in attributes:
        return {}
    try:
        cost = cost_of(attributes, start_ns)
    except prices.Unpriced as reason:
        return {semconv.COST_UNKNOWN_REASON: str(reason)}
    return {
        semconv.COST_USD: cost.usd,
        semconv.COST_INPUT_USD: cost.input_usd,
        semconv.COST_OUTPUT_USD: cost.output_usd,
        semconv.COST_SOURCE: cost.source,
        semconv.COST_PRICE_VERSION: cost.price_version,
    }


def told_of(span: object, start_ns: int, *, waits: bool) -> dict[str, Any]:
    """Return what to put on the open span of a call, see `told_by`.

    Args:
        span: of the SDK; of another one nothing can be read.
        start_ns: when it began, nanoseconds since the epoch.
        waits: whether to wait for the import of the price list. Otherwise a call that ends
            sooner gets its cost when it is sent.
    """
    attributes = getattr(span, "attributes", None)
    at_hand = waits or available.cache_info().currsize > 0
    if attributes is None or not at_hand or not wanted():
        return {}
    return told_by(copied(attributes), start_ns)


def wanted() -> bool:
    """Say whether calls are priced; the first time waits for list and file to be read."""
    now = settings.current()
    if not now.cost:
        return False
    if not available():
        if now.prices:
            warn_once(
                "Handspan puts no cost on spans: the setting prices needs genai-prices, "
                "pip install 'handspan[cost]'"
            )
        return False
    return not now.prices or _own(now.prices) is not None


@lru_cache(maxsize=8)
def _own(path: str) -> PriceFile | None:
    """Return what a file says; None, and one warning: it cannot be used."""
    from pathlib import Path  # noqa: PLC0415 - only who has such a file pays

    from handspan import price_file  # noqa: PLC0415 - see above

    try:
        return price_file.read(Path(path)) if path else price_file.NO_FILE
    except price_file.PriceFileWrong as error:
        # The list alone would be wrong for what the file was to say.
        warn_once(f"Handspan puts no cost on spans: {error}")
        return None


def prepare() -> None:
    """Import the price list in a thread of its own, once: the first call need not wait for it."""
    global _prepared  # noqa: PLW0603 - there is one list per process
    if not _prepared and settings.current().cost:
        _prepared = True
        # A daemon: a program that ends at once need not wait for it.
        threading.Thread(target=contained(wanted), name="handspan-prices", daemon=True).start()


_prepared = False


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
    usage = _usage(attributes)
    if not model:
        raise prices.Unpriced("no model")
    if usage.input is None and usage.output is None:
        raise prices.Unpriced("no usage")
    rates = _rates(str(attributes.get(semconv.GEN_AI_PROVIDER_NAME, "")), model, at_ns)
    parts = _parts(rates, usage)
    reason = _unpriceable(rates, usage, parts)
    if reason:
        raise prices.Unpriced(reason)
    return _priced(rates, parts, usage.input or 0)


def _model(attributes: Mapping[str, Any]) -> str:
    answered = attributes.get(semconv.GEN_AI_RESPONSE_MODEL)
    return str(answered or attributes.get(semconv.GEN_AI_REQUEST_MODEL) or "")


def _usage(attributes: Mapping[str, Any]) -> _Usage:
    request, output, read, write, reasoning = [_count(attributes.get(name)) for name in _TOKENS]
    modal: Iterable[int] = ()
    if not _IS_MODAL.isdisjoint(attributes):
        modal = [_count(attributes.get(name)) or 0 for name in _MODAL_TOKENS]
    return _Usage(request, output, read or 0, write or 0, reasoning, *modal)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _rates(provider: str, model: str, at_ns: int) -> _Rates:
    found = _asked(provider, model, at_ns // _MINUTE_NS, settings.current().prices)
    if isinstance(found, str):
        raise prices.Unpriced(found)
    return found


@lru_cache(maxsize=1024)
def _asked(provider: str, model: str, minute: int, path: str) -> _Rates | str:
    """Return the rates in one minute, within which no price of the list changes, or why not."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only who wants prices pays

    from handspan import price_file  # noqa: PLC0415 - see above

    own = _own(path) or price_file.NO_FILE
    try:
        rates, source, version = price_file.rates_at(
            own, provider, model, datetime.fromtimestamp(60 * minute, UTC)
        )
    except prices.Unpriced as reason:
        return str(reason)
    return _in_whole_numbers(rates, source, version)


def _in_whole_numbers(rates: Rates, source: str, version: str) -> _Rates:
    whole = {kind: _whole(tiers) for kind, tiers in rates.tokens.items()}
    request = _scaled(rates.usd_per_krequest, _PER_THOUSAND)
    return _Rates(**whole, request=request, source=source, version=version)


def _whole(tiers: Tiers) -> _Price:
    return tuple((above, _scaled(usd, _PER_MILLION)) for above, usd in tiers)


def _scaled(usd: Decimal, digits: int) -> int:
    return int(_EXACT.scaleb(usd, digits))


def _unpriceable(rates: _Rates, said: _Usage, parts: _Parts) -> str:
    """Return why tokens do not tell the cost, in the order in which the service asks; or ''."""
    cached = said.cache_read + said.cache_write
    request, output = said.input or 0, said.output or 0
    if max(request, output, said.cache_read, said.cache_write, *said[5:]) > _MOST_TOKENS:
        return "usage is not plausible"
    if said.input is None and (_rate(rates.input, request) or cached):
        return "no input tokens"
    if said.output is None and _rate(rates.output, request):
        return "no output tokens"
    if cached > request:
        return "cache tokens exceed input"
    if rates.reasoning and (reason := _unpriceable_reasoning(said, output)):
        return reason
    return _exceeding(parts) if min(parts) < 0 else ""


class _Parts(NamedTuple):
    """Tokens that are paid for as one kind, each token once; below 0 where parts exceed a whole.

    In the order of `_Rates`.
    """

    input: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    input_audio: int
    input_image: int
    cache_read_audio: int
    cache_read_image: int
    output: int
    reasoning: int
    output_audio: int
    output_image: int


_OF_INPUT = _Parts._fields.index("output")


def _parts(rates: _Rates, said: _Usage) -> _Parts:
    """Return what is left of each kind; one without a price of its own is paid as its whole."""
    cached_audio = said.cache_read_audio if rates.cache_read_audio else 0
    cached_image = said.cache_read_image if rates.cache_read_image else 0
    cache_read = said.cache_read - cached_audio - cached_image if rates.cache_read else 0
    for_an_hour = said.cache_write_1h if rates.cache_write_1h else 0
    cache_write = said.cache_write - for_an_hour if rates.cache_write else 0
    input_audio = said.input_audio - cached_audio if rates.input_audio else 0
    input_image = said.input_image - cached_image if rates.input_image else 0
    of_cache = cache_read + cached_audio + cached_image + cache_write + for_an_hour
    reasoning = said.reasoning or 0 if rates.reasoning else 0
    output_audio = said.output_audio if rates.output_audio else 0
    output_image = said.output_image if rates.output_image else 0
    return _Parts(
        (said.input or 0) - of_cache - input_audio - input_image,
        cache_read,
        cache_write,
        for_an_hour,
        input_audio,
        input_image,
        cached_audio,
        cached_image,
        (said.output or 0) - reasoning - output_audio - output_image,
        reasoning,
        output_audio,
        output_image,
    )


def _exceeding(parts: _Parts) -> str:
    if parts.cache_write < 0:
        return "one-hour cache writes exceed cache writes"
    return "audio or image tokens exceed their whole"


def _unpriceable_reasoning(said: _Usage, output: int) -> str:
    if said.reasoning is None:
        return "no reasoning tokens" if output else ""
    return "reasoning tokens exceed output" if said.reasoning > output else ""


def _rate(price: _Price, request_tokens: int) -> int | None:
    """Return the price for a request of this size; None without a price of its own."""
    found = None
    for above, rate in price:
        if found is None or request_tokens > above:
            found = rate
    return found


def _priced(rates: _Rates, parts: _Parts, size: int) -> Cost:
    input_cost = output_cost = 0
    paid_for = cast("tuple[_Price, ...]", rates)
    for kind, tokens in enumerate(parts):
        if not tokens:
            continue
        paid = tokens * (_rate(paid_for[kind], size) or 0)
        if kind < _OF_INPUT:
            input_cost += paid
        else:
            output_cost += paid
    whole = input_cost + output_cost + rates.request
    if whole >= _MOST:
        raise prices.Unpriced("cost is not plausible")
    return Cost(_usd(whole), _usd(input_cost), _usd(output_cost), rates.source, rates.version)


def _usd(amount: int) -> float:
    """Return an amount in USD, rounded half up."""
    return (amount + _SMALLEST // 2) // _SMALLEST / _SMALLEST_PER_USD

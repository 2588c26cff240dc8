"""Asks genai-prices what models cost and keeps the answers, so that SQL can price every call."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices, TimeOfDateConstraint

from handspan.prices import UNPRICED_PROVIDERS, price_provider
from handspan_exporter import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genai_prices.types import ModelInfo, Provider

    from handspan_exporter.store.connection import Connection

SOURCE = "genai-prices"

_TOKEN_PRICES = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
}
"""Column of `model_prices` -> price of genai-prices. Prices for sound, pictures and searches are
left: spans do not say how many there were, and without them genai-prices counts none either."""

_UNAVOIDABLE = ("output_citation_mtok",)
"""Prices of what every call of the model has and no span reports."""

_TIERS = pa.list_(
    pa.struct([("above_tokens", pa.uint64()), ("usd_per_mtok", pa.decimal128(38, 18))])
)

_SCHEMA = pa.schema(
    [
        ("provider", pa.string()),
        ("model", pa.string()),
        ("day", pa.date32()),
        ("from_s", pa.uint32()),
        ("source", pa.string()),
        ("price_version", pa.string()),
        ("matched_provider", pa.string()),
        ("matched_model", pa.string()),
        *((column, _TIERS) for column in _TOKEN_PRICES),
        ("usd_per_krequest", pa.decimal128(38, 18)),
        ("unknown_reason", pa.string()),
        ("asked_at", pa.timestamp("ns", "UTC")),
    ]
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: provider and model as they stand on spans, on one day in UTC."""

    provider: str
    model: str
    day: date


def ensure_prices(connection: Connection, *, clock_ns: Callable[[], int] = time.time_ns) -> int:
    """Ask for every price that the calls in `work_spans` need and `model_prices` lacks.

    Costs one small query when nothing is missing; an answer takes about 0.1 ms.

    Returns:
        How many rows were added.

    Raises:
        QueryFailed: there is no `work_spans` in this session.
        StoreDown: the store cannot be reached; nothing or everything was kept.
    """
    found = connection.rows(
        sql.load("facts/model_prices_missing"), {"price_version": price_version()}
    )
    asked = [Asked(row["provider"], row["model"], row["day"]) for row in found]
    if not asked:
        return 0
    rows = [row for one in asked for row in price_rows(one, asked_at_ns=clock_ns())]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    connection.insert("model_prices", table, token=_token(asked))
    return len(rows)


def price_rows(asked: Asked, *, asked_at_ns: int) -> list[dict[str, Any]]:
    """Return the rows of `model_prices` that answer one question: one per price of the day."""
    common = {
        "provider": asked.provider,
        "model": asked.model,
        "day": asked.day,
        "source": SOURCE,
        "price_version": price_version(),
        "asked_at": asked_at_ns,
    }
    try:
        provider, model = _find(asked)
    except LookupError as error:
        return [common | _unknown(0, str(error.args[0]))]
    common |= {"matched_provider": provider.id, "matched_model": model.id}
    return [common | _priced(model, asked.day, from_s) for from_s in _changes(model)]


@cache
def price_version() -> str:
    """Return the version of the price list: prices change with the package."""
    return version("genai-prices")


def _find(asked: Asked) -> tuple[Provider, ModelInfo]:
    """Find the price list's entry.

    Raises:
        LookupError: there is none; says why in words for a reader of KPIs.
    """
    snapshot = get_snapshot()
    name = price_provider(asked.provider)
    if name in UNPRICED_PROVIDERS:
        raise LookupError("provider has no price list")
    try:
        if name is not None:
            snapshot.find_provider(None, name, None)
    except LookupError:
        name = None
    try:
        provider, model = snapshot.find_provider_model(asked.model, None, name, None)
    except LookupError:
        raise LookupError("model unknown") from None
    return provider, model


def _changes(model: ModelInfo) -> list[int]:
    """Return the seconds of the day, UTC, at which the model's price may change."""
    seconds = {0}
    for conditional in [] if isinstance(model.prices, ModelPrice) else model.prices:
        if isinstance(conditional.constraint, TimeOfDateConstraint):
            seconds.add(_second(conditional.constraint.start_time))
            seconds.add(_second(conditional.constraint.end_time))
    return sorted(seconds)


def _second(at: Any) -> int:  # noqa: ANN401 - a time of day; genai-prices' data is untyped here
    """Return the second of the day in UTC; a naive time is UTC, as genai-prices reads it."""
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    instant = datetime.combine(date(1970, 1, 2), zoned).astimezone(UTC)
    return instant.hour * 3600 + instant.minute * 60 + instant.second


def _priced(model: ModelInfo, day: date, from_s: int) -> dict[str, Any]:
    """Return the columns that hold the prices from one second of the day on."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=from_s)
    if not model.prices and not isinstance(model.prices, ModelPrice):
        return _unknown(from_s, "no price")
    prices = {key: value for key, value in vars(model.get_prices(at)).items() if value is not None}
    # An entry without any price means free only where the name says so; else nobody knows.
    if not prices and not model.id.endswith(":free"):
        return _unknown(from_s, "no price")
    if prices and _TOKEN_PRICES["input"] not in prices:
        return _unknown(from_s, "not priced by token")
    if any(key in prices for key in _UNAVOIDABLE):
        return _unknown(from_s, "priced by what spans do not say")
    columns = {column: _tiers(prices.get(key)) for column, key in _TOKEN_PRICES.items()}
    per_request = prices.get("requests_kcount", Decimal(0))
    return {
        **columns,
        "from_s": from_s,
        "usd_per_krequest": _tiers(per_request)[0]["usd_per_mtok"],
        "unknown_reason": "",
    }


def _unknown(from_s: int, reason: str) -> dict[str, Any]:
    empty: dict[str, Any] = {column: [] for column in _TOKEN_PRICES}
    return {
        "matched_provider": "",
        "matched_model": "",
        **empty,
        "from_s": from_s,
        "usd_per_krequest": Decimal(0),
        "unknown_reason": reason,
    }


def _tiers(price: Decimal | TieredPrices | None) -> list[dict[str, Any]]:
    """Return a price as the list that `model_prices` keeps, base first, tiers ascending."""
    if price is None:
        return []
    if not isinstance(price, TieredPrices):
        return [_tier(0, price)]
    return [_tier(0, price.base), *(_tier(tier.start, tier.price) for tier in price.tiers)]


def _tier(above_tokens: int, usd: Decimal) -> dict[str, Any]:
    return {"above_tokens": above_tokens, "usd_per_mtok": usd}


def _token(asked: Iterable[Asked]) -> str:
    """Return the token of one insert: the same questions to the same list are stored once."""
    questions = repr((price_version(), sorted(map(repr, asked))))
    return f"model_prices-{hashlib.sha256(questions.encode()).hexdigest()}"

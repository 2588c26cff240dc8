"""Asks genai-prices what models cost and keeps the answers, so that SQL can price every call."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from genai_prices.types import ModelPrice, TimeOfDateConstraint

from handspan import price_file
from handspan.price_file import NO_FILE
from handspan.prices import SOURCE, TOKEN_PRICES, Unpriced, find_model, price_version, rates_at
from handspan_exporter import sql
from handspan_exporter.errors import UsageError
from handspan_exporter.processor.queue import AHEAD_NS
from handspan_exporter.processor.slices import Slices, untold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from genai_prices.types import ModelInfo, Provider

    from handspan.price_file import PriceFile
    from handspan.prices import Rates
    from handspan_exporter.processor.slices import Told
    from handspan_exporter.store.connection import Connection

SLICE_CALLS: Final = 20_000
"""Model calls whose traces are queued at once when they are priced again, about."""
_ASKED_AT_ONCE: Final = 1_000

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
        *((column, _TIERS) for column in TOKEN_PRICES),
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


def own_prices(path: str) -> PriceFile:
    """Return what the setting `prices` names: a file of one's own, or nothing.

    Raises:
        UsageError: the file cannot be used; the message names entry and field.
    """
    try:
        return price_file.read(Path(path)) if path else NO_FILE
    except price_file.PriceFileWrong as error:
        raise UsageError(str(error), parameter="prices") from None


def reprice(
    connection: Connection,
    since_ns: int = 0,
    *,
    own: PriceFile = NO_FILE,
    clock_ns: Callable[[], int] = time.time_ns,
    told: Told = untold,
) -> tuple[int, int]:
    """Ask for every price since a day again, and queue the traces with calls since a moment.

    Spans are not touched: their facts follow as the processor ticks, from ten seconds later on.
    Safe to repeat and to interrupt. `told` hears of model calls.

    Returns:
        How many prices were asked for, and how many traces wait for their facts.

    Raises:
        QueryFailed: the store refused a statement.
        StoreDown: the store cannot be reached.
    """
    slices = Slices(connection, "facts/reprice_counts", since_ns, most=SLICE_CALLS)
    told(0, slices.spans)
    asked = _ask_again(connection, since_ns, own, clock_ns())
    (queued,) = connection.rows(sql.load("facts/reprice_traces"), {"since_ns": since_ns})
    done = 0
    for from_ns, until_ns, calls in slices:
        window = {"from_ns": from_ns, "until_ns": until_ns, "arrived_ns": clock_ns() + AHEAD_NS}
        connection.command(sql.load("facts/reprice_arrivals"), window)
        done += calls
        told(min(done, slices.spans), slices.spans)
    return asked, queued["traces"]


def _ask_again(connection: Connection, since_ns: int, own: PriceFile, now_ns: int) -> int:
    """Replace the prices of every day since a moment; return how many were asked for."""
    window = {"since_ns": since_ns, "asked_ns": now_ns}
    found = connection.rows(sql.load("facts/reprice_asked"), window)
    for some in (found[at : at + _ASKED_AT_ONCE] for at in range(0, len(found), _ASKED_AT_ONCE)):
        asked = [Asked(row["provider"], row["model"], row["day"]) for row in some]
        rows = [row for one in asked for row in price_rows(one, asked_at_ns=now_ns, own=own)]
        connection.insert("model_prices", pa.Table.from_pylist(rows, schema=_SCHEMA), token="")
    if found:
        # Away with what is older only now: never a moment without a price.
        connection.command(sql.load("facts/reprice_forget"), window)
    return len(found)


def ensure_prices(
    connection: Connection,
    *,
    own: PriceFile = NO_FILE,
    clock_ns: Callable[[], int] = time.time_ns,
) -> int:
    """Ask for every price that the calls in `work_spans` need and `model_prices` lacks.

    Costs one small query when nothing is missing; an answer takes about 0.1 ms. What `own` says
    wins over the list.

    Returns:
        How many rows were added.

    Raises:
        QueryFailed: there is no `work_spans` in this session.
        StoreDown: the store cannot be reached; nothing or everything was kept.
    """
    found = connection.rows(
        sql.load("facts/model_prices_missing"), {"price_version": own.both_versions}
    )
    asked = [Asked(row["provider"], row["model"], row["day"]) for row in found]
    if not asked:
        return 0
    rows = [row for one in asked for row in price_rows(one, asked_at_ns=clock_ns(), own=own)]
    table = pa.Table.from_pylist(rows, schema=_SCHEMA)
    connection.insert("model_prices", table, token=_token(asked, own))
    return len(rows)


def price_rows(asked: Asked, *, asked_at_ns: int, own: PriceFile = NO_FILE) -> list[dict[str, Any]]:
    """Return the rows of `model_prices` that answer one question: one per price of the day."""
    common = {
        "provider": asked.provider,
        "model": asked.model,
        "day": asked.day,
        "source": SOURCE,
        "price_version": own.both_versions,
        "asked_at": asked_at_ns,
    }
    entry = own.own(asked.provider, asked.model, asked.day)
    if entry is not None:
        common |= {"source": price_file.SOURCE, "price_version": own.version}
        return [common | _columns(entry.rates(asked.provider, asked.model), 0)]
    try:
        provider, model = find_model(asked.provider, asked.model)
    except Unpriced as error:
        return [common | _unknown(0, str(error))]
    share = own.share(asked.provider, asked.model, asked.day)
    listed = {"price_version": price_version()} if share == 1 else {"source": price_file.SOURCE}
    rows = [_priced(provider, model, asked.day, from_s, share) for from_s in _changes(model)]
    # What stays unknown keeps both versions, so that it is not asked again before either changes.
    return [common | ({} if row["unknown_reason"] else listed) | row for row in rows]


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


def _priced(
    provider: Provider, model: ModelInfo, day: date, from_s: int, share: Decimal
) -> dict[str, Any]:
    """Return the columns that hold the prices from one second of the day on."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=from_s)
    try:
        rates = rates_at(provider, model, at)
    except Unpriced as error:
        return _unknown(from_s, str(error))
    return _columns(price_file.discounted(rates, share), from_s)


def _columns(rates: Rates, from_s: int) -> dict[str, Any]:
    return {
        **{
            column: [{"above_tokens": above, "usd_per_mtok": usd} for above, usd in tiers]
            for column, tiers in rates.tokens.items()
        },
        "matched_provider": rates.provider,
        "matched_model": rates.model,
        "from_s": from_s,
        "usd_per_krequest": rates.usd_per_krequest,
        "unknown_reason": "",
    }


def _unknown(from_s: int, reason: str) -> dict[str, Any]:
    empty: dict[str, Any] = {column: [] for column in TOKEN_PRICES}
    return {
        "matched_provider": "",
        "matched_model": "",
        **empty,
        "from_s": from_s,
        "usd_per_krequest": Decimal(0),
        "unknown_reason": reason,
    }


def _token(asked: Iterable[Asked], own: PriceFile) -> str:
    """Return the token of one insert: the same questions to the same list are stored once."""
    questions = repr((own.both_versions, sorted(map(repr, asked))))
    return f"model_prices-{hashlib.sha256(questions.encode()).hexdigest()}"

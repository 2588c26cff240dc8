"""Prices of one's own: a TOML or JSON file with models, discounts and from when to when they hold.

    [[model]]
    model = "house-llama"                # as it stands on spans
    provider = "vllm"                    # optional: any
    input_usd_per_mtok = 0.2
    output_usd_per_mtok = 0.6
    from = 2026-01-01                    # optional, UTC, that day included
    to = 2026-07-01                      # optional, that day not included

    [[model.tier]]                       # optional, ascending
    above_tokens = 200000                # a request with more input pays this, for all its tokens
    input_usd_per_mtok = 0.4

    [[discount]]
    provider = "openai"
    percent = 15                         # off the list price

Dollars only. A price of one's own wins over the list; the first discount that fits is taken off it.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from handspan import prices
from handspan.prices import TOKEN_PRICES, Rates, price_provider, price_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from handspan.prices import Tiers

SOURCE: Final = "custom"
"""Who says such prices; a value of `handspan.cost.source`."""

_RATES: Final = {kind: f"{kind}_usd_per_mtok" for kind in TOKEN_PRICES}
_REQUEST: Final = "usd_per_krequest"
_SHARED: Final = ("provider", "model", "from", "to", "currency")
_NEEDED: Final = ("model", _RATES["input"], _RATES["output"])
_MOST_USD: Final = 1_000_000
_ALL_PERCENT: Final = 100
_LAST_PLACE: Final = Decimal("1e-18")
"""What the store keeps of USD per million tokens."""
_EXACT: Final = Context(prec=60)
"""The program's own context may have any precision."""
_ABOVE: Final = "above_tokens"
_MOST_TOKENS: Final = 10**12


class PriceFileWrong(ValueError):
    """The file cannot be used; the message names the file, the entry and the field."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model or one discount, and when it holds."""

    provider: str
    """As genai-prices spells it, in small letters; empty: any."""
    model: str
    """In small letters; empty: any."""
    since: date
    until: date
    usd: Mapping[str, Tiers]
    """Kind of token -> its tiers, USD per million; empty for a discount."""
    usd_per_krequest: Decimal
    percent: Decimal
    """Off the list price; 0 for a model."""

    def fits(self, provider: str, model: str, day: date) -> bool:
        """Return whether it is about this model on this day."""
        named = self.provider in ("", provider.strip().lower(), price_provider(provider))
        return named and self.model in ("", model.lower()) and self.since <= day < self.until

    def rates(self, provider: str, model: str) -> Rates:
        """Return what a model of one's own costs, named as on the span where the file does not."""
        return Rates(
            provider=self.provider or provider,
            model=self.model or model,
            tokens={kind: self.usd.get(kind, ()) for kind in TOKEN_PRICES},
            usd_per_krequest=self.usd_per_krequest,
        )


@dataclass(frozen=True, slots=True)
class PriceFile:
    """What one file says."""

    models: tuple[Entry, ...] = ()
    discounts: tuple[Entry, ...] = ()
    version: str = ""
    """Says which file it was: the beginning of its digest; empty: none."""

    def own(self, provider: str, model: str, day: date) -> Entry | None:
        """Return the file's own price of a model on a day."""
        return next((one for one in self.models if one.fits(provider, model, day)), None)

    def share(self, provider: str, model: str, day: date) -> Decimal:
        """Return what is paid of the list price: 1 without a discount."""
        fitting = (one.percent for one in self.discounts if one.fits(provider, model, day))
        return _EXACT.divide(_EXACT.subtract(_ALL_PERCENT, next(fitting, Decimal(0))), _ALL_PERCENT)

    @property
    def both_versions(self) -> str:
        """Which list and which file: where either is another, prices may be others."""
        return f"{price_version()}+{self.version}" if self.version else price_version()


NO_FILE: Final = PriceFile()


def rates_at(own: PriceFile, provider: str, model: str, at: datetime) -> tuple[Rates, str, str]:
    """Return the prices of a model at a moment, who says them, and the version of who does.

    Raises:
        Unpriced: there are none; says why.
        ImportError: genai-prices is not installed.
    """
    day = at.date()
    entry = own.own(provider, model, day)
    if entry is not None:
        return entry.rates(provider, model), SOURCE, own.version
    rates, share = (
        prices.rates_at(*prices.find_model(provider, model), at),
        own.share(provider, model, day),
    )
    if share == 1:
        return rates, prices.SOURCE, price_version()
    return discounted(rates, share), SOURCE, own.both_versions


def discounted(rates: Rates, share: Decimal) -> Rates:
    """Return what is paid of prices, to the last place that the store keeps."""
    if share == 1:
        return rates
    tokens = {
        kind: tuple((above, _paid(usd, share)) for above, usd in tiers)
        for kind, tiers in rates.tokens.items()
    }
    return Rates(rates.provider, rates.model, tokens, _paid(rates.usd_per_krequest, share))


def _paid(usd: Decimal, share: Decimal) -> Decimal:
    return _EXACT.quantize(_EXACT.multiply(usd, share), _LAST_PLACE)


def read(path: Path) -> PriceFile:
    """Return what a file says; its name tells TOML from JSON.

    Raises:
        PriceFileWrong: it is not there, or something in it is not as it must be.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode()
        said: Any = (
            json.loads(text, parse_float=Decimal)
            if path.suffix == ".json"
            else tomllib.loads(text, parse_float=Decimal)
        )
    except OSError as error:
        raise PriceFileWrong(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise PriceFileWrong(f"{path} is no {path.suffix[1:].upper()}: {error}") from None
    if not isinstance(said, dict) or said.keys() - {"model", "discount"}:
        raise PriceFileWrong(f"{path}: only lists `model` and `discount` belong there")
    kinds = {"model": (*_RATES.values(), _REQUEST, "tier"), "discount": ("percent",)}
    entries = {kind: _entries(path, kind, said.get(kind, []), own) for kind, own in kinds.items()}
    _no_overlap(path, entries["model"])
    return PriceFile(
        tuple(entries["model"]), tuple(entries["discount"]), hashlib.sha256(raw).hexdigest()[:8]
    )


def _entries(path: Path, kind: str, said: Any, own: tuple[str, ...]) -> list[Entry]:  # noqa: ANN401
    if not isinstance(said, list):
        raise PriceFileWrong(f"{path}: `{kind}` must be a list: [[{kind}]] in TOML")
    needed = _NEEDED if kind == "model" else ("percent",)
    return [
        _entry(_Fields(f"{path}, {kind} {number}", one, (*_SHARED, *own), needed))
        for number, one in enumerate(said, 1)
    ]


def _entry(fields: _Fields) -> Entry:
    if fields.text("currency", "USD") != "USD":
        raise fields.wrong("currency", "must be USD: other currencies are not converted")
    since, until = fields.day("from", date.min), fields.day("to", date.max)
    if since >= until:
        raise fields.wrong("to", "must be after `from`")
    provider = fields.text("provider", "")
    return Entry(
        provider=price_provider(provider) or provider.strip().lower(),
        model=fields.text("model", "").lower(),
        since=since,
        until=until,
        usd=_tiers(fields),
        usd_per_krequest=fields.number(_REQUEST) or Decimal(0),
        percent=fields.number("percent", _ALL_PERCENT) or Decimal(0),
    )


def _tiers(fields: _Fields) -> dict[str, Tiers]:
    """Return the prices of an entry: the base, and what holds above so many tokens of input."""
    found: dict[str, Tiers] = {
        kind: ((0, usd),) for kind, key in _RATES.items() if (usd := fields.number(key)) is not None
    }
    last = 0
    for tier in fields.tables("tier", (_ABOVE, *_RATES.values()), (_ABOVE,)):
        above = tier.number(_ABOVE, _MOST_TOKENS) or 0
        if above != int(above) or above <= last:
            raise tier.wrong(_ABOVE, f"must be a whole number above {last}")
        last = int(above)
        for kind, key in _RATES.items():
            usd = tier.number(key)
            if usd is not None and kind not in found:
                raise tier.wrong(key, "needs a price without a tier, too")
            if usd is not None:
                found[kind] = (*found[kind], (last, usd))
    return found


class _Fields:
    """The fields of one entry, each read with a message that names it."""

    def __init__(
        self,
        where: str,
        said: Any,  # noqa: ANN401 - out of a file
        known: tuple[str, ...],
        needed: tuple[str, ...],
    ) -> None:
        if not isinstance(said, dict):
            raise PriceFileWrong(f"{where} must be a table of fields")
        self._where, self._said = where, said
        for name in said:
            if name not in known:
                raise self.wrong(name, f"is unknown; there are {', '.join(known)}")
        for name in needed:
            if name not in said:
                raise self.wrong(name, "is missing")

    def wrong(self, name: str, why: str) -> PriceFileWrong:
        return PriceFileWrong(f"{self._where}: `{name}` {why}")

    def text(self, name: str, default: str) -> str:
        value = self._said.get(name, default)
        if not isinstance(value, str) or (name in self._said and not value.strip()):
            raise self.wrong(name, f"must be a text, not {value!r}")
        return value

    def day(self, name: str, default: date) -> date:
        value = self._said.get(name, default)
        try:
            day = date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            day = None
        if isinstance(day, datetime) or not isinstance(day, date):
            raise self.wrong(name, f"must be a day like 2026-01-31, not {value!r}")
        return day

    def tables(self, name: str, known: tuple[str, ...], needed: tuple[str, ...]) -> list[_Fields]:
        said = self._said.get(name, [])
        if not isinstance(said, list):
            raise self.wrong(name, "must be a list of tables")
        return [
            _Fields(f"{self._where}, {name} {number}", one, known, needed)
            for number, one in enumerate(said, 1)
        ]

    def number(self, name: str, most: int = _MOST_USD) -> Decimal | None:
        value = self._said.get(name)
        if value is None:
            return None
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not number or not Decimal(value).is_finite() or not 0 <= value <= most:
            raise self.wrong(name, f"must be a number from 0 to {most}, not {value}")
        if _EXACT.quantize(Decimal(value), _LAST_PLACE) != value:
            raise self.wrong(name, f"has more than 18 places: {value}")
        return Decimal(value)


def _no_overlap(path: Path, models: list[Entry]) -> None:
    """Refuse two prices of one model on one day: which of them holds would be a guess."""
    for number, one in enumerate(models, 1):
        for before, other in enumerate(models[: number - 1], 1):
            same = (one.provider, one.model) == (other.provider, other.model)
            if same and one.since < other.until and other.since < one.until:
                raise PriceFileWrong(
                    f"{path}, model {number}: `from` and `to` overlap those of model {before}"
                )

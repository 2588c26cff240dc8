"""Prices of one's own: a TOML or JSON file with models, discounts and from when to when they hold.

    [[model]]
    model = "house-llama"                # as it stands on spans
    provider = "vllm"                    # optional: any
    input_usd_per_mtok = 0.2
    output_usd_per_mtok = 0.6
    from = 2026-01-01                    # optional, UTC, that day included
    to = 2026-07-01                      # optional, that day not included

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
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from handspan.prices import TOKEN_PRICES, price_provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCE: Final = "custom"
"""Who says such prices; a value of `handspan.cost.source`."""

_RATES: Final = {kind: f"{kind}_usd_per_mtok" for kind in TOKEN_PRICES}
_REQUEST: Final = "usd_per_krequest"
_SHARED: Final = ("provider", "model", "from", "to", "currency")
_NEEDED: Final = ("model", _RATES["input"], _RATES["output"])
_MOST_USD: Final = 1_000_000
_ALL_PERCENT: Final = 100


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
    usd: Mapping[str, Decimal]
    """Kind of token -> USD per million; empty for a discount."""
    usd_per_krequest: Decimal
    percent: Decimal
    """Off the list price; 0 for a model."""

    def fits(self, provider: str, model: str, day: date) -> bool:
        """Return whether it is about this model on this day."""
        named = self.provider in ("", provider.strip().lower(), price_provider(provider))
        return named and self.model in ("", model.lower()) and self.since <= day < self.until


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
        return 1 - next(fitting, Decimal(0)) / _ALL_PERCENT


NO_FILE: Final = PriceFile()


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
    kinds = {"model": (*_RATES.values(), _REQUEST), "discount": ("percent",)}
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
        usd={kind: usd for kind, key in _RATES.items() if (usd := fields.number(key)) is not None},
        usd_per_krequest=fields.number(_REQUEST) or Decimal(0),
        percent=fields.number("percent", _ALL_PERCENT) or Decimal(0),
    )


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

    def number(self, name: str, most: int = _MOST_USD) -> Decimal | None:
        value = self._said.get(name)
        if value is None:
            return None
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not number or not Decimal(value).is_finite() or not 0 <= value <= most:
            raise self.wrong(name, f"must be a number from 0 to {most}, not {value}")
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

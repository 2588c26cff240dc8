"""Prices of one's own: read or refused by name of the field, and used as the list is."""

from __future__ import annotations

import contextlib
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.exporter.conventions.replaying import Replay, recordings

from handspan.price_file import PriceFileWrong, read
from handspan_exporter.cli.prices import prices
from handspan_exporter.processor.prices import Asked, price_rows, reprice

if TYPE_CHECKING:
    from pathlib import Path

    from handspan_exporter.store.connection import Connection

_MODEL = """
[[model]]
model = "House-Llama"
provider = "vllm"
input_usd_per_mtok = 0.2
output_usd_per_mtok = 0.6
"""

_FOR_AN_HOUR = "cache_write_usd_per_mtok = 0.25\ncache_write_1h_usd_per_mtok = 0.45\n"

_TIER = """
[[model.tier]]
above_tokens = 1000
input_usd_per_mtok = 0.4
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """Return where a test writes its file."""
    return tmp_path / "prices.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[model]]\nmodel = 'x'", "model 1: `input_usd_per_mtok` is missing"),
        (_MODEL + "colour = 1", "model 1: `colour` is unknown"),
        (_MODEL.replace("0.2", "-1"), "`input_usd_per_mtok` must be a number from 0 to 1000000"),
        (_MODEL.replace("0.2", "nan"), "`input_usd_per_mtok` must be a number"),
        (_MODEL.replace("0.2", "'0.2'"), "`input_usd_per_mtok` must be a number"),
        (_MODEL.replace("0.2", "true"), "`input_usd_per_mtok` must be a number"),
        (_MODEL + "currency = 'EUR'", "`currency` must be USD"),
        (_MODEL + "from = 2026-02-01\nto = 2026-01-01", "`to` must be after `from`"),
        (_MODEL + "from = 'soon'", "`from` must be a day like 2026-01-31, not 'soon'"),
        (_MODEL + _MODEL, "model 2: `from` and `to` overlap those of model 1"),
        (_MODEL.replace("0.2", "1e-19"), "`input_usd_per_mtok` has more than 18 places"),
        (_MODEL + "[[model.tier]]\nabove_tokens = 0", "tier 1: `above_tokens` must be a whole"),
        (_MODEL + "[[model.tier]]\ninput_usd_per_mtok = 1", "tier 1: `above_tokens` is missing"),
        (_MODEL + _TIER + _TIER, "tier 2: `above_tokens` must be a whole number above 1000"),
        (_MODEL + _TIER.replace("input", "reasoning"), "needs a price without a tier, too"),
        ("[[discount]]\npercent = 101", "discount 1: `percent` must be a number from 0 to 100"),
        ("[[discount]]\nprovider = 'openai'", "discount 1: `percent` is missing"),
        ("[model]\nmodel = 'x'", "`model` must be a list"),
        ("models = []", "only lists `model` and `discount` belong there"),
        ("[[", "is no TOML"),
    ],
)
def test_a_mistake_is_told_by_file_entry_and_field(toml: Path, text: str, said: str) -> None:
    """A price that is quietly not used is a wrong cost for weeks."""
    toml.write_text(text, encoding="utf-8")
    with pytest.raises(PriceFileWrong) as caught:
        read(toml)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(toml))


@given(st.binary())
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    """It is a person's file: nothing in it may be a traceback."""
    for suffix in ("toml", "json"):
        path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
        path.write_bytes(raw)
        with contextlib.suppress(PriceFileWrong):
            assert read(path).version


def test_own_models_and_discounts_hold_on_their_days_only(toml: Path) -> None:
    """A price changes on a day: the calls before it cost what they cost."""
    toml.write_text(
        _MODEL
        + "from = 2026-11-20\nto = 2026-11-21\n"
        + '[[discount]]\nprovider = "openai"\npercent = 15\nto = 2026-11-21\n',
        encoding="utf-8",
    )
    own = read(toml)

    def priced(provider: str, model: str, day: int) -> dict[str, object]:
        (row,) = price_rows(Asked(provider, model, date(2026, 11, day)), asked_at_ns=0, own=own)
        return row

    house = priced("vllm", "house-llama", 20)
    assert house["input"] == [{"above_tokens": 0, "usd_per_mtok": Decimal("0.2")}]
    assert (house["source"], house["cache_read"]) == ("custom", [])
    assert priced("vllm", "house-llama", 21)["unknown_reason"] == "provider has no price list"
    cheaper, list_price = priced("openai", "gpt-4o", 20), priced("openai", "gpt-4o", 21)
    assert cheaper["input"] == [{"above_tokens": 0, "usd_per_mtok": Decimal("2.125")}]
    assert list_price["input"] == [{"above_tokens": 0, "usd_per_mtok": Decimal("2.5")}]
    assert (cheaper["source"], list_price["source"]) == ("custom", "genai-prices")
    assert own.version in str(cheaper["price_version"])
    assert own.version not in str(list_price["price_version"])


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    """Whoever generates the file has JSON at hand."""
    path = tmp_path / "prices.json"
    path.write_text(
        '{"model": [{"model": "m", "input_usd_per_mtok": 0.1, "output_usd_per_mtok": 1,'
        ' "from": "2026-01-01"}]}',
        encoding="utf-8",
    )
    (entry,) = read(path).models
    assert entry.usd == {"input": ((0, Decimal("0.1")),), "output": ((0, Decimal(1)),)}
    assert entry.since == date(2026, 1, 1)


def test_calls_are_priced_again_without_their_spans(
    connection: Connection, toml: Path, tmp_path: Path
) -> None:
    """A discount found late is in the KPIs the same day, and the spans are as they were."""
    toml.write_text('[[discount]]\nprovider = "openai"\npercent = 50\n', encoding="utf-8")
    (sent,) = (one for one in recordings() if one.service == "openai_agents-handspan")
    Replay(connection, tmp_path / "journal", [sent])

    def costs() -> list[Decimal]:
        rows = connection.rows(
            "SELECT cost_usd FROM llm_calls FINAL WHERE cost_usd IS NOT NULL ORDER BY ALL"
        )
        return [row["cost_usd"] for row in rows]

    def spans() -> list[dict[str, object]]:
        return connection.rows("SELECT * FROM agent_spans ORDER BY ALL")

    before, raw = costs(), spans()
    hours = 3_600_000_000_000
    _, traces = reprice(connection, own=read(toml), clock_ns=lambda: Replay.now_ns() + 2 * hours)
    Replay.tick_of(connection, hours=3)
    assert traces == 2
    assert costs() == [cost / 2 for cost in before]
    assert spans() == raw


def test_the_command_says_what_a_model_costs_and_which_field_is_wrong(toml: Path) -> None:
    """Before a restart with the file, not after."""
    toml.write_text(_MODEL + _FOR_AN_HOUR, encoding="utf-8")
    shown = CliRunner().invoke(
        prices, ["show", "house-llama", "--provider", "vllm", "--prices", str(toml)]
    )
    assert "input             0.2" in shown.output
    assert "cache_write_1h    0.45" in shown.output
    checked = CliRunner().invoke(prices, ["check", str(toml)])
    assert "1 models, 0 discounts" in checked.output
    toml.write_text(_MODEL + "colour = 1", encoding="utf-8")
    refused = CliRunner().invoke(prices, ["check", str(toml)])
    assert "`colour` is unknown" in str(refused.exception)

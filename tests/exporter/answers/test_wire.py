"""An answer comes out of JSON as it went in, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handspan_exporter.query.wire import from_json, to_json

MONEY = st.decimals(
    Decimal("-1e24"), Decimal("1e24"), allow_nan=False, allow_infinity=False, places=12
)
ANSWERS = st.dictionaries(
    st.sampled_from(["n", "duration_ns", "group", "low", "agents"]),
    st.integers()
    | st.text()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.lists(st.text()),
)


@given(ANSWERS, st.none() | MONEY)
def test_what_is_written_reads_back(answer: dict[str, Any], cost: Decimal | None) -> None:
    """Through `serve` and without it, the command line prints the same."""
    whole = {**answer, "cost_usd": cost, "rows": [answer]}
    read = from_json(to_json(whole))

    assert read == whole
    assert {name: type(value) for name, value in read.items()} == {
        name: type(value) for name, value in whole.items()
    }


def test_money_is_a_json_number_without_exponent() -> None:
    """Other readers must not meet a string, nor 1.23E-10."""
    text = to_json({"cost_usd": Decimal("1.23E-10"), "all_usd": Decimal("12345678.900000000001")})

    assert text == '{"cost_usd": 0.000000000123, "all_usd": 12345678.900000000001}'
    assert json.loads(text)["cost_usd"] == 1.23e-10


def test_a_name_that_looks_like_money_stays_text() -> None:
    """Names come from whoever sends spans."""
    assert json.loads(to_json({"group": '"0.5"'})) == {"group": '"0.5"'}


def test_what_json_cannot_say_is_a_mistake_of_ours() -> None:
    """NaN would be refused by every reader but Python's."""
    with pytest.raises(ValueError, match="JSON"):
        to_json({"low": float("nan")})
    with pytest.raises(TypeError, match="set has no JSON form here"):
        to_json({"agents": {"a"}})

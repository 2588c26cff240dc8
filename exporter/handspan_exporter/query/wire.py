"""Answers as JSON and back, without losing a digit.

Whole numbers stay whole; a name that ends in `_usd` holds a Decimal, written as a JSON number with
up to twelve decimals and no exponent; times are ISO 8601 text in UTC with nine digits.
"""

from __future__ import annotations

import json
import re
import secrets
from decimal import Decimal
from typing import Any

# json cannot write a Decimal as a number. It is written as text that nobody can have chosen,
# which then loses its quotes.
_MARK = secrets.token_hex(16)
_MARKED = re.compile(rf'"{_MARK}(-?[0-9.]+)"')


def to_json(answer: object, *, indent: int | None = None) -> str:
    """Return the answer as JSON text."""
    text = json.dumps(answer, default=_marked, ensure_ascii=False, allow_nan=False, indent=indent)
    return _MARKED.sub(r"\1", text)


def from_json(text: str | bytes) -> Any:  # noqa: ANN401
    """Return the answer that `to_json` wrote.

    Raises:
        ValueError: the text is not JSON.
    """
    return json.loads(text, parse_float=Decimal, object_hook=_numbers)


def _marked(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form here")
    return _MARK + plain(value)


def plain(value: Decimal) -> str:
    """Return a Decimal without exponent and without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _numbers(parsed: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(name, value) for name, value in parsed.items()}


def _number(name: str, value: object) -> object:
    if name.endswith("_usd") and isinstance(value, int | Decimal):
        return Decimal(value)
    return float(value) if isinstance(value, Decimal) else value

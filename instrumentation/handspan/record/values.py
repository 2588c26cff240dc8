"""What people pass to a verb, as values that a span can hold.

OpenTelemetry takes text, numbers, truth values and sequences of them. Enums, paths, decimals and
the numbers of numpy are as good, and would be dropped, or kept as text that no KPI can add up.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from handspan.internal import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.util.types import AttributeValue

PLAIN = frozenset({str, bool, int, float})
"""Types that need no look."""


def plain(value: object) -> AttributeValue | None:
    """Return a value as an attribute; None: nothing is known."""
    if type(value) in PLAIN or value is None or _is_names(value):
        return value  # type: ignore[return-value]
    try:
        return _told(value)
    except Exception:  # noqa: BLE001 - whatever the user's own `__str__` raises
        warn_once(f"Handspan ignores a {type(value).__name__}: it cannot be written as text")
        return None


def all_plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with plain values; those that cannot be told are None."""
    return {name: plain(value) for name, value in attributes.items()}


def _is_names(value: object) -> bool:
    """Say whether a value is a list of texts, as most lists are."""
    return type(value) in {list, tuple} and set(map(type, value)) == {str}  # type: ignore[call-overload]


def _told(value: object) -> AttributeValue:
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(sorted(value, key=str) if isinstance(value, set | frozenset) else value)
    if isinstance(value, Mapping):
        return json.dumps(value, default=str)
    return _scalar(value)


def _scalar(value: Any) -> str | bool | int | float:  # noqa: ANN401 - whatever people pass
    if isinstance(value, Enum):
        return _scalar(value.value)
    for kind, convert in _SCALARS:
        if isinstance(value, kind):
            made: str | bool | int | float = convert(value)
            return made
    return str(value)


def _text(value: bytes) -> str:
    """Return bytes as text, as OTLP's JSON has them where they are none; SDKs differ in it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


_SCALARS: tuple[tuple[Any, Any], ...] = (
    (bool, bool),
    (str, str),
    (bytes, _text),
    (Integral, int),
    (Real | Decimal, float),
    (os.PathLike, lambda value: str(os.fspath(value))),
)
"""Type -> how it is made plain; the first that fits."""


def _sequence(values: Sequence[object]) -> AttributeValue:
    """Return a sequence of one type, as OpenTelemetry wants it."""
    told = [_scalar(value) for value in values if value is not None]
    if len({type(one) for one in told}) > 1:
        return [str(one) for one in told]
    return told


def spoken(name: Any) -> Any:  # noqa: ANN401 - a name or None, whatever people pass
    """Return a name as text: people keep theirs in enums. None stays None."""
    if type(name) is str or name is None:
        return name
    told = plain(name)
    return told if told is None or type(told) is str else str(told)


def listed(values: Iterable[Any] | None) -> Sequence[str] | None:
    """Return names as a list, for `plain`; a single text is a list of one."""
    if values is None or type(values) in {list, tuple}:
        return values  # type: ignore[return-value]
    if isinstance(values, str | bytes | os.PathLike) or not isinstance(values, Iterable):
        return [str(plain(values))]
    return [str(plain(value)) for value in values]


def known_word(word: object, words: tuple[str, ...], what: str) -> None:
    """Warn once of a word that no KPI knows; it is recorded all the same.

    Args:
        word: what the user said.
        words: those that KPIs know.
        what: what it says, for the message.
    """
    if word is not None and word not in words:
        warn_once(
            f"Handspan: {word!r:.40} is no {what} that KPIs know; it is one of {', '.join(words)}"
        )

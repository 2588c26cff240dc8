"""Features of the situation that an agent or task is in, for learning from them later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.util.types import AttributeValue


def state_attributes(state: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return a state as attributes: the keys of nested mappings joined with dots.

    Scalars and sequences of scalars stay as they are, anything else is written as its `str()`.
    """
    return dict(_flat(semconv.STATE_PREFIX, state))


def _flat(prefix: str, state: Mapping[str, object]) -> Iterator[tuple[str, AttributeValue]]:
    for key, value in state.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        elif value is not None:
            yield f"{prefix}{key}", _attribute(value)


def _attribute(value: object) -> AttributeValue:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        # The SDK wants one type per sequence.
        if len({type(item) for item in items}) == 1 and isinstance(
            next(iter(items)), str | bool | int | float
        ):
            return list(items)
        return [str(item) for item in items]
    return str(value)

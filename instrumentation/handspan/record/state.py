"""Features of the situation that an agent or task is in, for learning from them later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from handspan import semconv
from handspan.internal import warn_once
from handspan.record.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.util.types import AttributeValue


def state_attributes(state: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return a state as attributes: the keys of nested mappings joined with dots.

    Scalars and sequences of scalars stay as they are, anything else is written as its `str()`.
    """
    if isinstance(state, Mapping):
        return dict(_flat(semconv.STATE_PREFIX, state))
    warn_once(f"Handspan ignores state={state!r:.80}: that is no mapping")
    return {}


def _flat(prefix: str, state: Mapping[str, object]) -> Iterator[tuple[str, AttributeValue]]:
    for key, value in state.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        elif value is not None:
            told = plain(value)
            if told is not None:
                yield f"{prefix}{key}", told

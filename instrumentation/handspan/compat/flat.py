"""Nested data flat: for the columns of a table, and bounded for the attributes of a span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from handspan.json_lines import text_of

_MAX_FEATURES = 48
"""A span keeps 128 attributes and lets the oldest go, which are its names: well below it."""

_MAX_CHARACTERS = 1_000
"""Of one value; features are for comparing, not for reading."""


def flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the leaves of nested mappings with their keys joined with dots."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def bounded_state(features: Mapping[str, object]) -> dict[str, object]:
    """Return the first 48 features that are known, flat, long texts cut."""
    known = ((key, _plain(value)) for key, value in flat(features) if value is not None)
    return dict(islice(known, _MAX_FEATURES))


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value[:_MAX_CHARACTERS]
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value[:_MAX_FEATURES]]
    return text_of(value)[:_MAX_CHARACTERS]

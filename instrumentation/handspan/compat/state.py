"""Nested features of a situation as span attributes, flat and bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from handspan import semconv
from handspan.json_lines import text_of

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

_MAX_FEATURES = 48
"""A span keeps 128 attributes and lets the oldest go, which are its names: well below it."""

_MAX_CHARACTERS = 1_000
"""Of one value; features are for comparing, not for reading."""

_SCALARS = (str, bool, int, float)


def state_attributes(features: Mapping[str, object]) -> dict[str, AttributeValue]:
    """Return nested features as attributes, keys joined with dots; the first 48 of them.

    Lists of one kind of scalar stay lists; what else is no scalar becomes text.
    """
    found: dict[str, AttributeValue] = {}
    for key, value in flat(features):
        if len(found) == _MAX_FEATURES:
            break
        if value is not None:
            found[semconv.STATE_PREFIX + key] = _attribute(value)
    return found


def flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the leaves of nested mappings with their keys joined with dots."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _attribute(value: object) -> AttributeValue:
    if isinstance(value, str):
        return value[:_MAX_CHARACTERS]
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        kinds = {type(one) for one in value}
        if len(kinds) == 1 and kinds <= set(_SCALARS):
            return list(value)
        return [text_of(one)[:_MAX_CHARACTERS] for one in value]
    return text_of(value)[:_MAX_CHARACTERS]

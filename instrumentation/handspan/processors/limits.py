"""Keeps a span small enough to be sent, and says on it what was cut.

Three budgets: bytes of one text, bytes of all texts of a span, number of attributes. Content
(messages, arguments, stack traces) is cut first; who did what at which cost is never left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from handspan import semconv, settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handspan.processors.parts import Attributes, Parts

_MOST_NAMED = 32
"""Of what was cut, so many are named."""


def limit(parts: Parts) -> bool:
    """Cut what is too large; return whether anything changed."""
    chosen = settings.current()
    total, changed = 0, False
    for attributes in parts.all_attributes():
        for value in attributes.values():
            if type(value) is str and value.isascii() and len(value) <= chosen.max_value_bytes:
                total += len(value)
            elif type(value) is not int:
                size = size_of(value)
                total += size
                changed |= size > chosen.max_value_bytes or not is_sendable(value)
    parts.size_bytes = total + _overhead_bytes(parts)
    crowded = len(parts.attributes) > chosen.max_attributes
    if not (changed or crowded or total > chosen.max_span_bytes):
        return False
    _cut(parts, chosen)
    sizes = (size_of(one) for attributes in parts.all_attributes() for one in attributes.values())
    parts.size_bytes = sum(sizes) + _overhead_bytes(parts)
    return True


def _overhead_bytes(parts: Parts) -> int:
    """Return about what ids, times and names take, rather too much than too little."""
    entries = sum(map(len, parts.all_attributes()))
    return 200 + len(parts.name) + 50 * entries + 60 * (len(parts.events) + len(parts.links))


def size_of(value: Any) -> int:  # noqa: ANN401 - what attributes may hold
    """Return about how many bytes a value takes on the wire."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode(errors="replace"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(size_of(one) + size_of(key) + 4 for key, one in value.items())
    if isinstance(value, list | tuple):
        return sum(size_of(one) + 4 for one in value)
    return 8


def is_sendable(value: Any) -> bool:  # noqa: ANN401
    """Say whether Protobuf takes the value; half a surrogate pair would lose the whole batch."""
    if isinstance(value, str):
        return value.isascii() or _encodes(value)
    if isinstance(value, dict):
        return all(is_sendable(key) and is_sendable(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_sendable, value))
    return True


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def is_kept(name: str) -> bool:
    """Say whether an attribute says who did what at which cost."""
    return name.startswith(semconv.ALWAYS_KEPT) and not name.startswith(semconv.NOT_KEPT)


def _cut(parts: Parts, chosen: settings.Settings) -> None:
    cut = dict(_leave_out(parts.attributes, chosen.max_attributes))
    level = min(chosen.max_value_bytes, _level(parts, chosen.max_span_bytes))
    for attributes in parts.all_attributes():
        for name, value in attributes.items():
            most = chosen.max_value_bytes if is_kept(name) else level
            size = size_of(value)
            if size > most or not is_sendable(value):
                attributes[name] = shortened(value, most)
            if size > most:
                cut[name] = max(size, cut.get(name, 0))
    if cut:
        parts.attributes[semconv.TRUNCATED] = _named(cut)


def _leave_out(attributes: Attributes, most: int) -> Iterator[tuple[str, int]]:
    """Remove what is too much, the newest of the unimportant first."""
    # One place is for what says that something is missing.
    surplus = len(attributes) - most + 1
    if surplus <= 1:
        return
    for name in [name for name in reversed(attributes) if not is_kept(name)][:surplus]:
        yield name, size_of(attributes.pop(name))


def _level(parts: Parts, budget: int) -> int:
    """Return how many bytes each text may keep, so that all of them keep to the budget."""
    kept, sizes = 0, []
    for attributes in parts.all_attributes():
        for name, value in attributes.items():
            if is_kept(name):
                kept += size_of(value)
            else:
                sizes.append(size_of(value))
    left = max(0, budget - kept)
    sizes.sort()
    for number, size in enumerate(sizes):
        share = left // (len(sizes) - number)
        if size > share:
            return share
        left -= size
    return budget


def shortened(value: Any, most: int) -> Any:  # noqa: ANN401
    """Return a value of at most `most` bytes; of lists, as many entries as fit."""
    if isinstance(value, str):
        return value.encode(errors="replace")[:most].decode(errors="ignore")
    if isinstance(value, bytes):
        return value[:most]
    if isinstance(value, dict):
        return dict(pair for pair in _fitting(value.items(), most) if len(pair) == 2)
    if isinstance(value, list | tuple):
        return type(value)(_fitting(value, most))
    return value


def _fitting(entries: Iterable[Any], most: int) -> Iterator[Any]:
    """Yield as many entries as fit, the last one cut where it can be."""
    left = most
    for one in entries:
        short = shortened(one, max(0, left - 4))
        left -= size_of(short) + 4
        if left < 0:
            return
        yield short


def _named(cut: dict[str, int]) -> list[str]:
    names = [f"{name} {size}" for name, size in cut.items()]
    more = len(names) - _MOST_NAMED
    return names if more <= 0 else [*names[:_MOST_NAMED], f"{more} more"]

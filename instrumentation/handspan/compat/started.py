"""What has started and not yet ended, by the caller's own id."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from handspan.compat.counted import count

if TYPE_CHECKING:
    from collections.abc import Callable

V = TypeVar("V")

MAX_STARTED = 10_000
"""How many of a kind are remembered; the oldest is forgotten for the next."""


class Started(Generic[V]):
    """A bounded dictionary that any thread may use.

    Programs crash and forget, so what never ends has to be forgotten here too.
    """

    def __init__(self, forgotten: Callable[[V], object] | None = None) -> None:
        """Start with nothing; `forgotten(value)` hears of what had to go, None: it is counted."""
        self._forgotten = forgotten or _count
        self._values: dict[str, V] = {}
        self._lock = threading.Lock()

    def put(self, key: str, value: V) -> V | None:
        """Remember a value; return the one that had this key before."""
        with self._lock:
            before = self._values.pop(key, None)
            self._values[key] = value
            full = len(self._values) > MAX_STARTED
            oldest = self._values.pop(next(iter(self._values))) if full else None
        if oldest is not None:
            self._forgotten(oldest)
        return before

    def get(self, key: str) -> V | None:
        """Return the value of a key; None: unknown here."""
        with self._lock:
            return self._values.get(key)

    def pop(self, key: str) -> V | None:
        """Forget a key and return its value; None: unknown here."""
        with self._lock:
            return self._values.pop(key, None)

    def values(self) -> list[V]:
        """Return what is remembered, oldest first."""
        with self._lock:
            return list(self._values.values())

    def pop_all(self) -> list[V]:
        """Forget everything and return it, oldest first."""
        with self._lock:
            values = list(self._values.values())
            self._values.clear()
            return values


def _count(value: object) -> None:
    del value
    count(
        "starts forgotten, too many are open",
        f"more than {MAX_STARTED:,} workflows or invocations have started and not ended; the "
        "oldest are forgotten and stay unfinished. Log their end",
    )

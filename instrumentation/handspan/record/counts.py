"""Numbers that go on from span to span: handoffs of a trace, attempts at a task or recovery."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

_KEPT: Final = 4096


class Counts:
    """Counts from 1 by key; the keys least lately counted are forgotten past a bound.

    Safe to use from several threads. Each process counts for itself.
    """

    _all: Final[list[Counts]] = []

    def __init__(self) -> None:
        self._counts: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = threading.Lock()
        self._all.append(self)

    def next(self, key: Hashable) -> int:
        """Return how often this key has now been counted."""
        with self._lock:
            number = self._counts.pop(key, 0) + 1
            self._counts[key] = number
            if len(self._counts) > _KEPT:
                self._counts.popitem(last=False)
            return number

    def forget(self) -> None:
        """Count from 1 again."""
        with self._lock:
            self._counts.clear()

    @classmethod
    def forget_all(cls) -> None:
        """Count everything from 1 again; for tests, whose ids repeat."""
        for counts in cls._all:
            counts.forget()

"""Requests that came before: a client sends again what it believes lost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from handspan_exporter.otlp.signals import TRACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.otlp.signals import Signal

WINDOW_S = 600
"""How long a request is remembered. The SDKs and the Collector give up after 5 minutes."""


class Refused(NamedTuple):
    """What of a request was not taken: the part of its answer that a repetition must repeat."""

    items: int = 0
    reason: str = ""


class Repeats:
    """Remembers each request of the last ten minutes by its digest; safe from any thread."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._seen: OrderedDict[bytes, tuple[int, Refused]] = OrderedDict()

    def find(self, key: bytes) -> Refused | None:
        """Return what was refused of an identical request, or None when there was none."""
        with self._lock:
            self._forget_old()
            found = self._seen.get(key)
            return None if found is None else found[1]

    def remember(self, key: bytes, refused: Refused, *, at_ns: int | None = None) -> None:
        """Note that the request is in the journal, since now or since `at_ns`."""
        with self._lock:
            self._seen[key] = (self._clock_ns() if at_ns is None else at_ns, refused)
            self._seen.move_to_end(key)

    def _forget_old(self) -> None:
        oldest_ns = self._clock_ns() - WINDOW_S * 10**9
        while self._seen and next(iter(self._seen.values()))[0] < oldest_ns:
            self._seen.popitem(last=False)


def digest(body: bytes, signal: Signal = TRACES) -> bytes:
    """Return the key of a request: two different ones never share it."""
    key = sha256(b"" if signal is TRACES else signal.name.encode())
    key.update(body)
    return key.digest()

"""How much one token may send: so many spans and bytes per second, so many requests at once."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handspan_exporter.errors import OverLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.access.tokens import Token

BURST_S = 2.0
"""A client that was quiet may send at once what it may send in so long."""
_TOO_MANY_S = 0.5
"""When to come again after too many requests at once."""


class Bucket:
    """Fills at a rate and is drawn from; what is in it may become a debt, which takes time.

    How many spans a request has is known only after it is parsed, so it is let in while nothing is
    owed and pays afterwards.
    """

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._rate = 0.0
        self._level = 0.0
        self._filled_s = clock_s()

    def owed_s(self, rate: float | None) -> float:
        """Return after how many seconds nothing is owed any more; `rate` None is no limit."""
        if rate is None:
            return 0.0
        self._fill(rate)
        return max(0.0, -self._level / rate)

    def draw(self, number: float) -> None:
        """Take `number` out."""
        self._level -= number

    def _fill(self, rate: float) -> None:
        now_s = self._clock_s()
        if rate != self._rate:  # new, or another limit in the file: begin with a full bucket
            self._rate, self._level = rate, rate * BURST_S
        self._level = min(rate * BURST_S, self._level + (now_s - self._filled_s) * rate)
        self._filled_s = now_s


class Meter:
    """What one token has under way and has sent; safe from any thread."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._spans = Bucket(clock_s)
        self._bytes = Bucket(clock_s)

    @contextmanager
    def request(self, token: Token) -> Iterator[None]:
        """Let one request in for the length of the block.

        Raises:
            OverLimit: too much is owed or under way; it says when to come again.
        """
        with self._lock:
            self._check(token)
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def spent(self, spans: int, size_bytes: int) -> None:
        """Count what a request turned out to be."""
        with self._lock:
            self._spans.draw(spans)
            self._bytes.draw(size_bytes)

    def _check(self, token: Token) -> None:
        if self._requests >= token.requests:
            raise OverLimit("concurrent_requests", f"{token.requests} at once", _TOO_MANY_S)
        for limit, bucket in (("spans_per_s", self._spans), ("bytes_per_s", self._bytes)):
            rate = getattr(token, limit)
            if owed_s := bucket.owed_s(rate):
                raise OverLimit(limit, f"{rate:g} per second", owed_s)

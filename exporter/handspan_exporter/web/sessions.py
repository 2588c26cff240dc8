"""Questions run in threads, each on a session of its own: none waits for, or stalls, the ingest."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from handspan_exporter.errors import StoreDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.web.kept import Stored

_T = TypeVar("_T")

_THREADS = 2
"""Questions answered at once."""
_MOST_WAITING = 64
"""Questions under way or waiting; the next is told to come back."""


class Sessions:
    """A few threads, each with its own session, opened when first needed."""

    def __init__(self, opener: Callable[[], Stored], *, threads: int = _THREADS) -> None:
        """Remember how to open a session; `opener` runs in a thread of the pool."""
        self._opener = opener
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="question")
        self._own = threading.local()
        self._opened: list[Stored] = []
        self._waiting = 0

    async def ask(self, question: Callable[[Stored], _T]) -> _T:
        """Return what the question returns, without blocking the event loop.

        Raises:
            StoreDown: too many questions wait already, or the store cannot be reached.
        """
        if self._waiting >= _MOST_WAITING:
            raise StoreDown(f"{self._waiting} questions wait already: ask again in a second")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._ask, question)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the questions under way end, then close every session."""
        self._threads.shutdown()
        for answers in self._opened:
            answers.close()

    def _ask(self, question: Callable[[Stored], _T]) -> _T:
        if not hasattr(self._own, "answers"):
            self._own.answers = self._opener()
            self._opened.append(self._own.answers)
        return question(self._own.answers)

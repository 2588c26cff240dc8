"""Answers given again while nothing that they were made of has changed.

A page asks the same questions every two seconds, from every browser that shows it, and most of the
time nothing happened in between. An answer says itself for which window it was made, so one that is
given again is as true as when it was made.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from handspan_exporter.errors import HandspanError
from handspan_exporter.query.answers import Answers
from handspan_exporter.query.window import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

_MOST_CHARS = 32_000_000
"""Of all kept answers together."""
_MOST_AGE_S = 5.0
"""How long an answer may be given again though nothing changed: facts leave a moving window, and
those of a clock that is ahead come into it."""
_WINDOW_SHARE = 1000
"""Nor for longer than this part of its window: 3.6 s of one hour."""
_COSTS = 10.0
"""Who is content with an older answer gets one for so many times as long as it took to make: such
askers together cost at most a tenth of a thread."""
_NS_PER_S = 10**9


class Stored(Answers, Protocol):
    """Answers from a store that can tell whether it changed."""

    def state(self) -> str:
        """Return what differs once an answer may: see sql/runs/state.sql. Raises as a question."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """An answer as it is sent."""

    text: str
    tag: str
    """Identifies what it says, its window's moving ends aside."""


@dataclass(frozen=True, slots=True)
class _Kept:
    made: Made
    state: str
    made_at_s: float
    took_s: float
    most_age_s: float

    def fits(self, state: str, now_s: float, content_s: float) -> bool:
        age_s = now_s - self.made_at_s
        if state and state == self.state and age_s <= self.most_age_s:
            return True
        return age_s <= min(content_s, self.took_s * _COSTS)


class Kept:
    """Answers of the last questions; for all threads at once."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        """Begin with none; `clock_s` is a clock that is never set back."""
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._chars = 0

    def answer(
        self,
        answers: Stored,
        values: Mapping[str, Any],
        make: Callable[[], Made],
        *,
        name: str,
        now_ns: int,
        content_s: float = 0.0,
    ) -> Made:
        """Return the answer to a question: the one that is kept, where it still holds.

        Blocks for as long as `make` does. Raises what `make` raises; that is not kept.

        Args:
            answers: Of the calling thread.
            values: Of the question's parameters.
            make: Asks, when there is nothing to be given again.
            name: Of the question.
            now_ns: What `now` means to it.
            content_s: How old an answer may be whatever has changed, in s.
        """
        key = (name, repr(sorted(values.items())))
        state, began_s = _state(answers), self._clock_s()
        with self._lock:
            found = self._answers.get(key)
            if found and found.fits(state, began_s, content_s):
                self._answers.move_to_end(key)
                return found.made
        made = make()
        took_s = self._clock_s() - began_s
        # What was stored while it was made may be in it or not: it holds for the state before.
        self._keep(key, _Kept(made, state, began_s, took_s, _most_age_s(values, now_ns)))
        return made

    def _keep(self, key: Hashable, one: _Kept) -> None:
        with self._lock:
            self._forget(key)
            self._answers[key] = one
            self._chars += len(one.made.text)
            while self._chars > _MOST_CHARS:
                self._forget(next(iter(self._answers)))

    def _forget(self, key: Hashable) -> None:
        gone = self._answers.pop(key, None)
        self._chars -= len(gone.made.text) if gone else 0


def _state(answers: Stored) -> str:
    """Return the store's state, '' when it cannot tell: then nothing is known to be the same."""
    try:
        return answers.state()
    except HandspanError:
        return ""


def _most_age_s(values: Mapping[str, Any], now_ns: int) -> float:
    """Return how long an answer may be given again while nothing changes."""
    said = [(name, text) for name, text in values.items() if name[:5] == "since" and text]
    begins = [moment(name, text, now_ns) for name, text in said]
    shortest_s = min((now_ns - begin for begin in begins), default=now_ns) / _NS_PER_S
    return min(_MOST_AGE_S, max(0.0, shortest_s) / _WINDOW_SHARE)

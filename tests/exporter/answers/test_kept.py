"""Answers that are given again, and until when."""

from __future__ import annotations

from typing import Any, cast

import pytest

from handspan_exporter.errors import StoreDown
from handspan_exporter.web.kept import Kept, Made, Stored

NOW_NS = 1_780_000_000 * 10**9
DAY: dict[str, Any] = {"since": "24h", "until": "now"}


class Changing:
    """A store whose state a test sets, and a clock."""

    state_is: str | Exception = "a"
    now_s = 1000.0

    def state(self) -> str:
        """Return the state, or fail with it."""
        if isinstance(self.state_is, Exception):
            raise self.state_is
        return self.state_is


class Asker:
    """Asks the same question; each answer that is made has the next number."""

    def __init__(self) -> None:
        self.store = Changing()
        self.kept = Kept(lambda: self.store.now_s)
        self.made = 0
        self.takes_s = 0.5
        self.size = 1

    def ask(self, values: dict[str, Any] | None = None, *, content_s: float = 0.0) -> int:
        """Return the number of the answer."""

        def make() -> Made:
            self.made += 1
            self.store.now_s += self.takes_s
            return Made(f"{self.made}".ljust(self.size), "")

        answers = cast("Stored", self.store)
        given = DAY if values is None else values
        one = self.kept.answer(
            answers, given, make, name="overview", now_ns=NOW_NS, content_s=content_s
        )
        return int(one.text)


@pytest.fixture
def asker() -> Asker:
    """An asker of a store that does not change by itself."""
    return Asker()


def test_nothing_new_is_not_asked_for_again(asker: Asker) -> None:
    """The page asks every two seconds, mostly about what it knows."""
    assert [asker.ask() for _ in range(5)] == [1, 1, 1, 1, 1]


def test_a_change_is_seen_at_once(asker: Asker) -> None:
    """Who asks without a word of age gets what is true now."""
    asker.ask()
    asker.store.state_is = "b"

    assert asker.ask() == 2


def test_another_question_is_another_answer(asker: Asker) -> None:
    """A filter or another window makes it so."""
    assert [asker.ask(), asker.ask(DAY | {"agent": ["writer"]}), asker.ask({"since": "7d"})] == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(("since", "holds_s"), [("24h", 5), ("1h", 3), ("30d", 5), ("10s", 0)])
def test_a_moving_window_leaves_its_past_behind(asker: Asker, since: str, holds_s: int) -> None:
    """Nothing new does not mean that nothing left: a thousandth of the window at most."""
    asker.takes_s = 0.0
    asker.ask({"since": since})
    asker.store.now_s += holds_s
    assert asker.ask({"since": since}) == 1
    asker.store.now_s += 1

    assert asker.ask({"since": since}) == 2


def test_who_accepts_age_costs_a_tenth_of_a_thread_at_most(asker: Asker) -> None:
    """During ingest every answer differs: the page must not ask all of the time."""
    asker.takes_s = 0.4
    asker.ask(content_s=10)
    asker.store.state_is = "b"
    asker.store.now_s += 3.0
    assert asker.ask(content_s=10) == 1
    asker.store.now_s += 1.0

    assert asker.ask(content_s=10) == 2


def test_a_store_that_cannot_tell_its_state_is_asked(asker: Asker) -> None:
    """Unknown is not unchanged: a cluster, or a user who may not see parts."""
    asker.store.state_is = ""
    assert [asker.ask(), asker.ask()] == [1, 2]
    asker.store.state_is = StoreDown("away")

    assert [asker.ask(), asker.ask()] == [3, 4]


def test_kept_answers_are_bounded(asker: Asker) -> None:
    """Questions are free to invent: what was asked first is forgotten first."""
    asker.size = 12_000_000
    for user in ("a", "b", "c"):
        asker.ask(DAY | {"user": [user]})

    assert asker.ask(DAY | {"user": ["c"]}) == 3
    assert asker.ask(DAY | {"user": ["a"]}) == 4

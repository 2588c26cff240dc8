"""Facts cost a twentieth of a core, and half of one while somebody waits for them."""

from __future__ import annotations

import pytest

from handspan_exporter.attention import WATCHED_S, Attention
from handspan_exporter.processor.pace import LONGEST_PAUSE_S, Pace
from handspan_exporter.telemetry import QUESTIONS, READER_QUERIES, Counters


class Clock:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def counters() -> Counters:
    """Return what the HTTP API counts in."""
    return Counters()


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


def test_attention_lasts_a_while_after_each_question(counters: Counters, clock: Clock) -> None:
    """A page that is open asks every few seconds; between two questions somebody looks still."""
    attention = Attention(counters, clock_s=clock)
    assert not attention.is_paid
    counters.add(QUESTIONS)
    assert attention.is_paid
    clock.now_s += WATCHED_S - 1
    counters.add(QUESTIONS)
    assert attention.is_paid
    clock.now_s += WATCHED_S - 1
    assert attention.is_paid
    clock.now_s += 2
    assert not attention.is_paid


def test_a_dashboard_that_is_answered_looks_and_one_that_is_refused_does_not(
    counters: Counters, clock: Clock
) -> None:
    """Grafana on `--clickhouse-http` never asks the HTTP API."""
    attention = Attention(counters, clock_s=clock)
    counters.add(READER_QUERIES, reason="access_denied")
    assert not attention.is_paid
    counters.add(READER_QUERIES, reason="answered")
    assert attention.is_paid


def test_nobody_watching_a_tick_is_followed_by_nineteen_times_as_long_without_one(
    counters: Counters,
) -> None:
    """A tick has a fixed price, so that at a gentle rate half of a core would be facts."""
    pace = Pace(Attention(counters), 0.5)
    assert pace.pause_s(0.2, behind=False) == pytest.approx(3.8)
    assert pace.pause_s(3, behind=False) == LONGEST_PAUSE_S


def test_watched_or_behind_ticks_follow_each_other(counters: Counters) -> None:
    """Who looks sees a run within a second or two; a night's backlog takes no week."""
    pace = Pace(Attention(counters), 0.5)
    assert pace.pause_s(0.2, behind=True) == pytest.approx(0.2)
    assert pace.pause_s(3, behind=True) == pytest.approx(0.5)
    counters.add(QUESTIONS)
    assert pace.pause_s(0.2, behind=False) == pytest.approx(0.2)

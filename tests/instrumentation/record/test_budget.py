"""Budgets: counted, told, and stopped where the user asks for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import get_current

import handspan
from handspan.context import carrying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from handspan.record import Budget
    from handspan.testing import Clock, Spans


def call(usd: float | None) -> None:
    """Make one model call that costs this much; None: unknown."""
    with handspan.llm("m") as answer:
        if usd is not None:
            answer.cost(usd)


def budget_events(spans: Spans, name: str) -> list[tuple[Any, ...]]:
    """Return state and use of each budget event on a span."""
    return [
        (
            (event.attributes or {})["handspan.budget.state"],
            (event.attributes or {})["handspan.budget.used_usd"],
        )
        for event in spans.one(name).events
        if event.name == "handspan.budget"
    ]


def test_a_budget_tells_each_change_once_and_what_was_used(handspan_spans: Spans) -> None:
    """80 % is the time to act; a warning at every call is noise."""
    with handspan.workflow("support"), handspan.budget(1.0) as budget:
        for _ in range(6):
            call(0.25)
    assert (budget.state, budget.used_usd, budget.remaining_usd) == ("exceeded", 1.5, 0)
    assert budget_events(handspan_spans, "invoke_workflow support") == [
        ("warning", 1.0),
        ("exceeded", 1.25),
        ("exceeded", 1.5),
    ]


def test_a_budget_event_has_all_that_a_budget_is(handspan_spans: Spans) -> None:
    """The server knows no budget but what events say."""
    with (
        handspan.agent("triage"),
        handspan.budget(limit_usd=1, scope="project", name="shop") as budget,
    ):
        budget.spend(0.5)
    (event,) = handspan_spans.one("invoke_agent triage").events
    assert event.attributes == {
        "handspan.budget.name": "shop",
        "handspan.budget.scope": "project",
        "handspan.budget.limit_usd": 1.0,
        "handspan.budget.used_usd": 0.5,
        "handspan.budget.used_ratio": 0.5,
        "handspan.budget.state": "ok",
    }


def test_a_budget_around_no_span_writes_a_span_of_no_length(handspan_spans: Spans) -> None:
    """Its state must not be lost because nothing was being recorded around it."""
    with handspan.budget(1.0):
        call(0.9)
    assert handspan_spans.tree() == ["chat m", "handspan.budget", "handspan.budget"]


def test_an_unknown_cost_is_not_taken_for_nothing(handspan_spans: Spans) -> None:
    """Lesson 9: with unpriced calls the use is a lower bound, and the budget says so."""
    with handspan.budget(1.0) as budget:
        call(None)
        call(0.5)
    with pytest.raises(ConnectionError), budget, handspan.llm("m"):
        raise ConnectionError  # nothing came back, nothing was paid
    assert (budget.used_usd, budget.unpriced_calls) == (0.5, 1)
    assert len(handspan_spans) > 0


def test_a_budget_that_stops_raises_before_the_call_that_would_exceed_it(
    handspan_spans: Spans,
) -> None:
    """Afterwards the money is gone."""
    made = []

    @handspan.workflow("support")
    @handspan.budget(1.0, stop=True)
    def spend() -> None:
        for _ in range(9):
            call(0.4)
            made.append(0.4)

    with pytest.raises(handspan.BudgetExceeded, match="raise limit_usd or make few") as caught:
        spend()
    assert made == [0.4, 0.4]
    assert caught.value.expected_usd == 0.4
    assert caught.value.budget.used_usd == 0.8
    assert [span.name for span in handspan_spans].count("chat m") == 2
    workflow = handspan_spans.attributes("invoke_workflow support")
    assert workflow["handspan.workflow.outcome"] == "failure"


def test_what_a_call_is_expected_to_cost_may_be_told(handspan_spans: Spans) -> None:
    """The mean so far says nothing about the one big call."""
    with handspan.budget(1.0, stop=True):
        with pytest.raises(handspan.BudgetExceeded), handspan.llm("m", expected_usd=1.5):
            raise AssertionError
        call(0.1)
    assert [span.name for span in handspan_spans].count("chat m") == 1


def test_a_budget_that_does_not_stop_never_raises(handspan_spans: Spans) -> None:
    """Telemetry raises into the user's code only where the user asked for it."""
    with handspan.budget(0.1) as budget:
        call(5)
        call(5)
        budget.check(5)
    assert budget.used_ratio == 100
    assert len(handspan_spans) > 0


def test_a_decorated_call_is_stopped_too(handspan_spans: Spans) -> None:
    """Functions and generators of the user's must not run when the money is gone."""

    @handspan.llm("m")
    def ask() -> None:
        raise AssertionError

    @handspan.llm("m")
    def stream() -> Any:  # noqa: ANN401 - a generator
        raise AssertionError
        yield

    with handspan.budget(0.0, stop=True):
        with pytest.raises(handspan.BudgetExceeded):
            ask()
        with pytest.raises(handspan.BudgetExceeded):
            list(stream())
        handspan.llm("m").start().end()  # a framework's callback is never stopped
    assert [span.name for span in handspan_spans].count("chat m") == 1


def test_one_budget_is_one_pot_over_threads_runs_and_blocks(handspan_spans: Spans) -> None:
    """A project's budget is spent by many runs at once."""
    pot = handspan.budget(10.0, scope="project")

    @pot
    def run(_: int) -> None:
        with handspan.workflow("support"):
            call(0.25)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(20)))
    with pot, pot, carrying(ThreadPoolExecutor(2)) as workers:
        list(workers.map(call, [0.25] * 4))
    assert pot.used_usd == 6.0
    assert len(handspan_spans) > 0


async def test_a_budget_counts_in_tasks_and_leaves_nothing_behind(handspan_spans: Spans) -> None:
    """A leaked Context would charge somebody else's calls."""
    before = get_current()
    inner = handspan.budget(1.0, scope="agent")

    @inner
    async def work() -> None:
        await asyncio.sleep(0)
        call(0.1)

    async with handspan.budget(1.0) as outer:
        await asyncio.gather(work(), work())
    call(0.1)
    assert get_current() is before
    assert (round(outer.used_usd, 6), round(inner.used_usd, 6)) == (0.2, 0.2)
    assert len(handspan_spans) > 0


def test_a_callback_is_called_at_each_change_and_its_errors_stay_inside(
    handspan_spans: Spans, handspan_errors: list[Exception]
) -> None:
    """A broken alert must not stop the agents."""
    states = []

    def alert(budget: Budget) -> None:
        states.append(budget.state)
        raise OSError("no network")

    with handspan.budget(1.0, on_change=alert):
        for _ in range(3):
            call(0.5)
    assert states == ["warning", "exceeded"]
    assert [str(error) for error in handspan_errors] == ["no network"] * 2
    handspan_errors.clear()
    assert len(handspan_spans) > 0


def test_a_budget_forecasts_when_it_will_be_used_up(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """A rate says more than a sum: there is time to act, or there is none."""
    with handspan.budget(1.0) as budget:
        assert budget.exhausted_at_ns is None
        handspan_clock.advance(60)
        call(0.25)
        assert budget.exhausted_at_ns == handspan_clock.now_ns + 180 * 10**9
    assert len(handspan_spans) > 0


def test_a_budget_is_kept_where_nothing_is_recorded() -> None:
    """Switching telemetry off must not switch the limit off."""
    with handspan.budget(1.0, stop=True) as budget:
        call(0.5)
        call(0.5)
        with pytest.raises(handspan.BudgetExceeded):
            call(0.5)
    assert budget.used_usd == 1.0


def test_a_decorated_generator_counts_what_its_body_spends(handspan_spans: Spans) -> None:
    """Streaming agents are generators; their reader's calls are not theirs."""
    pot = handspan.budget(limit_usd=1.0)

    @pot
    def answer() -> Iterator[int]:
        for number in range(2):
            with handspan.llm("inside") as call:
                call.cost(0.25)
            yield number

    for _ in answer():
        with handspan.llm("outside") as call:
            call.cost(0.25)
    assert pot.used_usd == 0.5
    assert len(handspan_spans) == 5


async def test_decorated_async_generators_and_hidden_coroutines_count_too(
    handspan_spans: Spans,
) -> None:
    """The same for `async for`, and for a coroutine function behind another decorator."""
    pot = handspan.budget(limit_usd=1.0)

    async def ask() -> None:
        await asyncio.sleep(0)
        with handspan.llm("m") as call:
            call.cost(0.25)

    @pot
    async def answer() -> AsyncIterator[int]:
        await ask()
        yield 1

    @pot
    def hidden() -> Coroutine[None, None, None]:
        return ask()

    assert [item async for item in answer()] == [1]
    await hidden()
    assert pot.used_usd == 0.5
    assert "chat m" in handspan_spans.tree()

"""Blocks that are not left in the order in which they were entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import baggage
from opentelemetry.context import Context, attach, get_current

import handspan
from handspan.log_context import log_context, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from handspan.testing import Spans


def work(name: str) -> Iterator[int]:
    """Record from a plain generator, whose block is open while others work."""
    with handspan.agent(name):
        yield 1
        yield 2


def test_blocks_left_out_of_turn_leave_nothing_current(handspan_spans: Spans) -> None:
    """Else all that follows would be recorded inside an agent that has ended."""
    before = get_current()
    first, second = work("first"), work("second")
    for stream in (first, second):
        next(stream)
    assert list(first) == list(second) == [2]
    assert get_current() is before
    with handspan.tool("later"):
        pass
    assert handspan_spans.one("execute_tool later").parent is None


def test_the_outer_block_left_first_leaves_the_inner_one_alone(handspan_spans: Spans) -> None:
    """The inner agent still works: what it does is its own."""
    outer, inner = handspan.agent("outer"), handspan.agent("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    with handspan.tool("still inside"):
        pass
    inner.__exit__(None, None, None)
    assert handspan_spans.tree() == [
        "invoke_agent outer",
        "  invoke_agent inner",
        "    execute_tool still inside",
    ]


MAKERS: tuple[Callable[[], AbstractContextManager[object]], ...] = (
    lambda: handspan.agent("a"),
    lambda: handspan.budget(limit_usd=1.0),
    lambda: log_context(phase="p"),
    lambda: handspan.tool("t").start().active(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(st.sampled_from(range(len(MAKERS))), min_size=1, max_size=7),
    order=st.randoms(use_true_random=False),
)
@pytest.mark.usefixtures("handspan_spans")
def test_in_whatever_order_blocks_are_left_what_was_before_is_current_again(
    made: list[int], order: object
) -> None:
    """There are as many orders as programs; none may change what comes after."""
    attach(Context())
    with handspan.workflow("around"):
        before = get_current()
        open_blocks = []
        for one in made:
            open_blocks.append(MAKERS[one]())
            open_blocks[-1].__enter__()
        order.shuffle(open_blocks)  # type: ignore[attr-defined]
        for block in open_blocks:
            block.__exit__(None, None, None)
        assert get_current() is before
        assert "phase" not in running()


def test_what_is_attached_and_forgotten_inside_goes_with_the_block(handspan_spans: Spans) -> None:
    """Baggage is attached and its token dropped: what follows is still not inside the agent."""
    before = get_current()
    for block in (handspan.agent("a"), handspan.budget(limit_usd=1.0)):
        with block:
            attach(baggage.set_baggage("k", "v"))
        assert get_current() is before
    with handspan.agent("b"):
        pass
    assert handspan_spans.tree() == ["invoke_agent a", "handspan.budget", "invoke_agent b"]


def test_a_context_that_stays_current_collects_no_blocks(handspan_spans: Spans) -> None:
    """A worker's loop leaves other tasks' blocks for as long as the program runs."""
    with handspan.workflow("loop") as loop:
        for _ in range(100):
            block = handspan.agent("a")
            block.__enter__()
            attach(loop.context)
            block.__exit__(None, None, None)
        (noted,) = loop.context.__dict__.values()
    assert len(noted) < 10
    assert len(handspan_spans) == 101

"""What a type checker knows of a program that uses the verbs; `make check` runs mypy over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, assert_type

import pytest

import handspan

if TYPE_CHECKING:
    from handspan.testing import Spans


@handspan.agent("writer")
def write(question: str) -> int:
    """Write."""
    return len(question)


@handspan.task("bug_fix")
async def fix(question: str) -> int:
    """Fix."""
    return len(question)


@handspan.llm("m")
def stream(question: str) -> Iterator[str]:
    """Answer piece by piece."""
    yield from question


@handspan.llm("m")
async def stream_later(question: str) -> AsyncIterator[str]:
    """Answer piece by piece."""
    yield question


@handspan.tool
def search(question: str) -> int:
    """Search."""
    return len(question)


@handspan.tool(description="Find.")
async def find(question: str) -> int:
    """Find."""
    return len(question)


@handspan.budget(limit_usd=1.0)
def spend(question: str) -> Iterator[int]:
    """Spend."""
    yield len(question)


class Team:
    """Methods."""

    @handspan.agent("lead")
    async def lead(self, question: str) -> int:
        """Lead."""
        return len(question)

    @classmethod
    @handspan.tool
    def of_class(cls, question: str) -> int:
        """Search."""
        return len(question)


async def test_types_flow_through_every_decorator(handspan_spans: Spans) -> None:
    """A decorator that turns everything into Any switches the user's type checker off."""
    assert_type(write("q"), int)
    assert_type(fix("q"), Coroutine[Any, Any, int]).close()
    assert_type(await fix("q"), int)
    assert_type(list(stream("q")), list[str])
    assert_type([item async for item in stream_later("q")], list[str])
    assert_type(search("q"), int)
    assert_type(await find("q"), int)
    assert_type(list(spend("q")), list[int])
    assert_type(await Team().lead("q"), int)
    assert_type(Team.of_class("q"), int)
    bound: Callable[[str], int] = handspan.context.bind(write)
    assert_type(bound("q"), int)
    with pytest.raises(TypeError):
        write(5)  # type: ignore[arg-type]  # mypy tells an ignore that is not needed
    assert len(handspan_spans) > 0


async def test_types_flow_through_every_block(handspan_spans: Spans) -> None:
    """`run.` completes in an editor."""
    with handspan.workflow("w") as run, handspan.llm("m") as call:
        assert_type(run, handspan.workflow)
        for piece in call.streamed([b"a"]):
            assert_type(piece, bytes)
        async for later in call.streamed(stream_later("q")):
            assert_type(later, str)
    async with handspan.task.queued(handspan.queue_task("t")) as task:
        assert_type(task, handspan.task)
    assert_type(handspan.fault("f").now(), handspan.fault)
    assert len(handspan_spans) > 0

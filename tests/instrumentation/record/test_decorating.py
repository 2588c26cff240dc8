"""A recording as a decorator of functions, coroutines and generators."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode

import handspan
from handspan import settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Generator, Iterator

    from handspan.testing import Spans


def test_a_decorated_function_is_recorded_at_each_call(handspan_spans: Spans) -> None:
    """One decorator, many spans; the function keeps its name, arguments and result."""

    @handspan.tool("add")
    def add(left: int, right: int) -> int:
        """Add."""
        return left + right

    assert add(1, right=2) + add(3, right=4) == 10
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert handspan_spans.tree() == ["execute_tool add", "execute_tool add"]


def test_a_decorated_function_may_call_itself(handspan_spans: Spans) -> None:
    """Agents recurse; each depth is a span below the one that called it."""

    @handspan.agent("planner")
    def plan(depth: int) -> int:
        return 0 if depth == 0 else 1 + plan(depth - 1)

    assert plan(2) == 2
    assert handspan_spans.tree() == [
        "invoke_agent planner",
        "  invoke_agent planner",
        "    invoke_agent planner",
    ]


async def test_decorated_coroutines_run_side_by_side(handspan_spans: Spans) -> None:
    """Calls of one decorated function overlap; none may see another's span."""

    @handspan.agent("worker")
    async def work(name: str) -> None:
        await asyncio.sleep(0)
        async with handspan.tool(name):
            await asyncio.sleep(0)

    async with handspan.workflow("team"):
        await asyncio.gather(*(work(name) for name in "abc"))
    assert handspan_spans.tree() == [
        "invoke_workflow team",
        "  invoke_agent worker",
        "    execute_tool a",
        "  invoke_agent worker",
        "    execute_tool b",
        "  invoke_agent worker",
        "    execute_tool c",
    ]


def test_a_generator_is_recorded_until_it_ends_and_is_current_in_its_body_only(
    handspan_spans: Spans,
) -> None:
    """What the consumer does between two items is not the generator's work."""

    @handspan.llm("m")
    def answer() -> Generator[str, str, str]:
        with handspan.tool("inside"):
            got = yield "a"
        yield got
        return "done"

    outside = get_current()
    stream = answer()
    assert next(stream) == "a"
    assert get_current() is outside
    with handspan.tool("outside"):
        assert stream.send("b") == "b"
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "done"
    assert handspan_spans.tree() == ["chat m", "  execute_tool inside", "execute_tool outside"]


def test_a_generator_left_early_is_no_error_and_its_body_is_closed(handspan_spans: Spans) -> None:
    """Consumers stop reading streams; the body's own clean-up must still run."""

    @handspan.llm("m")
    def answer() -> Iterator[str]:
        try:
            yield "a"
        finally:
            with handspan.tool("clean up"):
                pass

    outside = get_current()
    for _ in answer():
        break
    assert get_current() is outside
    assert handspan_spans.one("chat m").status.status_code is StatusCode.UNSET
    assert handspan_spans.tree() == ["chat m", "  execute_tool clean up"]


def test_generators_abandoned_in_cycles_do_not_crash_python() -> None:
    """The collector closes them at any moment, also while a context variable is being set."""
    program = """
import contextvars, gc, handspan
from opentelemetry.context import attach, set_value
from opentelemetry.sdk.trace import TracerProvider

handspan.configure(tracer_provider=TracerProvider(), instrument=())
for name in map(str, range(40)):
    contextvars.ContextVar(name).set(name)

@handspan.llm("m")
def answer():
    try:
        yield
    finally:
        for _ in range(3):
            attach(set_value("k", 2))

for i in range(5000):
    gc.set_threshold(1 + i % 97)
    stream = answer()
    next(stream)
    cycle = [stream]
    cycle.append(cycle)
    del stream, cycle
    attach(set_value("k", 1))
"""
    variables = os.environ | {"PYTHONMALLOC": "debug"}
    done = subprocess.run([sys.executable, "-c", program], env=variables, check=False)
    assert done.returncode == 0


def test_an_exception_thrown_into_a_generator_reaches_its_body(handspan_spans: Spans) -> None:
    """`contextlib` and pytest fixtures work that way."""

    @handspan.llm("m")
    def answer() -> Generator[str, None, None]:
        try:
            yield "a"
        except KeyError:
            yield "handled"

    stream = answer()
    next(stream)
    assert stream.throw(KeyError()) == "handled"
    stream.close()
    assert len(handspan_spans) == 1


async def test_an_async_generator_is_recorded_until_it_ends(handspan_spans: Spans) -> None:
    """Streams of models are async generators."""

    @handspan.llm("m")
    async def answer() -> AsyncIterator[str]:
        with handspan.tool("inside"):
            await asyncio.sleep(0)
            yield "a"
        yield "b"

    outside = get_current()
    assert [item async for item in answer() if get_current() is outside] == ["a", "b"]
    assert handspan_spans.tree() == ["chat m", "  execute_tool inside"]


async def test_an_async_generators_error_is_on_its_span(handspan_spans: Spans) -> None:
    """A stream that breaks off is a failed call."""

    @handspan.llm("m")
    async def answer() -> AsyncIterator[str]:
        yield "a"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        _ = [item async for item in answer()]
    assert handspan_spans.attributes("chat m")["error.type"] == "ConnectionError"


def test_a_tool_needs_no_parentheses(handspan_spans: Spans) -> None:
    """It is called what the function is called; nothing more needs to be typed."""

    @handspan.tool
    def add(left: int, right: int) -> int:
        return left + right

    @handspan.tool
    async def add_later(left: int, right: int) -> int:
        return left + right

    assert add(1, 2) + asyncio.run(add_later(3, 4)) == 10
    assert handspan_spans.tree() == ["execute_tool add", "execute_tool add_later"]


def test_a_decorated_tool_tells_arguments_and_result_only_with_content_capture(
    handspan_spans: Spans,
) -> None:
    """By default nobody's data leaves the program."""

    @handspan.tool
    def add(left: int, *, right: int) -> int:
        return left + right

    add(1, right=2)
    settings.use(capture_content=True)
    add(1, right=2)
    settings.use()
    silent, told = [dict(span.attributes or {}) for span in handspan_spans]
    content = {
        "gen_ai.tool.call.arguments": '{"left": 1, "right": 2}',
        "gen_ai.tool.call.result": "3",
    }
    assert silent.keys() & content.keys() == set()
    assert told == silent | content


async def test_a_plain_function_that_returns_a_coroutine_lasts_until_its_end(
    handspan_spans: Spans,
) -> None:
    """Other decorators hide that a function is asynchronous; so do objects that are called."""

    class Team:
        async def __call__(self, question: str) -> str:
            with handspan.tool("search"):
                await asyncio.sleep(0)
            return question

    @handspan.agent("writer")
    def write(question: str) -> Coroutine[None, None, str]:
        return Team()(question)

    outside = get_current()
    started = handspan.agent("team")(Team())("q")
    assert get_current() is outside
    assert (await started, await write("q")) == ("q", "q")
    with pytest.raises(TypeError):
        await handspan.agent("broken")(Team())()  # type: ignore[call-arg]
    assert handspan_spans.tree() == [
        "invoke_agent team",
        "  execute_tool search",
        "invoke_agent writer",
        "  execute_tool search",
        "invoke_agent broken",
    ]
    assert handspan_spans.one("invoke_agent broken").status.status_code is StatusCode.ERROR


async def test_a_coroutine_that_fails_or_is_cancelled_ends_the_span_of_its_function(
    handspan_spans: Spans,
) -> None:
    """And the Context is as it was."""

    async def fail() -> None:
        raise KeyError("gone")

    def hidden() -> Coroutine[None, None, None]:
        return fail()

    outside = get_current()
    with pytest.raises(KeyError):
        await handspan.agent("a")(hidden)()
    assert get_current() is outside
    assert handspan_spans.attributes("invoke_agent a")["error.type"] == "KeyError"


def test_methods_of_any_kind_may_be_decorated_in_any_order(handspan_spans: Spans) -> None:
    """Nobody remembers which decorator goes on top."""

    class Team:
        @handspan.tool
        @classmethod
        def of_class(cls) -> str:
            return cls.__name__

        @classmethod
        @handspan.tool
        def of_class_too(cls) -> str:
            return cls.__name__

        @handspan.agent("a")
        @staticmethod
        def alone() -> str:
            return "alone"

        @property
        @handspan.tool
        def size(self) -> int:
            return 1

    assert (Team.of_class(), Team().of_class_too()) == ("Team", "Team")
    assert (Team.alone(), Team().alone(), Team().size) == ("alone", "alone", 1)
    assert len(handspan_spans) == 5


def test_a_tool_without_a_name_is_called_as_its_function(handspan_spans: Spans) -> None:
    """`@handspan.tool()` and `@handspan.tool(description=...)` are what people type."""

    @handspan.tool()
    def add(left: int, right: int) -> int:
        return left + right

    @handspan.tool(description="Subtract.")
    def subtract(left: int, right: int) -> int:
        return left - right

    assert add(1, 2) + subtract(3, 1) == 5
    assert handspan_spans.tree() == ["execute_tool add", "execute_tool subtract"]
    told = handspan_spans.attributes("execute_tool subtract")
    assert told["gen_ai.tool.description"] == "Subtract."

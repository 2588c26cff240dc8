"""What people do wrong with a verb: their program goes on as if there were none."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import asyncio
import inspect
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import handspan
from handspan import internal
from handspan.record import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan.testing import Spans

WRONG = (object(), b"\xff", {1: object()}, [object()], float("nan"), -1, "x", "\x00", None, print)
BARE = ("workflow", "agent", "task", "validation", "human", "fault", "recovery", "plan", "llm")


def kinds() -> list[type[Recording]]:
    """Return every verb that is a class."""
    return sorted(
        (kind for name in handspan.__all__ if is_recording(kind := getattr(handspan, name))),
        key=lambda kind: kind.__name__,
    )


def is_recording(kind: object) -> bool:
    """Say whether a public name is a verb of this kind."""
    return inspect.isclass(kind) and issubclass(kind, Recording)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_wrong_arguments_change_nothing(
    handspan_spans: Spans,
    handspan_errors: list[Exception],
    kind: Any,  # noqa: ANN401 - a verb
) -> None:
    """A telemetry call in a path that is rarely run must not be what breaks it."""
    told = [one for one in fields(kind) if one.init]
    needed = {one.name: "x" for one in told if not one.kw_only and one.name != "kind"}
    for one in told:
        for value in WRONG:
            with kind(**{**needed, one.name: value}):
                pass
            kind(**{**needed, one.name: value}).start().end()
    handspan_errors.clear()
    assert len(handspan_spans) > len(told) * len(WRONG)


METHODS: dict[str, Callable[[Any], object]] = {
    "outcome": lambda wrong: handspan.workflow("w").start().outcome(wrong),
    "to": lambda wrong: handspan.handoff("a").start().to(wrong),
    "lost": lambda wrong: handspan.handoff("a").start().outcome(wrong),
    "files": lambda wrong: handspan.task("t").start().files_modified(wrong),
    "queued": lambda wrong: handspan.task.queued(wrong).start().end(),
    "queue": lambda wrong: handspan.queue_task(wrong, id=wrong, estimated_cost_usd=wrong),
    "arguments": lambda wrong: handspan.tool("t", capture_content=True).start().arguments(wrong),
    "usage": lambda wrong: handspan.llm("m").start().usage(input_tokens=wrong),
    "response": lambda wrong: handspan.llm("m").start().response(finish_reasons=wrong),
    "cost": lambda wrong: handspan.llm("m").start().cost(wrong),
    "first": lambda wrong: handspan.llm("m").start().first_token(wrong),
    "result": lambda wrong: handspan.validation("v").start().result(wrong, score=wrong),
    "decision": lambda wrong: handspan.human("h").start().decision(wrong),
    "success": lambda wrong: handspan.recovery("r").start().success(wrong),
    "rate": lambda wrong: handspan.rate(wrong, notes=wrong, of=wrong),
    "now": lambda wrong: handspan.fault("f", parameters=wrong).now(),
    "set": lambda wrong: handspan.agent("a").start().set(wrong, wrong),
    "end": lambda wrong: handspan.agent("a").start().end(wrong),
    "parent": lambda wrong: handspan.agent("a").start(parent=wrong).end(),
    "bind": lambda wrong: handspan.context.extract({"baggage": str(wrong)}),
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("method", METHODS)
def test_wrong_words_change_nothing(
    handspan_spans: Spans, handspan_errors: list[Exception], method: str, wrong: object
) -> None:
    """Neither do methods raise; what is not understood is logged once."""
    METHODS[method](wrong)
    handspan_errors.clear()
    del handspan_spans


@pytest.mark.parametrize("wrong", [object(), "x", None, float("nan"), -1])
def test_a_budget_without_a_number_counts_nothing(
    handspan_spans: Spans,
    handspan_errors: list[Exception],
    wrong: Any,  # noqa: ANN401
) -> None:
    """Its limit may come from a file."""
    with handspan.budget(wrong), handspan.llm("m") as call:
        call.cost(1.0)
    handspan_errors.clear()
    assert "chat m" in handspan_spans.tree()


@pytest.mark.parametrize("verb", BARE)
def test_a_decorator_without_parentheses_still_decorates(
    handspan_spans: Spans,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    """`@handspan.tool` needs none, so people leave them out elsewhere, too."""
    monkeypatch.setattr(internal, "_warned", set())
    decorator = getattr(handspan, verb)

    @decorator
    def add(left: int, right: int = 1) -> int:
        return left + right

    @decorator
    def nothing() -> str:
        return "nothing"

    class Team:
        @decorator
        async def work(self, number: int) -> int:
            return number

    assert (add(1), add(1, right=2), nothing()) == (2, 3, "nothing")
    assert asyncio.run(Team().work(7)) == 7
    assert len(handspan_spans) == 4
    assert "handspan." + verb in caplog.text


def test_a_rating_that_says_nothing_is_not_recorded(handspan_spans: Spans) -> None:
    """It would count as a rating."""
    handspan.rate()
    handspan.rate(9)
    assert len(handspan_spans) == 0


def test_the_switches_take_what_people_give_them(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One framework as a text is no list of letters, and a time-out may come from a file."""
    monkeypatch.setattr(internal, "_warned", set())
    handspan.configure(tracer_provider=handspan_spans.provider, instrument="no such")
    for wrong in ("5", -1, float("nan")):
        assert handspan.flush(wrong) is True  # type: ignore[arg-type]
    told = [record.message for record in caplog.records]
    assert "'no such'" in told[0]
    assert [message.startswith("Handspan ignores the time-out") for message in told[1:]] == [
        True
    ] * 3


def test_a_stream_that_is_none_fails_where_it_is_read(handspan_spans: Spans) -> None:
    """As without Handspan: not where it is only passed on."""
    with handspan.llm("m") as call:
        chunks = call.streamed(None)  # type: ignore[call-overload]
        with pytest.raises(TypeError):
            list(chunks)
    assert len(handspan_spans) == 1

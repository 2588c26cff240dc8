"""Answers that come piece by piece, and readers who leave."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

import handspan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from handspan.record import Stream
    from handspan.testing import Clock, Spans

PARTIAL = "handspan.usage.partial"
FIRST = "gen_ai.response.time_to_first_chunk"


class Answer:
    """A client's stream, with something of its own and a close that it notices."""

    def __init__(self, clock: Clock, error: Exception | None = None) -> None:
        self.request_id = "r-1"
        self.closed = False
        self._clock = clock
        self._error = error

    def __iter__(self) -> Iterator[str]:
        """Yield one word a second."""
        for word in ("Your", "refund", "is"):
            self._clock.advance(1)
            yield word
        if self._error:
            raise self._error

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield one word a second."""
        for word in self:
            yield word

    def close(self) -> None:
        """Close."""
        self.closed = True


class AsyncAnswer:
    """The same for `async for`; has no close."""

    def __init__(self, clock: Clock, error: Exception | None = None) -> None:
        self._answer = Answer(clock, error)

    def __aiter__(self) -> AsyncIterator[str]:
        """Yield one word a second."""
        return self._answer.__aiter__()


@pytest.fixture
def answer(handspan_clock: Clock) -> Any:  # noqa: ANN401 - a client's stream
    """A client's stream that cannot be iterated asynchronously."""
    plain = type("Plain", (Answer,), {"__aiter__": property()})
    return plain(handspan_clock)


def call_span(spans: Spans) -> dict[str, Any]:
    """Return the attributes of the call."""
    return spans.attributes("chat m")


def test_a_stream_read_to_its_end_is_whole(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Time to first token is from the request to the first piece."""
    with handspan.llm("m", stream=True) as call:
        words = list(call.streamed(iter(["Your", "refund"])))
        handspan_clock.advance(1)
    assert words == ["Your", "refund"]
    assert call_span(handspan_spans)[FIRST] == 0
    assert PARTIAL not in call_span(handspan_spans)


def test_a_reader_who_leaves_makes_usage_partial(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Lesson 21: what was seen until then is a lower bound, and must say so."""

    def words() -> Iterator[str]:
        handspan_clock.advance(0.5)
        yield "Your"
        yield "refund"

    with handspan.llm("m", stream=True) as call:
        for _ in call.streamed(words()):
            call.usage(output_tokens=1)
            break
    attributes = call_span(handspan_spans)
    assert attributes[PARTIAL] is True
    assert attributes[FIRST] == 0.5
    assert attributes["gen_ai.usage.output_tokens"] == 1


def test_a_stream_handed_out_ends_its_call_itself(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Whoever reads it is somewhere else, and nobody there ends a span."""

    def ask() -> Stream[str]:
        call = handspan.llm("m", stream=True).start()
        return call.streamed(iter(["Your", "refund"]))

    with handspan.agent("triage"):
        stream = ask()
    assert len(handspan_spans) == 1
    handspan_clock.advance(5)
    assert list(stream) == ["Your", "refund"]
    assert handspan_spans.tree() == ["invoke_agent triage", "  chat m"]
    assert PARTIAL not in call_span(handspan_spans)


@pytest.mark.parametrize("way", ["close", "with", "forget"])
def test_a_stream_abandoned_in_any_way_ends_its_span(
    handspan_spans: Spans, answer: Answer, way: str
) -> None:
    """Lesson 21: a span that never ends is never exported, nor is its cost."""
    stream = handspan.llm("m", stream=True).start().streamed(answer)
    assert next(stream) == "Your"
    assert stream.request_id == "r-1"
    if way == "close":
        stream.close()
    elif way == "with":
        with stream:
            pass
    del stream
    gc.collect()
    assert call_span(handspan_spans)[PARTIAL] is True
    assert handspan_spans.one("chat m").status.status_code is StatusCode.UNSET
    assert answer.closed is (way != "forget")


def test_a_stream_that_breaks_off_is_an_error(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """The user's exception passes; the call failed, with what was seen until then."""
    error = ConnectionError("gone")

    def words() -> Iterator[str]:
        handspan_clock.advance(1)
        yield "Your"
        raise error

    stream = handspan.llm("m").start().streamed(words())
    with pytest.raises(ConnectionError) as caught:
        list(stream)
    assert caught.value is error
    assert call_span(handspan_spans)[PARTIAL] is True
    assert call_span(handspan_spans)["error.type"] == "ConnectionError"
    assert handspan_spans.one("chat m").status.status_code is StatusCode.ERROR


async def test_an_asynchronous_stream_is_watched_too(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Most clients of models are asynchronous."""
    call = handspan.llm("m").start()
    words = [word async for word in call.streamed(AsyncAnswer(handspan_clock))]
    assert words == ["Your", "refund", "is"]
    assert call_span(handspan_spans)[FIRST] == 1
    assert PARTIAL not in call_span(handspan_spans)


async def test_an_asynchronous_stream_may_be_left_and_may_break(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Both end the span, with partial usage."""
    async with handspan.llm("m").start().streamed(AsyncAnswer(handspan_clock)) as stream:
        assert await anext(stream) == "Your"
    with pytest.raises(ConnectionError):
        async for _ in (
            handspan.llm("m").start().streamed(AsyncAnswer(handspan_clock, ConnectionError()))
        ):
            pass
    partial = [span.attributes[PARTIAL] for span in handspan_spans]  # type: ignore[index]
    assert partial == [True, True]


def test_a_decorated_generator_is_a_stream(handspan_spans: Spans, handspan_clock: Clock) -> None:
    """Time to first token and partial usage need no further word from the user."""

    @handspan.llm("m")
    def ask() -> Iterator[str]:
        handspan_clock.advance(0.25)
        yield "Your"
        yield "refund"

    assert list(ask()) == ["Your", "refund"]
    for _ in ask():
        break
    whole, left = [dict(span.attributes or {}) for span in handspan_spans]
    assert whole[FIRST] == left[FIRST] == 0.25
    assert whole["gen_ai.request.stream"] is True
    assert PARTIAL not in whole
    assert left[PARTIAL] is True


class Opened:
    """A client's stream that has to be entered, sync or async, as some clients have them."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - what entering gives
        self.left = 0
        self._answer = answer

    def __enter__(self) -> Any:  # noqa: ANN401 - see above
        """Return the pieces."""
        return self._answer

    def __exit__(self, *_: object) -> None:
        """Note it."""
        self.left += 1

    async def __aenter__(self) -> Any:  # noqa: ANN401 - see above
        """Return the pieces."""
        return self._answer

    async def __aexit__(self, *_: object) -> None:
        """Note it."""
        self.left += 1


class OpenedSync(Opened):
    """One that cannot be entered with `async with`."""

    __aenter__ = property()


def test_a_stream_that_must_be_entered_is_entered_and_left(
    handspan_spans: Spans, answer: Answer
) -> None:
    """`with client.stream(...) as chunks` goes on to work when it is watched."""
    opened: Any = OpenedSync(answer)
    with handspan.llm("m") as call, call.streamed(opened) as chunks:
        assert list(chunks) == ["Your", "refund", "is"]
        assert chunks.request_id == "r-1"
    assert opened.left == 1
    assert call_span(handspan_spans)[FIRST] == 1
    assert PARTIAL not in call_span(handspan_spans)


async def test_an_async_stream_that_must_be_entered_is_entered_and_left(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """And leaving it early is partial usage."""
    opened: Any = Opened(AsyncAnswer(handspan_clock))
    async with handspan.llm("m") as call, call.streamed(opened) as chunks:
        assert await anext(chunks) == "Your"
    assert opened.left == 1
    assert call_span(handspan_spans)[PARTIAL] is True

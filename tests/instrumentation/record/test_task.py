"""Tasks that are queued, attempted, retried."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import tenacity

import handspan
from handspan.record import QueuedTask

if TYPE_CHECKING:
    from handspan.testing import Clock, Spans

retry = tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True)


def told(spans: Spans, *names: str) -> list[tuple[Any, ...]]:
    """Return these attributes of each task span."""
    found = [dict(span.attributes or {}) for span in spans if span.name.startswith("run_task")]
    return [tuple(attributes.get(name) for name in names) for attributes in found]


def attempts(spans: Spans) -> list[tuple[Any, ...]]:
    """Return task id and attempt of each task span."""
    return told(spans, "handspan.task.id", "handspan.attempt")


def test_a_retried_function_is_one_task_with_attempts(handspan_spans: Spans) -> None:
    """Lesson 16: success and cost of the operation are not those of its attempts."""
    failures = iter([ConnectionError(), ConnectionError(), None])

    @retry
    @handspan.task("fetch")
    def fetch(page: int) -> int:
        with handspan.agent("reader"):
            error = next(failures)
            if error:
                raise error
            return page

    with handspan.workflow("crawl"):
        assert fetch(10_001) == 10_001
    first = f"{2:016x}"
    assert attempts(handspan_spans) == [(first, 1), (first, 2), (first, 3)]
    inside = [
        (span.attributes["handspan.task.id"], span.attributes["handspan.attempt"])  # type: ignore[index]
        for span in handspan_spans
        if span.name == "invoke_agent reader"
    ]
    assert inside == [(first, 1), (first, 2), (first, 3)]


async def test_coroutines_retried_side_by_side_keep_their_own_ids(handspan_spans: Spans) -> None:
    """Each logical call is a task of its own, however their attempts interleave."""
    failed: set[str] = set()

    @retry
    @handspan.task("fetch")
    async def fetch(page: str) -> str:
        await asyncio.sleep(0)
        if page not in failed:
            failed.add(page)
            raise ConnectionError
        return page

    async with handspan.workflow("crawl"):
        assert await asyncio.gather(*map(fetch, "abc")) == ["a", "b", "c"]
    found = attempts(handspan_spans)
    assert sorted(attempt for _, attempt in found) == [1, 1, 1, 2, 2, 2]
    assert len({task_id for task_id, _ in found}) == 3


def test_another_call_after_a_failure_is_another_task(handspan_spans: Spans) -> None:
    """A loop that goes on after an error does not retry."""

    @handspan.task("fetch")
    def fetch(page: object) -> None:
        raise ConnectionError(page)

    for page in (object(), object()):
        with pytest.raises(ConnectionError):
            fetch(page)
    found = attempts(handspan_spans)
    assert [attempt for _, attempt in found] == [1, 1]
    assert found[0] != found[1]


def test_a_call_after_success_is_another_task(handspan_spans: Spans) -> None:
    """Only what failed is attempted again."""

    @handspan.task("fetch")
    def fetch() -> None:
        """Do nothing."""

    fetch()
    fetch()
    found = attempts(handspan_spans)
    assert [attempt for _, attempt in found] == [1, 1]
    assert found[0] != found[1]


def test_the_same_id_again_is_another_attempt_within_its_run(handspan_spans: Spans) -> None:
    """Blocks cannot know that they are retried; an id of the user's says it."""
    for _ in range(2):
        with handspan.workflow("support"):
            for _ in range(2):
                with handspan.task("fix", id="t-1"):
                    pass
            with handspan.task("fix", id="t-2"), handspan.task("fix"):
                pass
    one_run = [("t-1", 1), ("t-1", 2), (None, 1), ("t-2", 1)]
    assert attempts(handspan_spans) == one_run * 2


def test_a_queued_task_says_how_long_it_waited(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Time to completion starts when it was queued, not when somebody had time."""
    with handspan.workflow("support", id="ticket-7"):
        queued_ns = handspan_clock.now_ns
        token = str(handspan.queue_task("fix", id="t-1", domain="backend", feature="billing"))
    handspan_clock.advance(30)
    with handspan.task.queued(token):
        pass
    (event,) = handspan_spans.one("invoke_workflow support").events
    assert event.name == "handspan.task.queued"
    assert event.attributes == {
        "handspan.task.id": "t-1",
        "handspan.task.type": "fix",
        "handspan.task.domain": "backend",
        "handspan.task.feature": "billing",
    }
    task = handspan_spans.one("run_task fix")
    assert task.parent is not None
    assert task.parent.span_id == 1
    assert handspan_spans.attributes("run_task fix") == {
        "handspan.kind": "task",
        "handspan.workflow.id": "ticket-7",
        "handspan.workflow.name": "support",
        "handspan.attempt": 1,
        "handspan.task.id": "t-1",
        "handspan.task.type": "fix",
        "handspan.task.domain": "backend",
        "handspan.task.feature": "billing",
        "handspan.task.queued_at_ns": queued_ns,
    }


def test_a_queued_task_belongs_to_the_run_that_takes_it(handspan_spans: Spans) -> None:
    """A worker with a workflow of its own shows its tasks inside it."""
    token = handspan.queue_task("fix")
    with handspan.workflow("worker"), handspan.task.queued(token, attempt=2):
        pass
    assert handspan_spans.tree() == [
        "handspan.task.queued",
        "invoke_workflow worker",
        "  run_task fix",
    ]
    assert attempts(handspan_spans) == [(None, 2)]


def test_a_queued_task_travels_to_another_process(handspan_spans: Spans) -> None:
    """Queues carry text; nothing else of this process is there."""
    with handspan.workflow("support", id="ticket-7"):
        token = str(handspan.queue_task("fix", id="t-1"))
    program = """
import sys, handspan
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
handspan.configure(tracer_provider=provider, instrument=())
with handspan.task.queued(sys.argv[1]):
    pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program, token],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
    )
    assert f'"parent_id": "0x{1:016x}"' in done.stdout
    assert f'"trace_id": "0x{1:032x}"' in done.stdout
    assert '"handspan.workflow.id": "ticket-7"' in done.stdout
    assert len(handspan_spans) == 1


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"type": "fix"}', '{"other": 1}'])
def test_what_is_no_queued_task_is_told_and_recorded_as_it_can(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """The queue's other users must not stop a worker."""
    with pytest.raises(ValueError, match="queued task"):
        QueuedTask.parse(text)
    with handspan.task.queued(text):
        pass
    assert len(handspan_spans) == 1
    assert "what queue_task gave" in caplog.text

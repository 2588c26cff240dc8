"""Announcements of running work: once, only of what lasts, and quiet when nobody takes them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)

import handspan
from handspan import semconv
from handspan.export.announcing import Announcer, PausingExporter
from handspan.processors.started import StartedProcessor

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan.testing import Clock, Spans


class Watch:
    """Announcements of one test, with a clock that the test moves."""

    def __init__(self, spans: Spans, clock: Clock) -> None:
        self.memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        logs = LoggerProvider(shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(self.memory))
        self.started = StartedProcessor(
            Announcer(lambda: logs).announce, now_s=lambda: clock.now_ns / 1e9, threaded=False
        )
        spans.provider.add_span_processor(self.started)

    def records(self) -> list[Any]:
        """Look what is due and return all log records."""
        self.started.announce_due()
        return [one.log_record for one in self.memory.get_finished_logs()]


@pytest.fixture
def watch(handspan_spans: Spans, handspan_clock: Clock) -> Watch:
    """Watch what the test records."""
    return Watch(handspan_spans, handspan_clock)


def test_what_lasts_is_announced_once_while_it_is_open(watch: Watch, handspan_clock: Clock) -> None:
    """A run of an hour is seen after a second."""
    began_ns = handspan_clock.now_ns
    with handspan.workflow("support", id="ticket-7"), handspan.agent("triage"):
        assert watch.records() == []
        handspan_clock.advance(0.9)
        assert watch.records() == []
        handspan_clock.advance(0.1)
        run, agent = watch.records()
        handspan_clock.advance(60)
        assert len(watch.records()) == 2
    assert (run.event_name, run.body) == ("handspan.started", "invoke_workflow support")
    assert run.attributes["handspan.workflow.id"] == "ticket-7"
    assert (run.timestamp, run.trace_id, run.span_id) == (began_ns, 1, 1)
    assert agent.attributes[semconv.KIND] == "agent"
    assert (agent.trace_id, agent.span_id) == (1, 2)
    assert agent.attributes[semconv.PARENT_SPAN_ID] == "0000000000000001"


def test_what_ends_in_time_and_what_is_no_agent_work_is_not(
    watch: Watch, handspan_clock: Clock, handspan_spans: Spans
) -> None:
    """Tools, calls and foreign spans come in thousands; nobody waits to see them begin."""
    with handspan.agent("quick"):
        pass
    other = handspan_spans.tracer("httpx").start_span("GET", attributes={semconv.KIND: "agent"})
    with handspan.tool("slow"), handspan.llm("gpt-4o"):
        handspan_clock.advance(30)
        assert watch.records() == []
    other.end()


def test_the_patience_is_a_setting(
    watch: Watch, handspan_clock: Clock, use: Callable[..., object]
) -> None:
    """A batch job may want to hear of hours only."""
    use(announce_after_s=3600)
    with handspan.agent("night"):
        handspan_clock.advance(3599)
        assert watch.records() == []
        handspan_clock.advance(1)
        assert len(watch.records()) == 1


def test_secrets_are_not_announced_either(watch: Watch, handspan_clock: Clock) -> None:
    """The record leaves before the span does."""
    with handspan.agent("triage") as agent:
        agent.set("app.password", "hunter2")
        agent.set("app.note", "x" * 70_000)
        handspan_clock.advance(2)
        (record,) = watch.records()
    assert record.attributes["app.password"] == "[redacted:key]"
    assert len(record.attributes["app.note"]) == 65_536


def test_memory_is_bounded(watch: Watch, handspan_clock: Clock) -> None:
    """A program that never ends its spans must not be ruined by who watches them."""
    opened = [handspan.agent("lost").start() for _ in range(10_050)]
    assert watch.started.watched == 10_000
    handspan_clock.advance(2)
    assert len(watch.records()) == 10_000
    assert watch.started.watched == 0
    for one in opened:
        one.end()


def test_one_thread_announces_and_comes_with_the_first_span(handspan_spans: Spans) -> None:
    """No thread for a program that records no agents; one for any number of them."""
    announced, names = threading.Event(), []

    def announce(span: Any) -> None:  # noqa: ANN401 - a span of the SDK
        names.append((span.name, threading.current_thread().name))
        if len(names) == 3:
            announced.set()

    started = StartedProcessor(announce, now_s=iter(range(10**6)).__next__)
    handspan_spans.provider.add_span_processor(started)
    before = set(threading.enumerate())
    with handspan.tool("search"):
        pass
    assert set(threading.enumerate()) <= before
    with handspan.workflow("support"), handspan.agent("triage"), handspan.agent("refund"):
        assert announced.wait(60)
    started.shutdown()
    assert {thread for _, thread in names} == {"handspan-started"}
    assert sorted(name for name, _ in names) == [
        "invoke_agent refund",
        "invoke_agent triage",
        "invoke_workflow support",
    ]


class Refusing:
    """A receiver of spans only."""

    def __init__(self) -> None:
        self.asked = 0

    def export(self, batch: object) -> LogRecordExportResult:
        """Refuse."""
        del batch
        self.asked += 1
        return LogRecordExportResult.FAILURE


def test_a_receiver_without_logs_is_asked_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Many take no logs; neither they nor the user's terminal shall suffer."""
    now_s, refusing = 0.0, Refusing()
    exporter = PausingExporter(refusing, lambda: now_s)
    for _ in range(120):
        assert exporter.export([]) is LogRecordExportResult.FAILURE
        now_s += 1
    assert refusing.asked == 2
    assert caplog.records == []

"""The queue: bounded, counted, flushed and shut down within limits of time that hold."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from handspan import settings
from handspan.export.batches import BoundedBatches
from handspan.export.losses import Losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Door(SpanExporter):
    """An exporter that waits as long as its door is closed."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.sent = 0
        self.result = SpanExportResult.SUCCESS

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait for the door."""
        self.reached.set()
        assert self.open.wait(60)
        self.sent += len(spans)
        return self.result


class Queue:
    """A provider with one of our queues."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20")
        monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5")
        self.door, self.lost = Door(), Losses()
        self.batches = BoundedBatches(self.door, self.lost)
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.batches)

    def record(self, count: int) -> None:
        """Record so many spans."""
        for _ in range(count):
            self.provider.get_tracer("test").start_span("work").end()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue of 20, sent in fives."""
    queue = Queue(monkeypatch)
    yield queue
    queue.door.open.set()
    queue.provider.shutdown()


def test_what_does_not_fit_is_counted_and_the_rest_arrives(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK drops with a log line each, and afterwards nobody knows how many."""
    queue.door.open.clear()
    queue.record(50)
    assert queue.lost.counts() == {"queue full": 30}
    assert [record.name for record in caplog.records] == ["handspan"]
    queue.door.open.set()
    queue.provider.force_flush()
    assert queue.door.sent == 20


def test_flush_says_whether_everything_arrived(queue: Queue) -> None:
    """The SDK says True although spans were dropped."""
    queue.record(3)
    assert queue.batches.force_flush(30_000) is True
    queue.door.result = SpanExportResult.FAILURE
    queue.record(3)
    assert queue.batches.force_flush(30_000) is False
    queue.door.result = SpanExportResult.SUCCESS
    queue.record(3)
    assert queue.batches.force_flush(30_000) is True


def test_flush_ends_at_its_limit_and_starts_no_second_one(queue: Queue) -> None:
    """The SDK's own blocks for 15 to 32 s, whatever limit it is given."""
    queue.door.open.clear()
    queue.record(3)
    assert queue.batches.force_flush(20) is False
    threads = threading.active_count()
    for _ in range(5):
        assert queue.batches.force_flush(5) is False
    assert threading.active_count() == threads
    assert queue.lost.late == 6
    queue.door.open.set()
    queue.record(1)
    assert queue.batches.force_flush(30_000) is True
    assert queue.door.sent == 4


def test_the_end_comes_within_its_limit_and_tells_what_is_left(
    queue: Queue, use: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK holds the end of a program for half a minute."""
    use(flush_timeout_s=0.05)
    queue.door.open.clear()
    queue.record(7)
    queue.provider.shutdown()
    assert queue.lost.counts() == {"exit": 7}
    (record,) = caplog.records
    assert record.getMessage() == (
        "Handspan lost spans (exit: 7): the receiver did not take them within 0.05 s, is it up? "
        "HANDSPAN_FLUSH_TIMEOUT_S sets how long to wait; your program goes on"
    )
    queue.record(1)
    assert queue.lost.counts() == {"exit": 8}


def test_the_end_sends_what_is_left(queue: Queue) -> None:
    """The last spans are those of a crash."""
    queue.record(7)
    queue.provider.shutdown()
    assert queue.door.sent == 7
    assert queue.lost.total() == 0
    assert settings.current().flush_timeout_s == 5


def test_what_is_not_sampled_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampler that drops 99 % must not fill the queue."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF  # noqa: PLC0415 - of this test only

    queue = Queue(monkeypatch)
    queue.provider.sampler = ALWAYS_OFF
    queue.record(100)
    assert queue.lost.total() == 0
    queue.provider.shutdown()


def test_the_recording_thread_never_waits_for_the_receiver(queue: Queue) -> None:
    """While the exporter hangs, spans go on being recorded: this test would not end otherwise."""
    queue.door.open.clear()
    queue.record(5)
    assert queue.door.reached.wait(60)
    queue.record(5000)
    assert queue.door.sent == 0

"""Requests that fit, spans that spoil them, and what is lost: sent, isolated, counted, told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from handspan.export.losses import Losses
from handspan.export.sending import SendingExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOGGER = logging.getLogger("opentelemetry.exporter.test")


class Receiver(SpanExporter):
    """Takes or refuses requests, as real exporters do: by result and log record."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []
        self.taken: list[str] = []
        self.refuses: Callable[[list[str]], str] = lambda _: ""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep the names of the spans."""
        names = [span.name for span in spans]
        self.requests.append(names)
        why = self.refuses(names)
        if why:
            LOGGER.error("Failed to export %s to %s: %s", "traces", "host", why)
            return SpanExportResult.FAILURE
        self.taken += names
        return SpanExportResult.SUCCESS


def spans(*names: str, **attributes: str) -> Sequence[ReadableSpan]:
    """Return ended spans of these names."""
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    for name in names:
        span = provider.get_tracer("test").start_span(name, attributes=attributes)
        span.end()
        memory.export([span])  # type: ignore[list-item]
    return memory.get_finished_spans()


def test_a_batch_is_sent_in_requests_that_fit(use: Callable[..., object]) -> None:
    """A batch of the SDK is bounded in number only; receivers refuse 4 MiB."""
    use(max_request_bytes=50_000)
    receiver, lost = Receiver(), Losses()
    names = [f"s{number}" for number in range(10)]
    batch = spans(*names, file="x" * 20_000)
    assert SendingExporter(receiver, lost).export(batch) is SpanExportResult.SUCCESS
    assert receiver.taken == names
    assert [len(request) for request in receiver.requests] == [2] * 5
    assert lost.counts() == {}


@pytest.mark.parametrize("reason", ["StatusCode.INVALID_ARGUMENT", "413 Payload Too Large"])
def test_one_span_that_is_refused_loses_nobody_else(
    reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """aihub-core#1795: one oversized span dropped the whole batch of 500, again and again."""
    receiver, lost = Receiver(), Losses()
    receiver.refuses = lambda names: reason if "bad" in names else ""
    names = [f"s{number}" for number in range(500)]
    result = SendingExporter(receiver, lost).export(spans(*names[:77], "bad", *names[77:]))
    assert result is SpanExportResult.FAILURE
    assert receiver.taken == names
    assert len(receiver.requests) < 30
    assert lost.counts() == {"refused": 1}
    (record,) = caplog.records
    assert record.getMessage().startswith("Handspan lost spans (refused: 1): Failed to export")
    assert reason in record.getMessage()


def test_a_span_on_which_the_exporter_fails_loses_nobody_else() -> None:
    """An exporter that raises, for example while encoding, raises for the one span only."""
    receiver, lost = Receiver(), Losses()

    def refuses(names: list[str]) -> str:
        if "bad" in names:
            raise ValueError("cannot encode")
        return ""

    receiver.refuses = refuses
    SendingExporter(receiver, lost).export(spans("a", "bad", "b", "c"))
    assert receiver.taken == ["a", "b", "c"]
    assert lost.counts() == {"refused": 1}


def test_a_receiver_that_is_down_is_asked_once_per_batch() -> None:
    """Halving a batch that nobody takes would be 1,000 requests to a server in trouble."""
    receiver, lost = Receiver(), Losses()
    receiver.refuses = lambda _: "StatusCode.UNAVAILABLE"
    SendingExporter(receiver, lost).export(spans(*"abcdefgh"))
    assert receiver.requests == [list("abcdefgh")]
    assert lost.counts() == {"not sent": 8}


def test_one_line_a_minute_and_none_of_the_exporters(caplog: pytest.LogCaptureFixture) -> None:
    """Peers print 25 lines while a receiver is away; what was lost meanwhile is in the next one."""
    now_s = 1000.0
    receiver, lost = Receiver(), Losses(lambda: now_s)
    receiver.refuses = lambda _: "StatusCode.UNAVAILABLE"
    sending = SendingExporter(receiver, lost)
    for _ in range(25):
        sending.export(spans("a", "b"))
        now_s += 2
    assert [record.name for record in caplog.records] == ["handspan"]
    now_s += 20
    sending.export(spans("a"))
    assert [record.getMessage() for record in caplog.records] == [
        (
            "Handspan lost spans (not sent: 2): "
            "Failed to export traces to host: StatusCode.UNAVAILABLE; your program goes on"
        ),
        (
            "Handspan lost spans (not sent: 49): "
            "Failed to export traces to host: StatusCode.UNAVAILABLE; your program goes on"
        ),
    ]
    assert lost.total() == 51


def test_exporters_of_others_log_as_before(caplog: pytest.LogCaptureFixture) -> None:
    """Being quiet is for what we started, not for the whole process."""
    receiver = Receiver()
    receiver.refuses = lambda _: "StatusCode.UNAVAILABLE"
    SendingExporter(receiver, Losses()).export(spans("a"))
    caplog.clear()
    receiver.export(spans("a"))
    assert [record.name for record in caplog.records] == [LOGGER.name]


def test_a_span_that_cannot_be_completed_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, handspan_errors: list[Exception]
) -> None:
    """Rather no span than one that nobody has looked through."""
    from handspan.processors import redaction  # noqa: PLC0415 - to be broken

    def broken() -> redaction.Redaction:
        raise RuntimeError("no redactor")

    receiver, lost = Receiver(), Losses()
    sending = SendingExporter(receiver, lost)
    batch = spans("a", "b")
    monkeypatch.setattr(redaction, "current", broken)
    assert sending.export(batch) is SpanExportResult.SUCCESS
    assert receiver.taken == []
    assert lost.counts() == {"not redacted": 2}
    handspan_errors.clear()

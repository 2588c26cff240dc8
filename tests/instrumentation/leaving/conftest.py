"""What the tests of leaving spans share: settings that are put back, and a provider of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from handspan import settings
from handspan.provider import make_provider
from handspan.record import tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the defaults, and put back what the test changes."""
    monkeypatch.setattr(settings, "_current", settings.from_environment({}))


class Sent:
    """What our provider has sent into memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider: TracerProvider = make_provider("test", self.exporter)

    def spans(self) -> list[ReadableSpan]:
        """Send what is waiting and return all spans."""
        assert self.provider.force_flush(30_000)
        return list(self.exporter.get_finished_spans())

    def one(self) -> ReadableSpan:
        """Return the only span."""
        (span,) = self.spans()
        return span

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the only span."""
        return dict(self.one().attributes or {})


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, handspan_errors: list[Exception]) -> Iterator[Sent]:
    """Record with a provider that Handspan makes, into memory."""
    del handspan_errors  # it fails the test when Handspan itself has an error
    monkeypatch.setattr(tracer, "_provider", None)
    monkeypatch.setattr(tracer, "_tracer", None)
    sent = Sent()
    tracer.use_provider(sent.provider)
    yield sent
    sent.provider.shutdown()


@pytest.fixture
def use() -> Callable[..., object]:
    """Put settings in force for this test: `use(redact=["emails"])`."""
    return settings.use

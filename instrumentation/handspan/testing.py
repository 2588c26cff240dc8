"""Test what your agents record: a pytest plugin, active wherever Handspan is installed.

Ask for the fixture `handspan_spans`: it records with a tracer provider of its own, with ids
1, 2, 3 and a clock that stands still, and fails the test if Handspan itself had an error.

    def test_triage_hands_over_to_refund(handspan_spans):
        run_my_team("I want my money back")
        assert handspan_spans.tree() == [
            "invoke_workflow support",
            "  invoke_agent triage",
            "    handoff refund",
            "  invoke_agent refund",
        ]

Nothing of OpenTelemetry's SDK is imported before a test asks for it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Tracer

_NEW_YEAR_2026_NS = 1_767_225_600_000_000_000


class Clock:
    """Time that stands still until the test moves it; starts on 2026-01-01, 00:00 UTC."""

    def __init__(self) -> None:
        self.now_ns = _NEW_YEAR_2026_NS

    def advance(self, seconds: float) -> None:
        """Move the time on."""
        self.now_ns += round(seconds * 1e9)


class Spans:
    """The spans of one test, in the order in which they ended."""

    def __init__(self, provider: TracerProvider, exporter: InMemorySpanExporter) -> None:
        self.provider = provider
        """Provider that Handspan records with."""
        self._exporter = exporter

    def __iter__(self) -> Iterator[ReadableSpan]:
        """Iterate over the ended spans."""
        return iter(self._exporter.get_finished_spans())

    def __len__(self) -> int:
        """Return how many spans have ended."""
        return len(self._exporter.get_finished_spans())

    def tracer(self, name: str) -> Tracer:
        """Return a tracer of somebody else, for example of another instrumentation."""
        return self.provider.get_tracer(name)

    def one(self, name: str) -> ReadableSpan:
        """Return the only ended span of this name; fails the test when there is not just one."""
        found = [span for span in self if span.name == name]
        assert len(found) == 1, f"{len(found)} spans are named {name!r} in {self.tree()}"
        return found[0]

    def attributes(self, name: str) -> dict[str, Any]:
        """Return the attributes of the only ended span of this name."""
        return dict(self.one(name).attributes or {})

    def tree(self) -> list[str]:
        """Return one line per ended span, in order of start, indented below its parent."""
        children: dict[int | None, list[ReadableSpan]] = {}
        ended = {_span_id(span) for span in self}
        for span in sorted(self, key=lambda span: (span.start_time or 0, _span_id(span))):
            parent = span.parent.span_id if span.parent else None
            children.setdefault(parent if parent in ended else None, []).append(span)
        return list(_lines(children, None, ""))


@pytest.fixture
def handspan_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Handspan's time, standing still; `handspan_clock.advance(seconds)` moves it."""
    from handspan import clock

    standing = Clock()
    monkeypatch.setattr(clock, "source", lambda: standing.now_ns)
    return standing


@pytest.fixture
def handspan_errors() -> Iterator[list[Exception]]:
    """Errors of Handspan itself; a test that expects some clears the list, else it fails."""
    from handspan import internal

    errors: list[Exception] = []
    internal.listeners.append(errors.append)
    yield errors
    internal.listeners.remove(errors.append)
    if errors:
        raise errors[0]


@pytest.fixture
def handspan_spans(
    handspan_clock: Clock,  # noqa: ARG001 - it is in force
    handspan_errors: list[Exception],  # noqa: ARG001 - it is in force
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Spans]:
    """The spans that this test records, with ids 1, 2, 3 and the time of `handspan_clock`."""
    from handspan.record import tracer
    from handspan.record.handoff import forget_counts

    forget_counts()
    spans = _recorder()
    monkeypatch.setattr(tracer, "_provider", None)
    monkeypatch.setattr(tracer, "_tracer", None)
    tracer.use_provider(spans.provider)
    yield spans
    spans.provider.shutdown()


def _recorder() -> Spans:
    """Return spans that record into memory with the SDK's real provider."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
        InMemorySpanExporter,
    )

    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=_counting_ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Spans(provider, exporter)


def _counting_ids() -> IdGenerator:
    """Return a generator of the ids 1, 2, 3, for traces and spans apart."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class CountingIds(IdGenerator):
        def __init__(self) -> None:
            self._traces = itertools.count(1)
            self._spans = itertools.count(1)

        def generate_trace_id(self) -> int:
            return next(self._traces)

        def generate_span_id(self) -> int:
            return next(self._spans)

    return CountingIds()


def _span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.span_id if context else 0


def _lines(
    children: dict[int | None, list[ReadableSpan]], parent: int | None, indent: str
) -> Iterator[str]:
    for span in children.get(parent, []):
        yield f"{indent}{span.name}"
        yield from _lines(children, _span_id(span), indent + "  ")

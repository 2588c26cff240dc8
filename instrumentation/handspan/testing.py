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

The helpers `assert_tree`, `assert_workflow`, `assert_agent` and `assert_handoff` take these spans
or any other iterable of ended spans, such as those of an in-memory exporter of your own.

Nothing of OpenTelemetry's SDK is imported before a test asks for it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from handspan import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        return tree(self)


def tree(spans: Iterable[ReadableSpan]) -> list[str]:
    """Return one line per span, in order of start, indented below its parent."""
    known = sorted(spans, key=lambda span: (span.start_time or 0, _span_id(span)))
    ended = {_span_id(span) for span in known}
    children: dict[int | None, list[ReadableSpan]] = {}
    for span in known:
        parent = span.parent.span_id if span.parent else None
        children.setdefault(parent if parent in ended else None, []).append(span)
    return list(_lines(children, None, ""))


def assert_tree(spans: Iterable[ReadableSpan], expected: str) -> None:
    r"""Assert that the spans form this tree, one name a line, two blanks per level.

    Args:
        spans: ended spans.
        expected: as `tree()` gives it; common indentation and empty lines do not count.

    Example:
        >>> assert_tree(handspan_spans, "invoke_workflow support\n  invoke_agent triage")
    """
    from difflib import ndiff
    from textwrap import dedent

    wanted = [line.rstrip() for line in dedent(expected).splitlines() if line.strip()]
    got = tree(spans)
    if got != wanted:
        difference = "\n".join(ndiff(wanted, got))
        raise AssertionError(f"the spans form another tree (- expected, + recorded):\n{difference}")


def assert_workflow(
    spans: Iterable[ReadableSpan],
    name: str,
    *,
    outcome: semconv.WorkflowOutcome | None = None,
    agents: Sequence[str] | None = None,
    **attributes: object,
) -> ReadableSpan:
    """Assert that one run of this workflow was recorded; return its span.

    Args:
        spans: ended spans.
        name: name of the workflow.
        outcome: how it ended; None: any.
        agents: names of the agents that worked in its trace, in order of their start, each
            listed once per span; None: any.
        attributes: more that the span must say, `.` written as `__`, for example
            `handspan__feature="refunds"`.
    """
    known = list(spans)
    expected = {semconv.WORKFLOW_OUTCOME: outcome} | _named(attributes)
    span = _only(known, "workflow", {semconv.WORKFLOW_NAME: name}, expected)
    if agents is not None:
        worked = _agents_of(known, span)
        if worked != list(agents):
            raise AssertionError(f"in workflow {name!r} worked {worked}, not {list(agents)}")
    return span


def assert_agent(
    spans: Iterable[ReadableSpan],
    name: str,
    *,
    times: int = 1,
    error_type: str | None = None,
    **attributes: object,
) -> ReadableSpan:
    """Assert that this agent worked; return its first span.

    Args:
        spans: ended spans.
        name: name of the agent.
        times: how often.
        error_type: what it failed with; None: anything or nothing.
        attributes: as for `assert_workflow`.
    """
    expected = {semconv.ERROR_TYPE: error_type} | _named(attributes)
    return _only(spans, "agent", {semconv.AGENT_NAME: name}, expected, times)


def assert_handoff(
    spans: Iterable[ReadableSpan],
    source: str,
    target: str,
    *,
    times: int = 1,
    mode: semconv.HandoffMode | None = None,
    reason: str | None = None,
    artifacts: Sequence[str] | None = None,
    outcome: semconv.HandoffOutcome | None = None,
) -> ReadableSpan:
    """Assert that `source` gave control to `target`; return the first such span.

    Args:
        spans: ended spans.
        source: who gave control away.
        target: who received it.
        times: how often, with what follows alike.
        mode: return_to_caller or pass_control; None: any.
        reason: why; None: any.
        artifacts: names of what was handed over; None: any.
        outcome: whether the target took over; None: any.

    Example:
        >>> assert_handoff(handspan_spans, "triage", "refund", mode="pass_control")
    """
    who = {semconv.HANDOFF_SOURCE: source, semconv.HANDOFF_TARGET: target}
    expected = {
        semconv.HANDOFF_MODE: mode,
        semconv.HANDOFF_REASON: reason,
        semconv.HANDOFF_ARTIFACTS: None if artifacts is None else tuple(artifacts),
        semconv.HANDOFF_OUTCOME: outcome,
    }
    return _only(spans, "handoff", who, expected, times)


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
    monkeypatch.setattr(tracer, "_pricing", None)
    tracer.use_provider(spans.provider, completing=False)
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


def _only(
    spans: Iterable[ReadableSpan],
    kind: semconv.Kind,
    who: Mapping[str, object],
    expected: Mapping[str, object],
    times: int = 1,
) -> ReadableSpan:
    """Return the first of exactly `times` spans of a kind that say all this; None: anything."""
    of_kind = sorted(
        (span for span in spans if (span.attributes or {}).get(semconv.KIND) == kind),
        key=lambda span: (span.start_time or 0, _span_id(span)),
    )
    wanted = {**who, **{name: value for name, value in expected.items() if value is not None}}
    found = [span for span in of_kind if _says(span, wanted)]
    if len(found) != times or not found:
        told = [{name: (span.attributes or {}).get(name) for name in wanted} for span in of_kind]
        raise AssertionError(
            f"{len(found)} {kind} spans, not {times}, say {wanted}; recorded: {told}"
        )
    return found[0]


def _says(span: ReadableSpan, wanted: Mapping[str, object]) -> bool:
    attributes = span.attributes or {}
    return all(attributes.get(name) == value for name, value in wanted.items())


def _named(attributes: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


def _agents_of(spans: Iterable[ReadableSpan], workflow: ReadableSpan) -> list[str]:
    """Return the agents of the workflow's trace, in order of start."""
    context = workflow.get_span_context()
    inside = [
        span
        for span in spans
        if (span.attributes or {}).get(semconv.KIND) == "agent"
        and (own := span.get_span_context())
        and context
        and own.trace_id == context.trace_id
    ]
    inside.sort(key=lambda span: (span.start_time or 0, _span_id(span)))
    return [str((span.attributes or {})[semconv.AGENT_NAME]) for span in inside]


def _span_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.span_id if context else 0


def _lines(
    children: dict[int | None, list[ReadableSpan]], parent: int | None, indent: str
) -> Iterator[str]:
    for span in children.get(parent, []):
        yield f"{indent}{span.name}"
        yield from _lines(children, _span_id(span), indent + "  ")

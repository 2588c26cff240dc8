"""A span that Handspan opens is the one that the SDK's tracer would have made.

The contract with the SDK's private parts. `make test-sdk` runs this file with the oldest SDK.
"""

from __future__ import annotations

import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    DEFAULT_OFF,
    Decision,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState

import handspan
from handspan.record import opening, tracer
from handspan.record.opening import opener_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from tests.instrumentation.leaving.conftest import Sent

    Told = Any
    Starts = Any
    """An opener or a tracer."""
    Drive = Callable[[Starts], None]

START_NS = 1_795_132_800 * 10**9


class CountingIds(IdGenerator):
    """Ids 1, 2, 3: two providers make the same."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def generate_trace_id(self) -> int:
        """Return the next id."""
        return next(self._ids)

    def generate_span_id(self) -> int:
        """Return the next id."""
        return next(self._ids)


class Made:
    """What a provider has recorded."""

    def __init__(self, **told: Told) -> None:
        self.memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, id_generator=CountingIds(), **told)
        self.provider.add_span_processor(SimpleSpanProcessor(self.memory))
        self.tracer = self.provider.get_tracer("handspan", "1.0")

    def said(self) -> list[dict[str, Any]]:
        """Return the spans as the SDK writes them, with what was dropped."""
        return [_said(span) for span in self.memory.get_finished_spans()]


def _said(span: ReadableSpan) -> dict[str, Any]:
    dropped = (span.dropped_attributes, span.dropped_events, span.dropped_links)
    context = span.get_span_context()
    assert context is not None
    return {
        **json.loads(span.to_json()),
        "flags": int(context.trace_flags),
        "scope": span.instrumentation_scope,
        "dropped": dropped,
    }


def _both(drive: Drive, **told: Told) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what comes of the same calls through an opener and through the SDK's tracer."""
    quick, plain = Made(**told), Made(**told)
    opener = opener_of(quick.tracer)
    assert opener is not None
    drive(opener)
    drive(plain.tracer)
    return quick.said(), plain.said()


scalars = st.one_of(st.text(max_size=20), st.booleans(), st.integers(), st.floats(allow_nan=False))
values = st.one_of(scalars, st.lists(st.text(max_size=5), max_size=3))
attributes = st.dictionaries(st.text(max_size=10), values, max_size=8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(deadline=None)
@given(first=attributes, later=attributes, kind=st.sampled_from(SpanKind))
def test_any_attributes_are_kept_as_the_sdk_keeps_them(
    first: Mapping[str, Any], later: Mapping[str, Any], kind: SpanKind
) -> None:
    """Names and types; what is no attribute's value is made one before (`record/values.py`)."""

    def drive(tracer: Starts) -> None:
        span = tracer.start_span("work", Context(), kind, dict(first), (), START_NS)
        getattr(span, "put", span.set_attributes)(dict(later))
        span.end(START_NS + 1)

    quick, plain = _both(drive)
    assert quick == plain


PARENTS = {
    "none": Context(),
    **{
        name: trace.set_span_in_context(trace.NonRecordingSpan(context), Context())
        for name, context in {
            "remote": SpanContext(
                7,
                8,
                is_remote=True,
                trace_flags=TraceFlags(1),
                trace_state=TraceState([("a", "b")]),
            ),
            "random": SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(3)),
            "unsampled": SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0)),
        }.items()
    },
}


@pytest.mark.parametrize("parent", PARENTS)
def test_ids_flags_and_state_come_from_the_parent(parent: str) -> None:
    """A trace that somebody upstream does not sample is not sampled here."""

    def drive(tracer: Starts) -> None:
        span = tracer.start_span("work", PARENTS[parent], SpanKind.CLIENT, {"a": 1}, (), START_NS)
        child = trace.set_span_in_context(span, Context())
        tracer.start_span("more", child, start_time=START_NS).end(START_NS + 1)
        span.end(START_NS + 2)

    quick, plain = _both(drive)
    assert quick == plain
    assert len(quick) == (0 if parent == "unsampled" else 2)


def test_all_that_a_span_can_do_works() -> None:
    """Events, links, status, a late name: the SDK's own methods, on parts that are ours."""
    other = SpanContext(7, 8, is_remote=False)

    def drive(tracer: Starts) -> None:
        for links in ((), (Link(other, {"why": "first"}),)):
            span = tracer.start_span("work", Context(), attributes={}, links=links, start_time=1)
            span.set_attribute("a", 1)
            span.add_event("happened", {"b": 2}, START_NS)
            span.record_exception(ValueError("no"), timestamp=START_NS)
            span.add_link(other, {"why": "more"})
            span.set_status(trace.StatusCode.ERROR, "no")
            span.update_name("other")
            span.end(START_NS)
            span.end(START_NS)

    quick, plain = _both(drive)
    for span in (*quick, *plain):
        for event in span["events"]:
            event["attributes"].pop("exception.stacktrace", None)
    assert quick == plain
    assert len(quick[0]["events"]) == 2
    assert len(quick[0]["links"]) == 1


def test_spans_share_neither_events_nor_links_nor_attributes() -> None:
    """They are copies of one span: what is added to one is on no other."""
    made = Made()
    opener = opener_of(made.tracer)
    assert opener is not None
    spans: list[Any] = [opener.start_span("work", Context(), attributes={}) for _ in range(2)]
    spans[0].add_event("happened")
    spans[0].add_link(SpanContext(7, 8, is_remote=False))
    spans[0].put({"a": 1})
    for span in spans:
        span.end()
    first, second = made.memory.get_finished_spans()
    assert (len(first.events), len(first.links), dict(first.attributes or {})) == (1, 1, {"a": 1})
    assert (len(second.events), len(second.links), dict(second.attributes or {})) == (0, 0, {})


def test_threads_may_add_to_one_span_at_once() -> None:
    """Lists that come with the first entry must not come twice."""
    made = Made()
    opener = opener_of(made.tracer)
    assert opener is not None
    for _ in range(50):
        made.memory.clear()
        span: Any = opener.start_span("work", Context(), attributes={})
        ready = threading.Barrier(4)

        workers = [threading.Thread(target=_add, args=(span, ready)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        span.end()
        (ended,) = made.memory.get_finished_spans()
        assert (len(ended.events), len(ended.attributes or {})) == (4, 4)


def _add(span: opening.OwnSpan, ready: threading.Barrier) -> None:
    ready.wait()
    span.add_event("happened")
    span.put({threading.current_thread().name: 1})


@pytest.mark.parametrize("most", [2, 128])
def test_the_limit_of_attributes_is_the_sdks(most: int) -> None:
    """What is too much is dropped and counted, at the start and later."""

    def drive(tracer: Starts) -> None:
        span = tracer.start_span("work", Context(), attributes={"a": 1, "b": 2, "c": 3})
        getattr(span, "put", span.set_attributes)({f"later.{n}": n for n in range(most)})
        span.end()

    quick, plain = _both(drive, span_limits=SpanLimits(max_span_attributes=most))
    assert [span["attributes"] for span in quick] == [span["attributes"] for span in plain]
    assert quick[0]["dropped"] == plain[0]["dropped"] == (3, 0, 0)


class Marking(Sampler):
    """Takes every span and puts an attribute on it."""

    def should_sample(self, *_: object, **__: object) -> SamplingResult:
        """Return yes, and the mark."""
        return SamplingResult(Decision.RECORD_AND_SAMPLE, {"sampled": "yes"})

    def get_description(self) -> str:
        """Return a name."""
        return "marking"


@pytest.mark.parametrize(
    "sampler", [ALWAYS_OFF, DEFAULT_OFF, Marking()], ids=["off", "by parent", "marking"]
)
def test_another_sampler_is_asked(sampler: Sampler) -> None:
    """Only of the default it is known what it says."""

    def drive(tracer: Starts) -> None:
        tracer.start_span("work", Context(), attributes={}, start_time=START_NS).end(START_NS)

    quick, plain = _both(drive, sampler=sampler)
    assert quick == plain


def test_what_is_not_the_sdks_is_left_to_itself() -> None:
    """Wrappers of other tools and limits of length take the SDK's way."""
    assert opener_of(trace.NoOpTracerProvider().get_tracer("x")) is None
    short = TracerProvider(
        shutdown_on_exit=False, span_limits=SpanLimits(max_span_attribute_length=5)
    )
    assert opener_of(short.get_tracer("x")) is None


def test_parts_that_nobody_knows_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later SDK may keep more on a span, which every span must have for itself."""
    made = Made()
    assert opener_of(made.tracer) is not None
    monkeypatch.setattr(opening, "_PARTS_OF_SPAN", opening._PARTS_OF_SPAN - {"_status"})  # noqa: SLF001 - the contract itself
    assert opener_of(made.tracer) is None


def test_the_verbs_take_the_quick_way_with_this_sdk(sent: Sent) -> None:
    """Else recording costs a third more, and nobody would notice."""
    with handspan.agent("triage") as agent:
        assert isinstance(agent.span, opening.OwnSpan)
    assert isinstance(tracer.current_tracer(), opening.Opener)
    assert sent.one().name == "invoke_agent triage"

"""Budgets of a span: content is cut, who did what at which cost stays, and the cut is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import handspan
from handspan import semconv
from handspan.processors.limits import is_sendable, shortened, size_of
from handspan.provider import make_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.instrumentation.leaving.conftest import Sent


def test_a_hundred_tool_definitions_evict_neither_model_nor_tokens(sent: Sent) -> None:
    """The SDK drops the oldest of more than 128 attributes: the model (litellm#34828)."""
    with handspan.llm("gpt-4o", provider="openai") as call:
        for number in range(400):
            call.set(f"llm.tools.{number}.json_schema", "{}")
        call.usage(input_tokens=10, output_tokens=5)
    attributes = sent.attributes()
    assert len(attributes) <= 128
    assert attributes["gen_ai.request.model"] == "gpt-4o"
    assert attributes["gen_ai.usage.input_tokens"] == 10
    assert attributes["handspan.cost.usd"] > 0
    assert "llm.tools.399.json_schema 2" in attributes[semconv.TRUNCATED]
    assert attributes[semconv.TRUNCATED][-1].endswith(" more")


def test_a_long_text_is_cut_and_its_size_is_told(sent: Sent) -> None:
    """A reader must see that the end is missing, and how much of it."""
    with handspan.tool("read") as tool:
        tool.set("file", "ä" * 100_000)
    attributes = sent.attributes()
    assert attributes["file"] == "ä" * 32_768
    assert attributes[semconv.TRUNCATED] == ("file 200000",) or attributes[semconv.TRUNCATED] == [
        "file 200000"
    ]


def test_many_texts_share_the_budget_and_names_keep_theirs(
    sent: Sent, use: Callable[..., object]
) -> None:
    """The largest give first; a small note beside a huge prompt stays whole."""
    use(max_span_bytes=10_000)
    with handspan.agent("triage") as agent:
        agent.set("note", "n" * 100)
        agent.set("gen_ai.input.messages", "x" * 50_000)
        agent.span.add_event("thought", {"text": "y" * 40_000})
    span = sent.one()
    attributes: dict[str, Any] = dict(span.attributes or {})
    (event,) = span.events
    thought = str((event.attributes or {})["text"])
    assert attributes["note"] == "n" * 100
    assert attributes["gen_ai.agent.name"] == "triage"
    assert len(attributes["gen_ai.input.messages"]) == len(thought)
    assert 9_000 < 100 + 2 * len(thought) <= 10_000
    assert set(attributes[semconv.TRUNCATED]) == {"gen_ai.input.messages 50000", "text 40000"}


def test_a_span_within_its_budgets_is_not_touched(sent: Sent) -> None:
    """Being marked as cut would be a lie."""
    with handspan.tool("read") as tool:
        tool.set("file", "x" * 60_000)
    attributes = sent.attributes()
    assert len(attributes["file"]) == 60_000
    assert semconv.TRUNCATED not in attributes


def test_half_a_surrogate_pair_is_replaced(sent: Sent) -> None:
    """Protobuf refuses such a text, and the exporter then loses the whole batch."""
    with handspan.tool("read") as tool:
        tool.set("file", "a\ud83dz")
    assert sent.attributes()["file"] == "a?z"


def test_the_hosts_own_limit_of_attributes_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sets OpenTelemetry's variable means it."""
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "20")
    memory = InMemorySpanExporter()
    provider = make_provider("test", memory)
    many = {f"app.{number}": number for number in range(60)}
    provider.get_tracer("test").start_span("work", attributes=many).end()
    provider.shutdown()
    (span,) = memory.get_finished_spans()
    assert len(span.attributes or {}) == 20
    assert span.dropped_attributes == 40


VALUES = st.recursive(
    st.text() | st.binary() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(0, 50))
def test_a_cut_text_is_a_beginning_within_its_bytes(text: str, most: int) -> None:
    """Never in the middle of a letter."""
    short = shortened(text, most)
    assert len(short.encode()) <= most
    assert text.encode(errors="replace").startswith(short.encode())


@given(VALUES, st.integers(0, 200))
def test_a_cut_value_keeps_its_kind_and_can_be_sent(value: Any, most: int) -> None:  # noqa: ANN401
    """A list stays a list: readers index it."""
    short = shortened(value, most)
    assert type(short) is type(value)
    assert size_of(short) <= max(most, 8)
    assert is_sendable(short)

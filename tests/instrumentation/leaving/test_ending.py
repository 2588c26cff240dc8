"""Spans of somebody else's provider: completed where the SDK lets us; others left alone.

The contract with the SDK's private parts. `make test-sdk` runs this file with the oldest SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import handspan
from handspan import semconv
from handspan.provider import teach
from handspan.record import tracer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

KEY = "sk-" + "proj-Ab1_" * 4


class Host:
    """A program that has set up OpenTelemetry by itself."""

    def __init__(self) -> None:
        self.memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(BatchSpanProcessor(self.memory))

    def spans(self) -> list[ReadableSpan]:
        """Return what the host's own exporter got."""
        self.provider.force_flush()
        return list(self.memory.get_finished_spans())


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, handspan_errors: list[Exception]) -> Iterator[Host]:
    """Record with the host's provider, which Handspan was told of twice."""
    del handspan_errors  # it fails the test when Handspan itself has an error
    monkeypatch.setattr(tracer, "_provider", None)
    monkeypatch.setattr(tracer, "_tracer", None)
    host = Host()
    tracer.use_provider(host.provider)
    teach(host.provider)
    yield host
    host.provider.shutdown()


def test_the_hosts_exporter_gets_cost_and_no_secrets(host: Host) -> None:
    """Whoever has an exporter keeps it, and sees what ours would send."""
    with handspan.llm("gpt-4o", provider="openai") as call:
        call.usage(input_tokens=1_000_000, output_tokens=0)
        call.set("app.cookie", "a=b")
        call.span.add_event("retry", {"key": KEY})
        call.span.add_link(call.span.get_span_context(), {"why": KEY})
        call.end(ValueError(f"{KEY} is refused"))
    (span,) = host.spans()
    attributes = dict(span.attributes or {})
    assert attributes[semconv.COST_USD] == 2.5
    assert attributes["app.cookie"] == "[redacted:key]"
    assert KEY not in span.to_json()
    assert span.status.description == "[redacted:api_key] is refused"
    assert [event.name for event in span.events] == ["retry", "exception"]


def test_foreign_spans_inside_a_run_are_redacted_and_others_are_not_ours(host: Host) -> None:
    """A host's own business spans go out as the host wrote them."""
    with handspan.agent("triage"), host.provider.get_tracer("httpx").start_as_current_span("GET"):
        pass
    other = host.provider.get_tracer("shop").start_span("order", attributes={"cookie": "x"})
    inside = host.provider.get_tracer("httpx")
    with handspan.agent("triage"), inside.start_as_current_span("PUT") as span:
        span.set_attribute("cookie", "x")
    other.end()
    found = {span.name: dict(span.attributes or {}) for span in host.spans()}
    assert found["PUT"]["cookie"] == "[redacted:key]"
    assert found["order"] == {"cookie": "x"}


def test_model_and_names_survive_the_hosts_limit_of_128(host: Host) -> None:
    """The SDK would drop the oldest: model, provider, agent (litellm#34828)."""
    with handspan.agent("triage"), handspan.llm("gpt-4o", provider="openai") as call:
        for number in range(300):
            call.set(f"llm.tools.{number}.json_schema", "{}")
        call.usage(input_tokens=10, output_tokens=5)
    found: dict[str, Any] = dict(host.spans()[0].attributes or {})
    assert len(found) <= 128
    assert found["gen_ai.request.model"] == "gpt-4o"
    assert found["handspan.agent.name"] == "triage"
    assert found["gen_ai.usage.input_tokens"] == 10
    assert semconv.TRUNCATED in found


def test_who_ran_it_survives_on_a_foreign_span_too(host: Host) -> None:
    """Attribution is the oldest of its attributes, which the SDK would drop first."""
    foreign = host.provider.get_tracer("openinference")
    with handspan.agent("triage"), foreign.start_as_current_span("call") as span:
        for number in range(300):
            span.set_attribute(f"llm.tools.{number}.json_schema", "{}")
    found: dict[str, Any] = dict(host.spans()[0].attributes or {})
    assert len(found) <= 128
    assert found["handspan.agent.name"] == "triage"


def test_a_span_that_needs_nothing_is_left_as_it_is(host: Host) -> None:
    """Every replaced part is a risk that nobody needs."""
    with handspan.tool("search") as tool:
        before = tool.span.attributes  # type: ignore[attr-defined]
    (span,) = host.spans()
    assert dict(span.attributes or {}) == dict(before or {})


def test_a_provider_that_takes_no_processors_is_left_alone() -> None:
    """OpenTelemetry's API has other implementations than its SDK."""
    from opentelemetry.trace import NoOpTracerProvider  # noqa: PLC0415 - of this test only

    teach(NoOpTracerProvider())

"""Redaction of whole spans: every place where text can stand, third-party spans, failing closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import handspan
from handspan.processors import redaction
from handspan.provider import make_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from tests.instrumentation.leaving.conftest import Sent

KEY = "sk-" + "proj-Ab1_" * 4


def test_no_place_on_a_span_keeps_a_secret(sent: Sent) -> None:
    """An exception's message and stack trace are where keys leak most (openinference#3773)."""
    with sent.provider.get_tracer("httpx").start_as_current_span(f"GET {KEY}") as span:
        span.set_attribute("url.full", f"https://bob:pw@host/?api_key={KEY}")
        span.set_attribute("http.request.header.authorization", ["Basic x"])
        span.set_attribute("input", json.dumps({"deep": json.dumps({"password": "hunter2"})}))
        span.add_event(f"retry with {KEY}", {"key": KEY})
        span.add_link(span.get_span_context(), {"why": KEY})
    try:
        with sent.provider.get_tracer("httpx").start_as_current_span("POST"):
            raise ValueError(f"key {KEY} is refused, ask ada@example.com")  # noqa: TRY301
    except ValueError:
        pass
    everything = "".join(span.to_json() for span in sent.spans())
    assert KEY not in everything
    assert "hunter2" not in everything
    assert "ada@example.com" not in everything
    assert "Basic x" not in everything
    failed = next(span for span in sent.spans() if span.name == "POST")
    assert failed.status.description == (
        "ValueError: key [redacted:api_key] is refused, ask [redacted:email]"
    )
    (event,) = failed.events
    assert "ValueError" in str((event.attributes or {})["exception.stacktrace"])


def test_a_span_without_secrets_is_sent_as_it_is(sent: Sent) -> None:
    """Copies cost; nearly every span needs none."""
    with handspan.tool("search") as tool:
        tool.set("app.count", 5)
    (span,) = sent.spans()
    assert type(span).__name__ == "ReadableSpan"


def test_the_resource_is_redacted_too(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector may have put the command line there."""
    with handspan.tool("search"):
        pass
    assert sent.one().resource is sent.provider.resource
    leak = f"process.command_line=serve --api_key {KEY},deployment=test"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", leak)
    memory = InMemorySpanExporter()
    provider = make_provider("shop", memory)
    provider.get_tracer("test").start_span("work").end()
    provider.shutdown()
    (span,) = memory.get_finished_spans()
    found = span.resource.attributes
    assert found["process.command_line"] == "serve --api_key [redacted:api_key]"
    assert (found["deployment"], found["service.name"]) == ("test", "shop")


def test_what_the_redactor_fails_on_does_not_leave(
    sent: Sent, use: Callable[..., object], handspan_errors: list[Exception]
) -> None:
    """A redactor that fails open is none (langfuse#15372); the failure is counted."""

    def broken(text: str) -> str:
        raise RuntimeError(text)

    use(redact_functions=[broken])
    with handspan.tool("search") as tool:
        tool.set("note", "private")
        tool.set("count", 5)
    span = sent.one()
    attributes = dict(span.attributes or {})
    assert span.name == "[redacted:failed]"
    assert attributes["note"] == "[redacted:failed]"
    assert attributes["count"] == 5
    assert redaction.current().failures > 3
    assert {str(error) for error in handspan_errors} >= {"private"}
    handspan_errors.clear()


def test_own_rules_are_settings(sent: Sent, use: Callable[..., object]) -> None:
    """By argument of `configure`, by variable, or as a function."""
    use(
        redact=["keys"],
        redact_keys=["employee_id"],
        redact_patterns=[r"EMP-\d+"],
        redact_functions=[lambda text: text.replace("Ada", "A.")],
    )
    with handspan.tool("search") as tool:
        tool.set("app.employeeId", "77")
        tool.set("note", "Ada is EMP-77, ada@example.com")
    attributes = sent.attributes()
    assert attributes["app.employeeId"] == "[redacted:key]"
    assert attributes["note"] == "A. is [redacted:custom], ada@example.com"


def test_a_wrong_rule_is_a_warning_and_everything_else_is_redacted(
    sent: Sent, use: Callable[..., object], caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error in a pattern must not switch redaction off."""
    use(redact_patterns=["("], redact=["emails"])
    with handspan.tool("search") as tool:
        tool.set("note", KEY)
    assert sent.attributes()["note"] == "[redacted:api_key]"
    assert "a setting is wrong" in caplog.text


def test_the_memory_of_harmless_texts_is_bounded(sent: Sent) -> None:
    """A run makes new ids for ever."""
    memory = redaction.current()
    for number in range(25_000):
        memory.value("id", f"id-{number}")
    assert 0 < len(memory.harmless) <= 10_000
    del sent


def test_a_name_that_tells_hides_numbers_and_known_texts_alike(sent: Sent) -> None:
    """What is harmless under one name is a secret under another."""
    with handspan.tool("search") as tool:
        tool.set("app.city", "hunter2")
        tool.set("app.password", "hunter2")
        tool.set("app.cvv", 123)
    attributes = sent.attributes()
    assert attributes["app.city"] == "hunter2"
    assert attributes["app.password"] == attributes["app.cvv"] == "[redacted:key]"

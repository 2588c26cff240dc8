"""Costs and numbers that scenario runs log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import handspan
from handspan.compat.scenarios import log_context, log_cost, record_metric
from handspan.log_context import JsonFormatter, RunFilter
from handspan.testing import assert_tree

if TYPE_CHECKING:
    import pytest

    from handspan.testing import Clock, Spans


def test_a_logged_cost_is_a_model_call_of_the_agent(
    handspan_spans: Spans, handspan_clock: Clock
) -> None:
    """Cost KPIs sum model calls, so a cost without one would be in none."""
    handspan_clock.advance(10)
    with handspan.workflow("negotiation"), handspan.agent("mayor"):
        log_cost(
            0.0125,
            model="gpt-5-mini",
            provider="openai",
            input_tokens=812,
            output_tokens=64,
            duration_s=2.5,
        )
    assert_tree(
        [span for span in handspan_spans if span.name.startswith("chat")], "chat gpt-5-mini"
    )
    call = handspan_spans.one("chat gpt-5-mini")
    assert (call.end_time or 0) - (call.start_time or 0) == 2_500_000_000
    assert call.attributes is not None
    assert call.attributes["handspan.agent.name"] == "mayor"
    assert call.attributes["handspan.cost.usd"] == 0.0125
    assert call.attributes["handspan.cost.source"] == "provider"
    assert call.attributes["gen_ai.usage.input_tokens"] == 812


def test_a_cost_that_is_unknown_stays_unknown(handspan_spans: Spans) -> None:
    """The service prices the tokens; 0 would say that the call was free."""
    log_cost(model="m", input_tokens=1)
    assert "handspan.cost.usd" not in handspan_spans.attributes("chat m")


def test_a_logged_cost_is_a_line_with_run_turn_and_actor(
    handspan_spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """As the older logging wrote it."""
    caplog.handler.addFilter(RunFilter())
    caplog.set_level(logging.INFO, "handspan.cost")
    with handspan.workflow("negotiation", id="r-1"), log_context(turn=3, actor="mayor"):
        log_cost(0.5, model="m")
    (record,) = caplog.records
    line = JsonFormatter().format(record)
    assert '"message": "cost of a model call", "run": "r-1"' in line
    assert '"turn": 3, "actor": "mayor"' in line
    assert '"cost_usd": 0.5, "model": "m"' in line
    assert len(handspan_spans) == 2


def test_a_metric_is_an_event_of_the_run(handspan_spans: Spans) -> None:
    """Any number, by its name."""
    with handspan.workflow("negotiation"):
        record_metric("trust_ratio", 0.75)
        record_metric("offers", 3)
    first, second = handspan_spans.one("invoke_workflow negotiation").events
    assert (first.name, second.name) == ("handspan.metric", "handspan.metric")
    assert first.attributes == {
        "handspan.metric.name": "trust_ratio",
        "handspan.metric.value": 0.75,
    }
    assert (second.attributes or {})["handspan.metric.value"] == 3.0


def test_a_metric_outside_a_run_is_a_span_of_its_own(
    handspan_spans: Spans, handspan_errors: list[Exception]
) -> None:
    """Never both, and no text for a number."""
    record_metric("trust_ratio", 0.75)
    record_metric("trust_ratio", "high")  # type: ignore[arg-type]
    assert handspan_spans.attributes("handspan.metric")["handspan.metric.name"] == "trust_ratio"
    assert len(handspan_errors) == 1
    handspan_errors.clear()

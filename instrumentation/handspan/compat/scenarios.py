"""Scenario runs: `log_cost` and `record_metric`; their log lines are in `handspan.log_context`."""

from __future__ import annotations

import logging

from handspan import semconv
from handspan.clock import now_ns
from handspan.internal import contained
from handspan.log_context import log_context
from handspan.record import Llm
from handspan.record.point import happened

__all__ = ["log_context", "log_cost", "record_metric"]

_costs = logging.getLogger("handspan.cost")


@contained
def log_cost(
    cost_usd: float | None = None,
    *,
    model: str | None = None,
    provider: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    duration_s: float = 0.0,
) -> None:
    """Record what a model call has cost, after it. Today: `with handspan.llm(model)`.

    A span of the running agent, and a line at INFO on the logger "handspan.cost", for which
    `handspan.log_context` adds run, turn, actor, phase and scenario.

    Args:
        cost_usd: what was paid; None: the service prices the tokens.
        model: model that was asked.
        provider: who runs it.
        input_tokens: all input, cached tokens included.
        output_tokens: all output, reasoning tokens included.
        duration_s: how long the call took; the span ends now.

    Example:
        >>> log_cost(0.0125, model="gpt-5-mini", input_tokens=812, output_tokens=64)
    """
    at_ns = now_ns()
    call = Llm(model, provider=provider).start(start_ns=at_ns - max(round(duration_s * 1e9), 0))
    call.usage(input_tokens=input_tokens, output_tokens=output_tokens)
    if cost_usd is not None:
        call.cost(cost_usd)
    call.end(end_ns=at_ns)
    told = {
        "cost_usd": cost_usd,
        "model": model,
        "provider": provider,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    _costs.info("cost of a model call", extra=told)


@contained
def record_metric(name: str, value: float) -> None:
    """Record a number on the run that goes on: an event on the current span.

    Args:
        name: what it is, with its unit; few different ones.
        value: the number.

    Example:
        >>> with handspan.workflow("negotiation"):
        ...     record_metric("trust_ratio", 0.75)
    """
    happened(
        semconv.EVENT_METRIC,
        {semconv.METRIC_NAME: name, semconv.METRIC_VALUE: float(value)},
    )

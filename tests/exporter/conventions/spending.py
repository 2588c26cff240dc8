"""Lives recordings through again in this process, with a budget around them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import StatusCode, set_span_in_context

import handspan
from handspan.record import tracer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span
    from tests.exporter.conventions.replaying import Recording

_NUMBERS: Final = {"intValue": int, "doubleValue": float, "boolValue": bool, "stringValue": str}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a budget made of the calls of one recording."""

    used_usd: Decimal
    """To 1e-9 USD: a budget adds floats."""
    unpriced_calls: int


def spent_on(recording: Recording) -> Spent:
    """Start and end the recorded spans in the order of their times, inside one budget.

    All attributes are there from the start, as instrumentors give what a span is.
    """
    provider = TracerProvider(shutdown_on_exit=False)
    before = tracer.current_provider()
    tracer.use_provider(provider)
    try:
        with handspan.budget(1_000) as budget:
            _live(provider, list(_spans(recording)))
    finally:
        tracer.use_provider(before)
        provider.shutdown()
    return Spent(round(Decimal(budget.used_usd), 9), budget.unpriced_calls)


def _live(provider: TracerProvider, told: list[tuple[str, dict[str, Any]]]) -> None:
    above = {one["spanId"]: one.get("parentSpanId", "") for _, one in told}
    depth = {span_id: _depth(span_id, above) for span_id in above}
    moments = []
    for scope, one in told:
        level = depth[one["spanId"]]
        # At one time: first those end that are inside, then those begin that are outside.
        moments.append((int(one["startTimeUnixNano"]), 1, level, scope, one))
        instant = one["startTimeUnixNano"] == one["endTimeUnixNano"]
        moments.append((int(one["endTimeUnixNano"]), 2 if instant else 0, -level, scope, one))
    alive: dict[str, Span] = {}
    for at_ns, order, _, scope, one in sorted(moments, key=lambda moment: moment[:3]):
        if order == 1:
            alive[one["spanId"]] = _start(provider, scope, one, alive)
        else:
            alive[one["spanId"]].end(at_ns)


def _depth(span_id: str, above: dict[str, str]) -> int:
    depth = 0
    while span_id in above:
        span_id, depth = above[span_id], depth + 1
    return depth


def _start(
    provider: TracerProvider, scope: str, one: dict[str, Any], alive: dict[str, Span]
) -> Span:
    parent = alive.get(one.get("parentSpanId", ""))
    context = get_current() if parent is None else set_span_in_context(parent)
    span = provider.get_tracer(scope).start_span(
        one["name"],
        context,
        attributes={each["key"]: _value(each["value"]) for each in one.get("attributes", [])},
        start_time=int(one["startTimeUnixNano"]),
    )
    if one.get("status", {}).get("code") == "STATUS_CODE_ERROR":
        span.set_status(StatusCode.ERROR)
    return span


def _spans(recording: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    for request in recording.requests:
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield scope["scope"]["name"], span


def _value(told: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    ((kind, value),) = told.items()
    if kind == "arrayValue":
        return [_value(one) for one in value.get("values", [])]
    return _NUMBERS[kind](value) if kind in _NUMBERS else str(value)

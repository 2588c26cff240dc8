"""A span processor that prints the tree of a run while it grows."""

from __future__ import annotations

import threading
from typing import IO, TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode

from handspan import colours, semconv
from handspan.internal import contained, warn_once
from handspan.processors import redaction
from handspan.processors.completion import completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Event, ReadableSpan, Span
    from opentelemetry.util.types import AttributeValue

_COLOURS: dict[str, colours.Colour] = {
    "workflow": "bold",
    "agent": "cyan",
    "handoff": "magenta",
    "llm": "blue",
    "validation": "yellow",
    "fault": "red",
    "recovery": "green",
    "human": "yellow",
}

_COLOURS_OF_POINTS: dict[str, colours.Colour] = {
    semconv.EVENT_FAULT: "red",
    semconv.EVENT_BUDGET: "yellow",
    semconv.EVENT_TASK_QUEUED: "grey",
    semconv.EVENT_DECISION: "grey",
    semconv.EVENT_MESSAGE: "magenta",
}
"""Points in time that are printed when the span around them ends; the SDK tells nobody sooner."""

MAX_OPEN_SPANS = 10_000
"""Open spans whose depth is remembered; beyond it the oldest one's children start at the margin."""


class SpanTreeProcessor(SpanProcessor):
    """Prints one line when a span starts and one when it ends.

    A failing stream is reported once and ends the printing, never the program.
    """

    def __init__(self, stream: IO[str], *, colour: bool | None = None) -> None:
        """Print to `stream`; `colour` None: if it is a terminal and NO_COLOR is not set."""
        self._stream = stream
        self._colour = colours.wanted(stream) if colour is None else colour
        self._marks = _marks(stream)
        self._depths: dict[int, int] = {}
        self._lock = threading.Lock()
        self._broken = False

    @contained
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        """Print that the span begins."""
        depth = self._remember(span)
        attributes = span.attributes or {}
        title = redaction.current().text(_title(span, self._marks))
        line = " ".join([self._marks["start"], title, *_asked(attributes)])
        self._print(depth, line, _COLOURS.get(str(attributes.get(semconv.KIND))))

    @contained
    def on_end(self, span: ReadableSpan) -> None:
        """Print what happened in the span, and how it ended: time, tokens, cost, outcome, error."""
        depth = self._forget(span)
        span, _ = completed(span)
        failed = span.status.status_code is StatusCode.ERROR
        mark = self._marks["failed" if failed else "done"]
        # Each once: a budget is told when it changes, and again at the end of its block.
        for told, name in {_point(event): event.name for event in span.events}.items():
            if told is not None:
                self._print(depth + 1, f"{self._marks['point']} {told}", _COLOURS_OF_POINTS[name])
        line = " ".join([mark, _title(span, self._marks), _duration(span), *_facts(span)])
        self._print(depth, line, "red" if failed else "grey")

    def _remember(self, span: Span) -> int:
        parent = span.parent.span_id if span.parent else 0
        with self._lock:
            depth = self._depths.get(parent, -1) + 1
            self._depths[span.get_span_context().span_id] = depth
            if len(self._depths) > MAX_OPEN_SPANS:
                del self._depths[next(iter(self._depths))]
        return depth

    def _forget(self, span: ReadableSpan) -> int:
        context = span.get_span_context()
        with self._lock:
            return self._depths.pop(context.span_id if context else 0, 0)

    def _print(self, depth: int, line: str, colour: colours.Colour | None) -> None:
        if self._broken:
            return
        text = colours.painted(colours.printable(line), colour, on=self._colour)
        try:
            self._write(f"{'  ' * depth}{text}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._broken = True
            warn_once(f"Handspan stops printing the tree of the run: {error}")

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line)
        except UnicodeEncodeError:  # a terminal that does not have the letter
            encoding = getattr(self._stream, "encoding", None) or "ascii"
            self._stream.write(line.encode(encoding, "replace").decode(encoding))


def _marks(stream: IO[str]) -> Mapping[str, str]:
    """Return the signs for start, end, failure and handoff, in ASCII where it must be."""
    signs = {"start": "▶", "done": "✓", "failed": "✗", "to": "→", "point": "•"}
    try:
        "".join(signs.values()).encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return {"start": ">", "done": "+", "failed": "x", "to": "->", "point": "*"}
    return signs


def _title(span: ReadableSpan, marks: Mapping[str, str]) -> str:
    """Return the span's name; a handoff says from where."""
    attributes = span.attributes or {}
    source = attributes.get(semconv.HANDOFF_SOURCE)
    if not source:
        return span.name
    target = attributes.get(semconv.HANDOFF_TARGET, "?")
    return f"{semconv.SPAN_HANDOFF} {source} {marks['to']} {target}"


def _point(event: Event) -> str | None:
    """Return what happened at a point in time, in words; None: nothing that is for people."""
    if event.name not in _COLOURS_OF_POINTS:
        return None
    told = event.attributes or {}
    words = [told[name] for name in _OF_POINTS if name in told]
    used, limit = told.get(semconv.BUDGET_USED_USD), told.get(semconv.BUDGET_LIMIT_USD)
    if isinstance(used, float) and isinstance(limit, float):
        words.append(f"${used:.4g} of ${limit:.4g}")
    return " ".join(map(str, [event.name.removeprefix("handspan."), *words]))


_OF_POINTS = (
    *(semconv.FAULT_TYPE, semconv.FAULT_TARGET, semconv.BUDGET_NAME, semconv.BUDGET_STATE),
    *(semconv.DECISION_NAME, semconv.DECISION_CHOICE, semconv.MESSAGE_TARGET, semconv.MESSAGE_TYPE),
    *(semconv.TASK_TYPE, semconv.TASK_ID),
)
"""What is said of a point in time, in this order."""


def _asked(attributes: Mapping[str, AttributeValue]) -> list[str]:
    attempt = attributes.get(semconv.ATTEMPT)
    is_task = attributes.get(semconv.KIND) == "task"
    return [f"attempt {attempt}"] if is_task and attempt not in (None, 1) else []


def _duration(span: ReadableSpan) -> str:
    taken_ns = (span.end_time or 0) - (span.start_time or 0)
    return f"{taken_ns / 1e9:.2f} s" if taken_ns >= 1e9 else f"{taken_ns / 1e6:.1f} ms"


def _tokens(attributes: Mapping[str, AttributeValue]) -> str | None:
    given = attributes.get(semconv.GEN_AI_USAGE_INPUT_TOKENS)
    got = attributes.get(semconv.GEN_AI_USAGE_OUTPUT_TOKENS)
    if given is None and got is None:
        return None
    return f"{'?' if given is None else given}+{'?' if got is None else got} tokens"


def _cost(attributes: Mapping[str, AttributeValue]) -> str | None:
    usd = attributes.get(semconv.COST_USD)
    return f"${usd:.6f}".rstrip("0").rstrip(".") if isinstance(usd, float | int) else None


_FACTS: tuple[Callable[[Mapping[str, AttributeValue]], object], ...] = (
    _tokens,
    _cost,
    lambda attributes: attributes.get(semconv.WORKFLOW_OUTCOME),
    lambda attributes: attributes.get(semconv.HANDOFF_OUTCOME),
    lambda attributes: attributes.get(semconv.VALIDATION_RESULT),
    lambda attributes: attributes.get(semconv.HUMAN_DECISION),
    lambda attributes: attributes.get(semconv.ERROR_TYPE),
)


def _facts(span: ReadableSpan) -> list[str]:
    """Return what the ended span knows, in words; what is unknown is left out."""
    found = [tell(span.attributes or {}) for tell in _FACTS]
    message = span.status.description if span.status.status_code is StatusCode.ERROR else None
    return [str(fact) for fact in [*found, message] if fact is not None]

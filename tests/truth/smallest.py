"""Makes a history that shows an error as small as it gets, and readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.history import SECOND_NS, History
from tests.truth.scene import START_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from tests.truth.history import Span

    Item = TypeVar("Item")


def fewest(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Return some of the items with which it still fails, none of which can be left out.

    Halves go first, then quarters, and so on (delta debugging).
    """
    left, size = list(items), max(1, len(items) // 2)
    while True:
        before = len(left)
        for start in reversed(range(0, len(left), size)):
            fewer = left[:start] + left[start + size :]
            if fewer and fails(fewer):
                left = fewer
        if size > 1:
            size = max(1, size // 2)
        elif len(left) == before:
            return left


def smallest(history: History, fails: Callable[[History], bool]) -> History:
    """Return the history with as few spans, and if it can be in one request, as still fails."""
    spans = history.delivered()
    if fails(once := in_one_request(history, spans)):
        history = once
    kept = fewest(spans, lambda some: fails(only(history, some)))
    return only(history, kept)


def in_one_request(history: History, spans: Sequence[Span]) -> History:
    """Return a history of these spans, all delivered at once."""
    ended = [span for span in spans if not span.unended]
    announced = [[one for some in _announced(history, spans) for one in some]]
    return History(history.seed, list(spans), [ended], announced)


def only(history: History, spans: Sequence[Span]) -> History:
    """Return a history in which nothing but these spans is delivered, in the same requests."""
    keep = {(span.trace, span.id) for span in spans}
    requests = [
        [span for span in request if (span.trace, span.id) in keep] for request in history.requests
    ]
    requests = [request for request in requests if request]
    return History(history.seed, list(spans), requests, _announced(history, spans))


def _announced(history: History, spans: Sequence[Span]) -> list[list[Span]]:
    """Return what was announced of these spans."""
    keep = {(span.trace, span.id) for span in spans}
    return [[one for one in some if (one.trace, one.id) in keep] for some in history.announcements]


def described(history: History) -> str:
    """Return the history as text: a line per span, in the order of delivery."""
    lines: list[str] = []
    for number, request in enumerate([*history.requests, []], 1):
        announced = [one for some in history.announcements[number - 1 : number] for one in some]
        lines.extend(f"  announced: {_line(span.announced())}" for span in announced)
        lines.append(f"request {number}:" if request else "the end")
        lines.extend(f"  {_line(span)}" for span in request)
    return "\n".join(lines)


def _line(span: Span) -> str:
    start, end = ((one - START_NS) / SECOND_NS for one in (span.start_ns, span.end_ns))
    said = ", ".join(f"{word}={value}" for word, value in span.says.items())
    failed = f" FAILED {span.error_type}" if span.failed else ""
    events = "".join(f" [{one.kind} {one.says}]" for one in span.events)
    links = "".join(f" -> {why} {trace[:6]}/{other[:4]}" for trace, other, why in span.links)
    where = f"{span.trace[:6]}/{span.id[:4]} in {span.parent[:4] or 'nothing'}"
    who = f"({span.convention}, {span.service}){failed}"
    return f"{where} {span.kind} {start:.3f}..{end:.3f} s {who} {said}{events}{links}"

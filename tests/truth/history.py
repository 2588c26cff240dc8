"""A history of agents at work: plain events, and the tree that they form.

Nothing here knows of SQL or of columns. What a span says is in its own words (`Span.says`);
`otlp.py` puts them on the wire in the words of one convention.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECOND_NS = 10**9
Says = dict[str, Any]

FOREIGN = "foreign"
"""Kind of a span that is no agent work: HTTP, a database, the user's own."""
LASTING = ("workflow", "agent", "handoff", "human")
"""Kinds of span that our own SDK announces when they stay open."""
SAID_AT_THE_END = frozenset(
    (
        *("workflow_outcome", "outcome", "decision", "resilience_score", "cost"),
        *("input_tokens", "output_tokens", "cache_read", "cache_write", "cache_write_1h"),
        *("reasoning", "first_token_s"),
    )
)
"""What nobody knows of a span that goes on."""


@dataclass(frozen=True)
class Event:
    """A point in time on a span, agent work by itself."""

    kind: str
    at_ns: int
    says: Says


@dataclass(frozen=True)
class Span:
    """Something that lasted; ids in hex, times in Unix ns."""

    trace: str
    id: str
    parent: str
    kind: str
    start_ns: int
    end_ns: int
    says: Says = field(default_factory=dict)
    failed: bool = False
    error_type: str = ""
    name: str = ""
    service: str = "team"
    convention: str = "handspan"
    events: tuple[Event, ...] = ()
    links: tuple[tuple[str, str, str], ...] = ()
    """Trace, span and why."""
    unended: bool = False
    """Was announced, and never ended: its process was killed."""

    def announced(self) -> Span:
        """Return what is known of it while it goes on."""
        said = {word: value for word, value in self.says.items() if word not in SAID_AT_THE_END}
        return replace(
            self,
            end_ns=self.start_ns,
            says=said,
            failed=False,
            error_type="",
            events=(),
            links=(),
            unended=True,
        )


@dataclass
class History:
    """What happened, and the requests in which it is delivered, in order."""

    seed: object
    spans: list[Span]
    """All of them, the lost ones too."""
    requests: list[list[Span]]
    """A span may come twice, or never."""
    announcements: list[list[Span]] = field(default_factory=list)
    """Of spans that had been open for a while, each list before the request of the same place."""

    def delivered(self) -> list[Span]:
        """Return each span that came, once, in a fixed order; what was only announced is open."""
        begun = {
            (one.trace, one.id): one.announced() for some in self.announcements for one in some
        }
        ended = {(span.trace, span.id): span for request in self.requests for span in request}
        found = begun | ended
        return [found[key] for key in sorted(found)]


class Node:
    """A span or an event among what was delivered."""

    def __init__(self, span: Span, *, is_event: bool = False) -> None:
        self.span = span
        self.is_event = is_event
        self.kind = span.kind
        self.says = span.says
        self.start_ns, self.end_ns = span.start_ns, span.end_ns
        self.parent: Node | None = None
        self.children: list[Node] = []

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies it."""
        return self.span.trace, self.span.id

    @property
    def order(self) -> tuple[int, str, str]:
        """Return what it is sorted by: when it began."""
        return (self.start_ns, *self.key)

    @property
    def duration_ns(self) -> int:
        """Return how long it lasted."""
        return self.end_ns - self.start_ns

    def above(self) -> Iterator[Node]:
        """Yield what is above it, nearest first."""
        one = self.parent
        while one is not None:
            yield one
            one = one.parent

    def up(self) -> Iterator[Node]:
        """Yield itself and what is above it."""
        yield self
        yield from self.above()

    def below(self) -> Iterator[Node]:
        """Yield all that is below it."""
        waiting = list(self.children)
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(one.children)

    def inherited(self, word: str) -> Any:  # noqa: ANN401 - whatever a span may say
        """Return what the nearest of itself and those above says, '' if none does."""
        said = (one.says.get(word) for one in self.up() if one.kind != FOREIGN)
        return next((value for value in said if value), "")


FROM_ITS_SPAN = (
    "workflow_id",
    "workflow",
    "agent",
    "attempt",
    "project",
    "feature",
    "session_id",
    "conversation_id",
    "user_id",
)
"""What an event takes from its span where it says nothing itself."""


def forest(spans: Iterable[Span]) -> list[Node]:
    """Return the nodes of these spans and of their events, each below its parent if that came."""
    nodes: dict[tuple[str, str], Node] = {}
    for span in spans:
        nodes[span.trace, span.id] = Node(span)
        for number, event in enumerate(span.events):
            node = Node(_as_span(span, number, event), is_event=True)
            nodes[node.key] = node
    for node in nodes.values():
        node.parent = nodes.get((node.span.trace, node.span.parent))
        if node.parent is not None:
            node.parent.children.append(node)
    return sorted(nodes.values(), key=lambda node: node.order)


def _as_span(span: Span, number: int, event: Event) -> Span:
    taken = {word: span.says[word] for word in FROM_ITS_SPAN if span.says.get(word)}
    return Span(
        trace=span.trace,
        id=f"{span.id}.{number}",
        parent=span.id,
        kind=event.kind,
        start_ns=event.at_ns,
        end_ns=event.at_ns,
        says=taken | event.says,
        service=span.service,
        name=event.says.get("event_name", ""),
    )


def covered_ns(intervals: Iterable[tuple[int, int]]) -> int:
    """Return the length of the union of intervals."""
    total = reached = 0
    for start, end in sorted(intervals):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


def clipped(intervals: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of intervals that lie in [start, end]."""
    parts = ((max(one[0], start), min(one[1], end)) for one in intervals)
    return [part for part in parts if part[0] < part[1]]

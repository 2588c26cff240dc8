"""Where things happen in invented histories, and the dice that decide what does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.truth.history import SECOND_NS, Event, Says, Span
from tests.truth.otlp import WORDS
from tests.truth.prices import OWN_MODEL

if TYPE_CHECKING:
    import random

START_NS = 1_795_176_000 * SECOND_NS
"""2026-11-20 12:00:00 UTC."""
MINUTE_NS = 60 * SECOND_NS

AGENTS = ("triage", "research", "writer", "critic", "billing")
WORKFLOWS = ("report", "review", "refund")
TOOLS = ("search", "fetch", "calculate")
MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-3-5-haiku-latest"),
    ("", OWN_MODEL),
    ("", ""),
)
ERRORS = ("Timeout", "RateLimit", "ValueError")
CONVENTIONS = ("handspan",) * 5 + ("otel", "otel", "openinference", "openllmetry")
PLANS = {
    "handspan": ("plan", "retrieval", "embedding", "memory", "human", "validation", "recovery"),
    "otel": ("plan", "retrieval", "embedding", "memory"),
    "openinference": ("retrieval", "embedding", "chain"),
    "openllmetry": ("chain",),
}
"""Steps besides calls, tools, handoffs and agents that a convention has words for."""


@dataclass(frozen=True)
class Place:
    """Where in a trace something is about to happen."""

    trace: str
    parent: str = ""
    convention: str = "handspan"
    service: str = "team"
    attribution: tuple[tuple[str, Any], ...] = ()
    """What every span in here says, in our own convention."""
    agent: str = ""
    depth: int = 0

    def under(self, span_id: str, **attribution: Any) -> Place:  # noqa: ANN401 - see Says
        """Return the place inside a span."""
        said = dict(self.attribution) | attribution
        agent = attribution.get("agent", self.agent)
        known = tuple((word, value) for word, value in said.items() if value)
        return replace(self, parent=span_id, attribution=known, agent=agent, depth=self.depth + 1)


class Scene:
    """Rolls the dice and writes spans down."""

    def __init__(self, dice: random.Random, project: str) -> None:
        self.dice = dice
        self.spans: list[Span] = []
        self.slow = dice.choice((1, 1, 1, 1, 1000))
        self.project = project or dice.choice(("", "books"))
        self.convention = "handspan"
        self.faults: list[tuple[str, str]] = []

    def maybe(self, chance: float) -> bool:
        """Decide."""
        return self.dice.random() < chance

    def lasts(self, most_s: float = 3) -> int:
        """Return a length in ns; odd ones, so that few things happen at the same moment."""
        return self.dice.randrange(1, int(most_s * SECOND_NS)) * self.slow

    def hex(self, digits: int) -> str:
        """Return an id of so many digits."""
        return f"{self.dice.getrandbits(4 * digits) or 1:0{digits}x}"

    def usd(self) -> Decimal:
        """Return what something cost."""
        return Decimal(self.dice.randrange(1, 10**6)) / 10**7

    def _between(self, start_ns: int, end_ns: int) -> int:
        return self.dice.randrange(start_ns, max(end_ns, start_ns + 1))

    def _write(
        self,
        place: Place,
        kind: str,
        start_ns: int,
        end_ns: int,
        says: Says | None = None,
        *,
        failed: bool = False,
        id: str = "",  # noqa: A002 - as the span calls it
        events: tuple[Event, ...] = (),
        links: tuple[tuple[str, str, str], ...] = (),
    ) -> None:
        known = (says or {}).items()
        words = WORDS[place.convention]
        said = {word: value for word, value in known if value not in (None, "") and word in words}
        if place.convention == "handspan":
            said = dict(place.attribution) | said
        self.spans.append(
            Span(
                trace=place.trace,
                id=id or self.hex(16),
                parent=place.parent,
                kind=kind,
                start_ns=start_ns,
                end_ns=end_ns,
                says=said,
                failed=failed,
                error_type=self.dice.choice(ERRORS) if failed else "",
                name=f"{kind} {said.get(kind, '')}".strip(),
                service=place.service,
                convention=place.convention,
                events=events,
                links=links,
            )
        )

"""What spans say that the mapping does not read: names and counts, never values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from handspan_exporter import sql
from handspan_exporter.columns import mapping

if TYPE_CHECKING:
    from datetime import datetime

    from handspan_exporter.store.connection import Connection

MOST_SPANS: Final = 100_000
"""How many of the newest spans are looked at."""

_TELLING: Final = (
    "agent.",
    "crewai.",
    "gen_ai.",
    "graph.",
    "handspan.",
    "langgraph.",
    "llm.",
    "openinference.",
    "tool.",
    "traceloop.",
)
"""How names begin that belong to agent work."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One instrumentation scope and what of it is not read."""

    scope: str
    conventions: tuple[str, ...]
    """As which its spans were recognised; empty: as none."""
    spans: int
    spans_read: int
    """Those that are agent work."""
    names: tuple[tuple[str, int], ...]
    """Attribute and on how many spans, most frequent first."""

    @property
    def advice(self) -> str:
        """What to do about it; empty when nothing is amiss."""
        about_agents = [name for name, _ in self.names if name.startswith(_TELLING)]
        if about_agents and not self.spans_read:
            return (
                "none of its spans is read as agent work: they need gen_ai.operation.name, "
                "openinference.span.kind or traceloop.span.kind"
            )
        if about_agents:
            return (
                "raw spans keep these; if one is a name for what docs/mapping.md reads, "
                "ask for it there and run `handspan rebuild`"
            )
        return ""


def unread(connection: Connection, since: datetime) -> list[Unread]:
    """Return what is not read of the newest spans, by scope, the busiest first.

    Raises:
        QueryFailed: the store refused the question.
        StoreDown: the store cannot be reached.
    """
    asked = {"since": since, "most": MOST_SPANS, "known": list(mapping.names())}
    return [
        Unread(
            scope=row["scope"],
            conventions=tuple(row["conventions"]),
            spans=row["spans_seen"],
            spans_read=row["spans_read"],
            names=tuple(sorted(zip(*row["names"], strict=True), key=lambda one: (-one[1], one[0]))),
        )
        for row in connection.rows(sql.load("runs/unread"), asked)
    ]

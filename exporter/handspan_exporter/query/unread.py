"""What spans say that the mapping does not read: names and counts, never values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from handspan import semconv
from handspan_exporter import sql
from handspan_exporter.columns import mapping
from handspan_exporter.query.window import iso, parameter

if TYPE_CHECKING:
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


_MOST_NAMES: Final = 100
"""Of one scope; a program that puts what it works on into names has no end of them."""

_OURS: Final = tuple(
    name
    for name in vars(semconv).values()
    if isinstance(name, str) and name.startswith("handspan.")
)
"""Names that we write ourselves: what is not read of them is left to the raw spans on purpose. One
with a dot at its end begins the names of whatever a user says."""

Row = dict[str, Any]


def unread(connection: Connection, since_ns: int) -> Row:
    """Return `since` and `scopes`: what is not read of the newest spans, the busiest scope first.

    A scope has `scope`, `conventions` (as which its spans were recognised; none: as none), `spans`,
    `spans_read` (those that are agent work), `attributes` (name and on how many spans, the most
    frequent first), `attributes_left_out` and `advice`, '' where nothing is amiss.

    Raises:
        QueryFailed: the store refused the question.
        StoreDown: the store cannot be reached.
    """
    asked = {
        "since": parameter(since_ns),
        "most": MOST_SPANS,
        "known": sorted({*mapping.names(), *_OURS}),
        "free": [name for name in _OURS if name.endswith(".")],
    }
    rows = connection.rows(sql.load("runs/unread"), asked)
    return {"since": iso(since_ns), "scopes": [_scope(row) for row in rows]}


def _scope(row: Row) -> Row:
    found = sorted(zip(*row["names"], strict=True), key=lambda one: (-one[1], one[0]))
    return {
        "scope": row["scope"],
        "conventions": row["conventions"],
        "spans": row["spans_seen"],
        "spans_read": row["spans_read"],
        "attributes": [{"attribute": name, "spans": n} for name, n in found[:_MOST_NAMES]],
        "attributes_left_out": max(0, len(found) - _MOST_NAMES),
        "advice": _advice([name for name, _ in found], row["spans_read"]),
    }


def _advice(names: list[str], spans_read: int) -> str:
    """Return what to do about names that are not read."""
    if not any(name.startswith(_TELLING) for name in names):
        return ""
    if not spans_read:
        return (
            "none of its spans is read as agent work: they need gen_ai.operation.name, "
            "openinference.span.kind or traceloop.span.kind"
        )
    return (
        "raw spans keep these; if one is a name for what docs/mapping.md reads, "
        "ask for it there and run `handspan rebuild`"
    )

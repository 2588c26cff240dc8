"""Trees of agent spans, written as they look, and the processor's tables as plain values.

    workflow("research", 0, 10, [agent("triage", 0, 4, [llm(1, 2)]), agent("writer", 4, 9)])

Times are seconds after `NOON`; span ids are numbered in the order of writing, or given.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from handspan_exporter.columns.agent_spans import SCHEMA
from handspan_exporter.processor.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from handspan_exporter.store.connection import Connection

NOON_NS = 1_795_176_000_000_000_000
"""2026-11-20 12:00:00 UTC."""

SECOND_NS = 1_000_000_000

Row = dict[str, Any]

_ABSENT: Row = {
    field.name: "" if field.type == pa.string() else []
    for field in SCHEMA
    if field.type in (pa.string(), pa.list_(pa.string()))
} | {"attempt": 0, "usage_partial": False}


@dataclass
class Node:
    """A span and the spans inside it."""

    kind: str
    start_s: float
    end_s: float
    says: Row
    children: Sequence[Node] = ()
    span_id: str = ""

    def lost(self) -> Node:
        """Keep the children, as if this span had never arrived."""
        return Node("lost", self.start_s, self.end_s, {}, self.children, self.span_id)


@dataclass
class Trace:
    """Spans of one trace, ready to be stored in any order."""

    trace_id: str
    roots: Sequence[Node]
    received_s: float | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def rows(self) -> list[Row]:
        """Return one row per span that arrives."""
        return [row for root in self.roots for row in self._rows(root, "")]

    def foreign(self) -> list[Row]:
        """Return the rows of `otel_traces` for the spans that are no agent spans."""
        return [row for row in self.all_rows() if row["kind"] == "foreign"]

    def all_rows(self) -> list[Row]:
        """Return the rows of all spans, foreign ones too."""
        self._numbers = itertools.count(1)
        return [row for root in self.roots for row in self._rows(root, "", everything=True)]

    def _rows(self, node: Node, parent: str, *, everything: bool = False) -> Iterator[Row]:
        node.span_id = node.span_id or f"{next(self._numbers):04}"
        received_s = node.end_s if self.received_s is None else self.received_s
        if node.kind not in ("lost", "foreign") or everything:
            yield {
                "trace_id": self.trace_id,
                "span_id": node.span_id,
                "parent_span_id": parent,
                "kind": node.kind,
                "service": "team",
                "started_at": at(node.start_s),
                "duration_ns": at(node.end_s) - at(node.start_s),
                "received_at": at(received_s),
                **node.says,
            }
        for child in node.children:
            yield from self._rows(child, node.span_id, everything=everything)


def at(second: float) -> int:
    """Return ns since the epoch."""
    return NOON_NS + round(second * SECOND_NS)


def workflow(
    name: str, start: float, end: float, children: Sequence[Node] = (), **says: object
) -> Node:
    """Make a workflow span."""
    return Node("workflow", start, end, {"workflow": name, **says}, children)


def agent(
    name: str, start: float, end: float, children: Sequence[Node] = (), **says: object
) -> Node:
    """Make an agent span."""
    return Node("agent", start, end, {"agent": name, **says}, children)


def tool(
    name: str, start: float, end: float, children: Sequence[Node] = (), **says: object
) -> Node:
    """Make a tool span."""
    return Node("tool", start, end, {"tool": name, **says}, children)


def span(
    kind: str, start: float, end: float, children: Sequence[Node] = (), **says: object
) -> Node:
    """Make a span of any kind; `foreign` is one that is no agent span."""
    return Node(kind, start, end, says, children)


def llm(
    start: float,
    end: float,
    children: Sequence[Node] = (),
    *,
    usd: str | None = None,
    tokens: int | None = None,
    **says: object,
) -> Node:
    """Make a call of a model, with as many input tokens as output tokens."""
    usage = {"input_tokens": tokens, "output_tokens": tokens, "cost_usd": usd and Decimal(usd)}
    return Node("llm", start, end, {"model": "own-model", **usage, **says}, children)


def handoff(source: str, target: str, start: float, **says: object) -> Node:
    """Make a handoff span that takes a tenth of a second."""
    named = {"handoff_source": source, "handoff_target": target, "handoff_mode": "pass_control"}
    return Node("handoff", start, start + 0.1, {**named, **says})


def trace(trace_id: str, *roots: Node, received_s: float | None = None) -> list[Row]:
    """Return the rows of `agent_spans` of one trace."""
    return Trace(trace_id, roots, received_s).rows()


def store(connection: Connection, rows: Iterable[Row]) -> None:
    """Insert rows into `agent_spans`, as the writer does."""
    table = pa.Table.from_pylist([_ABSENT | row for row in rows], schema=SCHEMA)
    connection.insert("agent_spans", table, token="")


def store_foreign(connection: Connection, rows: Iterable[Row]) -> None:
    """Insert spans of others into `otel_traces`, as far as they are looked at."""
    raw = [
        {
            "Timestamp": row["started_at"],
            "TraceId": row["trace_id"],
            "SpanId": row["span_id"],
            "ParentSpanId": row["parent_span_id"],
        }
        for row in rows
    ]
    schema = pa.schema(
        [
            ("Timestamp", pa.timestamp("ns", "UTC")),
            ("TraceId", pa.string()),
            ("SpanId", pa.string()),
            ("ParentSpanId", pa.string()),
        ]
    )
    connection.insert("otel_traces", pa.Table.from_pylist(raw, schema=schema), token="")


def begin(connection: Connection, rows: Iterable[Row], *, instance: str = "") -> None:
    """Insert rows into `open_spans`, as the writer does when their spans are announced."""
    begun = [_ABSENT | row | {"duration_ns": 0} for row in rows]
    table = pa.Table.from_pylist(begun, schema=SCHEMA)
    who = pa.array([instance] * len(begun), pa.string())
    connection.insert("open_spans", table.append_column("instance", who), token="")


def announce(connection: Connection, rows: Iterable[Row], arrived_s: float) -> None:
    """Insert the arrivals of rows that came in one flush, as the writer does."""
    arrivals: dict[str, Row] = {}
    for row in rows:
        one = arrivals.setdefault(
            row["trace_id"],
            {"arrived_at": at(arrived_s), "trace_id": row["trace_id"], "spans": 0},
        )
        counts = row["kind"] != "foreign"
        one["spans"] += counts
        is_root = not row["parent_span_id"] or row["kind"] == "workflow"
        one["has_root"] = one.get("has_root", False) or (counts and is_root)
    schema = pa.schema(
        [
            ("arrived_at", pa.timestamp("ns", "UTC")),
            ("trace_id", pa.string()),
            ("spans", pa.uint32()),
            ("has_root", pa.bool_()),
        ]
    )
    table = pa.Table.from_pylist(list(arrivals.values()), schema=schema)
    connection.insert("trace_arrivals", table, token="")


def facts(connection: Connection) -> dict[str, list[Row]]:
    """Return every row of every fact table that counts, without its revision."""
    return {
        name: connection.rows(
            f"SELECT * EXCEPT (revision, is_deleted) FROM {name} FINAL ORDER BY ALL"  # noqa: S608
        )
        for name in FACTS
    }

"""Runs: the newest of them, and one of them whole."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from handspan_exporter import sql
from handspan_exporter.errors import NotFound, UsageError
from handspan_exporter.query import kpi
from handspan_exporter.query.window import parameter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.query.window import Window
    from handspan_exporter.store.connection import Connection

OUTCOMES = ("success", "failure", "cancelled", "running", "lost")
MOST_RUNS = 1000
"""How many runs one question may list."""
MOST_SPANS = 20_000
"""How many spans of one run are answered; the rest is counted."""

Row = dict[str, Any]
_Key = tuple[str, str]


def listed(
    connection: Connection,
    window: Window,
    *,
    status: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] | None = None,
    limit: int = 20,
) -> list[Row]:
    """Return top runs of the window, newest first, and at most `limit` (1..`MOST_RUNS`) of them.

    Raises:
        UsageError: a status, a filter or the limit is not one.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    if unknown := sorted(set(status) - set(OUTCOMES)):
        raise UsageError(f"--status: {unknown[0][:60]!r} is unknown; use {', '.join(OUTCOMES)}")
    if not 1 <= limit <= MOST_RUNS:
        raise UsageError(f"--limit must be between 1 and {MOST_RUNS}, not {limit}")
    parameters = {
        "since": parameter(window.since_ns),
        "until": parameter(window.until_ns),
        "status": list(status),
        "limit": limit,
        **kpi.filter_parameters(filters or {}),
    }
    return connection.rows(kpi.filled("runs/list"), parameters)


def show(connection: Connection, run: str) -> Row:
    """Return one run by its id or the beginning of it: `run`, `spans`, `handoffs`.

    `spans` are in the order of the tree, each with its `depth`; one that has not ended has no
    `duration_ns`. `spans_left_out` counts those beyond `MOST_SPANS`.

    Raises:
        NotFound: no run's id begins so.
        UsageError: several runs' ids do.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    found = _only(connection, run)
    traces = {"traces": found["trace_ids"], "limit": MOST_SPANS}
    going_on = "lost" if found["outcome"] == "lost" else "running"
    spans = connection.rows(sql.load("runs/spans"), traces | {"open_outcome": going_on})
    ordered = _tree(spans, found, _other_roots(connection, found))
    own = {_key(span) for span in ordered}
    handoffs = connection.rows(sql.load("runs/handoffs"), traces)
    return {
        "run": found,
        "spans": ordered,
        "spans_left_out": max(0, found["spans_seen"] - len(ordered))
        if len(spans) == MOST_SPANS
        else 0,
        "handoffs": [one for one in handoffs if _key(one) in own],
    }


def newest(connection: Connection) -> str | None:
    """Return when the newest fact ended (ISO 8601, UTC), or None when there is no data yet."""
    (row,) = connection.rows(sql.load("runs/newest"))
    found: str | None = row["newest"]
    return found


def raw_spans(connection: Connection) -> int:
    """Return how many spans are stored, agent work or not."""
    (row,) = connection.rows(sql.load("runs/raw_spans"))
    return int(row["spans"])


def _only(connection: Connection, run: str) -> Row:
    if not run:
        raise UsageError("a run's id is missing; `handspan runs list` shows them")
    rows = connection.rows(sql.load("runs/show"), {"run": run})
    if not rows:
        raise NotFound(f"no run's id begins with {run[:80]!r}; `handspan runs list` shows them")
    if len(rows) > 1 and rows[0]["run_id"] != run:
        some = ", ".join(row["run_id"] for row in rows)
        raise UsageError(f"several runs' ids begin with {run[:80]!r}: {some}; type more of it")
    return rows[0]


def _other_roots(connection: Connection, run: Row) -> set[_Key]:
    rows = connection.rows(
        sql.load("runs/other_roots"), {"run": run["run_id"], "traces": run["trace_ids"]}
    )
    return {(row["root_trace_id"], row["root_span_id"]) for row in rows}


def _tree(spans: list[Row], run: Row, other_roots: set[_Key]) -> list[Row]:
    """Return the run's spans depth first, siblings in time order, each with its depth."""
    root = (run["root_trace_id"], run["root_span_id"])
    known = {_key(span): span for span in spans}
    children: dict[_Key | None, list[Row]] = defaultdict(list)
    for span in spans:
        children[_parent(span, known, root)].append(span)
    # A nested run is only what lies below its root; a top run also has what no root claims.
    starts = [known[root]] if run["parent_run_id"] and root in known else children[None]
    waiting = [(span, 0) for span in reversed(starts)]
    ordered: list[Row] = []
    while waiting:
        span, depth = waiting.pop()
        if _key(span) in other_roots and _key(span) != root:
            continue
        del span["owner"]
        ordered.append(span | {"depth": depth})
        waiting.extend((child, depth + 1) for child in reversed(children[_key(span)]))
    return ordered


def _parent(span: Row, known: dict[_Key, Row], root: _Key) -> _Key | None:
    """Return the nearest recorded span above: its parent, else its agent run, else the root."""
    for above in (span["parent_span_id"], span["owner"]):
        if above and (key := (span["trace_id"], above)) in known and key != _key(span):
            return key
    has_parent = span["parent_span_id"] or _key(span)[0] != root[0]
    return root if has_parent and root in known and _key(span) != root else None


def _key(span: Row) -> _Key:
    return span["trace_id"], span["span_id"]

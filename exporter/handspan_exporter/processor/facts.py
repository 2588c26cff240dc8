"""Computes the facts of some traces anew: the statements of sql/facts/ in their order.

Every statement reads what is stored and writes rows that replace or remove older ones, so a
tick that was killed anywhere is simply done again: the order below makes that safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handspan_exporter import sql
from handspan_exporter.processor.prices import ensure_prices
from handspan_exporter.processor.tree import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan_exporter.store.connection import Connection

_SPAN = "trace_id, span_id"

_TABLES = {
    "run_traces": ("run_id, trace_id", "of_traces"),
    "runs": ("run_id", "of_runs"),
    "agent_runs": (_SPAN, "of_traces"),
    "llm_calls": (_SPAN, "of_traces"),
    "tool_calls": (_SPAN, "of_traces"),
    "handoffs": (_SPAN, "of_traces"),
}
"""Fact table -> the columns that identify a row, and the fragment that finds the rows at stake."""

_NEEDS = {"agent_runs": "agent", "tool_calls": "tool", "handoffs": "handoff"}
"""Fact table -> the kind of span that its rows are about, where there is one."""

_BEFORE = {"runs": "work_paths", "handoffs": "work_handoffs"}
"""Fact table -> work that only it needs."""

_KEPT, _REMOVED = [0], [1]

SESSION: Mapping[str, str | int] = {
    "max_threads": 1,
    "join_algorithm": "hash",
    "compile_aggregate_expressions": 0,
    "compile_expressions": 0,
    "compile_sort_description": 0,
}
"""Settings for the processor's session. Its tables are small: planning for more threads and other
joins costs a third of a tick, compiling expressions a tenth to a fifth."""


@dataclass(frozen=True, slots=True)
class Done:
    """What is known of a trace whose facts were computed."""

    trace_id: str
    began_ns: int
    """Start of its first agent span."""
    received_ns: int
    """When its last agent span came."""
    spans: int
    unsettled: bool
    """Time alone may change its facts: an agent has no run yet, or a parent is not stored."""


def recompute(
    connection: Connection,
    trace_ids: Sequence[str],
    *,
    now_ns: int,
    revision: int,
    implicit_run_s: float,
) -> list[Done]:
    """Bring the facts of these traces, and of all that share a run with them, up to date.

    Args:
        connection: a session of its own; the temporary tables of the work live in it.
        trace_ids: a few thousand at most; they are sent as one parameter.
        now_ns: since the epoch; decides only which traces are idle.
        revision: higher than any written before.
        implicit_run_s: idle time after which a trace without an opener is a run.

    Raises:
        QueryFailed: the store refused a statement; call again with the same traces.
        StoreDown: the store cannot be reached; call again with the same traces.
    """
    idle = {"idle_before_ns": now_ns - int(implicit_run_s * 1e9)}
    _gather(connection, trace_ids)
    _fill_gaps(connection, idle)
    kinds = _place(connection, idle)
    _price(connection)
    _find(connection, kinds)
    _write(connection, {"revision": revision})
    return [
        Done(**(row | {"unsettled": bool(row["unsettled"])}))
        for row in connection.rows(sql.load("facts/traces_done"))
    ]


def highest_revision(connection: Connection) -> int:
    """Return the highest revision in the store, 0 when there is none."""
    (row,) = connection.rows(sql.load("facts/revision"))
    return int(row["revision"])


def _gather(connection: Connection, trace_ids: Sequence[str]) -> None:
    """Load the spans of the traces, and of those that share a run with them."""
    _make(connection, "work_traces", {"trace_ids": list(trace_ids)})
    count = 0
    while (now := _traces(connection)) > count:
        count = now
        _make(connection, "work_base")
        _run(connection, "work_traces_joined")


def _traces(connection: Connection) -> int:
    (row,) = connection.rows(sql.load("facts/work_traces_count"))
    return int(row["traces"])


def _fill_gaps(connection: Connection, idle: dict[str, int]) -> None:
    """Load the spans of others that may lie between agent spans; reads nothing without a gap."""
    _make(connection, "work_foreign")
    gaps = [row["trace_id"] for row in connection.rows(sql.load("facts/work_gaps"), idle)]
    if gaps:
        connection.command(sql.load("facts/work_foreign_fill"), {"trace_ids": gaps})


def _place(connection: Connection, idle: dict[str, int]) -> set[str]:
    """Find every span's place in its tree and its run; return the kinds of span there are."""
    _make(connection, "work_tree")
    nodes = connection.arrow(sql.load("facts/work_nodes"))
    connection.insert("work_tree", places(nodes), token="")
    _make(connection, "work_openers")
    connection.command(sql.load("facts/work_openers_implicit"), idle)
    for table in ("work_opened", "work_runs", "work_spans"):
        _make(connection, table)
    return set(nodes["kind"].unique().to_pylist())


def _price(connection: Connection) -> None:
    _drop(connection, "work_costs")
    _run(connection, "work_costs_table")
    ensure_prices(connection)
    _run(connection, "work_costs")
    _make(connection, "work_calls")


def _find(connection: Connection, kinds: set[str]) -> None:
    """Compute the rows that the fact tables should have."""
    for fact in _TABLES:
        _drop(connection, f"new_{fact}")
        connection.command(sql.render("facts/new_table", {"fact": fact}))
        # Without such a span a statement finds nothing, at the price of planning it.
        if fact not in _NEEDS or _NEEDS[fact] in kinds:
            if fact in _BEFORE:
                _make(connection, _BEFORE[fact])
            _run(connection, fact)


def _write(connection: Connection, revision: dict[str, int]) -> None:
    """Write what differs from the store.

    Old runs are found through run_traces: its new rows go in first, its old ones out last.
    Which hours changed can be told only before the facts are written.
    """
    for fact, (key, scope) in _TABLES.items():
        found = sql.load(f"facts/fragments/{scope}").strip()
        holes = {"fact": fact, "key": key, "scope": found}
        _drop(connection, f"changed_{fact}")
        connection.command(sql.render("facts/changed_table", holes), revision)
    connection.command(sql.load("history/touched"), revision)
    _put(connection, "run_traces", _KEPT)
    for fact in tuple(_TABLES)[1:]:
        _put(connection, fact, _KEPT + _REMOVED)
    _put(connection, "run_traces", _REMOVED)


def _put(connection: Connection, fact: str, deleted: list[int]) -> None:
    connection.command(sql.render("facts/write", {"fact": fact}), {"deleted": deleted})


def _make(
    connection: Connection, table: str, parameters: Mapping[str, object] | None = None
) -> None:
    """Fill a temporary table by the statement of its name."""
    _drop(connection, table)
    connection.command(sql.load(f"facts/{table}"), parameters)


def _drop(connection: Connection, table: str) -> None:
    connection.command(sql.render("facts/drop", {"table": table}))


def _run(connection: Connection, name: str) -> None:
    connection.command(sql.load(f"facts/{name}"))

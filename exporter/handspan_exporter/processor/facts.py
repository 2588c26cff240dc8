"""Computes the facts of some traces anew: the statements of sql/facts/ in their order.

Every statement reads what is stored and writes rows that replace or remove older ones, so a
tick that was killed anywhere is simply done again: the order below makes that safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from handspan.price_file import NO_FILE
from handspan_exporter import sql
from handspan_exporter.processor.prices import ensure_prices
from handspan_exporter.processor.tree import places
from handspan_exporter.writer.instances import HEARD_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handspan.price_file import PriceFile
    from handspan_exporter.store.connection import Connection

_SPAN = "trace_id, span_id"

_TABLES = {
    "run_traces": ("run_id, trace_id", "of_traces"),
    "agent_runs": (_SPAN, "of_traces"),
    "runs": ("run_id", "of_runs"),
}
"""Fact table -> the columns that identify a row, and the fragment that finds the rows at stake.
A later one reads what an earlier one found."""

_ERROR, _USAGE = "error", "usage"
"""Beside kinds of span: a call that failed, and a span of any kind that reports usage."""

_RARE = {
    "llm_calls": {"llm", "embedding", _USAGE},
    "tool_calls": {"tool"},
    "handoffs": {"handoff"},
    "critical_paths": {"agent", "workflow"},
    "faults": {"fault", _ERROR},
    "human_waits": {"human"},
    "validations": {"validation"},
    "ratings": {"rating"},
    "budget_events": {"budget"},
    "run_metrics": {"metric", "session"},
    "decisions": {"decision"},
    "messages": {"message"},
    "tasks": {"task"},
}
"""Fact table with a row per span -> what its rows are about: without any there are none."""

FACTS = (*_TABLES, *_RARE)
"""Every fact table."""

_BEFORE = {"runs": "work_paths", "handoffs": "work_handoffs"}
"""Fact table -> work that only it needs."""

_KEPT, _REMOVED = [0], [1]

_WIDE = ("work_base", "work_tree", "work_spans", "work_calls")
_KEPT_SPANS = 4096
"""The work on so many stays until the next tick makes room; more gives its memory back at once: 2
to 3 kB per span."""

_LOST_OPEN_NS = 24 * 3600 * 10**9
"""A span that has been open for so long will not end any more."""
_LOST_SILENT_NS = 3600 * 10**9 + HEARD_EVERY_S * 10**9
"""Nor will one whose process was not heard of for an hour, as exactly as that is noted."""

SESSION: Mapping[str, str | int] = {
    "max_threads": 1,
    "join_algorithm": "hash",
    "compile_aggregate_expressions": 0,
    "compile_expressions": 0,
    "compile_sort_description": 0,
    "optimize_move_to_prewhere_if_final": 1,
    "optimize_on_insert": 0,
}
"""Settings for the processor's session. Its tables are small: planning for more threads and other
joins costs a third of a tick, compiling expressions a tenth to a fifth. It looks for keys, which
may be told before FINAL merges; what it writes is merged by the FINAL of who reads."""


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
    """Time alone may change its facts: an agent has no run yet, or it has a gap."""
    gap: bool
    """A span above one of its agent spans is not stored."""
    open: bool
    """Has a span that began and did not end; time alone may find it lost."""


def recompute(
    connection: Connection,
    trace_ids: Sequence[str],
    *,
    now_ns: int,
    revision: int,
    implicit_run_s: float,
    own_prices: PriceFile = NO_FILE,
) -> list[Done]:
    """Bring the facts of these traces, and of all that share a run with them, up to date.

    Args:
        connection: a session of its own; the temporary tables of the work live in it.
        trace_ids: a few thousand at most; they are sent as one parameter.
        now_ns: since the epoch; decides which traces are idle, and which open spans are lost.
        revision: higher than any written before.
        implicit_run_s: idle time after which a trace without an opener is a run.
        own_prices: win over the list.

    Raises:
        QueryFailed: the store refused a statement; call again with the same traces.
        StoreDown: the store cannot be reached; call again with the same traces.
    """
    idle = {"idle_before_ns": now_ns - int(implicit_run_s * 1e9)}
    _gather(connection, trace_ids, now_ns)
    _fill_gaps(connection, idle)
    kinds = _place(connection, idle)
    _price(connection, own_prices)
    stored = _stored(connection)
    needed = {fact for fact in _RARE if fact in stored or _RARE[fact] & kinds}
    facts = [fact for fact in FACTS if fact in _TABLES or fact in needed]
    _find(connection, facts)
    _write(connection, facts, stored, {"revision": revision})
    done = [
        Done(**(row | {name: bool(row[name]) for name in ("unsettled", "gap", "open")}))
        for row in connection.rows(sql.load("facts/traces_done"))
    ]
    if sum(one.spans for one in done) > _KEPT_SPANS:
        for table in (*_WIDE, *(f"new_{fact}" for fact in facts)):
            _drop(connection, table)
    return done


def highest_revision(connection: Connection) -> int:
    """Return the highest revision in the store, 0 when there is none."""
    (row,) = connection.rows(sql.load("facts/revision"))
    return int(row["revision"])


def _gather(connection: Connection, trace_ids: Sequence[str], now_ns: int) -> None:
    """Load the spans of the traces, and of those that share a run with them."""
    lost = {
        "lost_if_open_since_ns": now_ns - _LOST_OPEN_NS,
        "lost_if_silent_since_ns": now_ns - _LOST_SILENT_NS,
    }
    moments = {"moments": _fragment("moments")}
    _make(connection, "work_traces", {"trace_ids": list(trace_ids)})
    traces = 0
    while (found := _counted(connection))["traces"] > traces:
        traces = found["traces"]
        _drop(connection, "work_base")
        connection.command(sql.render("facts/work_base", moments))
        if found["announced"]:
            connection.command(sql.render("facts/work_base_open", moments), lost)
        _run(connection, "work_traces_joined")


def _counted(connection: Connection) -> dict[str, int]:
    (row,) = connection.rows(sql.load("facts/work_traces_count"))
    return row


def _fill_gaps(connection: Connection, idle: dict[str, int]) -> None:
    """Load the spans of others that may lie between agent spans; reads nothing without a gap."""
    _make(connection, "work_foreign")
    gaps = [row["trace_id"] for row in connection.rows(sql.load("facts/work_gaps"), idle)]
    if gaps:
        connection.command(sql.load("facts/work_foreign_fill"), {"trace_ids": gaps})


def _place(connection: Connection, idle: dict[str, int]) -> set[str]:
    """Find every span's place in its tree and its run; return what there is, see `_RARE`."""
    _make(connection, "work_tree")
    nodes = connection.arrow(sql.load("facts/work_nodes"))
    connection.insert("work_tree", places(nodes), token="")
    _make(connection, "work_openers")
    connection.command(sql.load("facts/work_openers_implicit"), idle)
    for table in ("work_opened", "work_runs", "work_spans"):
        _make(connection, table)
    marked = {_ERROR: nodes["fails"], _USAGE: nodes["has_usage"]}
    found = {name for name, marks in marked.items() if pc.any(marks.cast(pa.bool_())).as_py()}
    return found | set(nodes["kind"].unique().to_pylist())


def _price(connection: Connection, own_prices: PriceFile) -> None:
    _drop(connection, "work_costs")
    _run(connection, "work_costs_table")
    ensure_prices(connection, own=own_prices)
    _run(connection, "work_costs")
    _make(connection, "work_calls")


def _stored(connection: Connection) -> set[str]:
    """Return the fact tables that have rows of these traces: only those can have to be changed."""
    looks = [sql.render("facts/fragments/stored", _holes(fact)) for fact in FACTS]
    return {row["fact"] for row in connection.rows("UNION ALL\n".join(looks))}


def _find(connection: Connection, facts: Sequence[str]) -> None:
    """Compute the rows that the fact tables should have."""
    holes = {name: _fragment(name) for name in ("dimensions", "lasted")}
    for fact in facts:
        _drop(connection, f"new_{fact}")
        connection.command(sql.render("facts/new_table", {"fact": fact}))
        if fact in _BEFORE:
            _make(connection, _BEFORE[fact])
        connection.command(sql.render(f"facts/{fact}", holes))


def _write(
    connection: Connection, facts: Sequence[str], stored: set[str], revision: dict[str, int]
) -> None:
    """Write what differs from the store.

    Old runs are found through run_traces: its new rows go in first, its old ones out last.
    Which hours changed can be told only before the facts are written.
    """
    changed = {fact: f"changed_{fact}" if fact in stored else f"new_{fact}" for fact in facts}
    for fact in stored:
        _drop(connection, changed[fact])
        connection.command(sql.render("facts/changed_table", _holes(fact)), revision)
    places = [sql.render("history/fragments/changed", {"changed": changed[f]}) for f in facts[3:]]
    if waits := changed.get("human_waits"):
        # One that lasted was counted where it began.
        places.append(sql.render("history/fragments/began", {"changed": waits}))
    holes = changed | {"changed": "".join(places)}
    connection.command(sql.render("history/touched", holes), revision)
    for fact in facts:
        if fact not in stored:
            connection.command(sql.render("facts/write_new", {"fact": fact}), revision)
        else:
            _put(connection, fact, _KEPT if fact == "run_traces" else _KEPT + _REMOVED)
    if "run_traces" in stored:
        _put(connection, "run_traces", _REMOVED)


def _put(connection: Connection, fact: str, deleted: list[int]) -> None:
    connection.command(sql.render("facts/write", {"fact": fact}), {"deleted": deleted})


def _holes(fact: str) -> dict[str, str]:
    key, scope = _TABLES.get(fact, (_SPAN, "of_traces"))
    return {"fact": fact, "key": key, "scope": _fragment(scope)}


def _fragment(name: str) -> str:
    return sql.load(f"facts/fragments/{name}").rstrip()


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

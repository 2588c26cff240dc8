"""One run whole: its tree, its agents, and what happened in it."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from handspan_exporter import sql
from handspan_exporter.errors import NotFound, UsageError

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

_SHOWN_IDS = 4
"""What runs/show.sql answers at most."""
MOST_SPANS = 20_000
"""How many spans of one run are answered; the rest is counted."""
_MOST_AGENT_RUNS = 100_000
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2149, 6, 6)
"""All that ClickHouse's Date holds."""

Row = dict[str, Any]
_Key = tuple[str, str]


def show(connection: Connection, run: str) -> Row:
    """Return one run by its id or the beginning of it.

    `run`; `spans` in the order of the tree, each with its `depth`; one that has not ended has no
    `duration_ns`. `spans_left_out` counts those beyond `MOST_SPANS`. In time order: `handoffs`,
    `faults` with what overcame them, `waits` for people, `messages` between
    agents, `metrics` that were recorded.
    `agents` sums up each agent, `budgets` has the last word of each.

    Raises:
        NotFound: no run's id begins so.
        UsageError: several runs' ids do.
        QueryFailed: the store refused or broke off the query.
        StoreDown: the store cannot be reached.
    """
    found = _only(connection, run)
    traces = {"traces": found["trace_ids"], "limit": MOST_SPANS, **_days(connection, found)}
    going_on = "lost" if found["outcome"] == "lost" else "running"
    spans = connection.rows(sql.load("runs/spans"), traces | {"open_outcome": going_on})
    ordered = _tree(spans, found, _other_roots(connection, found))
    left_out = max(0, found["spans_seen"] - len(ordered)) if len(spans) == MOST_SPANS else 0
    own = {_key(span) for span in ordered}

    def facts(name: str, limit: int = MOST_SPANS) -> list[Row]:
        rows = connection.rows(sql.load(f"runs/{name}"), traces | {"limit": limit})
        return [row for row in rows if _belongs(row, found, own)]

    return {
        "run": found,
        "spans": ordered,
        "spans_left_out": left_out,
        "agents": _by_agent(facts("agents", _MOST_AGENT_RUNS)),
        "handoffs": facts("handoffs"),
        "faults": facts("faults"),
        "waits": facts("waits"),
        "messages": facts("messages"),
        "metrics": facts("metrics"),
        "budgets": list({(one["budget"], one["pot"]): one for one in facts("budgets")}.values()),
    }


def _belongs(row: Row, run: Row, own: set[_Key]) -> bool:
    """Tell whether a fact of the run's traces is the run's; facts name the top run only."""
    run_id = row.pop("run_id")
    return _key(row) in own if run["parent_run_id"] else run_id == run["run_id"]


def _by_agent(agent_runs: list[Row]) -> list[Row]:
    """Return one row per agent, the dearest first; what no agent run knows stays None."""
    of: dict[str, list[Row]] = defaultdict(list)
    for one in agent_runs:
        of[one["agent"]].append(one)
    rows = [_agent(agent, own) for agent, own in of.items()]
    return sorted(rows, key=lambda row: (-(row["cost_usd"] or 0), row["agent"]))


def _agent(agent: str, own: list[Row]) -> Row:
    def total(name: str) -> Any:  # noqa: ANN401 - int or Decimal
        known = [one[name] for one in own if one[name] is not None]
        return sum(known) if known else None

    counted = ("agent_time_ns", "llm_calls", "tool_calls", "input_tokens", "output_tokens")
    return {
        "agent": agent,
        "versions": sorted({one["agent_version"] for one in own} - {""}),
        "agent_runs": len(own),
        "failed": sum(one["outcome"] == "failure" for one in own),
        **{name: total(name) for name in counted},
        "cost_usd": total("cost_usd"),
        "unpriced_calls": total("unpriced_calls"),
    }


def outcome(span: Row) -> str:
    """Return a span's outcome: what the facts say, else its status."""
    by_status = {"Error": "failure", "Ok": "success"}
    return str(span["outcome"] or by_status.get(span["status"], ""))


def newest(connection: Connection) -> str | None:
    """Return when the newest fact ended (ISO 8601, UTC), or None when there is no data yet."""
    (row,) = connection.rows(sql.load("runs/newest"))
    found: str | None = row["newest"]
    return found


def state(connection: Connection) -> str:
    """Return a text that is another once anything changed that an answer could show."""
    (row,) = connection.rows(sql.load("runs/state"))
    return str(row["state"])


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
        more = ", ..." if len(rows) == _SHOWN_IDS else ""
        some = ", ".join(row["run_id"] for row in rows) + more
        text = f"several runs' ids begin with {run[:80]!r}: {some}; type more of it"
        raise UsageError(text)
    return rows[0]


def _days(connection: Connection, run: Row) -> Row:
    """Return the days (UTC) that hold the spans and facts of a run's traces.

    All days when its spans have gone. Spans of the first days of a long run go before its facts do:
    then the run's own start is what counts, and a day before it for clocks that disagree.
    """
    (row,) = connection.rows(sql.load("runs/days"), {"traces": run["trace_ids"]})
    if row["first_day"] is None:
        return {"first_day": _FIRST_DAY, "last_day": _LAST_DAY}
    before = date.fromisoformat(run["started"][:10]) - timedelta(days=1)
    first = max(_FIRST_DAY, min(row["first_day"], before))
    return {"first_day": first, "last_day": row["last_day"]}


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

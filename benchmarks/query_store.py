"""A store with as many runs as wanted, in minutes, and with the facts that the processor makes.

Some thousand runs go the real way: OTLP decoded into the columns of the tables, facts computed by
`processor.facts.recompute`. All others are copies of them by SQL, table by table: every id is
hashed with the number of the copy, every time is moved. That a copy's facts are what the processor
makes of the copy's spans is tested.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from benchmarks import query_team
from benchmarks.report import say

from handspan import semconv
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.columns.traces import traces_table
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.processor.facts import FACTS, SESSION, recompute
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

END_NS = 1_795_000_000 * 10**9
"""2026-11-18, fixed: the same options give the same store. Runs lie in the 30 days before."""
DAY_NS = 24 * 3600 * 10**9
DAYS = 30
RUN_SPANS = 53
_SQL = Path(__file__).parent / "sql" / "query"
_MOST_SEEDS = 2000
_KEPT_DAYS = 10_000
_RECEIVED_NS = END_NS
_TRACES_AT_ONCE = 500

_TRACE_IDS = {
    "trace_id",
    "run_id",
    "parent_run_id",
    "root_trace_id",
    "target_trace_id",
    "workflow_id",
    "rates_trace_id",
    "conversation_id",
    "session_id",
    "fault_id",
    "recovery_fault_id",
    "trace_ids",
    "resumes",
    "TraceId",
    "Links.TraceId",
}
_SPAN_IDS = {
    "span_id",
    "parent_span_id",
    "agent_run",
    "parent_agent_run",
    "root_span_id",
    "target_span_id",
    "rates_span_id",
    "SpanId",
    "ParentSpanId",
    "Links.SpanId",
}
_ID_ATTRIBUTES = (
    semconv.WORKFLOW_ID,
    semconv.GEN_AI_CONVERSATION_ID,
    semconv.FAULT_ID,
    semconv.RECOVERY_FAULT_ID,
)
TABLES = ("otel_traces", "agent_spans", *FACTS)


@dataclass(frozen=True, slots=True)
class Built:
    """What a store holds."""

    runs: int
    spans: int
    large_run: str
    """The run of many spans."""


def build(dsn: Dsn, spans: int, *, seed: int = 1, large_spans: int = 30_000) -> Built:
    """Fill the store at `dsn`, which is new, with about so many spans; blocks for minutes.

    Days before the newest are one part each, as they are two hours after the last write to them.
    `spans` are those of the copied runs; the run of `large_spans` comes on top.
    """
    seeds = min(_MOST_SEEDS, max(10, spans // RUN_SPANS // 4))
    copies = max(1, round(spans / (seeds * RUN_SPANS)))
    slot_ns = DAYS * DAY_NS // copies
    origin = replace(dsn, database="origin")
    made = query_team.requests(
        seeds, seed=seed, first_ns=END_NS - DAYS * DAY_NS, every_ns=slot_ns // seeds
    )
    say(f"{seeds} runs on the real way ...")
    written = _write(origin, made)
    with closing(connect(dsn)) as session:
        migrate(session, Settings(fact_days=_KEPT_DAYS, raw_days=_KEPT_DAYS))
        tables = _columns(session, dsn.database)
        for number in range(copies):
            if number % 20 == 0:
                say(f"copy {number} of {copies} ...")
            for table, columns in tables.items():
                _copy(session, table, columns, number, number * slot_ns)
        session.command("DROP DATABASE origin")
    say(f"a run of {large_spans} spans ...")
    many = query_team.large(large_spans, seed=seed, first_ns=END_NS - DAY_NS // 2)
    large = _write(dsn, many)
    say("merging what has been quiet ...")
    settle(dsn)
    return Built(seeds * copies + 1, written.spans * copies + large.spans, large.traces[0])


@dataclass(frozen=True, slots=True)
class _Written:
    spans: int
    traces: list[str]


def _write(dsn: Dsn, requests: Iterable[bytes]) -> _Written:
    """Store requests as `serve` does and compute their facts."""
    spans, traces = 0, dict[str, None]()
    with closing(connect(dsn, settings=SESSION)) as session:
        migrate(session, Settings(fact_days=_KEPT_DAYS, raw_days=_KEPT_DAYS))
        for number, rows in enumerate(_rows(requests)):
            session.insert("otel_traces", rows, token=f"{number}")
            typed = agent_spans_table(rows, _RECEIVED_NS)
            session.insert("agent_spans", typed, token=f"{number}")
            spans += rows.num_rows
            traces |= dict.fromkeys(rows["TraceId"].unique().to_pylist())
        ids = list(traces)
        for first in range(0, len(ids), _TRACES_AT_ONCE):
            compute(session, ids[first : first + _TRACES_AT_ONCE], revision=first + 1)
    return _Written(spans, ids)


def settle(dsn: Dsn) -> None:
    """Merge the parts of past days, as the engine does when nothing more has come."""
    with closing(connect(dsn)) as session:
        for day in session.rows(statement("unmerged")):
            session.command(statement("merge", day))


def compute(session: Connection, traces: list[str], *, revision: int) -> None:
    """Compute the facts of traces as the processor does, a day after the last one."""
    now_ns = END_NS + DAY_NS
    recompute(session, traces, now_ns=now_ns, revision=revision, implicit_run_s=600.0)


def _rows(requests: Iterable[bytes]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for body in requests:
        waiting.append(traces_table(decode(TRACES, body)))
        if sum(one.num_rows for one in waiting) > 30_000:
            yield pa.concat_tables(waiting).unify_dictionaries()
            waiting.clear()
    if waiting:
        yield pa.concat_tables(waiting).unify_dictionaries()


def _columns(session: Connection, database: str) -> dict[str, dict[str, str]]:
    asked = {"database": database, "tables": list(TABLES)}
    found: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    for row in session.rows(statement("columns"), asked):
        found[row["table"]][row["name"]] = row["type"]
    return found


def _copy(
    session: Connection, table: str, columns: dict[str, str], number: int, later_ns: int
) -> None:
    holes = {
        "table": table,
        "from": "origin",
        "names": ", ".join(f"`{name}`" for name in columns),
        "values": ",\n    ".join(_copied(name, kind) for name, kind in columns.items()),
    }
    session.command(statement("copy", holes), {"number": number, "later_ns": later_ns})


def _copied(name: str, kind: str) -> str:
    """Return the expression of a column's value in a copy."""
    changed = "one"
    if name in _TRACE_IDS:
        changed = _trace_id("one")
    elif name in _SPAN_IDS:
        # What an event was made of has its span's id, a dot and a number.
        changed = (
            "if(one = '', '', concat(lower(hex(sipHash64(substring(one, 1, 16), {number:UInt32}))),"
            " substring(one, 17)))"
        )
    elif "DateTime64" in kind:
        changed = "addNanoseconds(one, {later_ns:Int64})"
    elif name == "SpanAttributes":
        known = ", ".join(f"'{key}'" for key in _ID_ATTRIBUTES)
        return f"mapApply((k, one) -> (k, if(k IN ({known}), {_trace_id('one')}, one)), `{name}`)"
    if changed == "one":
        return f"`{name}`"
    if kind.startswith("Array"):
        return f"arrayMap(one -> {changed}, `{name}`)"
    return changed.replace("one", f"`{name}`")


def _trace_id(one: str) -> str:
    return f"if({one} = '', '', lower(hex(sipHash128({one}, {{number:UInt32}}))))"


def statement(name: str, holes: dict[str, str] | None = None) -> str:
    """Return a statement of this benchmark, its holes filled."""
    text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    for hole, filled in (holes or {}).items():
        text = text.replace("{{" + hole + "}}", filled)
    return text

"""The store of the benchmark: what it holds is what the processor would make of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks import query_store

from handspan_exporter.query.answers import DirectAnswers
from handspan_exporter.query.window import Window
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from handspan_exporter.store.dsn import Dsn

_FACTS = "SELECT * EXCEPT revision FROM {} FINAL WHERE trace_id = {{trace:String}} ORDER BY span_id"


def test_a_copied_run_has_the_facts_that_the_processor_makes_of_it(engine: Dsn) -> None:
    """Copies are quick, but figures on rows that could not exist would say nothing."""
    dsn = replace(engine, database="bench_query")
    built = query_store.build(dsn, 1060, large_spans=100)

    with closing(connect(dsn)) as session:
        answers = DirectAnswers(session)
        whole = Window(query_store.END_NS - 31 * query_store.DAY_NS, query_store.END_NS)
        (row,) = answers.kpi("workflow_success_ratio", whole, by="total")["rows"]
        assert row["n"] == built.runs
        (trace,) = session.rows("SELECT max(trace_id) AS trace FROM agent_runs")

        def facts() -> list[object]:
            tables = ("agent_runs", "llm_calls", "tool_calls", "handoffs", "critical_paths")
            return [session.rows(_FACTS.format(one), trace) for one in tables]

        copied = facts()
        query_store.compute(session, [trace["trace"]], revision=10**18)

        assert all(copied)
        assert facts() == copied
        session.command("DROP DATABASE bench_query")

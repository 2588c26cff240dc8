"""Rebuild: the same raw spans give the same numbers, whatever was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.exporter import span_trees as spans
from tests.exporter.span_trees import at

from handspan_exporter.processor import rebuild as rebuilding
from handspan_exporter.processor.facts import FACTS
from handspan_exporter.processor.loop import Processor
from handspan_exporter.processor.rebuild import rebuild
from handspan_exporter.settings import Settings

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

_RAW = pa.schema(
    [
        ("Timestamp", pa.timestamp("ns", "UTC")),
        ("TraceId", pa.string()),
        ("SpanId", pa.string()),
        ("ParentSpanId", pa.string()),
        ("SpanName", pa.string()),
        ("ServiceName", pa.string()),
        ("SpanAttributes", pa.map_(pa.string(), pa.string())),
        ("Duration", pa.uint64()),
    ]
)


def raw(trace_id: str, span_id: str, parent: str, start_s: float, **said: str) -> spans.Row:
    """Return a row of `otel_traces`."""
    attributes = [(f"gen_ai.{name.replace('__', '.')}", value) for name, value in said.items()]
    return {
        "Timestamp": at(start_s),
        "TraceId": trace_id,
        "SpanId": span_id,
        "ParentSpanId": parent,
        "SpanName": said.get("operation__name", "GET"),
        "ServiceName": "team",
        "SpanAttributes": attributes if said else [],
        "Duration": 10**9,
    }


@pytest.fixture
def stored(connection: Connection) -> Connection:
    """Return a store with raw spans of three hours and nothing made of them."""
    rows = []
    for hour in range(3):
        begin = hour * 3600.0
        run = f"t{hour}"
        rows += [
            raw(run, "01", "", begin, operation__name="invoke_workflow", workflow__name="w"),
            raw(run, "02", "01", begin),
            raw(run, "03", "02", begin, operation__name="invoke_agent", agent__name="a"),
            raw(run, "04", "03", begin, operation__name="chat", request__model="gpt-4o"),
        ]
    connection.insert("otel_traces", pa.Table.from_pylist(rows, schema=_RAW), token="")
    return connection


def computed(connection: Connection, now_s: float) -> dict[str, list[spans.Row]]:
    """Tick until nothing waits; return all facts."""
    processor = Processor(
        connection,
        Settings(store="chdb:///unused"),
        oldest_in_flight_ns=lambda: at(now_s),
        clock_ns=lambda: at(now_s),
    )
    while processor.tick():
        pass
    return spans.facts(connection)


def test_facts_come_from_the_raw_spans_alone(
    stored: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a change of the mapping, or the loss of every derived table, numbers are as before."""
    assert rebuild(stored, clock_ns=lambda: at(20_000)) == 12
    first = computed(stored, 20_100)
    assert [run["run_id"] for run in first["runs"]] == ["t0", "t1", "t2"]
    assert [call["agent_run"] for call in first["llm_calls"]] == ["03"] * 3
    for table in (*FACTS, "agent_spans"):
        stored.command(f"TRUNCATE TABLE {table}")
    monkeypatch.setattr(rebuilding, "SLICE_SPANS", 3)
    assert rebuild(stored, clock_ns=lambda: at(20_200)) == 12
    assert computed(stored, 20_300) == first


def test_a_span_made_anew_keeps_when_it_came(stored: Connection) -> None:
    """Else every idle trace would count as busy again, and its run vanish for minutes."""
    rebuild(stored, clock_ns=lambda: at(20_000))
    rebuild(stored, clock_ns=lambda: at(30_000))
    found = stored.rows(
        "SELECT count() AS n, toUnixTimestamp64Nano(max(received_at)) AS last"
        " FROM agent_spans FINAL"
    )
    assert found == [{"n": 9, "last": at(20_000) + 1}]


def test_only_what_is_asked_for_is_made_anew(stored: Connection) -> None:
    """A month of spans takes long; the last hour does not."""
    assert rebuild(stored, at(3600), clock_ns=lambda: at(20_000)) == 8
    assert [run["run_id"] for run in computed(stored, 20_100)["runs"]] == ["t1", "t2"]

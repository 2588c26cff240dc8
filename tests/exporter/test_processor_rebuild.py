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
    while processor.tick() or processor.waiting:
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


def test_a_trace_of_which_nothing_is_left_does_not_stop_the_processor(
    stored: Connection,
) -> None:
    """Its spans expired, or a newer mapping yields none, before it ever had facts."""
    came = {"at": at(20_000)}
    stored.command(
        "INSERT INTO trace_arrivals"
        " SELECT fromUnixTimestamp64Nano({at:Int64}, 'UTC'), 'gone', 1, 1",
        came,
    )
    assert computed(stored, 20_100)["runs"] == []


def test_a_span_made_anew_keeps_when_it_came(stored: Connection) -> None:
    """Else every idle trace would count as busy again, and its run vanish for minutes."""
    rebuild(stored, clock_ns=lambda: at(20_000))
    rebuild(stored, clock_ns=lambda: at(30_000))
    found = stored.rows(
        "SELECT count() AS n, toUnixTimestamp64Nano(max(received_at)) AS last"
        " FROM agent_spans FINAL"
    )
    assert found == [{"n": 9, "last": at(20_000) + 1}]


def test_spans_of_others_that_are_read_again_close_gaps(stored: Connection) -> None:
    """Who wrote them past the receiver asks for their hour, which may have no agent spans."""
    stored.command("ALTER TABLE otel_traces DELETE WHERE SpanId = '02' SETTINGS mutations_sync = 2")
    rebuild(stored, clock_ns=lambda: at(20_000))
    for now_s in (20_100, 20_500):
        runs = computed(stored, now_s)["runs"]
    assert [run["parents_missing"] for run in runs] == [1, 1, 1]
    late = [raw(f"t{n}", "02", "01", 3600.0 * 3) for n in range(3)]
    stored.insert("otel_traces", pa.Table.from_pylist(late, schema=_RAW), token="")
    rebuild(stored, at(3 * 3600), clock_ns=lambda: at(20_600))
    runs = computed(stored, 20_700)["runs"]
    assert [run["parents_missing"] for run in runs] == [0, 0, 0]


def test_only_what_is_asked_for_is_made_anew(stored: Connection) -> None:
    """A month of spans takes long; the last hour does not."""
    assert rebuild(stored, at(3600), clock_ns=lambda: at(20_000)) == 8
    assert [run["run_id"] for run in computed(stored, 20_100)["runs"]] == ["t1", "t2"]


def test_what_a_mapping_yields_no_longer_goes_and_what_came_since_stays(
    stored: Connection,
) -> None:
    """Else a mistake that a new version mends would be in the numbers for ever."""
    rebuild(stored, clock_ns=lambda: at(20_000))
    before = computed(stored, 20_100)
    rows = "SELECT trace_id, span_id FROM agent_spans FINAL ORDER BY ALL"
    kept = stored.rows(rows)
    wrong = dict.fromkeys(("trace_id", "span_id"), "")
    for trace_id, span_id in (("t0", "02"), ("t1", "04.1"), ("t2", "since"), ("expired", "01")):
        stored.command(
            "INSERT INTO agent_spans (trace_id, span_id, kind, agent, started_at)"
            " VALUES ({trace_id:String}, {span_id:String}, 'agent', 'never', '2026-11-20')",
            wrong | {"trace_id": trace_id, "span_id": span_id},
        )
    rebuild(stored, clock_ns=lambda: at(20_200))
    left = [("expired", "01"), ("t2", "since")]
    found = [tuple(row.values()) for row in stored.rows(rows)]
    assert found == sorted([*(tuple(row.values()) for row in kept), *left])
    assert [run for run in computed(stored, 20_300)["runs"] if run["run_id"] == "t0"] == [
        run for run in before["runs"] if run["run_id"] == "t0"
    ]


def test_a_trace_that_is_agent_work_no_longer_loses_its_facts(stored: Connection) -> None:
    """Its run must go with its spans."""
    rebuild(stored, clock_ns=lambda: at(20_000))
    assert len(computed(stored, 20_100)["runs"]) == 3
    stored.command(
        "ALTER TABLE otel_traces UPDATE SpanAttributes = map() WHERE TraceId = 't1'"
        " SETTINGS mutations_sync = 2"
    )
    rebuild(stored, clock_ns=lambda: at(20_200))
    assert [run["run_id"] for run in computed(stored, 20_300)["runs"]] == ["t0", "t2"]
    assert all(not row["run_id"].startswith("t1") for row in computed(stored, 20_400)["llm_calls"])

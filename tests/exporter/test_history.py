"""History: each closed hour and day holds what the KPI's own file says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.exporter.span_trees import agent, announce, at, llm, store, trace, workflow

from handspan_exporter.errors import QueryFailed
from handspan_exporter.processor.loop import Processor
from handspan_exporter.query import kpi as kpis
from handspan_exporter.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.exporter.span_trees import Row

    from handspan_exporter.store.connection import Connection

_HOUR = 3600.0


class Clocked:
    """A processor whose time a test sets."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now_s = 0.0
        self.processor = self.restarted()

    def restarted(self) -> Processor:
        """Return a processor that knows nothing but what is stored."""
        self.processor = Processor(
            self.connection,
            Settings(store="chdb:///unused"),
            oldest_in_flight_ns=lambda: at(self.now_s),
            clock_ns=lambda: at(self.now_s),
        )
        return self.processor

    def flush(self, rows: Sequence[Row], now_s: float) -> None:
        """Store spans and their arrivals at that time."""
        store(self.connection, rows)
        announce(self.connection, rows, now_s)
        self.now_s = now_s + 0.1

    def settle(self, now_s: float) -> None:
        """Tick at that time until there cannot be anything left to write."""
        self.now_s = now_s
        for _ in range(20):
            self.processor.tick()

    def written(self, kpi: str, grain: str = "hour", grouping: str = "") -> dict[str, float]:
        """Return the headline measure of each group, by bucket."""
        measure = kpis.measures(kpis.answer(self.connection, kpi, at(0), at(1))[0])[0]
        rows = self.connection.rows(
            "SELECT formatDateTime(bucket, '%H') AS hour, \"group\", value FROM kpi_history FINAL"
            " WHERE kpi = {kpi:String} AND grain = {grain:String} AND grouping = {by:String}"
            " AND measure = {measure:String} ORDER BY ALL",
            {"kpi": kpi, "grain": grain, "by": grouping, "measure": measure},
        )
        return {f"{row['hour']} {row['group']}".strip(): row["value"] for row in rows}


@pytest.fixture
def clocked(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Clocked:
    """Return a processor on an empty store, whose history has two KPIs only: the rest is alike."""
    few = tuple(kpis.find(name) for name in ("cost_usd", "workflow_success_ratio"))
    monkeypatch.setattr(kpis, "catalog", lambda: few)
    return Clocked(connection)


def run(trace_id: str, end_s: float, name: str = "w", **says: str) -> list[Row]:
    """Return a run of one agent that ends then."""
    call = llm(end_s - 9, end_s - 8, usd="0.5", tokens=1)
    inside = agent("a", end_s - 9, end_s, [call])
    return trace(trace_id, workflow(name, end_s - 10, end_s, [inside], **says))


def test_a_closed_hour_is_written_and_an_open_one_is_not(clocked: Clocked) -> None:
    """Half an hour kept as an hour would look like a drop."""
    clocked.flush(run("t1", 100), 200)
    clocked.settle(300)
    assert clocked.written("workflow_success_ratio") == {}
    clocked.settle(_HOUR + 1)
    assert clocked.written("workflow_success_ratio") == {"12": 1.0}
    assert clocked.written("cost_usd") == {"12": 0.5}
    assert clocked.written("workflow_success_ratio", "day") == {}
    clocked.settle(12 * _HOUR + 1)
    assert clocked.written("workflow_success_ratio", "day") == {"00": 1.0}


def test_history_is_what_the_kpi_answers_for_the_bucket(connection: Connection) -> None:
    """One formula: a second one would drift."""
    clocked = Clocked(connection)
    clocked.flush(run("t1", 100) + run("t2", 200, "v", status="Error"), 300)
    clocked.settle(_HOUR + 1)
    for kpi in kpis.catalog():
        for by in kpi.history:
            rows = kpis.answer(clocked.connection, kpi.name, at(0), at(_HOUR), by=by)
            grouping = "" if by == kpis.TOTAL else by
            measure = kpis.measures(rows[0])[0] if rows else ""
            expected = {f"12 {row['group']}".strip(): row[measure] for row in rows}
            found = clocked.written(kpi.name, grouping=grouping)
            assert found == pytest.approx(
                {k: v if v is None else float(v) for k, v in expected.items()}
            )


def test_a_late_run_changes_its_hour_at_most_once_a_minute(clocked: Clocked) -> None:
    """Each late span would otherwise cost every KPI of its hour and day again."""
    clocked.flush(run("t1", 100), 200)
    clocked.settle(_HOUR + 1)
    clocked.flush(run("t2", 200, status="Error"), _HOUR + 10)
    clocked.settle(_HOUR + 30)
    assert clocked.written("workflow_success_ratio") == {"12": 1.0}
    clocked.settle(_HOUR + 62)
    assert clocked.written("workflow_success_ratio") == {"12": 0.5}


def test_a_group_that_a_bucket_no_longer_has_is_removed(clocked: Clocked) -> None:
    """A run that moved to another workflow must not be seen twice."""
    first, *rest = run("t1", 100, "early")
    clocked.flush([first, *rest], 200)
    clocked.settle(_HOUR + 1)
    renamed = first | {"workflow": "late", "received_at": at(300)}
    clocked.flush([renamed], _HOUR + 10)
    clocked.settle(_HOUR + 100)
    assert clocked.written("workflow_success_ratio", grouping="workflow") == {"12 late": 1.0}


def test_a_run_that_ends_later_than_thought_leaves_its_old_hour(clocked: Clocked) -> None:
    """It is counted where it ends, and only there."""
    clocked.flush(run("t1", 100, workflow_id="w1"), 200)
    clocked.settle(_HOUR + 1)
    clocked.flush(run("t2", _HOUR + 100, workflow_id="w1"), _HOUR + 200)
    clocked.settle(2 * _HOUR + 1)
    assert clocked.written("workflow_success_ratio") == {"12": None, "13": 1.0}


def test_a_change_noted_by_a_killed_process_is_written_by_the_next(clocked: Clocked) -> None:
    """What is due is in the store, not in memory."""
    clocked.flush(run("t1", 100), 200)
    clocked.settle(300)
    clocked.restarted()
    clocked.settle(_HOUR + 1)
    assert clocked.written("workflow_success_ratio") == {"12": 1.0}
    assert clocked.connection.rows("SELECT grain FROM history_due FINAL") == [{"grain": "day"}]


def test_a_kpi_that_failed_is_written_next_time(
    clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap in history would never be filled."""
    clocked.flush(run("t1", 100), 200)
    clocked.settle(300)
    with monkeypatch.context() as broken:
        broken.setattr(kpis, "answer", refuse)
        with pytest.raises(QueryFailed):
            clocked.settle(_HOUR + 1)
    clocked.settle(_HOUR + 2)
    assert clocked.written("cost_usd") == {"12": 0.5}


def refuse(*_: object, **__: object) -> None:
    """Stand for a store that breaks off the query."""
    raise QueryFailed("memory")

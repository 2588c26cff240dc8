"""The processor's loop: what it follows, when it computes, and that nothing is ever missed."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.exporter import span_trees as spans
from tests.exporter.span_trees import (
    Trace,
    agent,
    announce,
    at,
    handoff,
    llm,
    span,
    store,
    store_foreign,
    tool,
    trace,
    workflow,
)

from handspan_exporter.errors import QueryFailed
from handspan_exporter.processor import loop
from handspan_exporter.processor.facts import FACTS, SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import (
    FACTS_FAILED,
    FACTS_MISSED,
    FACTS_TRACES,
    PROCESSOR_LAG_S,
    PROCESSOR_TICKS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

Row = dict[str, Any]


class Service:
    """A processor with a clock and a writer that a test moves by hand."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now_s = 100.0
        self.in_flight_s: float | None = None
        self.behind_s = 0.0
        self.processor = self.restarted()

    def restarted(self) -> Processor:
        """Return a processor that knows nothing but what is stored."""
        self.processor = Processor(
            self.connection,
            Settings(store="chdb:///unused"),
            oldest_in_flight_ns=lambda: at(
                self.now_s if self.in_flight_s is None else self.in_flight_s
            ),
            behind_ns=lambda: int(self.behind_s * 1e9),
            clock_ns=lambda: at(self.now_s),
        )
        return self.processor

    def flush(self, rows: Sequence[Row]) -> None:
        """Store rows and their arrivals, now."""
        received = [row | {"received_at": at(self.now_s)} for row in rows]
        store(self.connection, [row for row in received if row["kind"] != "foreign"])
        store_foreign(self.connection, [row for row in received if row["kind"] == "foreign"])
        announce(self.connection, rows, self.now_s)
        self.now_s += 0.01

    def tick(self, after_s: float = 0) -> int:
        """Let time pass, then tick."""
        self.now_s += after_s
        return self.processor.tick()

    def runs(self) -> list[str]:
        """Return the ids of all runs."""
        rows = self.connection.rows("SELECT run_id FROM runs FINAL ORDER BY run_id")
        return [row["run_id"] for row in rows]

    def counted_spans(self) -> int:
        """Return how many spans the runs have seen."""
        (row,) = self.connection.rows("SELECT sum(spans_seen) AS n FROM runs FINAL")
        return int(row["n"])


@pytest.fixture
def session(database: tuple[Dsn, Connection]) -> Iterator[Connection]:
    """Return a session as `serve` opens it for the processor."""
    opened = connect(database[0], settings=SESSION)
    yield opened
    opened.close()


@pytest.fixture
def service(session: Connection) -> Service:
    """Return a processor on an empty store."""
    return Service(session)


def team(trace_id: str) -> list[Row]:
    """Return a small run: root first, as it began."""
    failed = tool("t", 2, 3, status="Error")
    entry = agent("a", 0, 5, [llm(1, 2, usd="1"), handoff("a", "b", 4), failed])
    return trace(trace_id, workflow("w", 0, 9, [entry, agent("b", 5, 9, [llm(6, 7)])]))


def test_a_run_is_there_one_tick_after_its_root(service: Service) -> None:
    """People look at a run the moment it ends."""
    root, *rest = team("t1")
    service.flush(rest)
    assert service.tick() == 1
    assert service.runs() == []
    service.flush([root])
    assert service.tick() == 1
    assert service.runs() == ["t1"]
    assert service.tick() == 0


def test_a_look_back_finds_what_the_facts_lack(service: Service) -> None:
    """Whatever goes wrong with what is due, a stored span is in the facts two minutes later."""
    for name in ("t1", "t2"):
        service.flush(team(name))
        service.tick(after_s=1)
    unannounced, *_ = trace("t2", tool("late", 4, 5))
    row = unannounced | {"span_id": "ffff", "parent_span_id": "0001"}
    store(service.connection, [row | {"received_at": at(service.now_s - 1)}])
    counters = service.processor.counters
    assert service.tick(after_s=100) == 0
    assert service.tick() == 1
    assert counters.total(FACTS_MISSED) == 1
    assert service.counted_spans() == len(team("t1")) + 1 + len(team("t2"))
    service.tick(after_s=100)
    service.tick(after_s=100)
    assert counters.total(FACTS_MISSED) == 1


def test_what_a_second_look_back_finds_outlives_a_kill_while_the_first_is_not_done(
    service: Service,
) -> None:
    """Only this process knows of either: the next one must look that far back itself."""
    broken = Broken(service.connection, set())
    service.connection = broken  # type: ignore[assignment]
    service.restarted()

    def passes(now_s: float, *refused: str) -> None:
        broken.refused, service.now_s = set(refused), now_s
        for _ in range(6):
            with suppress(QueryFailed):
                service.tick()

    def flush_and_lose(trace_id: str) -> None:
        service.flush(team(trace_id))
        passes(service.now_s + 1, "t0")
        lost, *_ = trace(trace_id, tool("late", 4, 5))
        lost |= {"span_id": "ffff", "parent_span_id": "0001", "received_at": at(service.now_s)}
        store(service.connection, [lost])

    service.tick()  # looks back, and does again in a minute
    flush_and_lose("t1")
    service.now_s += 1
    service.flush(team("t0"))  # refused, it holds the cursor for minutes: nobody looks beyond
    flush_and_lose("t2")
    passes(500, "t0", "t1")
    passes(570, "t1", "t2")
    passes(640, "t1", "t2")
    passes(710, "t2")
    passes(780, "t2")
    service.restarted()
    passes(790)
    assert service.counted_spans() == 3 * len(team("t0")) + 2


def test_an_open_run_is_computed_every_second_and_then_every_fiftieth_of_its_age(
    service: Service,
) -> None:
    """A run of an hour must not be computed 3,600 times."""
    _, first, *more = trace("t1", workflow("w", 0, 9, [agent("a", n, n + 1) for n in range(6)]))
    service.now_s = 2.0
    service.flush([first])
    assert service.tick() == 1
    service.flush([more[0]])
    assert service.tick() == 0
    assert service.tick(after_s=1.0) == 1
    service.now_s = 1000.0
    service.flush([more[1]])
    assert service.tick() == 1
    service.flush([more[2]])
    assert service.tick(after_s=19.0) == 0
    assert service.tick(after_s=1.5) == 1


def test_nothing_beyond_the_writers_watermark_is_followed(service: Service) -> None:
    """What is in flight may still come with an earlier arrival: passing it would lose it."""
    service.in_flight_s = 99.0
    service.flush(team("t1"))
    assert service.tick() == 0
    service.in_flight_s = None
    assert service.tick() == 1


def test_a_restart_goes_on_where_the_last_one_was(service: Service) -> None:
    """All arrivals of a week would take an hour; the last ones again take a moment."""
    service.flush(team("t1"))
    service.tick()
    service.restarted()
    service.flush(team("t2"))
    assert service.tick() == 1
    assert service.runs() == ["t1", "t2"]


def test_what_waits_at_a_kill_is_computed_by_the_next_process(service: Service) -> None:
    """A trace that is not due yet holds the cursor."""
    _, first, second, *_ = team("t1")
    service.flush([first])
    service.tick()
    service.flush([second])
    service.flush(team("t2"))
    assert service.tick() == 1
    assert service.processor.waiting == 1
    service.restarted()
    assert service.tick() == 2
    (row,) = service.connection.rows(
        "SELECT count() AS n FROM llm_calls FINAL WHERE trace_id = 't1'"
    )
    assert row["n"] == 1


def test_an_idle_trace_becomes_a_run_by_a_timer(service: Service) -> None:
    """Nothing more arrives: only time can tell."""
    service.flush(team("t1")[1:])
    assert service.tick() == 1
    assert service.tick(after_s=299) == 0
    assert service.tick(after_s=2) == 1
    assert service.runs() == ["t1"]
    assert service.tick(after_s=1000) == 0


def test_the_timer_survives_a_restart(service: Service) -> None:
    """The process that computed the trace first is gone when its time has come."""
    service.flush(team("t1")[1:])
    service.tick()
    service.restarted()
    assert service.tick(after_s=200) == 0
    assert service.tick(after_s=101) == 1
    assert service.runs() == ["t1"]


def test_a_restart_remembers_more_timers_than_one_reading_of_arrivals_tells(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five busy minutes are more than is read at once; the newest would never become runs."""
    monkeypatch.setattr(loop, "MOST_ARRIVALS", 2)
    names = [f"t{n}" for n in range(7)]
    service.flush([row for name in names[:3] for row in team(name)[2:]])  # at the same moment
    for name in names[3:]:
        service.flush(team(name)[2:])
    service.now_s += 100
    service.flush([team("t0")[1]])
    while service.tick(after_s=3) or service.processor.waiting:
        pass
    service.restarted()
    service.tick(after_s=210)
    assert service.runs() == names[1:]
    service.tick(after_s=100)
    assert service.runs() == names


def test_a_timer_survives_a_store_that_refuses(service: Service) -> None:
    """Its trace has no new span that would make it due again."""
    broken = Broken(service.connection, set())
    service.connection = broken  # type: ignore[assignment]
    service.restarted()
    service.flush(team("t1")[1:])
    service.tick()
    broken.refused.add("t1")
    with pytest.raises(QueryFailed):
        service.tick(after_s=301)
    broken.refused.clear()
    assert service.tick(after_s=2) == 1
    assert service.runs() == ["t1"]


def test_a_timer_that_is_due_survives_a_kill(service: Service) -> None:
    """Other traces come first, and the cursor passes: what settles waits all the longer."""
    service.flush(team("t1")[1:])
    service.tick()
    service.now_s += 400
    broken = Broken(service.connection, {"t1"})
    service.processor._connection = broken  # type: ignore[assignment] # noqa: SLF001
    service.flush(team("t2"))
    with pytest.raises(QueryFailed):
        service.tick()
    with suppress(QueryFailed):
        service.tick()
    service.restarted()
    while service.tick(after_s=10):
        pass
    assert service.runs() == ["t1", "t2"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_span_of_others_that_closes_a_gap_hours_later_is_found(
    service: Service, *, restarts: bool
) -> None:
    """It has no row among the agent spans, and its trace is long computed and forgotten."""
    call = span("foreign", 2, 7, [span("foreign", 3, 6, [llm(4, 5)])])
    whole = Trace("t1", [workflow("w", 0, 9, [agent("a", 1, 8, [call])])])
    upper, lower = whole.foreign()

    def passes(after_s: float) -> None:
        service.tick(after_s)
        if restarts:  # between noticing and computing
            service.restarted()
        while service.tick() or service.processor.waiting:
            pass

    service.flush([*whole.rows(), lower])
    service.flush([*team("t2"), upper | {"trace_id": "t2", "span_id": "other"}])
    for _ in range(3):
        passes(after_s=200)
    assert _calls_by(service) == {("t1", ""), ("t2", "0002"), ("t2", "0006")}
    passes(after_s=7200)
    service.flush([upper, upper | {"trace_id": "t2", "span_id": "late"}])
    computed = service.processor.counters.total(FACTS_TRACES)
    passes(after_s=100)
    passes(after_s=100)
    assert _calls_by(service) == {("t1", "0002"), ("t2", "0002"), ("t2", "0006")}
    assert service.processor.counters.total(FACTS_MISSED) == 0
    if not restarts:
        assert service.processor.counters.total(FACTS_TRACES) == computed + 1


def _calls_by(service: Service) -> set[tuple[str, str]]:
    """Return which agent run made each call."""
    rows = service.connection.rows("SELECT trace_id, agent_run FROM llm_calls FINAL")
    return {(row["trace_id"], row["agent_run"]) for row in rows}


def test_revisions_never_go_back(service: Service) -> None:
    """A clock set back would make new facts older than the old ones, and so invisible."""
    *rest, last = team("t1")
    service.flush(rest)
    service.tick()
    service.restarted()
    store(service.connection, [last])
    announce(service.connection, [last], service.now_s)
    service.in_flight_s = service.now_s + 1
    service.now_s -= 3000
    assert service.tick() == 1
    assert service.counted_spans() == len(rest) + 1


class Broken:
    """A session that refuses to compute certain traces."""

    def __init__(self, connection: Connection, refused: set[str]) -> None:
        self._connection = connection
        self.refused = refused

    def command(self, statement: str, parameters: Row | None = None) -> None:
        """Refuse the statement that names a refused trace."""
        if self.refused & set((parameters or {}).get("trace_ids", ())):
            raise QueryFailed("no")
        self._connection.command(statement, parameters)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Pass everything else on."""
        return getattr(self._connection, name)  # type: ignore[no-any-return]


def test_one_trace_that_cannot_be_computed_does_not_hold_up_the_others(service: Service) -> None:
    """It is tried again and again, alone, and is there as soon as it can be computed."""
    broken = Broken(service.connection, {"t3"})
    service.connection = broken  # type: ignore[assignment]
    service.restarted()
    service.flush([row for n in range(8) for row in team(f"t{n}")])
    failures = 0
    for _ in range(30):
        try:
            service.tick(after_s=0.5)
        except QueryFailed:
            failures += 1
    assert 0 < failures < 10
    assert service.runs() == [f"t{n}" for n in range(8) if n != 3]
    broken.refused.clear()
    service.restarted()
    service.tick()
    assert len(service.runs()) == 8


def test_the_lag_counts_from_when_spans_were_stored_not_from_when_they_were_noticed(
    service: Service,
) -> None:
    """Ticks may be seconds apart: between two of them facts fall behind unseen."""
    service.flush(team("t1"))
    service.processor.wake()
    service.now_s += 4
    assert _lag_s(service) == 4
    service.tick()
    assert _lag_s(service) == 0


def test_the_lag_lasts_until_what_was_stored_is_read(service: Service) -> None:
    """A watermark that another's insert holds back, or a margin, hides it for a while."""
    service.in_flight_s, service.behind_s = service.now_s - 1, 3600.0
    service.flush(team("t1"))
    service.processor.wake()
    service.now_s += 4
    assert service.tick() == 0
    assert _lag_s(service) == 4
    service.in_flight_s, service.behind_s = None, 0.0
    assert service.tick() == 1
    assert _lag_s(service) == 0


def test_under_steady_traffic_the_lag_is_what_the_watermark_hides(service: Service) -> None:
    """That of a cluster is 5 s behind, and something is stored more often than that: always."""
    service.behind_s = 5.0
    lags = []
    for n in range(12):
        service.flush(team(f"t{n}"))
        service.processor.wake()
        service.in_flight_s = service.now_s - 5
        service.tick()
        lags.append(_lag_s(service))
        service.now_s += 1
    assert 0 < max(lags[:5]) < 5
    assert lags[6:] == [pytest.approx(5)] * 6
    service.in_flight_s, service.behind_s = None, 0.0
    service.tick()
    assert _lag_s(service) == 0


def test_the_lag_of_what_a_limit_left_unread_is_not_forgotten(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is before the watermark, and nobody has seen it."""
    monkeypatch.setattr(loop, "MOST_ARRIVALS", 1)
    for n in range(3):
        service.flush(team(f"t{n}"))
        service.processor.wake()
    service.now_s += 60
    service.tick()
    assert _lag_s(service) > 60
    while service.tick():
        pass
    assert _lag_s(service) == 0


def test_the_end_waits_for_no_watermark_that_is_far_behind(session: Connection) -> None:
    """A cluster's takes seconds to pass what was stored last: the next start computes that."""
    processor = Processor(
        session,
        Settings(store="chdb:///unused", tick_s=60),
        oldest_in_flight_ns=lambda: at(0),
        behind_ns=lambda: 30 * 10**9,
    )
    processor.start()
    wait_until(lambda: processor.counters.total(PROCESSOR_TICKS) > 0)
    processor.wake()
    processor.stop()
    assert processor.counters.total(PROCESSOR_TICKS) <= 3


def _lag_s(service: Service) -> float:
    line = f"\n{PROCESSOR_LAG_S.name} "
    return float(service.processor.counters.exposition().partition(line)[2].split()[0])


def test_a_tick_is_bounded_in_traces_and_spans(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a night without a processor the first answers must not wait for all of it."""
    monkeypatch.setattr(loop, "MOST_SPANS", 20)
    for n in range(5):
        service.flush(team(f"t{n}"))
    assert [service.tick() for _ in range(4)] == [2, 2, 1, 0]
    assert len(service.runs()) == 5


def test_the_thread_follows_arrivals_and_outlives_failures(
    connection: Connection, session: Connection
) -> None:
    """What `serve` runs: real clock, own session, woken by the writer."""
    broken = Broken(session, {"t1"})
    processor = Processor(
        broken,  # type: ignore[arg-type]
        Settings(store="chdb:///unused", tick_s=0.01),
        oldest_in_flight_ns=lambda: at(1000),
    )
    store(connection, team("t1"))
    announce(connection, team("t1"), 1)
    processor.start()
    try:
        wait_until(lambda: processor.counters.total(FACTS_FAILED) > 0)
        broken.refused.clear()
        wait_until(lambda: processor.counters.total(FACTS_TRACES) > 0)
    finally:
        processor.stop()
    assert connection.rows("SELECT run_id FROM runs FINAL") == [{"run_id": "t1"}]


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for another thread; fail after a minute."""
    pause = threading.Event()
    for _ in range(6000):
        if true():
            return
        pause.wait(0.01)
    pytest.fail("it never came true")


_SPANS = [
    *team("t1"),
    *trace(
        "t2", workflow("w", 12, 14, [agent("c", 12, 14, [llm(13, 14, tokens=3)])], resumes=["t1"])
    ),
    *trace("t3", workflow("v", 0, 5, [workflow("u", 1, 4, [agent("d", 2, 3)])], workflow_id="w3")),
    *trace("t4", agent("gone", 6, 9, [agent("e", 6, 8, workflow_id="w3")]).lost()),
    *trace("t5", agent("solo", 0, 2, [llm(0, 1, usd="2")]), agent("solo", 3, 4)),
    *trace("t6", span("rating", 20, 20, rates_trace_id="t1", rates_span_id="0002")),
]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, list[Row]]]:
    """Return a place to keep the answer of one tick at the end."""
    return []


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    order=st.permutations(range(len(_SPANS))), cuts=st.sets(st.integers(1, len(_SPANS)), max_size=4)
)
def test_any_order_of_arrival_with_ticks_between_ends_equal_to_one_tick_at_the_end(
    session: Connection,
    expected: list[dict[str, list[Row]]],
    order: list[int],
    cuts: set[int],
) -> None:
    """Facts are a function of the spans, not of when each came."""
    for table in (*FACTS, "agent_spans", "trace_arrivals", "processor_state"):
        session.command(f"TRUNCATE TABLE {table}")
    service = Service(session)
    edges = sorted({0, *cuts, len(_SPANS)}) if expected else [0, len(_SPANS)]
    for first, last in pairwise(edges):
        service.flush([_SPANS[place] for place in order[first:last]])
        while service.tick(after_s=30):
            pass
    while service.tick(after_s=400) or service.processor.waiting:
        pass
    found = spans.facts(session)
    expected += [] if expected else [found]
    assert found == expected[0]

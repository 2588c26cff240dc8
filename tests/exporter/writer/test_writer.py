"""From the journal into the real store: everything once, nothing lost, nobody waits for long."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.errors import QueryFailed, StoreDown
from handspan_exporter.journal.journal import Journal
from handspan_exporter.otlp import native
from handspan_exporter.otlp.decode import decode
from handspan_exporter.otlp.levels import item_count
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import (
    REJECTED_REMOVED_BYTES,
    ROWS_MISSED,
    ROWS_REJECTED,
    ROWS_UNVERIFIED,
    SEGMENT_RETRIES,
    SEGMENTS_READ_BACK,
    SEGMENTS_REJECTED,
    SEGMENTS_STORED,
    SPANS_STORED,
    STORE_RETRIES,
    Counters,
)
from handspan_exporter.writer import writer
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Metric

_TIMES = "otel_traces_trace_id_ts"
TABLES = ("otel_traces", "agent_spans", "trace_arrivals")


class Ingest:
    """A journal and a writer on a real store, as `serve` wires them."""

    def __init__(
        self,
        folder: Path,
        connection: Connection,
        *,
        settings: Settings | None = None,
        rejected_max_bytes: int = 1 << 30,
        agent_spans: Callable[[pa.Table, int], pa.Table] = agent_spans_table,
        beside: Connection | None = None,
    ) -> None:
        settings = settings or Settings()
        self.counters = Counters()
        self.journal = Journal(
            folder,
            max_bytes=settings.journal_max_bytes,
            segment_spans=settings.flush_spans,
            counters=self.counters,
            rejected_max_bytes=rejected_max_bytes,
        )
        self.stored = threading.Semaphore(0)
        self.writer = Writer(
            self.journal,
            connection,
            settings,
            agent_spans_table=agent_spans,
            counters=self.counters,
            on_stored=self.stored.release,
            beside=beside,
        )

    def accept(self, body: bytes) -> None:
        """Journal a request and hand it on."""
        batch = decode(TRACES, body)
        self.writer.hand(self.journal.append(body, item_count(batch)), batch)

    def accept_judged(self, body: bytes) -> None:
        """Journal a request that the native decoder takes, and hand it on as it is."""
        sound = native.sound(body, oldest_ns=0, newest_ns=2**63)
        assert sound is not None
        self.writer.hand(self.journal.append(body, sound.spans), sound)

    def accept_alone(self, body: bytes) -> None:
        """Give the request a segment of its own."""
        self.accept(body)
        self.journal.roll()

    def drain(self, timeout_s: float = 60) -> bool:
        """Store all and end."""
        return self.writer.drain(timeout_s)


def _rows(connection: Connection, table: str, what: str = "count()") -> Any:  # noqa: ANN401
    return connection.rows(f"SELECT {what} AS answer FROM {table}")[0]["answer"]  # noqa: S608


def _counts(connection: Connection) -> list[int]:
    return [_rows(connection, table) for table in TABLES]


def test_a_request_becomes_rows_of_three_tables(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """The arrival is what the processor follows; its time is the segment's."""
    ingest = Ingest(tmp_path, connection)
    ingest.writer.start()

    ingest.accept(trace_request(3))
    ingest.stored.acquire()

    assert _counts(connection) == [3, 3, 3]
    moments = "arraySort(groupUniqArray(toUnixTimestamp64Nano({})))"
    (arrived_ns,) = _rows(connection, "trace_arrivals", moments.format("arrived_at"))
    assert _rows(connection, "agent_spans", moments.format("received_at")) == [arrived_ns]
    assert _rows(connection, "trace_arrivals", "min(has_root)")
    assert ingest.writer.oldest_in_flight_ns() > arrived_ns
    assert ingest.counters.total(SPANS_STORED) == 3
    assert ingest.drain()
    assert list(tmp_path.glob("*.otlp")) == []


def test_requests_of_both_decoders_are_stored_in_one_segment(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """One has an odd field, its neighbours none: the store gets them in one insert."""
    ingest = Ingest(tmp_path, connection)
    ingest.accept_judged(trace_request(3, first=1))
    ingest.accept(trace_request(2, first=11))
    ingest.accept_judged(trace_request(1, first=21))
    assert ingest.writer.pending_bytes > 0
    ingest.writer.start()
    ingest.stored.acquire()

    assert _counts(connection) == [6, 6, 6]
    assert _rows(connection, "otel_traces", "uniqExact(SpanId)") == 6
    assert _rows(connection, "service_instances") == 1
    assert ingest.counters.total(SEGMENTS_READ_BACK) == 0
    assert ingest.drain()
    assert ingest.writer.pending_bytes == 0


def test_spans_of_others_are_announced_when_they_are_late(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """They may close a gap; the ones that come as they end are most of all spans, and none can."""
    now_ns = time.time_ns()
    ingest = Ingest(tmp_path, connection)
    ingest.accept(_plain(trace_request(2, start_ns=now_ns - 3600 * 10**9)))
    ingest.accept(_plain(trace_request(2, first=10)))
    ingest.accept(trace_request(2, first=20, start_ns=now_ns - 3600 * 10**9))
    ingest.writer.start()

    assert ingest.drain()
    assert _counts(connection) == [6, 2, 4]
    assert _rows(connection, "trace_arrivals", "arraySort(groupArray(spans))") == [0, 0, 1, 1]


def test_leftovers_without_agent_work_are_stored_like_any_other(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """Nothing is to be looked up of what they do not have, and nothing is sent."""
    first = Ingest(tmp_path, connection)
    first.accept_alone(_plain(trace_request(3)))
    watched: Any = Dying(connection, 100)

    second = Ingest(tmp_path, watched)
    second.writer.start()

    assert second.drain()
    assert second.counters.total(SEGMENTS_REJECTED) == 0
    assert second.counters.total(SEGMENT_RETRIES) == 0
    assert _counts(connection) == [3, 0, 0]
    assert {"agent_spans", "trace_arrivals"}.isdisjoint(watched.tables)


@pytest.mark.parametrize(
    "broken",
    [
        {"service_instances"},
        {"otel_traces", _TIMES},
        {"agent_spans"},
        {"trace_arrivals"},
    ],
)
def test_an_outage_at_any_table_costs_a_segment_nothing(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes], broken: set[str]
) -> None:
    """Some tables cannot be asked what they have; those bear a row twice."""
    request = ExportTraceServiceRequest.FromString(trace_request(3))
    service = request.resource_spans[0].resource.attributes.add(key="service.name")
    service.value.string_value = "shop"
    failing: Any = FailingOnce(connection, broken)
    ingest = Ingest(tmp_path, failing)
    ingest.accept_alone(request.SerializeToString())
    ingest.writer.start()

    assert ingest.drain()
    assert failing.failed == broken
    assert ingest.counters.total(SEGMENT_RETRIES) == 0
    assert _counts(connection) == [3, 3, 3]


def _plain(body: bytes) -> bytes:
    """Return the request with spans that are no agent work."""
    request = ExportTraceServiceRequest.FromString(body)
    for span in request.resource_spans[0].scope_spans[0].spans:
        del span.attributes[:]
        span.name = "GET"
    return request.SerializeToString()


def test_what_waits_is_stored_before_the_end(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """A service that is told to stop leaves a clean journal behind when it can."""
    ingest = Ingest(tmp_path, connection, settings=Settings(flush_s=3600))
    ingest.writer.start()
    ingest.accept(trace_request(1))
    ingest.stored.acquire()
    ingest.accept(trace_request(5, first=10))  # not due for an hour

    assert ingest.drain()

    assert _counts(connection) == [6, 6, 6]


@pytest.mark.parametrize("hidden", ["agent_spans", "trace_arrivals"])
def test_an_end_between_two_inserts_doubles_nothing(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes], hidden: str
) -> None:
    """The replay sends the same rows with the same token, and ClickHouse drops what it has."""
    first = Ingest(tmp_path, connection)
    connection.command(f"RENAME TABLE {hidden} TO hidden")
    first.accept_alone(trace_request(4))
    first.writer.start()
    _wait_for(first, STORE_RETRIES)
    assert not first.writer.drain(0), "the segment is still there"
    connection.command(f"RENAME TABLE hidden TO {hidden}")
    assert _rows(connection, "otel_traces") == 4

    second = Ingest(tmp_path, connection)
    second.writer.start()
    second.stored.acquire()

    assert second.drain()
    assert _counts(connection) == [4, 4, 4]
    assert _rows(connection, "trace_arrivals", "sum(spans)") == 4
    assert _rows(connection, _TIMES, "uniqExact(TraceId, Start, End)") == 4
    assert second.counters.total(SEGMENTS_READ_BACK) == 1


def test_a_segment_that_comes_back_after_its_removal_doubles_nothing(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """A crash may undo the deletion of a file: folders are not synced then."""
    first = Ingest(tmp_path, connection)
    first.accept_alone(trace_request(4))
    (path,) = tmp_path.glob("*.otlp")
    content = path.read_bytes()
    first.writer.start()
    assert first.drain()
    path.write_bytes(content)

    second = Ingest(tmp_path, connection)
    second.writer.start()

    assert second.drain()
    assert second.counters.total(SEGMENTS_STORED) == 1
    assert _counts(connection) == [4, 4, 4]


class Dying:
    """A real connection that breaks after so many inserts: what it did last nobody hears."""

    def __init__(self, connection: Connection, inserts: int) -> None:
        self.tables: list[str] = []
        """Into which was inserted, in order."""
        self._connection = connection
        self._inserts = inserts

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert, unless it is broken."""
        if len(self.tables) < self._inserts:
            self.tables.append(table)
            self._connection.insert(table, rows, token=token)
        if len(self.tables) >= self._inserts:
            raise StoreDown("the connection is broken")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


class FailingOnce:
    """A real connection whose first insert into some tables is done, and its answer lost."""

    def __init__(self, connection: Connection, tables: set[str]) -> None:
        self.failed: set[str] = set()
        self._connection = connection
        self._tables = tables

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert."""
        self._connection.insert(table, rows, token=token)
        if table in self._tables - self.failed:
            self.failed.add(table)
            raise StoreDown("the connection is broken")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


@pytest.mark.parametrize("inserts", [4, 6, 8])
def test_many_small_leftovers_are_stored_in_a_few_inserts(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes], inserts: int
) -> None:
    """After many kills there are hundreds: each by itself they would take minutes.

    Also when the process that stores them is killed in its turn, before or in their group.
    """
    first = Ingest(tmp_path, connection)
    for number in range(60):
        first.accept_alone(trace_request(2, first=1 + 2 * number))
    dying: Any = Dying(connection, inserts)
    killed = Ingest(tmp_path, dying)
    killed.writer.start()
    _wait_for(killed, STORE_RETRIES)
    assert not killed.drain(0)

    watched: Any = Dying(connection, 100)
    second = Ingest(tmp_path, watched)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [120] * 3
    assert _rows(connection, "trace_arrivals", "uniqExact(arrived_at)") == 60
    assert second.counters.total(SEGMENTS_STORED) >= 59
    assert len(watched.tables) <= 10


def test_leftovers_with_large_copies_are_not_stored_as_one(
    tmp_path: Path,
    connection: Connection,
    trace_request: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Their files fit together, their rows would take all memory."""
    monkeypatch.setattr(writer, "GROUP_COPIED_BYTES", -1)
    first = Ingest(tmp_path, connection)
    for number in range(1, 7):
        first.accept_alone(trace_request(3, first=3 * number))
    second = Ingest(tmp_path, connection)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [18] * 3
    assert "5 segments cannot be stored as one: copies of their resources take" in caplog.text


def test_one_bad_leftover_costs_only_itself(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """What is stored as one must not fail as one."""

    def defective(traces: pa.Table, received_at_ns: int) -> pa.Table:
        if traces["SpanId"][0].as_py().endswith("4"):
            raise ValueError("a defect")
        return agent_spans_table(traces, received_at_ns)

    first = Ingest(tmp_path, connection)
    for number in range(1, 7):
        first.accept_alone(trace_request(1, first=number))
    second = Ingest(tmp_path, connection, agent_spans=defective)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [6, 5, 5]
    assert second.counters.total(SEGMENTS_REJECTED) == 1


@pytest.mark.parametrize("lost", [1, 4])
def test_rows_whose_token_is_known_but_that_are_not_there_are_inserted_again(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes], lost: int
) -> None:
    """ClickHouse notes a token before it makes the rows visible; a kill may come in between."""
    first = Ingest(tmp_path, connection)
    first.accept_alone(trace_request(4))
    (path,) = tmp_path.glob("*.otlp")
    content = path.read_bytes()
    first.writer.start()
    assert first.drain()
    path.write_bytes(content)
    names = ("TraceId", "trace_id", "trace_id", "TraceId")
    for table, name in zip((*TABLES, _TIMES), names, strict=True):
        which = f"{name} <= '{lost:032x}' SETTINGS mutations_sync = 2"
        connection.command(f"ALTER TABLE {table} DELETE WHERE {which}")
    assert _counts(connection) == [4 - lost] * 3

    second = Ingest(tmp_path, connection)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [4, 4, 4]
    assert _rows(connection, _TIMES, "uniqExact(TraceId, Start, End)") == 4
    # A part without rows is removed at any moment, and its token with it: then they are new rows.
    forgotten = {0} if lost == 4 else set()
    missed = {second.counters.total(ROWS_MISSED, table) for table in TABLES}
    assert missed <= {lost} | forgotten


def test_while_the_store_is_down_requests_are_taken_and_then_all_are_stored(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """Clients must not notice that ClickHouse restarts."""
    ingest = Ingest(tmp_path, connection)
    connection.command("RENAME TABLE agent_spans TO hidden")
    ingest.writer.start()
    ingest.accept(trace_request(1))
    _wait_for(ingest, STORE_RETRIES)
    for number in range(2, 12):
        ingest.accept_alone(trace_request(1, first=number))

    connection.command("RENAME TABLE hidden TO agent_spans")

    assert ingest.drain()
    assert _counts(connection) == [11, 11, 11]
    assert ingest.counters.total(ROWS_REJECTED) == 0


def test_rows_that_the_store_refuses_are_put_aside_and_nobody_waits(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """One row that ClickHouse will never take must not stop the millions behind it."""
    connection.command("ALTER TABLE otel_traces ADD CONSTRAINT c CHECK SpanId NOT LIKE '%7'")
    ingest = Ingest(tmp_path, connection)
    ingest.accept_alone(trace_request(40))  # 0x07, 0x17 and 0x27 are refused
    ingest.accept_alone(trace_request(1, first=1000))
    ingest.writer.start()

    assert ingest.drain()

    assert _rows(connection, "otel_traces") == 38
    assert _rows(connection, "otel_traces", "uniqExact(SpanId)") == 38
    assert ingest.counters.total(ROWS_REJECTED, "otel_traces") == 3
    kept = [pa.ipc.open_file(path).read_all() for path in _rejected(ingest)]
    assert sorted(table["SpanId"][0].as_py()[-2:] for table in kept) == ["07", "17", "27"]
    assert b"onstraint" in kept[0].schema.metadata[b"reason"]


def test_a_store_that_refuses_everything_is_not_asked_row_by_row(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """65,536 rows one by one would keep all others waiting for an hour."""
    connection.command("ALTER TABLE otel_traces ADD CONSTRAINT c CHECK SpanId = ''")
    ingest = Ingest(tmp_path, connection)
    ingest.accept_alone(trace_request(2000))
    ingest.writer.start()

    assert ingest.drain()

    assert ingest.counters.total(ROWS_REJECTED, "otel_traces") == 2000
    assert sum(pa.ipc.open_file(path).read_all().num_rows for path in _rejected(ingest)) == 2000
    assert len(_rejected(ingest)) < 300


def test_a_defect_of_ours_sets_the_segment_aside_and_the_next_is_stored(
    tmp_path: Path,
    connection: Connection,
    trace_request: Callable[..., bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A writer that dies of one segment would take every later span with it."""

    def defective(traces: pa.Table, received_at_ns: int) -> pa.Table:
        if traces.num_rows == 2:
            raise ValueError("two is too many")
        return agent_spans_table(traces, received_at_ns)

    ingest = Ingest(tmp_path, connection, agent_spans=defective)
    ingest.accept_alone(trace_request(2))
    ingest.accept_alone(trace_request(1, first=10))
    ingest.writer.start()

    assert ingest.drain()

    assert _counts(connection) == [3, 1, 1]
    assert ingest.counters.total(SEGMENTS_REJECTED, "ValueError") == 1
    (kept,) = ingest.journal.rejected.folder.glob("*.otlp")
    assert kept.with_suffix(".txt").read_text() == "ValueError: two is too many\n"
    assert "set aside" in caplog.text


def test_a_moment_without_memory_costs_no_segment(
    tmp_path: Path,
    connection: Connection,
    trace_request: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What failed for lack of something is tried again, however often."""
    monkeypatch.setattr(writer, "PAUSES_S", (0.01,) * 3)
    failures = [MemoryError("none left")] * 5

    def short_of_memory(traces: pa.Table, received_at_ns: int) -> pa.Table:
        if failures:
            raise failures.pop()
        return agent_spans_table(traces, received_at_ns)

    ingest = Ingest(tmp_path, connection, agent_spans=short_of_memory)
    ingest.accept_alone(trace_request(2))
    ingest.writer.start()

    assert ingest.drain()

    assert _counts(connection) == [2, 2, 2]
    assert ingest.counters.total(SEGMENT_RETRIES, "MemoryError") == 5
    assert ingest.counters.total(SEGMENTS_REJECTED) == 0


def test_a_segment_that_was_set_aside_is_stored_by_a_version_that_can(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """What was acknowledged is not given up; part of it may be there already."""

    def defective(_traces: pa.Table, _received_at_ns: int) -> pa.Table:
        raise ValueError("a defect")

    first = Ingest(tmp_path, connection, agent_spans=defective)
    first.accept_alone(trace_request(2))
    first.writer.start()
    assert first.drain()
    assert _counts(connection) == [2, 0, 0]

    second = Ingest(tmp_path, connection)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [2, 2, 2]


class Cut:
    """A real connection whose inserts into some tables are cut off after they were made."""

    def __init__(self, connection: Connection, *tables: str, lose: bool = False) -> None:
        self._connection = connection
        self._tables = set(tables)
        self._lose = lose

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert; the first time into each table the answer, and perhaps the rows, are lost."""
        self._connection.insert(table, rows, token=token)
        if table not in self._tables:
            return
        self._tables.remove(table)
        if self._lose:
            lost = {table, _TIMES} if table == "otel_traces" else {table}
            for one in lost:
                self._connection.command(
                    f"ALTER TABLE {one} DELETE WHERE 1 SETTINGS mutations_sync = 2"
                )
        raise StoreDown("the answer did not come")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


@pytest.mark.parametrize("lose", [False, True])
def test_an_insert_that_was_cut_off_is_made_good_in_every_table_by_the_same_process(
    tmp_path: Path,
    connection: Connection,
    trace_request: Callable[..., bytes],
    lose: bool,  # noqa: FBT001
) -> None:
    """The store has all of it, or knows the token and has nothing, not even the view's rows."""
    cut: Any = Cut(connection, *TABLES, lose=lose)
    ingest = Ingest(tmp_path, cut)
    ingest.accept_alone(trace_request(3))
    ingest.writer.start()

    assert ingest.drain()

    assert _counts(connection) == [3, 3, 3]
    assert _rows(connection, _TIMES, "uniqExact(TraceId, Start, End)") == 3
    assert ingest.counters.total(STORE_RETRIES) == 3
    assert ingest.counters.total(ROWS_MISSED) == (9 if lose else 0)


def test_rows_are_stored_though_the_store_cannot_say_what_it_has(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """A part that a power cut left unreadable must not send what is acknowledged to rejected/."""

    class Unreadable(Cut):
        def arrow(self, *_: object) -> pa.Table:
            raise QueryFailed("Code: 76. Cannot open file data.cmrk4")

    first = Ingest(tmp_path, connection)
    first.accept_alone(trace_request(3))
    unreadable: Any = Unreadable(connection)

    second = Ingest(tmp_path, unreadable)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [3, 3, 3]
    assert second.counters.total(SEGMENTS_REJECTED) == second.counters.total(ROWS_REJECTED) == 0
    assert [second.counters.total(ROWS_UNVERIFIED, table) for table in TABLES] == [3, 3, 3]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"readonly": 1}, "READONLY"),
        ({"max_memory_usage": 1 << 20, "max_untracked_memory": 0}, "MEMORY_LIMIT_EXCEEDED"),
    ],
)
def test_a_store_that_may_not_write_or_has_no_memory_is_waited_for(
    tmp_path: Path,
    database: tuple[Dsn, Connection],
    trace_request: Callable[..., bytes],
    caplog: pytest.LogCaptureFixture,
    limits: dict[str, int],
    says: str,
) -> None:
    """Nothing is wrong with the rows: putting them aside would lose them."""
    limited = connect(database[0])
    for name, value in reversed(limits.items()):
        limited.command(f"SET {name} = {value}")
    first = Ingest(tmp_path, limited)
    first.accept_alone(trace_request(5000))
    first.writer.start()
    _wait_for(first, STORE_RETRIES)
    assert not first.drain(0)
    limited.close()
    assert says in caplog.text

    second = Ingest(tmp_path, database[1])
    second.writer.start()

    assert second.drain()
    assert _counts(database[1]) == [5000] * 3
    assert first.counters.total(ROWS_REJECTED) == second.counters.total(ROWS_REJECTED) == 0


def test_what_is_rejected_has_a_limit_and_the_oldest_goes(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """A sender whose every row is refused must not fill the disk that the journal needs."""
    connection.command("ALTER TABLE otel_traces ADD CONSTRAINT c CHECK SpanId = ''")
    ingest = Ingest(tmp_path, connection, rejected_max_bytes=50_000)
    for number in range(30):
        ingest.accept_alone(trace_request(1, first=1 + number))
    ingest.writer.start()

    assert ingest.drain()

    kept = _rejected(ingest)
    assert 0 < len(kept) < 30
    assert ingest.journal.rejected.size_bytes <= 50_000
    assert ingest.counters.total(REJECTED_REMOVED_BYTES) > 0
    newest = pa.ipc.open_file(max(kept, key=lambda path: path.stat().st_mtime_ns)).read_all()
    assert newest["SpanId"].to_pylist() == [f"{30:016x}"]


def test_memory_is_bounded_and_the_rest_is_read_back(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """While the store is down the disk fills, not the memory."""
    ingest = Ingest(tmp_path, connection, settings=Settings(pending_max_bytes=1 << 20))
    for number in range(20):
        ingest.accept_alone(trace_request(1000, first=1 + 1000 * number))
        assert ingest.writer.pending_bytes <= 1 << 20
    ingest.writer.start()

    assert ingest.drain()

    assert _rows(connection, "otel_traces") == 20_000
    assert 0 < ingest.counters.total(SEGMENTS_READ_BACK) < 20
    assert ingest.writer.pending_bytes == 0


def test_a_request_that_the_disk_forgot_costs_only_itself(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """What was synced may still rot; its neighbours are sound."""
    first = Ingest(tmp_path, connection)
    bodies = [trace_request(1, first=number) for number in (1, 2, 3)]
    for body in bodies:
        first.accept(body)
    (path,) = tmp_path.glob("*.otlp")
    data = path.read_bytes()
    path.write_bytes(data.replace(bodies[1], b"\xff" * len(bodies[1])))

    second = Ingest(tmp_path, connection)
    second.writer.start()

    assert second.drain()
    assert _counts(connection) == [2, 2, 2]
    (kept,) = second.journal.rejected.folder.glob("*.unreadable")
    assert kept.read_bytes() == b"\xff" * len(bodies[1])


def test_spans_of_many_days_are_stored_at_once(
    tmp_path: Path, connection: Connection, trace_request: Callable[..., bytes]
) -> None:
    """ClickHouse takes 100 days per insert unless told otherwise; a retention may be longer."""
    connection.command("ALTER TABLE otel_traces REMOVE TTL")
    connection.command("ALTER TABLE agent_spans REMOVE TTL")
    now_ns, day_ns = time.time_ns(), 86_400 * 10**9
    ingest = Ingest(tmp_path, connection)
    for day in range(150):
        ingest.accept(trace_request(1, first=day + 1, start_ns=now_ns - day * day_ns))
    ingest.writer.start()

    assert ingest.drain()

    assert _rows(connection, "otel_traces") == 150
    assert ingest.counters.total(ROWS_REJECTED) == 0


def _rejected(ingest: Ingest) -> list[Path]:
    return sorted(ingest.journal.rejected.folder.glob("*.arrow"))


def _wait_for(ingest: Ingest, name: Metric) -> None:
    while not ingest.counters.total(name):
        time.sleep(0.01)

"""Agent spans are stored beside raw ones, over a second session: nothing else changes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.exporter.writer.test_writer import TABLES, Cut, Ingest

from handspan_exporter.errors import StoreDown
from handspan_exporter.telemetry import SEGMENT_RETRIES, SEGMENTS_READ_BACK, SEGMENTS_REJECTED
from handspan_exporter.writer import writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handspan_exporter.store.connection import Connection


_SPANS = TABLES[:2]


class Held:
    """A real connection on which inserts wait, and say that they do."""

    def __init__(self, connection: Connection) -> None:
        self.reached = threading.Event()
        self.release = threading.Event()
        self._connection = connection

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert spans once released."""
        if table in _SPANS:
            self.reached.set()
            assert self.release.wait(60), "nobody released the insert"
        self._connection.insert(table, rows, token=token)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


class ShortOfMemory:
    """A real connection on which the first inserts find no memory."""

    def __init__(self, connection: Connection) -> None:
        self.left = 3
        self._connection = connection

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert, spans at last."""
        if self.left and table in _SPANS:
            self.left -= 1
            raise MemoryError("none left")
        self._connection.insert(table, rows, token=token)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


class Down:
    """A real connection over which the store takes no spans."""

    def __init__(self, connection: Connection) -> None:
        self.asked = threading.Event()
        self._connection = connection

    def insert(self, table: str, rows: pa.Table, *, token: str) -> None:
        """Insert anything else."""
        if table in _SPANS:
            self.asked.set()
            raise StoreDown("down")
        self._connection.insert(table, rows, token=token)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Do all else as the connection does."""
        return getattr(self._connection, name)


def _counts(connection: Connection) -> list[int]:
    return [connection.arrow(f"SELECT 1 FROM {table}").num_rows for table in TABLES]  # noqa: S608


def test_agent_spans_wait_for_no_raw_span_and_arrivals_for_both(
    tmp_path: Path,
    connection: Connection,
    connect_again: Callable[[], Connection],
    trace_request: Callable[..., bytes],
) -> None:
    """Whoever sees an arrival finds its spans: the one order that matters."""
    raw: Any = Held(connection)
    typed: Any = Held(connect_again())
    ingest = Ingest(tmp_path, raw, beside=typed)
    ingest.writer.start()
    ingest.accept(trace_request(3))

    assert raw.reached.wait(60)
    assert typed.reached.wait(60), "both are under way"
    looking = connect_again()
    assert _counts(looking) == [0, 0, 0]
    raw.release.set()
    typed.release.set()
    ingest.stored.acquire()

    assert ingest.drain()
    assert _counts(looking) == [3, 3, 3]


@pytest.mark.parametrize("failing", ["raw", "typed"])
def test_a_failure_of_one_sends_both_again_and_doubles_nothing(
    tmp_path: Path,
    connection: Connection,
    connect_again: Callable[[], Connection],
    trace_request: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    """The other one is in the store by then, and is known by its token."""
    monkeypatch.setattr(writer, "PAUSES_S", (0.01,) * 3)
    short = ShortOfMemory(connection if failing == "raw" else connect_again())
    sessions: list[Any] = [short, connect_again()] if failing == "raw" else [connection, short]
    ingest = Ingest(tmp_path, sessions[0], beside=sessions[1])
    ingest.accept_alone(trace_request(4))
    ingest.writer.start()

    assert ingest.drain()
    assert ingest.counters.total(SEGMENT_RETRIES, "MemoryError") == 3
    assert ingest.counters.total(SEGMENTS_REJECTED) == 0
    assert _counts(connection) == [4, 4, 4]


@pytest.mark.parametrize("lose", [False, True])
@pytest.mark.parametrize("cut", _SPANS)
def test_an_insert_that_was_cut_off_is_made_good_over_its_own_session(
    tmp_path: Path,
    connection: Connection,
    connect_again: Callable[[], Connection],
    trace_request: Callable[..., bytes],
    cut: str,
    lose: bool,  # noqa: FBT001
) -> None:
    """Each of the two looks for itself what the store has."""
    first, second = connection, connect_again()
    sessions: list[Any] = [first, second]
    at = TABLES.index(cut)
    sessions[at] = Cut(sessions[at], cut, lose=lose)
    ingest = Ingest(tmp_path, sessions[0], beside=sessions[1])
    ingest.accept_alone(trace_request(5))
    ingest.writer.start()

    assert ingest.drain()
    assert _counts(connection) == [5, 5, 5]


def test_an_end_while_both_wait_for_the_store_loses_nothing(
    tmp_path: Path,
    connection: Connection,
    connect_again: Callable[[], Connection],
    trace_request: Callable[..., bytes],
) -> None:
    """Both are told to stop, whichever pause they are in."""
    down: list[Any] = [Down(connection), Down(connect_again())]
    ingest = Ingest(tmp_path, down[0], beside=down[1])
    ingest.accept_alone(trace_request(2))
    ingest.writer.start()
    assert all(one.asked.wait(60) for one in down)
    assert not ingest.drain(0), "the segment is still there"

    after = Ingest(tmp_path, connection, beside=connect_again())
    after.writer.start()

    assert after.drain()
    assert after.counters.total(SEGMENTS_READ_BACK) == 1
    assert _counts(connection) == [2, 2, 2]


def test_what_both_tables_refuse_of_a_segment_is_kept_of_both(
    tmp_path: Path,
    connection: Connection,
    connect_again: Callable[[], Connection],
    trace_request: Callable[..., bytes],
) -> None:
    """They share the segment's token, and a file of each is written at the same time."""
    for table in _SPANS:
        column = "SpanId" if table == "otel_traces" else "span_id"
        connection.command(f"ALTER TABLE {table} ADD CONSTRAINT c CHECK {column} = ''")
    ingest = Ingest(tmp_path, connection, beside=connect_again())
    ingest.accept_alone(trace_request(1))
    ingest.writer.start()

    assert ingest.drain()

    files = sorted(ingest.journal.rejected.folder.glob("*.arrow"))
    kept = [pa.ipc.open_file(path).read_all() for path in files]
    tables = [one.schema.metadata[b"table"].decode() for one in kept]
    assert sorted(tables) == sorted(_SPANS)
    assert [one.num_rows for one in kept] == [1, 1]

"""A table of any size goes through the one file that the embedded engine reads."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from handspan_exporter.errors import RowsRefused
from handspan_exporter.store import arrow_file

if TYPE_CHECKING:
    from handspan_exporter.store.connection import Connection

_TOKENS = map(str, count()).__next__


@pytest.fixture
def store(connection: Connection) -> Connection:
    """Give an embedded store with a table of its own."""
    connection.command("CREATE TABLE `odd ``name` (`a b` UInt64) ENGINE = MergeTree ORDER BY ()")
    return connection


def _numbers(*numbers: int) -> pa.Table:
    return pa.table({"a b": pa.array(numbers, pa.uint64())})


def _stored(store: Connection) -> list[int]:
    return [row["a b"] for row in store.rows("SELECT `a b` FROM `odd ``name` ORDER BY `a b`")]


def test_a_smaller_table_leaves_nothing_of_the_one_before(store: Connection) -> None:
    """The file is written over: what is left behind the end would be another footer."""
    store.insert("odd `name", _numbers(*range(100_000)), token=_TOKENS())
    store.command("TRUNCATE TABLE `odd ``name`")
    store.insert("odd `name", _numbers(1, 2), token=_TOKENS())
    assert _stored(store) == [1, 2]


def test_after_a_refused_table_the_next_one_is_taken(store: Connection) -> None:
    """A writer bisects what is refused: each part comes through the same file."""
    with pytest.raises(RowsRefused):
        store.insert("odd `name", pa.table({"a b": ["not a number"]}), token=_TOKENS())
    store.insert("odd `name", _numbers(3), token=_TOKENS())
    assert _stored(store) == [3]


def test_an_unusually_large_table_gives_its_memory_back(
    store: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One flush with long messages must not keep its size in memory for ever."""
    monkeypatch.setattr(arrow_file, "_KEPT_BYTES", 1000)
    store.insert("odd `name", _numbers(*range(10_000)), token=_TOKENS())
    store.insert("odd `name", _numbers(10_000), token=_TOKENS())
    assert len(_stored(store)) == 10_001


def test_of_a_span_twice_in_one_insert_a_reader_sees_the_newest(connection: Connection) -> None:
    """Inserts do not merge what they write (`optimize_on_insert`): FINAL does, in one part too."""
    now_ns = time.time_ns()
    twice = pa.table(
        {
            "trace_id": ["t", "t"],
            "span_id": ["s", "s"],
            "name": ["newer", "older"],
            "started_at": pa.array([now_ns, now_ns], pa.timestamp("ns", "UTC")),
            "received_at": pa.array([20, 10], pa.timestamp("ns", "UTC")),
        }
    )
    connection.insert("agent_spans", twice, token=_TOKENS())
    rows = connection.rows("SELECT name FROM agent_spans FINAL")
    assert rows == [{"name": "newer"}]

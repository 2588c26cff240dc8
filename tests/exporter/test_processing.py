"""What the processor of a server goes by: the server's clock, and what runs there."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyarrow as pa
from tests.end_to_end.processes import wait_for

from handspan_exporter.processor.processing import StoredUntil

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.store.connection import Connection

SLOW = """
INSERT INTO trace_arrivals (trace_id, spans, has_root)
SELECT 'slow', 1, sleepEachRow(0.5) = 0 FROM numbers(4) SETTINGS max_block_size = 1
"""
RUNNING = """
SELECT count() AS n FROM system.processes
WHERE query_kind = 'Insert' AND position(query, 'sleepEachRow(0') > 0 AND elapsed > 0.2
"""


def test_an_arrival_is_passed_only_when_all_that_are_older_are_stored(
    connection: Connection, connect_again: Callable[[], Connection]
) -> None:
    """Inserts overlap: one that began first may end last, with the oldest time in its rows."""
    stored_until_ns = StoredUntil(connection)
    began_ns = stored_until_ns()
    slow = threading.Thread(target=connect_again().command, args=(SLOW,))
    slow.start()
    wait_for(lambda: connection.rows(RUNNING)[0]["n"], "the slow insert to run")
    quick = pa.table(
        {"trace_id": ["quick"], "spans": pa.array([1], pa.uint32()), "has_root": [True]}
    )
    connection.insert("trace_arrivals", quick, token="")
    meanwhile_ns = stored_until_ns()
    slow.join()

    stamps = {
        row["trace_id"]: row["ns"]
        for row in connection.rows(
            "SELECT trace_id, min(toUnixTimestamp64Nano(arrived_at)) AS ns FROM trace_arrivals "
            "GROUP BY trace_id"
        )
    }
    assert stamps.keys() == {"slow", "quick"}
    assert began_ns <= meanwhile_ns <= stamps["slow"] < stamps["quick"]
    wait_for(lambda: stored_until_ns() > stamps["quick"], "the margin to pass")

"""Rebuild while spans come: a writer and a processor go on, and no number is another."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.exporter import span_trees as spans
from tests.exporter.conventions.replaying import Replay, bodies, recordings, shift_ns
from tests.exporter.writer.test_writer import Ingest

from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.processor.facts import FACTS, SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.processor.rebuild import rebuild
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

_TOLD = ("crewai-native", "langgraph-official", "openai_agents-openinference", "strands-native")
"""Recordings that are sent: with events, handoffs, runs without a root, errors."""


def requests() -> Iterator[bytes]:
    """Yield what four frameworks emitted, as it comes: every one twice, the second time late."""
    sent = [one for one in recordings() if one.service in _TOLD]
    assert len(sent) == len(_TOLD)
    later_ns = shift_ns(sent)
    every = [to_protobuf(TRACES, body.encode()) for one in sent for body in bodies(one, later_ns)]
    yield from every
    yield from reversed(every)


def everything(connection: Connection) -> dict[str, list[spans.Row]]:
    """Return all facts and all agent spans, but not when they came."""
    told = "SELECT * EXCEPT received_at FROM agent_spans FINAL ORDER BY trace_id, span_id"
    return spans.facts(connection) | {"agent_spans": connection.rows(told)}


def test_rebuilding_while_spans_come_changes_no_number(
    database: tuple[Dsn, Connection], connect_again: Callable[[], Connection], tmp_path: Path
) -> None:
    """Whoever upgrades cannot stop the agents meanwhile."""
    dsn, connection = database
    ingest = Ingest(tmp_path, connect_again(), settings=Settings(flush_s=0.05))
    session = connect(dsn, settings=SESSION)
    processor = Processor(
        session,
        Settings(tick_s=0.1),
        oldest_in_flight_ns=ingest.writer.oldest_in_flight_ns,
    )
    ingest.writer.start()
    processor.start()
    done = threading.Event()

    def send() -> None:
        for body in requests():
            ingest.accept_alone(body)
            time.sleep(0.05)
        done.set()

    sender = threading.Thread(target=send)
    sender.start()
    rebuilt = []
    while not done.is_set():
        rebuilt.append(rebuild(connection))
    sender.join()
    assert ingest.drain()
    processor.stop()
    session.close()
    assert len(set(rebuilt)) > 2, "spans came between one rebuild and the next"

    Replay.tick_of(connection)
    found = everything(connection)
    for table in (*FACTS, "agent_spans", "trace_arrivals", "processor_state"):
        connection.command(f"TRUNCATE TABLE {table}")
    rebuild(connection)
    Replay.tick_of(connection)
    assert found == everything(connection)
    assert len(found["runs"]) > 8
    assert len(found["handoffs"]) > 4

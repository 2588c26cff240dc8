"""Rebuild while spans come: a writer and a processor go on, and no number is another."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from tests.exporter import span_trees as spans
from tests.exporter.conventions.replaying import Replay, bodies, recordings, shift_ns
from tests.exporter.operating import operating
from tests.exporter.writer.test_writer import Ingest

from handspan_exporter.otlp.from_json import to_protobuf
from handspan_exporter.otlp.signals import TRACES
from handspan_exporter.processor.facts import SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.exporter.databases import Databases

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
    databases: Databases,
    database: tuple[Dsn, Connection],
    connect_again: Callable[[], Connection],
    tmp_path: Path,
) -> None:
    """Whoever upgrades cannot stop the agents meanwhile: the service does both at once."""
    dsn, connection = database
    ingest = Ingest(tmp_path / "one", connect_again(), settings=Settings(flush_s=0.05))
    sent = list(requests())
    with ExitStack() as opened:
        session = opened.enter_context(closing(connect(dsn, settings=SESSION)))
        processor = Processor(
            session,
            Settings(tick_s=0.1),
            oldest_in_flight_ns=ingest.writer.oldest_in_flight_ns,
        )
        web = opened.enter_context(operating(dsn, processor=processor))
        ingest.writer.start()
        processor.start()
        opened.callback(processor.stop)
        sender = threading.Thread(target=send, args=(ingest, sent))
        sender.start()
        rebuilt = []
        while sender.is_alive():
            web.post("rebuild")
            rebuilt.append(web.ended("rebuild"))
        sender.join()
        assert ingest.drain()
    assert {one["state"] for one in rebuilt} == {"done"}
    assert len({one["spans_read"] for one in rebuilt}) > 2, "spans came between two rebuilds"

    Replay.tick_of(connection)
    found = everything(connection)
    assert found == never_rebuilt(databases, tmp_path / "two", sent)
    assert len(found["runs"]) > 8
    assert len(found["handoffs"]) > 4
    twice = "SELECT count() AS n FROM agent_spans FINAL GROUP BY trace_id, span_id HAVING n > 1"
    assert connection.rows(twice) == []


def send(ingest: Ingest, sent: list[bytes]) -> None:
    """Send one request after the other."""
    for body in sent:
        ingest.accept_alone(body)
        time.sleep(0.05)


def never_rebuilt(
    databases: Databases, folder: Path, sent: list[bytes]
) -> dict[str, list[spans.Row]]:
    """Return what a store says that was sent the same and left alone."""
    dsn = databases.take()
    with closing(connect(dsn)) as connection, closing(connect(dsn)) as session:
        ingest = Ingest(folder, session)
        ingest.writer.start()
        for body in sent:
            ingest.accept(body)
        assert ingest.drain()
        Replay.tick_of(connection)
        found = everything(connection)
    databases.give_back(dsn)
    return found

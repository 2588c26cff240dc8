"""The wiring of `handspan serve`: every stage, in the order of a span's way. Nothing else."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handspan_exporter.access.guard import Guard
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.journal.journal import Journal
from handspan_exporter.processor.facts import SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.readers import answering
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.http import http_server
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import journal_folder
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import StoreLock, hold
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handspan_exporter.settings import Settings

DRAIN_S = 20.0
"""How long a stop may take to store what is acknowledged; the rest is stored at the next start."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where a running service can be reached."""

    otlp_grpc: str
    otlp_http: str
    url: str
    store: str
    readers: Mapping[str, str]
    """Setting -> address, of what else answers."""


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """Hold the store, take spans and answer questions for the length of the block.

    Raises:
        Stop: a setting is wrong, the store is held or unsuitable, a port is taken.
        StoreDown: the store cannot be reached.
    """
    dsn, counters = parse(settings.store), Counters()
    most, cors = settings.max_request_bytes, settings.cors_origins
    guard = Guard.of(settings, dsn.folder, counters)
    at_grpc, at_http, at_web = guard.doors(settings)
    folder = journal_folder(settings, dsn.folder)
    with ExitStack() as opened:
        lock = opened.enter_context(hold(dsn))
        opened.enter_context(StoreLock(folder, option="--journal"))
        ingest_session = opened.enter_context(closing(connect(dsn)))
        processor_session = opened.enter_context(closing(connect(dsn, settings=SESSION)))
        migrate(ingest_session, settings)
        journal = Journal.of(folder, settings, counters)
        arrived = journal.watermark_ns
        processor = Processor(
            processor_session, settings, oldest_in_flight_ns=arrived, counters=counters
        )
        writer = Writer(
            journal,
            ingest_session,
            settings,
            agent_spans_table=agent_spans_table,
            counters=counters,
            on_stored=processor.wake,
        )
        ingest = Ingest(journal, writer, settings, counters=counters)
        grpc = GrpcServer(ingest, settings.otlp_grpc, max_request_bytes=most, door=at_grpc)
        http = http_server(
            ingest, settings.otlp_http, max_request_bytes=most, cors_origins=cors, door=at_http
        )
        # Ended in reverse: first the doors, then what is acknowledged is stored, then the facts.
        for stage, end in (
            (processor, processor.stop),
            (writer, lambda: writer.drain(DRAIN_S)),
            (grpc, grpc.stop),
            (http, http.stop),
        ):
            stage.start()
            opened.callback(end)
        about = {"otlp_grpc": grpc.address, "otlp_http": http.url}
        at = opened.enter_context(answering(dsn, settings, guard, counters))
        web = Server(dsn, settings, counters, about=about | at, door=at_web)
        web.start()
        opened.callback(web.stop)
        if lock is not None:
            lock.announce(web.url)
        yield Service(url=web.url, store=str(dsn), readers=at, **about)

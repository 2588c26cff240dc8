"""The wiring of `handspan serve`: every stage, in the order of a span's way. Nothing else."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handspan_exporter.access.guard import Guard
from handspan_exporter.errors import UsageError
from handspan_exporter.processor.anew import SESSION, Anew
from handspan_exporter.processor.processing import processing
from handspan_exporter.readers import answering
from handspan_exporter.receiver.receiving import instance, journalling, receiving
from handspan_exporter.settings import takes_spans
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn


@dataclass(frozen=True, slots=True)
class Service:
    """Where a running service can be reached."""

    url: str
    store: str
    readers: Mapping[str, str]
    """Setting -> address, of what else answers."""
    otlp_grpc: str = ""
    """Empty: it takes no spans."""
    otlp_http: str = ""


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """Hold the store, take spans and answer questions for the length of the block.

    Raises:
        Stop: a setting is wrong, the store is held or unsuitable, a port is taken.
        StoreDown: the store cannot be reached.
    """
    dsn, counters = parse(settings.store), Counters()
    _check(settings, dsn)
    guard = Guard.of(settings, dsn.folder, counters)
    at_grpc, at_http, at_web = guard.doors(settings)
    # Ended in reverse: first the doors, then what is acknowledged is stored, then the facts.
    with ExitStack() as opened:
        lock = opened.enter_context(hold(dsn))
        journal, processor, about = None, None, {}
        if takes_spans(settings):
            journal = opened.enter_context(journalling(dsn, settings, counters))
        # It stays open: an embedded engine ends with its last session.
        migrate(opened.enter_context(closing(connect(dsn))), settings)
        if settings.role != "receiver":
            watermark = journal.watermark_ns if journal and dsn.embedded else None
            holder = instance(journal.folder) if journal else ""
            processor = opened.enter_context(
                processing(dsn, settings, counters, watermark_ns=watermark, holder=holder)
            )
        if journal is not None:
            wake = processor.wake if processor else (lambda: None)
            doors = (at_grpc, at_http)
            about = opened.enter_context(
                receiving(dsn, settings, counters, journal, doors=doors, on_stored=wake)
            )
        at = opened.enter_context(answering(dsn, settings, guard, counters))
        anew = Anew(lambda: connect(dsn, settings=SESSION), settings, counters, processor=processor)
        opened.callback(anew.stop)
        web = Server(dsn, settings, counters, about=about | at, door=at_web, operations=anew)
        web.start()
        opened.callback(web.stop)
        if lock is not None:
            lock.announce(web.url)
        yield Service(url=web.url, store=str(dsn), readers=at, **about)


def _check(settings: Settings, dsn: Dsn) -> None:
    """Refuse what only a server can do."""
    if dsn.embedded and settings.role != "all":
        raise UsageError(
            f"--role {settings.role} needs a ClickHouse server (--store clickhouse://...): one "
            "process at a time has an embedded store"
        )
    if dsn.embedded and settings.attach:
        raise UsageError("--attach needs the ClickHouse server that has the table: --store")
    if settings.attach and settings.role == "receiver":
        raise UsageError("--attach takes no spans: --role receiver has nothing to do")

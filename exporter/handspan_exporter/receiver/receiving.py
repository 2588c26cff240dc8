"""Opens the way of a span into the store: journal, writer, and the doors before them."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.errors import Stop
from handspan_exporter.journal.journal import Journal
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.http import http_server
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import journal_folder
from handspan_exporter.store.connection import connect
from handspan_exporter.store.lock import StoreLock
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handspan_exporter.access.guard import Door
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Counters


@contextmanager
def journalling(dsn: Dsn, settings: Settings, counters: Counters) -> Iterator[Journal]:
    """Hold the journal's folder for the length of the block.

    Raises:
        Stop: another process has it, or it cannot be used.
    """
    folder = journal_folder(settings, dsn.folder)
    with StoreLock(folder, option="--journal"):
        yield Journal.of(folder, settings, counters)


def instance(folder: Path) -> str:
    """Return the name of whoever holds this journal: one process at a time, so the same again.

    Raises:
        Stop: the folder cannot be written.
    """
    path = folder / "instance"
    try:
        if not path.exists():
            path.write_text(secrets.token_hex(8), encoding="ascii")
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise Stop(f"the journal {folder} cannot be used: {error.strerror}") from error


@contextmanager
def receiving(
    dsn: Dsn,
    settings: Settings,
    counters: Counters,
    journal: Journal,
    *,
    doors: tuple[Door, Door],
    on_stored: Callable[[], None],
) -> Iterator[dict[str, str]]:
    """Take spans for the length of the block, on a migrated store; yield the addresses.

    Ended in reverse: first the doors, then what is acknowledged is stored.

    Raises:
        Stop: a port is taken, or an address is none.
        StoreDown: the store cannot be reached.
    """
    # Arrow's own allocator takes huge pages, which are cleared whole: 3 us per span more.
    pa.set_memory_pool(pa.system_memory_pool())
    at_grpc, at_http = doors
    most = settings.max_request_bytes
    with ExitStack() as opened:
        writer = Writer(
            journal,
            opened.enter_context(closing(connect(dsn))),
            settings,
            agent_spans_table=agent_spans_table,
            counters=counters,
            on_stored=on_stored,
            alone=dsn.embedded,
            beside=opened.enter_context(closing(connect(dsn))),
        )
        ingest = Ingest(journal, writer, settings, counters=counters)
        grpc = GrpcServer(ingest, settings.otlp_grpc, max_request_bytes=most, door=at_grpc)
        http = http_server(
            ingest,
            settings.otlp_http,
            max_request_bytes=most,
            cors_origins=settings.cors_origins,
            door=at_http,
        )
        for stage, end in (
            (writer, lambda: writer.drain(settings.drain_s)),
            (grpc, grpc.stop),
            (http, http.stop),
        ):
            stage.start()
            opened.callback(end)
        yield {"otlp_grpc": grpc.address, "otlp_http": http.url}

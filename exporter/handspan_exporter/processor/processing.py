"""Opens what computes facts: alone on an embedded store, one of several on a server."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from handspan_exporter import sql
from handspan_exporter.processor.facts import SESSION
from handspan_exporter.processor.loop import Processor
from handspan_exporter.store.connection import connect
from handspan_exporter.store.lease import Lease
from handspan_exporter.telemetry import PROCESSOR_LEADS
from handspan_exporter.writer.attached import Attached, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Counters

_MARGIN_NS = 10_000_000
"""How much later than it says an insert may have begun: `elapsed` is rounded."""


@contextmanager
def processing(
    dsn: Dsn,
    settings: Settings,
    counters: Counters,
    *,
    watermark_ns: Callable[[], int] | None,
    holder: str = "",
) -> Iterator[Processor]:
    """Compute facts for the length of the block, on a migrated store.

    Args:
        dsn: The store.
        settings: For the processor, the lease and what is attached.
        counters: What `/metrics` tells.
        watermark_ns: A moment (Unix time) before which every arrival is stored, as the only
            writer of an embedded store knows it.
        holder: Who this is to other processors, the same after a restart.

    Raises:
        Stop: what is to be attached is not there, or not what it must be.
        StoreDown: the store cannot be reached.
    """
    with ExitStack() as opened:
        session = opened.enter_context(closing(connect(dsn, settings=SESSION)))
        lease = None
        if not dsn.embedded:
            lease = _lease(opened, dsn, settings, counters, holder)
        stored = StoredUntil(session)
        processor = Processor(
            session,
            settings,
            oldest_in_flight_ns=watermark_ns or stored,
            behind_ns=None if watermark_ns else lambda: stored.behind_ns,
            counters=counters,
            lease=lease,
        )
        processor.start()
        opened.callback(processor.stop)
        if settings.attach and lease is not None:
            _attach(opened, dsn, settings, counters, lease, processor.wake)
        yield processor


class StoredUntil:
    """Asks a server up to when all is stored."""

    def __init__(self, connection: Connection) -> None:
        processes = connection.cluster.everywhere("system.processes")
        self._connection = connection
        self._statement = sql.render("facts/stored_until", {"processes": processes})
        self._margin_ns = max(_MARGIN_NS, connection.cluster.margin_ns)
        self.behind_ns = 0
        """How long before the server's time the last answer was."""

    def __call__(self) -> int:
        """Return a moment of the server's clock before which every arrival is stored.

        Raises:
            QueryFailed: this user may not see what runs (`GRANT SELECT ON system.processes`).
            StoreDown: the store cannot be reached.
        """
        (row,) = self._connection.rows(self._statement, {"margin_ns": self._margin_ns})
        self.behind_ns = int(row["behind_ns"])
        return int(row["until_ns"])


def _lease(
    opened: ExitStack, dsn: Dsn, settings: Settings, counters: Counters, holder: str
) -> Lease:
    session = opened.enter_context(closing(connect(dsn)))
    lease = Lease(session, "facts", lease_s=settings.lease_s, holder=holder)
    opened.callback(lease.release)
    counters.watch(PROCESSOR_LEADS, lambda: int(lease.held))
    return lease


def _attach(
    opened: ExitStack,
    dsn: Dsn,
    settings: Settings,
    counters: Counters,
    lease: Lease,
    wake: Callable[[], None],
) -> None:
    session = opened.enter_context(closing(connect(dsn)))
    source = Source(session, settings.attach, dsn.database)
    source.show(session, dsn.database)
    attached = Attached(
        session,
        source,
        leads=lambda: lease.held,
        pause_s=settings.attach_s,
        idle_s=settings.implicit_run_s,
        counters=counters,
        on_stored=wake,
    )
    attached.start()
    opened.callback(attached.stop)

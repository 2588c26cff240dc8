"""The addresses at which other programs read the store: which of them the settings switch on."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from handspan_exporter.jaeger.server import OPTION as JAEGER_OPTION
from handspan_exporter.jaeger.server import JaegerServer
from handspan_exporter.web.clickhouse.server import OPTION as CLICKHOUSE_OPTION
from handspan_exporter.web.clickhouse.server import ClickHouseServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.access.guard import Guard
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Counters


class Reader(Protocol):
    """Answers other programs between `start` and `stop`."""

    @property
    def url(self) -> str:
        """Where it answers."""
        ...

    def start(self) -> None:
        """Return once it answers. Raises PortTaken or UsageError."""
        ...

    def stop(self) -> None:
        """Let the questions under way end, then close."""
        ...


@contextmanager
def answering(
    dsn: Dsn, settings: Settings, guard: Guard, counters: Counters
) -> Iterator[dict[str, str]]:
    """Answer other programs for the length of the block; yield where, by the setting's name.

    Raises:
        UsageError: an address is not one, needs a token, or does not fit the store.
        PortTaken: another program listens there.
    """
    with ExitStack() as opened:
        found = _readers(dsn, settings, guard, counters)
        for reader in found.values():
            reader.start()
            opened.callback(reader.stop)
        yield {name: reader.url for name, reader in found.items()}


def _readers(dsn: Dsn, settings: Settings, guard: Guard, counters: Counters) -> dict[str, Reader]:
    found: dict[str, Reader] = {}
    if settings.clickhouse_http:
        door = guard.door(CLICKHOUSE_OPTION, settings)
        found["clickhouse_http"] = ClickHouseServer(dsn, settings, counters, door=door)
    if settings.jaeger:
        door = guard.door(JAEGER_OPTION, settings)
        found["jaeger"] = JaegerServer(dsn, settings, door=door)
    return found

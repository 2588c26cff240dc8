"""The HTTP API as a server of its own thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from handspan_exporter.asgi import AsgiServer
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.store.connection import connect
from handspan_exporter.web.api import application
from handspan_exporter.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handspan_exporter.store.dsn import Dsn


class Server:
    """Answers questions to the store at `dsn` between `start` and `stop`."""

    def __init__(
        self,
        dsn: Dsn,
        address: str,
        *,
        about: Mapping[str, str] | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            dsn: The store, migrated; an embedded one is held by this process.
            address: `host:port`; port 0 takes a free one.
            about: What `/api/v1/health` says besides: the addresses of OTLP, for instance.
            clock_ns: What `now` means, in ns since the epoch.

        Raises:
            UsageError: the address is not one.
        """
        self._sessions = Sessions(lambda: DirectAnswers(connect(dsn, settings=LIMITS), about=about))
        app = application(self._sessions, clock_ns=clock_ns)
        self._server = AsgiServer(app, address, option="--web")

    @property
    def url(self) -> str:
        """Where it answers, for instance http://127.0.0.1:8317."""
        return f"http://{self._server.address}"

    def start(self) -> None:
        """Return once questions are answered.

        Raises:
            PortTaken: another program listens there.
            UsageError: this machine has no such address.
        """
        self._server.start()

    def stop(self) -> None:
        """Let the questions under way end, then close."""
        self._server.stop()
        self._sessions.close()

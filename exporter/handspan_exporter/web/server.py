"""The HTTP API as a server of its own thread."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from handspan_exporter.access.guard import is_loopback
from handspan_exporter.access.http import Guarded, OwnHost
from handspan_exporter.asgi import AsgiServer
from handspan_exporter.query import alerts
from handspan_exporter.query.answers import LIMITS, DirectAnswers
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import BUILD_INFO
from handspan_exporter.web import operations as operating
from handspan_exporter.web.api import application, refusal
from handspan_exporter.web.kpi_metrics import KpiMetrics
from handspan_exporter.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from handspan_exporter.access.guard import Door
    from handspan_exporter.query.operations import Operations
    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn
    from handspan_exporter.telemetry import Counters


class Server:
    """Answers questions to the store at `dsn` between `start` and `stop`."""

    def __init__(
        self,
        dsn: Dsn,
        settings: Settings,
        counters: Counters,
        *,
        about: Mapping[str, str] | None = None,
        door: Door | None = None,
        operations: Operations | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            dsn: The store, migrated; an embedded one is held by this process.
            settings: For `web` (port 0 takes a free one), `allowed_hosts` and `alerts`.
            counters: What `/metrics` tells.
            about: What `/api/v1/health` says besides: the addresses of OTLP, for instance.
            door: Lets clients in, over TLS or not; None: everyone, unencrypted.
            operations: What the service can be asked to do; None: nothing.
            clock_ns: What `now` means, in ns since the epoch.

        Raises:
            UsageError: the address is not one, the file of alerts is wrong, or `metrics_kpis`.
        """
        alerts_file = Path(settings.alerts).expanduser() if settings.alerts else None
        if alerts_file is not None:
            alerts.read(alerts_file)

        def answers() -> DirectAnswers:
            session = connect(dsn, settings=LIMITS)
            return DirectAnswers(session, about=about, alerts_file=alerts_file, clock_ns=clock_ns)

        self._sessions = Sessions(answers)
        counters.watch(BUILD_INFO, lambda: 1, reason=version("handspan"))
        kpi_metrics = KpiMetrics(settings) if settings.metrics_kpis else None
        app: ASGIApp = application(
            self._sessions,
            counters,
            kpi_metrics=kpi_metrics,
            operations=operations,
            clock_ns=clock_ns,
        )
        if door is not None:
            app = Guarded(app, door, "admin", operating.PATHS, refusal, methods=("POST",))
            app = Guarded(app, door, "read", ("/api/", "/metrics"), refusal)
        if is_loopback(settings.web):
            names = settings.allowed_hosts.lower().replace(" ", "").split(",")
            app = OwnHost(app, tuple(filter(None, names)), refusal)
        self._server = AsgiServer(app, settings.web, option="--web", tls=door.tls if door else None)

    @property
    def url(self) -> str:
        """Where it answers, for instance http://127.0.0.1:8317."""
        return self._server.url

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

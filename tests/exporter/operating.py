"""A real HTTP API whose service can be asked to rebuild and to price again."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handspan_exporter.access.guard import Guard
from handspan_exporter.processor.anew import SESSION, Anew
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.processor.loop import Processor
    from handspan_exporter.store.dsn import Dsn

Row = dict[str, Any]
_ENOUGH_S = 30.0
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operating:
    """One service, and a client of it."""

    url: str
    guard: Guard
    anew: Anew
    counters: Counters

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str = "",
        content_type: str = _JSON,
    ) -> tuple[int, Row]:
        """Return the status and the JSON of an answer."""
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", body, method=method)  # noqa: S310 - ours
        request.add_header("Content-Type", content_type)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def post(self, path: str, *, token: str = "", **body: Any) -> Row:  # noqa: ANN401
        """Begin an operation; return its progress."""
        status, told = self.ask("POST", path, json.dumps(body).encode(), token=token)
        assert status == 202, told
        return told

    def progress(self, path: str) -> Row:
        """Return how far an operation is."""
        status, told = self.ask("GET", path)
        assert status == 200, told
        return told

    def ended(self, path: str) -> Row:
        """Return how an operation ended, once it has."""
        deadline_s = time.monotonic() + _ENOUGH_S
        while (told := self.progress(path))["state"] == "running":
            assert time.monotonic() < deadline_s, told
            time.sleep(0.02)
        return told


@contextmanager
def operating(
    dsn: Dsn,
    settings: Settings | None = None,
    *,
    processor: Processor | None = None,
    hours: int = 0,
) -> Iterator[Operating]:
    """Serve the API for the length of the block, so many hours ahead of the clock."""
    settings, counters = replace(settings or Settings(), web="127.0.0.1:0"), Counters()

    def clock_ns() -> int:
        return time.time_ns() + hours * 3_600_000_000_000

    guard = Guard.of(settings, dsn.folder, counters)
    with ExitStack() as opened:
        # Its folder outlives its sessions, and the engine needs one of them.
        opened.enter_context(closing(connect(dsn)))
        anew = Anew(
            lambda: connect(dsn, settings=SESSION),
            settings,
            counters,
            processor=processor,
            clock_ns=clock_ns,
        )
        opened.callback(anew.stop)
        door = guard.door("--web", settings)
        web = Server(dsn, settings, counters, door=door, operations=anew, clock_ns=clock_ns)
        web.start()
        opened.callback(web.stop)
        yield Operating(web.url, guard, anew, counters)

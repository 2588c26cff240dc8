"""An ASGI application served from a thread of this process: the HTTP API, and OTLP over HTTP."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING

import uvicorn

from handspan_exporter.access.tls import ReloadingContext
from handspan_exporter.errors import PortTaken, UsageError
from handspan_exporter.settings import Settings, default_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from handspan_exporter.access.tls import TlsFiles

_IDLE_S = 75
"""Longer than clients pause between two requests: closing just as one comes costs it a retry."""
_GRACE_S = 5
"""How long requests under way may take once the server was told to stop."""


class AsgiServer:
    """Serves one application on one address until `stop`; installs no signal handlers."""

    def __init__(
        self, app: ASGIApp, address: str, *, option: str, tls: TlsFiles | None = None
    ) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            app: The application.
            address: `host:port`, or `[host]:port` for IPv6; port 0 takes a free one.
            option: The option that moves this server, for error messages: `--web`.
            tls: Certificate and key; None: unencrypted.

        Raises:
            UsageError: the address is not of that form.
        """
        self._host, self._port = split_address(address, option=option)
        self._option = option
        self._scheme = "https" if tls else "http"
        config = uvicorn.Config(
            app,
            access_log=False,
            lifespan="off",
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=_IDLE_S,
            ws="none",
        )
        config.load()
        config.ssl = ReloadingContext(tls) if tls else None
        self._server = _Server(config)
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    @property
    def address(self) -> str:
        """`host:port` as bound: with the port that port 0 became."""
        port = self._socket.getsockname()[1] if self._socket else self._port
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    @property
    def url(self) -> str:
        """`http://host:port` or `https://host:port`."""
        return f"{self._scheme}://{self.address}"

    def start(self) -> None:
        """Bind, and return once requests are answered.

        Raises:
            PortTaken: another program listens there.
            UsageError: this machine has no such address, or may not listen on it.
        """
        self._socket = self._bound()
        self._thread = threading.Thread(
            target=self._serve, args=(self._socket,), name=f"asgi {self._option}"
        )
        self._thread.start()
        self._server.answering.wait()

    def stop(self) -> None:
        """Let the requests under way end, then close. Blocks for at most about `_GRACE_S`."""
        self._server.end()
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()

    def _serve(self, bound: socket.socket) -> None:
        try:
            self._server.run([bound])
        finally:
            # Should startup itself fail, nobody may wait for it.
            self._server.answering.set()

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Without it a restart would have to wait for the old connections to time out.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
            bound.listen(2048)
        except OSError as error:
            bound.close()
            raise cannot_listen(self.address, self._option, error) from error
        return bound


class _Server(uvicorn.Server):
    """Says when it answers and is told when to end; uvicorn itself has only flags to poll.

    It polls ten times a second, which is a sixth of a percent of a core per server at rest.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Begin to end; safe from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.answering.set()

    async def main_loop(self) -> None:
        # Once a second it sets the date that answers carry.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1)


def cannot_listen(address: str, option: str, error: OSError) -> PortTaken | UsageError:
    """Return the error that says why nobody can listen there, and which option moves us."""
    if error.errno == errno.EADDRINUSE:
        host, _, port = address.rpartition(":")
        other = int(port) + 10_000 if int(port) + 10_000 < 65_536 else 0
        return PortTaken(
            f"{address} is taken by another program: stop it, or choose another address "
            f"with {option} {host}:{other}"
        )
    return UsageError(f"{option}: cannot listen on {address}: {error.strerror}")


def _usual(option: str) -> str:
    """Return the default of an address, as an example of one."""
    named = [one for one in fields(Settings) if f"--{one.name.replace('_', '-')}" == option]
    return str(default_of(named[0])) if named else "127.0.0.1:8317"


def split_address(address: str, *, option: str) -> tuple[str, int]:
    """Return host and port of `host:port` or `[host]:port`.

    Raises:
        UsageError: it is not of that form; the message names `option`.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"{option}: {address!r} is not an address; use {_usual(option)}")
    return host.removeprefix("[").removesuffix("]"), int(port)

"""A gRPC server of this process: OTLP, and what Jaeger asks."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from handspan_exporter.access.tls import grpc_credentials
from handspan_exporter.asgi import cannot_listen, split_address
from handspan_exporter.errors import PortTaken, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.access.tls import TlsFiles

_MOST_STREAMS = 128
"""Calls under way of one connection; the client itself keeps further ones back."""
_GRACE_S = 5
_PING_EVERY_MS = 500
"""So often a client may ask whether we are there. gRPC's own limit is once in five minutes; most
clients ask sooner and would be cut off (GOAWAY, too_many_pings)."""


class RpcServer:
    """Serves handlers on one address until `stop`."""

    def __init__(
        self,
        address: str,
        *,
        option: str,
        handlers: Sequence[grpc.GenericRpcHandler],
        threads: int,
        max_request_bytes: int,
        interceptors: Sequence[grpc.ServerInterceptor] = (),
        tls: TlsFiles | None = None,
    ) -> None:
        """Remember what to serve; nothing is opened yet.

        Args:
            address: `host:port`, or `[host]:port` for IPv6; port 0 takes a free one.
            option: The option that moves this server, for error messages: `--otlp-grpc`.
            handlers: Of the services.
            threads: Calls at once.
            max_request_bytes: After decompression; a larger one gets RESOURCE_EXHAUSTED.
            interceptors: Asked before a handler.
            tls: Certificate and key; None: unencrypted.

        Raises:
            UsageError: the address is not of that form.
        """
        self._host, self._port = split_address(address, option=option)
        self._option = option
        self._tls = tls
        self._server = grpc.server(
            ThreadPoolExecutor(threads, thread_name_prefix=option.removeprefix("--")),
            handlers=handlers,
            interceptors=interceptors,
            options=[
                ("grpc.max_receive_message_length", max_request_bytes),
                ("grpc.max_concurrent_streams", _MOST_STREAMS),
                # Also without a call: a client behind a load balancer pings to stay connected.
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", _PING_EVERY_MS),
                # The default would share the port with another program without a word.
                ("grpc.so_reuseport", 0),
            ],
        )

    @property
    def address(self) -> str:
        """`host:port` as bound: with the port that port 0 became."""
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def start(self) -> None:
        """Bind, and return once requests are answered.

        Raises:
            PortTaken: another program listens there.
            UsageError: this machine has no such address, or may not listen on it.
        """
        try:
            self._port = self._bound()
        except RuntimeError as error:
            raise self._refused() from error
        self._server.start()

    def _refused(self) -> PortTaken | UsageError:
        """Ask the system why: gRPC tells only its own log."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.socket(family) as probe:
            try:
                probe.bind((self._host, self._port))
            except OSError as error:
                return cannot_listen(self.address, self._option, error)
        return PortTaken(f"cannot listen on {self.address}: choose another with {self._option}")

    def _bound(self) -> int:
        if self._tls is None:
            return int(self._server.add_insecure_port(self.address))
        return int(self._server.add_secure_port(self.address, grpc_credentials(self._tls)))

    def stop(self) -> None:
        """Let the requests under way end, then close. Blocks for at most about `_GRACE_S`."""
        self._server.stop(_GRACE_S).wait()

"""A gRPC server of this process: OTLP, and what Jaeger asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc

from handspan_exporter.access.tls import grpc_credentials
from handspan_exporter.asgi import split_address
from handspan_exporter.errors import PortTaken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handspan_exporter.access.tls import TlsFiles

_MOST_STREAMS = 128
"""Calls under way of one connection; the client itself keeps further ones back."""
_GRACE_S = 5


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
            PortTaken: another program listens there, or this machine has no such address.
        """
        try:
            self._port = self._bound()
        except RuntimeError as error:
            other = self._port + 10_000 if self._port + 10_000 < 65_536 else 0
            raise PortTaken(
                f"cannot listen on {self.address}: another program may have it; stop it, or "
                f"choose another address with {self._option} {self._host}:{other}"
            ) from error
        self._server.start()

    def _bound(self) -> int:
        if self._tls is None:
            return int(self._server.add_insecure_port(self.address))
        return int(self._server.add_secure_port(self.address, grpc_credentials(self._tls)))

    def stop(self) -> None:
        """Let the requests under way end, then close. Blocks for at most about `_GRACE_S`."""
        self._server.stop(_GRACE_S).wait()

"""Clients: connections that send requests as fast as they are answered, or at a given rate."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from benchmarks.workload import Workload

CONNECTIONS = 8
TIMEOUT_S = 60.0
_PAUSE_S = 0.1
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(slots=True)
class Sent:
    """What clients saw."""

    spans: int = 0
    took_s: float = 0.0
    """From the first request to the last acknowledgement."""
    acknowledged_s: list[float] = field(default_factory=list)
    """Of each request: from when it was due until its acknowledgement."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Answers that asked to come again, which the client did."""


def send(
    workload: Workload, port: int, numbers: range, *, spans_per_s: float | None = None
) -> Sent:
    """Send the requests of these numbers over `CONNECTIONS`; blocks until all are acknowledged.

    Args:
        workload: What is sent.
        port: Of OTLP over gRPC, on the loopback interface.
        numbers: Each is one request.
        spans_per_s: The rate at which requests are due, whatever the answers; None: each
            connection sends the next one when the last is acknowledged.

    Raises:
        grpc.RpcError: a request was refused for good, or not answered within `TIMEOUT_S`.
    """
    sent, began_s = Sent(), time.monotonic()
    clients = _Clients(workload, port, iter(numbers), sent)
    clients.first = numbers.start
    clients.every_s = workload.spans / spans_per_s if spans_per_s else 0.0
    clients.began_s = began_s
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for client in [threads.submit(clients.run) for _ in range(CONNECTIONS)]:
            client.result()
    sent.took_s = time.monotonic() - began_s
    return sent


class _Clients:
    """State that the connections share."""

    def __init__(self, workload: Workload, port: int, numbers: object, sent: Sent) -> None:
        self._workload = workload
        self._address = f"127.0.0.1:{port}"
        self._numbers = numbers
        self._sent = sent
        self._lock = threading.Lock()
        self.first = 0
        self.every_s = 0.0
        self.began_s = 0.0

    def run(self) -> None:
        """Send over one connection until no request is left."""
        # Without an own pool all channels of a process share one connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self._address, options=options) as channel:
            export = channel.unary_unary(_EXPORT)
            while (number := self._next()) is not None:
                body = self._workload.request(number, time.time_ns())
                due_s = self._await(number)
                self._until_taken(export, body)
                self._note(time.monotonic() - due_s)

    def _next(self) -> int | None:
        with self._lock:
            return next(self._numbers, None)  # type: ignore[call-overload,no-any-return]

    def _await(self, number: int) -> float:
        """Return when the request was due, once it is."""
        if not self.every_s:
            return time.monotonic()
        due_s = self.began_s + (number - self.first) * self.every_s
        time.sleep(max(0.0, due_s - time.monotonic()))
        return due_s

    def _until_taken(self, export: grpc.UnaryUnaryMultiCallable, body: bytes) -> None:
        while True:
            try:
                export(body, timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                if error.code() not in _AGAIN:
                    raise
                self._sent.refusals[error.code().name] += 1
                time.sleep(_PAUSE_S)
            else:
                return

    def _note(self, took_s: float) -> None:
        with self._lock:
            self._sent.acknowledged_s.append(took_s)
            self._sent.spans += self._workload.spans

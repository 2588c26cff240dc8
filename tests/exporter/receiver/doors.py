"""Both doors in front of a real journal and a real store, and clients of them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest

from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.journal.journal import Journal
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.http import http_server
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.telemetry import Counters
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.connection import Connection

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
MAX_REQUEST_BYTES = 1 << 20
PROTOBUF = {"content-type": "application/x-protobuf"}


@dataclass
class Receiver:
    """Both doors, and what stands behind them."""

    grpc: str
    http: str
    counters: Counters
    stored: threading.Semaphore

    def post(self, body: bytes | str, path: str = "traces", **headers: str) -> httpx.Response:
        """Send a request over HTTP, by default as protobuf."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.post(f"{self.http}/v1/{path}", content=body, headers=PROTOBUF | named)

    def call(self, body: bytes, method: str = EXPORT) -> bytes:
        """Send a request over gRPC."""
        with grpc.insecure_channel(self.grpc) as channel:
            answer: bytes = channel.unary_unary(method)(body, timeout=30)
            return answer


@contextmanager
def running(
    folder: Path, connection: Connection, settings: Settings, *, writing: bool = True
) -> Iterator[Receiver]:
    """Run both doors, and the writer when `writing`, for the length of the block."""
    counters, stored = Counters(), threading.Semaphore(0)
    journal = Journal(
        folder,
        max_bytes=settings.journal_max_bytes,
        segment_spans=settings.flush_spans,
        counters=counters,
    )
    writer = Writer(
        journal,
        connection,
        settings,
        agent_spans_table=agent_spans_table,
        counters=counters,
        on_stored=stored.release,
    )
    ingest = Ingest(journal, writer, settings, counters=counters)
    over_grpc = GrpcServer(ingest, "127.0.0.1:0", max_request_bytes=settings.max_request_bytes)
    over_http = http_server(
        ingest,
        "127.0.0.1:0",
        max_request_bytes=settings.max_request_bytes,
        cors_origins=settings.cors_origins,
    )
    over_grpc.start()
    over_http.start()
    if writing:
        writer.start()
    yield Receiver(over_grpc.address, f"http://{over_http.address}", counters, stored)
    over_grpc.stop()
    over_http.stop()
    if writing:
        writer.drain(30)


def refusal(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    """Return with what gRPC refuses a call."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()

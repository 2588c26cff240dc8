"""The promise: what was acknowledged is in the store once, whenever the process dies."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_CLIENTS = 4
_SPANS = 3
_COUNTS = """
    SELECT 'otel_traces' AS name, SpanId AS id, count() AS n FROM otel_traces GROUP BY id
    UNION ALL SELECT 'agent_spans', span_id, count() FROM agent_spans GROUP BY span_id
    UNION ALL SELECT 'trace_arrivals', right(trace_id, 16), sum(spans) FROM trace_arrivals
    GROUP BY trace_id
"""
_SERVE = """
import json
import sys
from pathlib import Path
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.telemetry import Counters
from handspan_exporter.journal.journal import Journal
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate
from handspan_exporter.writer.writer import Writer

folder = Path(sys.argv[1])
settings = Settings(flush_s=0.05, flush_spans=200)
connection, counters = connect(parse(f"chdb://{folder}/store")), Counters()
migrate(connection, settings)
journal = Journal(
    folder / "journal", max_bytes=1 << 30, segment_spans=settings.flush_spans, counters=counters
)
writer = Writer(
    journal, connection, settings, agent_spans_table=agent_spans_table, counters=counters
)
ingest = Ingest(journal, writer, settings, counters=counters)
server = GrpcServer(ingest, "127.0.0.1:0", max_request_bytes=1 << 24)
server.start()
writer.start()
print(server.address, flush=True)
sys.stdin.read()
server.stop()
assert writer.drain(600), "the journal of all lives was not stored in ten minutes"
rows = connection.rows(sys.argv[2])
print(json.dumps([[row["name"], row["id"], row["n"]] for row in rows]))
"""


class Service:
    """One process with the journal, the writer and the gRPC door."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(folder), _COUNTS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()

    def kill(self) -> None:
        """End it as a power cut would end the process."""
        self._process.kill()
        self._process.communicate()

    def counts(self) -> list[tuple[str, str, int]]:
        """Let it store all and end; return table, span id and how often the span is there."""
        # Every life left segments that the next one had no time to look for and to store.
        output, _ = self._process.communicate("", timeout=660)
        return [tuple(row) for row in json.loads(output)]


@pytest.mark.end_to_end
@pytest.mark.parametrize("rounds", [5, pytest.param(50, marks=pytest.mark.soak)])
def test_kills_at_any_moment_lose_nothing_and_double_nothing(
    tmp_path: Path, trace_request: Callable[..., bytes], rounds: int
) -> None:
    """Killed while it syncs, inserts one table or the next, rolls or removes: all the same."""
    chance = random.Random(rounds)  # noqa: S311 - not for secrets
    acknowledged: list[int] = []
    for kills in range(rounds):
        service = Service(tmp_path)
        enough = len(acknowledged) + chance.randrange(300, 3000)
        with ThreadPoolExecutor(_CLIENTS) as pool:
            for client in range(_CLIENTS):
                first = 1 + 100_000 * (kills * _CLIENTS + client)
                pool.submit(_send, service.address, trace_request, first, acknowledged)
            while len(acknowledged) < enough:
                time.sleep(0.001)
            service.kill()

    found = Service(tmp_path).counts()

    assert [row for row in found if row[2] != 1] == []
    wanted = {f"{number:016x}" for number in acknowledged}
    for table in ("otel_traces", "agent_spans", "trace_arrivals"):
        assert wanted <= {span for name, span, _ in found if name == table}
    assert len(found) <= 3 * (len(wanted) + rounds * _CLIENTS * _SPANS), "and nothing was made up"


def _send(
    address: str, trace_request: Callable[..., bytes], first: int, acknowledged: list[int]
) -> None:
    """Send request after request, each once, and note what is acknowledged, until it is over."""
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(_EXPORT)
        with suppress(grpc.RpcError):
            while True:
                export(trace_request(_SPANS, first=first), timeout=30)
                acknowledged.extend(range(first, first + _SPANS))
                first += _SPANS

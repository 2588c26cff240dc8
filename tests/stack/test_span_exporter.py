"""The exporter without a server, into a ClickHouse over HTTP: same tables, and forks survived."""

from __future__ import annotations

import os
import subprocess
import sys

import clickhouse_connect
import pytest

pytestmark = pytest.mark.end_to_end

PROGRAM = """
import os, sys
from handspan_exporter import ClickHouseSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
exporter = ClickHouseSpanExporter(sys.argv[1])
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("forks")
def work(name):
    with tracer.start_as_current_span(name, attributes={"handspan.kind": "agent"}):
        pass
work("before")
provider.force_flush()
child = os.fork()
work("child" if child == 0 else "parent")
provider.shutdown()
assert exporter.dropped == {}, exporter.dropped
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_program_that_forks_stores_the_spans_of_all_its_processes(clickhouse: int) -> None:
    """As a web server with workers does: each opens the ClickHouse for itself."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            PROGRAM,
            f"clickhouse://127.0.0.1:{clickhouse}/work",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    client = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse, database="work")
    for table, column in (("otel_traces", "SpanName"), ("agent_spans", "name")):
        found = client.query(f"SELECT {column} FROM {table} ORDER BY {column}")  # noqa: S608 - ours
        assert [row[0] for row in found.result_rows] == ["before", "child", "parent"]
    arrivals = client.query("SELECT sum(spans) FROM trace_arrivals").result_rows
    client.close()
    assert arrivals == [(3,)]

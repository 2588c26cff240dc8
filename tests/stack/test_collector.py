"""The real Collector before Handspan, as most users run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import wait_for
from tests.stack.spans import send_runs

from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.processes import Service

pytestmark = pytest.mark.end_to_end

RUNS = 300
"""More spans than the SDK sends in one request."""


def test_every_span_that_the_real_collector_forwards_is_stored_once(
    collector: Callable[..., int], service: Service
) -> None:
    """Its exporter's compression, batches and retries are what Handspan meets in the field."""
    port = collector("to_handspan.yaml", HANDSPAN_PORT=str(service.grpc))
    traces = send_runs(port, RUNS)

    def seen() -> bool:
        rows = service.ask("kpis/workflow_success_ratio?by=total")["rows"]
        return bool(rows and rows[0]["n"] == RUNS)

    wait_for(seen, f"{RUNS} runs")
    assert {run["run_id"] for run in service.ask(f"runs?limit={RUNS}")["runs"]} == traces
    code, output = service.stop()
    assert code == 0, output
    store = connect(parse(service.store))
    (found,) = store.rows(
        "SELECT count() AS spans, uniqExact(SpanId) AS different FROM otel_traces"
    )
    store.close()
    assert found == {"spans": 2 * RUNS, "different": 2 * RUNS}

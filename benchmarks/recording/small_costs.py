"""What Handspan costs besides spans: `python -m benchmarks.recording.small_costs`.

Prints one line of JSON: a verb where nothing is recorded, the import beyond the SDK's, what is
installed beyond the SDK and its exporter, and the memory of runs that stay open.
"""

from __future__ import annotations

import json
import subprocess
import sys
import timeit
import tracemalloc
from typing import TYPE_CHECKING

from benchmarks.recording import with_bare
from benchmarks.recording.drop import DropExporter
from benchmarks.recording.installed import installed_mb
from benchmarks.recording.with_handspan import without_prices, work
from opentelemetry import trace
from opentelemetry.trace import set_span_in_context

import handspan

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = 100_000
_OPEN_RUNS = 500
_STARTS = 7
_SECONDS = 1800


def main() -> None:
    """Measure all."""
    quiet = {"no_op_us": _no_op_us(), "no_op_decorated_us": _decorated_us()}
    without_prices()
    handspan.configure(exporter=DropExporter(), instrument=())
    with_bare.tracer = trace.get_tracer("bench")
    lasting_mb, peak_mb = _half_an_hour_mb()
    figures = {
        **quiet,
        "import_ms": _import_ms("handspan") - _import_ms("opentelemetry.sdk.trace.export"),
        "open_run_bytes": _bytes_of(_open_run),
        "open_run_of_the_sdk_bytes": _bytes_of(_open_run_of_the_sdk),
        "half_an_hour_mb": lasting_mb,
        "half_an_hour_peak_mb": peak_mb,
        "installed_mb": installed_mb(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _no_op_us() -> float:
    def block() -> None:
        with handspan.agent("triage"):
            pass

    return min(timeit.repeat(block, number=_CALLS, repeat=7)) / _CALLS * 1e6


def _decorated_us() -> float:
    @handspan.tool
    def tool() -> None:
        """Do nothing."""

    return min(timeit.repeat(tool, number=_CALLS, repeat=7)) / _CALLS * 1e6


def _import_ms(module: str) -> float:
    """Return the time to import the SDK and `module`, ms; the quickest of several starts."""
    program = (
        "import time; began = time.perf_counter(); "
        f"import opentelemetry.sdk.trace.export, {module}; print(time.perf_counter() - began)"
    )
    found = [
        float(subprocess.check_output([sys.executable, "-c", program], text=True)) * 1000
        for _ in range(_STARTS)
    ]
    return min(found)


def _bytes_of(open_run: Callable[[], object]) -> float:
    """Return the memory of a run with a workflow and an agent, both open, bytes."""
    open_run()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    runs = [open_run() for _ in range(_OPEN_RUNS)]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / len(runs)


def _half_an_hour_mb() -> tuple[float, float]:
    """Return what one run of 30 minutes has kept in memory at its end, and at most, MB.

    A step a second inside it, of four spans, sent every five seconds as by default.
    """
    for _ in range(100):
        work()
    handspan.flush()
    tracemalloc.start()
    with handspan.workflow("night shift"):
        for second in range(_SECONDS):
            work()
            if second % 5 == 0:
                handspan.flush()
        lasting, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return lasting / 1e6, peak / 1e6


def _open_run() -> object:
    run = handspan.workflow("support").start()
    return run, handspan.agent("triage").start(parent=run)


def _open_run_of_the_sdk() -> object:
    run = with_bare.tracer.start_span("invoke_workflow support")
    within = set_span_in_context(run)
    return run, with_bare.tracer.start_span("invoke_agent triage", within)


if __name__ == "__main__":
    main()

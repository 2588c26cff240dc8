"""What Handspan costs besides spans: `python -m benchmarks.recording.small_costs`.

Prints one line of JSON: a verb where nothing is recorded, the import beyond the SDK's, and the
memory of a run that stays open.
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
from opentelemetry.trace import set_span_in_context

import handspan

if TYPE_CHECKING:
    from collections.abc import Callable

_CALLS = 100_000
_OPEN_RUNS = 500
_STARTS = 7


def main() -> None:
    """Measure all."""
    quiet = {"no_op_us": _no_op_us(), "no_op_decorated_us": _decorated_us()}
    with_bare.prepare(DropExporter())
    figures = {
        **quiet,
        "import_ms": _import_ms("handspan") - _import_ms("opentelemetry.sdk.trace.export"),
        "open_run_bytes": _bytes_of(_open_run),
        "open_run_of_the_sdk_bytes": _bytes_of(_open_run_of_the_sdk),
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


def _open_run() -> object:
    run = handspan.workflow("support").start()
    return run, handspan.agent("triage").start(parent=run)


def _open_run_of_the_sdk() -> object:
    run = with_bare.tracer.start_span("invoke_workflow support")
    within = set_span_in_context(run)
    return run, with_bare.tracer.start_span("invoke_agent triage", within)


if __name__ == "__main__":
    main()

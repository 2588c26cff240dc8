"""One SDK in its own process: `python -m benchmarks.recording.measured openlit`, prints JSON.

Runs in the SDK's own environment, so it knows nothing but the standard library and OpenTelemetry.
"""

from __future__ import annotations

import importlib
import json
import resource
import statistics
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.recording.drop import DropExporter
from benchmarks.recording.said import vary

if TYPE_CHECKING:
    from collections.abc import Callable

_WARM_UP = 300
_ROUNDS = 20
_ITERATIONS = 500
"""2,000 spans: what the SDK's queue takes without losing any."""
_QUIET_S = 0.05


def main(name: str) -> None:
    """Measure one SDK."""
    sdk = importlib.import_module(f"benchmarks.recording.with_{name.replace('-', '_')}")
    exporter = DropExporter()
    sdk.prepare(exporter)
    for number in range(_WARM_UP):
        vary(-number)
        sdk.work()
    _drained(exporter)
    rounds_us = [_round_us(sdk.work, exporter, number) for number in range(_ROUNDS)]
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made = 4 * (_WARM_UP + _ROUNDS * _ITERATIONS)
    figures = {
        "cpu_us": statistics.median(rounds_us),
        "peak_mb": peak_kib / 1024,
        "exported": exporter.spans / made,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _round_us(work: Callable[[], object], exporter: DropExporter, number: int) -> float:
    """Return process CPU per run, background threads included, microseconds.

    What is recorded is also exported before the clock is stopped: a queue that overflows would
    make recording look cheap.
    """
    started_ns = time.process_time_ns()
    for iteration in range(_ITERATIONS):
        vary(number * _ITERATIONS + iteration)
        work()
    _drained(exporter)
    return (time.process_time_ns() - started_ns) / _ITERATIONS / 1000


def _drained(exporter: DropExporter) -> None:
    """Wait until no more spans come; waiting costs no CPU."""
    before = -1
    while exporter.spans != before:
        before = exporter.spans
        time.sleep(_QUIET_S)


if __name__ == "__main__":
    main(sys.argv[1])

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

from benchmarks.recording.drop import DropExporter

_WARM_UP = 300
_ROUNDS = 20
_ITERATIONS = 500


def main(name: str) -> None:
    """Measure one SDK."""
    sdk = importlib.import_module(f"benchmarks.recording.with_{name.replace('-', '_')}")
    exporter = DropExporter()
    sdk.prepare(exporter)
    for _ in range(_WARM_UP):
        sdk.work()
    rounds_us = [_round_us(sdk.work) for _ in range(_ROUNDS)]
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {"cpu_us": statistics.median(rounds_us), "peak_mb": peak_kib / 1024}
    sys.stdout.write(json.dumps(figures) + "\n")


def _round_us(work: object) -> float:
    """Return process CPU per run, background threads included, microseconds."""
    assert callable(work)
    started_ns = time.process_time_ns()
    for _ in range(_ITERATIONS):
        work()
    return (time.process_time_ns() - started_ns) / _ITERATIONS / 1000


if __name__ == "__main__":
    main(sys.argv[1])

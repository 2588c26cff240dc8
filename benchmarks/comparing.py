"""One run of one system: fresh processes, fresh database, the whole load, every span counted."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import cpu_s, machine_cpu_s, peak_mb, quantile, resident_mb
from benchmarks.sending import send
from benchmarks.systems import wait_until
from benchmarks.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.sending import Sent
    from benchmarks.systems import Counted, System

STORED_S, FACTS_S, QUIET_S = 180.0, 180.0, 30.0
"""The longest waits: for the last row, for the last fact, for merges to end."""
_QUIET_CORES = 0.03
_WARM_SHARE = 0.125


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost."""

    system: str
    content: bool
    round: int
    spans: int
    stored_per_s: float
    """Spans, from the first request until the last one is in `otel_traces`."""
    acknowledged_per_s: float
    cpu_us: float
    """CPU time per span of all the system's processes until the last span is stored."""
    cpu_settled_us: float
    """The same until facts are computed and merges have ended."""
    rest_mb: float
    """Memory before the first span."""
    peak_mb: float
    p50_ms: float
    p99_ms: float
    """Time to acknowledge a request."""
    refusals: int
    facts_after_s: float
    """How long after the last span was stored the last fact was."""
    others_cores: float
    """Cores that other programs (neither system nor clients) used meanwhile: noise."""
    counted: Counted
    complete: bool
    """Every span is there, once."""


def compare(kind: type[System], *, spans: int, content: bool, number: int) -> Run:
    """Run one system once; blocks for as long as it takes, some minutes at most.

    Raises:
        Failed: it does not start, or does not store what it acknowledged in time.
    """
    workload = Workload(seed=number + 1, content=content)
    warm = max(1, int(spans * _WARM_SHARE) // workload.spans)
    requests = max(1, spans // workload.spans)
    with scratch() as folder, kind(folder) as system:
        rest_mb = resident_mb(system.pids)
        _load(system, workload, range(warm), warm)
        settle(system, warm * workload.traces)
        meter = _Meter(system)
        sent = _load(system, workload, range(warm, warm + requests), warm + requests)
        stored = meter.read()
        facts_after_s = settle(system, (warm + requests) * workload.traces)
        settled, peak = meter.read(), peak_mb(system.pids)
        counted = system.counted()
    total = (warm + requests) * workload.spans
    return Run(
        system=kind.name,
        content=content,
        round=number,
        spans=sent.spans,
        stored_per_s=sent.spans / stored.wall_s,
        acknowledged_per_s=sent.spans / sent.took_s,
        cpu_us=stored.cpu_s / sent.spans * 1e6,
        cpu_settled_us=settled.cpu_s / sent.spans * 1e6,
        rest_mb=rest_mb,
        peak_mb=peak,
        p50_ms=quantile(sent.acknowledged_s, 0.5) * 1e3,
        p99_ms=quantile(sent.acknowledged_s, 0.99) * 1e3,
        refusals=sent.refusals.total(),
        facts_after_s=facts_after_s,
        others_cores=stored.others_s / stored.wall_s,
        counted=counted,
        complete=counted.rows == counted.distinct == total,
    )


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="handspan-bench-") as folder:
        yield Path(folder)


def settle(system: System, runs: int) -> float:
    """Wait for facts and for quiet; return how long the facts took."""
    began_s = time.monotonic()
    wait_until(lambda: system.has_facts(runs), FACTS_S, f"{runs} runs of {system.name}", 0.5)
    facts_s = time.monotonic() - began_s
    deadline_s = time.monotonic() + QUIET_S
    while time.monotonic() < deadline_s:
        before_s = cpu_s(system.pids)
        time.sleep(1)
        if cpu_s(system.pids) - before_s < _QUIET_CORES:
            break
    return facts_s


def _load(system: System, workload: Workload, numbers: range, requests: int) -> Sent:
    """Send, and wait until this and all that was sent before is stored."""
    sent = send(workload, system.port, numbers)
    spans = requests * workload.spans
    wait_until(lambda: system.has_stored(spans), STORED_S, f"{spans} spans of {system.name}")
    return sent


@dataclass(frozen=True, slots=True)
class _Reading:
    wall_s: float
    cpu_s: float
    others_s: float


class _Meter:
    """Reads clocks since it was made."""

    def __init__(self, system: System) -> None:
        self._pids = system.pids
        self._began = self._now()

    def read(self) -> _Reading:
        wall, cpu, machine, own = (
            now - then for now, then in zip(self._now(), self._began, strict=True)
        )
        return _Reading(wall, cpu, max(0.0, machine - cpu - own))

    def _now(self) -> tuple[float, float, float, float]:
        return time.monotonic(), cpu_s(self._pids), machine_cpu_s(), time.process_time()

"""Handspan at rest, at a gentle rate and at half load: what a day with it is like."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.comparing import FACTS_S, STORED_S, scratch
from benchmarks.measuring import cpu_s, peak_mb, quantile, resident_mb
from benchmarks.report import say
from benchmarks.sending import send
from benchmarks.systems import Handspan, wait_until
from benchmarks.workload import TRACE_SPANS, Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

IDLE_S, GENTLE_S, WATCHED_S = 20.0, 20.0, 20.0
GENTLE_SPANS_PER_S = 1000.0
_CALM_S = 60.0
"""The engine's tasks look for work ever more seldom: 267 times a second at first, 72 after that."""
_PROBE_EVERY_S = 0.43
"""Not a divisor of the flush interval: probes meet it in every phase."""
_LOOK_EVERY_S = 0.02
_QUERYABLE_S, _SAMPLE_EVERY_S = 10.0, 0.037
_SEED = 77


def steady(*, half_load: float, seconds: float) -> str:
    """Return what was measured, as a list in Markdown.

    Args:
        half_load: Spans per second of the last part.
        seconds: How long it lasts.
    """
    with scratch() as folder, Handspan(folder) as system:
        lines = [_idle(system), *_gentle(system), *_half(system, half_load, seconds)]
    return "\n".join(f"- {line}" for line in lines)


def _idle(system: Handspan) -> str:
    say(f"idle for {_CALM_S + IDLE_S:.0f} s ...")
    time.sleep(_CALM_S)
    share = _cores(system, IDLE_S)
    memory = resident_mb(system.pids)
    return f"Idle for {_CALM_S:.0f} s, nothing stored yet: {share:.2%} of a core, {memory:.0f} MB."


def _cores(system: Handspan, seconds: float) -> float:
    """Return how much of a core the service takes in the next seconds."""
    before_s = cpu_s(system.pids)
    time.sleep(seconds)
    return (cpu_s(system.pids) - before_s) / seconds


def _gentle(system: Handspan) -> list[str]:
    """Send whole traces at a thousand spans a second; measure cost, then freshness."""
    rate, total_s = GENTLE_SPANS_PER_S, 5 + GENTLE_S + WATCHED_S + 2 * _QUERYABLE_S
    say(f"{rate:.0f} spans/s for {total_s:.0f} s ...")
    load = Workload(seed=_SEED, spans=TRACE_SPANS)
    numbers = range(int(rate * total_s / load.spans))
    sender = threading.Thread(
        target=send, args=(load, system.port, numbers), kwargs={"spans_per_s": rate}
    )
    sender.start()
    time.sleep(5)
    unwatched = _cores(system, GENTLE_S)
    alone = _queryable(system, watched=False)
    before_s, began_s = cpu_s(system.pids), time.monotonic()
    seen = _freshness(system)
    watched = (cpu_s(system.pids) - before_s) / (time.monotonic() - began_s)
    looked_at = _queryable(system, watched=True)
    sender.join()
    p50, p95 = quantile(seen, 0.5), quantile(seen, 0.95)
    return [
        f"{rate:.0f} spans/s in requests of {load.spans}: {unwatched:.1%} of a core.",
        (
            f"95 % of spans there can be queried {quantile(alone, 0.95):.2f} s after they were "
            f"acknowledged, and {quantile(looked_at, 0.95):.2f} s while somebody asks."
        ),
        (
            f"The same while a client asks for a run every {_LOOK_EVERY_S * 1e3:.0f} ms: "
            f"{watched:.1%} of a core; a trace is a run with all its facts {p50:.2f} s (p50) and "
            f"{p95:.2f} s (p95) after it was sent ({len(seen)} traces)."
        ),
    ]


def _queryable(system: Handspan, *, watched: bool) -> list[float]:
    """Return, for moments in which spans were acknowledged, how long until they are stored (s)."""
    seen, end_s = [], time.monotonic() + _QUERYABLE_S
    while time.monotonic() < end_s:
        if watched:
            system.ask("health")
        began_s, accepted = time.monotonic(), system.metric("handspan_spans_accepted_total")
        wait_until(
            lambda accepted=accepted: system.metric("handspan_spans_stored_total") >= accepted,  # type: ignore[misc]
            STORED_S,
            "what was acknowledged to be stored",
            _LOOK_EVERY_S,
        )
        seen.append(time.monotonic() - began_s)
        time.sleep(_SAMPLE_EVERY_S * (1 + len(seen) % 7))  # in every phase of a flush
    return seen


def _freshness(system: Handspan) -> list[float]:
    """Return, for traces sent now and then, how long until each is shown as a run (s)."""
    load, seen = Workload(seed=_SEED + 1, spans=TRACE_SPANS), []
    end_s, number = time.monotonic() + WATCHED_S, 0
    while time.monotonic() < end_s:
        (run,) = load.trace_ids(number)
        began_s = time.monotonic()
        send(load, system.port, range(number, number + 1))
        wait_until(lambda run=run: system.knows(run), FACTS_S, "a run", _LOOK_EVERY_S)  # type: ignore[misc]
        seen.append(time.monotonic() - began_s)
        number += 1
        time.sleep(_PROBE_EVERY_S)
    return seen


@dataclass(slots=True)
class _Memory:
    """Resident memory (MB), once a second."""

    samples: list[float] = field(default_factory=list)

    @contextmanager
    def sampled(self, system: Handspan) -> Iterator[None]:
        """Take samples for the length of the block."""
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(1):
                self.samples.append(resident_mb(system.pids))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def text(self) -> str:
        """Return the mean of each quarter: flat or not."""
        size = max(1, len(self.samples) // 4)
        quarters = [self.samples[i * size : (i + 1) * size] or self.samples for i in range(4)]
        return " -> ".join(f"{sum(part) / len(part):.0f}" for part in quarters)


def _half(system: Handspan, rate: float, seconds: float) -> list[str]:
    say(f"{rate:.0f} spans/s for {seconds:.0f} s ...")
    load, memory = Workload(seed=_SEED + 2), _Memory()
    requests = max(1, int(rate * seconds / load.spans))
    before_s, began_s = cpu_s(system.pids), time.monotonic()
    with memory.sampled(system):
        sent = send(load, system.port, range(requests), spans_per_s=rate)
        wait_until(lambda: system.has_stored(1), STORED_S, "the last span to be stored")
    stored_s = time.monotonic() - began_s
    cores = (cpu_s(system.pids) - before_s) / stored_s
    p50, p99 = (quantile(sent.acknowledged_s, share) * 1e3 for share in (0.5, 0.99))
    return [
        f"Half load, {rate:.0f} spans/s for {sent.took_s:.0f} s: {cores:.2f} cores.",
        (
            f"A request there is acknowledged after {p50:.0f} ms (p50) and {p99:.0f} ms (p99), "
            f"and all is stored {stored_s - sent.took_s:.1f} s after the last answer."
        ),
        (
            f"Memory there is {memory.text()} MB (mean of each quarter of the time), "
            f"{peak_mb(system.pids):.0f} MB at its highest."
        ),
    ]

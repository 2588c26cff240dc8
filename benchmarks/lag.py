"""How far facts are behind spans, and what they cost, with runs of 50 to 30,000 spans at once."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.comparing import FACTS_S, scratch
from benchmarks.measuring import cpu_s, quantile
from benchmarks.report import say
from benchmarks.runs import Runs
from benchmarks.sending import send
from benchmarks.systems import Handspan, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

RATES = (5_000.0, 20_000.0)
LENGTHS = (30_000, 5_000, 5_000, 1_000, 1_000, 1_000)
"""Spans of the long runs that go on at once; as many spans come in runs of 51."""
GROWTH = (7_500, 30_000)
"""Spans of one run, alone: four times as long must not cost sixteen times as much."""
GROWTH_SPANS_PER_S = 2_000.0
_EVERY_S = 0.5


def lag(*, seconds: float) -> str:
    """Return what was measured, as a list in Markdown; a fresh store for each line."""
    lines = [_mixed(rate, seconds) for rate in RATES]
    lines += [_growing(length) for length in GROWTH]
    return "\n".join(f"- {line}" for line in lines)


def _mixed(rate: float, seconds: float) -> str:
    say(f"facts behind {rate:.0f} spans/s for {seconds:.0f} s ...")
    load = Runs(seed=5, lengths=LENGTHS)
    requests = max(load.cycle, int(rate * seconds / load.spans))
    with scratch() as folder, Handspan(folder) as system:
        with _lags(system) as lags:
            sent = send(load, system.port, range(requests), spans_per_s=rate)
        after_s = _settled(system)
        told = _told(system)
    return (
        f"{rate:.0f} spans/s in runs of 51 to {LENGTHS[0]} ({sent.spans / sent.took_s:.0f} sent): "
        f"facts are {quantile(lags, 0.5):.1f} s (p50) and {max(lags):.1f} s (most) behind, and "
        f"done {after_s:.1f} s after the last span. {told}"
    )


def _growing(length: int) -> str:
    say(f"one run of {length} spans ...")
    load = Runs(seed=6, lengths=(length,), short_ratio=0)
    with scratch() as folder, Handspan(folder) as system:
        before_s = cpu_s(system.pids)
        sent = send(load, system.port, range(load.cycle), spans_per_s=GROWTH_SPANS_PER_S)
        after_s = _settled(system)
        spent_us = (cpu_s(system.pids) - before_s) / sent.spans * 1e6
        told = _told(system)
    return (
        f"One run of {sent.spans} spans at {GROWTH_SPANS_PER_S:.0f} spans/s: {spent_us:.0f} us of "
        f"CPU per span in all, facts done {after_s:.1f} s after the last. {told}"
    )


@contextmanager
def _lags(system: Handspan) -> Iterator[list[float]]:
    """Note how far behind facts are, now and then, for the length of the block."""
    ended, found = threading.Event(), [0.0]

    def run() -> None:
        while not ended.wait(_EVERY_S):
            found.append(system.metric("handspan_processor_lag_seconds"))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _settled(system: Handspan) -> float:
    """Wait until every span is in the facts; return how long that took."""
    began_s = time.monotonic()
    looked = [began_s]

    def done() -> bool:
        if not system.has_stored(1) or system.metric("handspan_processor_lag_seconds"):
            looked[0] = time.monotonic()
        return time.monotonic() - looked[0] > 2 * _EVERY_S

    wait_until(done, FACTS_S, "the last facts", _EVERY_S)
    return looked[0] - began_s


def _told(system: Handspan) -> str:
    """Say what `/metrics` tells of the processor's work."""
    computed = system.metric("handspan_facts_spans_total")
    busy_s = system.metric("handspan_processor_busy_seconds_sum")
    looks = system.metric("handspan_processor_busy_seconds_count")
    stored = system.metric("handspan_spans_stored_total")
    return (
        f"{looks:.0f} looks computed {computed / stored:.1f} spans per span stored, "
        f"{busy_s / max(computed, 1) * 1e6:.0f} us each."
    )

"""What the older APIs promised, measured on Handspan's own: `make bench-compat`.

Prints a table and fails when a promise is broken. Times are CPU time of one
call in the calling thread, as others may be at work on the machine, with a tracer provider of the
SDK that sends nothing; the slowest of twenty calls is what counts.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.report import machine, write
from opentelemetry.sdk.trace import TracerProvider

import handspan
from handspan.compat.chaos import Session, start_session
from handspan.compat.event_metrics import EventMetrics
from handspan.compat.events import Emitter
from handspan.span_tree import SpanTreeProcessor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

EVENTS = 5_000
ENTRIES = 1_000
STEPS_IN_30_MIN = 1_800
_MB = 1024 * 1024


class Measured(NamedTuple):
    """One promise and what was measured."""

    what: str
    unit: str
    median: float
    worst: float
    """95th percentile of times; the only value of sizes."""
    promised: float

    @property
    def kept(self) -> bool:
        """Whether the worst is within what was promised."""
        return self.worst < self.promised


def main() -> int:
    """Measure all, print the table, return 1 when a promise is broken."""
    handspan.configure(instrument=(), tracer_provider=TracerProvider(shutdown_on_exit=False))
    with tempfile.TemporaryDirectory() as folder, Path(folder, "out").open("w") as out:
        measured = [*_events(Path(folder), out), _tree(out), *_session()]
    head = [machine(), "", "| what | unit | median | p95 | promised |", "|---|---|---|---|---|"]
    text = "\n".join([*head, *map(_row, measured)])
    print(text)
    if "--write" in sys.argv:
        write(text, "older")
    return 0 if all(one.kept for one in measured) else 1


def _row(one: Measured) -> str:
    broken = "" if one.kept else " **broken**"
    worst = f"{one.worst:.4g} | < {one.promised:g}{broken}"
    return f"| {one.what} | {one.unit} | {one.median:.4g} | {worst} |"


def _timed(what: str, promised_ms: float, call: Callable[[int], object], times: int) -> Measured:
    for number in range(times // 10):
        call(-number - 1)
    took_ms = []
    for number in range(times):
        start_ns = time.thread_time_ns()
        call(number)
        took_ms.append((time.thread_time_ns() - start_ns) / 1e6)
    took_ms.sort()
    return Measured(what, "ms", took_ms[times // 2], took_ms[int(times * 0.95)], promised_ms)


def _events(folder: Path, out: IO[str]) -> list[Measured]:
    """Measure one event on its way to the console, into a file, into the KPIs, and all of it."""
    metrics = EventMetrics()
    return [
        _timed("event to console", 1, _emitting(Emitter(stream=out)), EVENTS),
        _timed(
            "event to file", 5, _emitting(Emitter(console=False, file=folder / "e.jsonl")), EVENTS
        ),
        _timed("event into KPIs", 1, lambda n: metrics.count(*_event(n)), EVENTS),
        _timed("KPIs of 5,000 tasks read", 10, lambda _: metrics.get(), 50),
        _timed("event to spans only", 1, _emitting(Emitter(console=False)), EVENTS),
    ]


def _emitting(emitter: Emitter) -> Callable[[int], object]:
    asyncio.run(emitter.start())
    return lambda number: emitter.emit_event(*_event(number))


def _event(number: int) -> tuple[str, dict[str, object]]:
    kind = ("task_queued", "agent_started", "agent_completed", "validation_complete")[number % 4]
    return kind, {
        "task_id": f"t-{number // 4}",
        "feature": f"f-{number % 20}",
        "agent": f"agent-{number % 5}",
        "status": "success",
        "result": "pass",
        "duration_ms": 12.5,
        "cost_usd": 0.01,
    }


def _tree(out: IO[str]) -> Measured:
    """Measure one span, started and ended, under `handspan.console()`."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpanTreeProcessor(out, colour=True))
    handspan.configure(instrument=(), tracer_provider=provider)

    def one(_: int) -> None:
        with handspan.llm("m") as call:
            call.usage(input_tokens=812, output_tokens=64)

    return _timed("span in the console tree, both lines", 1, one, EVENTS)


def _log_step(session: Session, number: int) -> None:
    """Log an effect, its recovery or a user's click."""
    if number % 3 == 0:
        session.log_effect_injection(
            "inject_500_error",
            "fetch_operation",
            {"rate": "50%", "packet_position": 23.45, "headers": {"accept": "text/html"}},
            {"score_impact": -0.1},
        )
    elif number % 3 == 1:
        session.log_recovery_attempt("retry", success=number % 2 == 0, duration=12.5)
    else:
        session.log_interaction("button", "click", {"x": number, "path": f"/orders/{number}"})


def _session() -> list[Measured]:
    session = start_session({"rate": "50%"}, mode="bench", seed=7)
    log = _timed("chaos session: one entry", 5, lambda n: _log_step(session, n), ENTRIES)
    exports: list[tuple[str, float, Callable[[], str]]] = [
        ("export as JSON", 50, session.export_as_json),
        ("export as CSV", 75, session.export_as_csv),
        ("export as report", 150, session.export_as_report),
    ]
    return [
        log,
        *(
            _timed(f"{len(session.entries):,} entries: {what}", promised, lambda _, f=f: f(), 20)  # type: ignore[misc]
            for what, promised, f in exports
        ),
        _memory("memory of 1,000 entries", 1, ENTRIES),
        _memory("memory of 30 minutes, one entry a second", 10, STEPS_IN_30_MIN),
    ]


def _memory(what: str, promised_mb: float, steps: int) -> Measured:
    gc.collect()
    tracemalloc.start()
    session = start_session({"rate": "50%"}, mode="bench", seed=7)
    for number in range(steps):
        _log_step(session, number)
    gc.collect()
    used_mb = tracemalloc.get_traced_memory()[0] / _MB
    tracemalloc.stop()
    return Measured(what, "MB", used_mb, used_mb, promised_mb)


if __name__ == "__main__":
    sys.exit(main())

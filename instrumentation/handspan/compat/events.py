"""The event stream: `emit_event("agent_started", {...})` and its six KPIs.

    emitter = get_emitter(file="events.jsonl")
    await emitter.start()
    emit_event("task_queued", {"task_id": "t-1", "feature": "login", "est_cost": 0.2})
    ...
    print(emitter.get_metrics())
    await emitter.stop()

An event becomes spans (see `handspan.compat.event_spans`) and, between `start()` and `stop()`, a
line on the console and in the file. Who watched over a WebSocket opens the live page of
`handspan serve` instead.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from handspan import colours
from handspan.clock import now_ns
from handspan.compat.counted import count
from handspan.compat.event_metrics import EventMetrics, Metrics
from handspan.compat.event_spans import EventSpans
from handspan.internal import contained
from handspan.json_lines import JsonLines, text_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Emitter",
    "Metrics",
    "emit_event",
    "get_emitter",
    "get_metrics",
    "record_critic_decision",
]

_COLOURS: dict[str, colours.Colour] = {
    "task_queued": "grey",
    "agent_started": "cyan",
    "agent_completed": "green",
    "validation_complete": "blue",
    "hitl_escalated": "magenta",
    "budget_warning": "yellow",
    "budget_exceeded": "red",
}


class Emitter:
    """Takes events and sends them on. Any thread may emit; no method raises."""

    def __init__(
        self, *, console: bool = True, file: str | Path | None = None, stream: IO[str] | None = None
    ) -> None:
        """Make an emitter; `get_emitter` returns the one of this process.

        Args:
            console: whether events are printed, in colours on a terminal.
            file: JSONL file that gets each event; None: no file.
            stream: where is printed; None: standard error.
        """
        self._console = console
        self._stream = stream
        self._lines = None if file is None else JsonLines(file)
        self._running = False
        self._metrics = EventMetrics()
        self._spans = EventSpans()

    async def start(self) -> None:
        """Print and write events from now on. Spans and KPIs are made without it, too."""
        self._running = True

    async def stop(self) -> None:
        """Stop printing and writing, and end what the events left open."""
        self._running = False
        self._spans.close()
        if self._lines is not None:
            contained(self._lines.close)()

    @contained
    def emit_event(self, event_type: str, payload: Mapping[str, Any] | None = None) -> None:
        """Emit one event.

        Args:
            event_type: task_queued, agent_started, agent_completed, validation_complete,
                hitl_escalated, budget_warning or budget_exceeded; others are printed and written
                only, and counted.
            payload: what is known: task_id, feature, est_cost, agent, model, tools, status,
                duration_ms, cost_usd, result, cost, attempts, last_error, priority, ...
        """
        known = dict(payload) if isinstance(payload, Mapping) else {"value": payload}
        self._spans.record(event_type, known)
        self._metrics.count(event_type, known)
        if self._running:
            event = {
                "event_type": event_type,
                "timestamp": now_ns() // 1000 / 1e6,
                "payload": known,
            }
            self._write(event)
            self._print(event)

    def get_metrics(self) -> Metrics:
        """Return the KPIs of this process so far; unknown is None, `n` says how many count."""
        return self._metrics.get()

    @contained
    def record_critic_decision(self, *, rejected: bool) -> None:
        """Count a critic's decision. Today: `handspan.validation(name, role="critic")`."""
        self._spans.reject(rejected=rejected)
        self._metrics.decide(rejected=rejected)

    @contained
    def _write(self, event: Mapping[str, Any]) -> None:
        if self._lines is None:
            return
        try:
            self._lines.append(event)
        except OSError as error:
            count("files not written", f"cannot write {self._lines.path}: {error.strerror}")

    @contained
    def _print(self, event: Mapping[str, Any]) -> None:
        if not self._console:
            return
        stream = sys.stderr if self._stream is None else self._stream
        on = colours.wanted(stream)
        at = datetime.fromtimestamp(event["timestamp"], UTC).strftime("%H:%M:%S.%f")[:-3]
        kind = colours.printable(str(event["event_type"]))
        told = " ".join(f"{key}={text_of(value)}" for key, value in event["payload"].items())
        line = " ".join(
            (
                colours.painted(at, "grey", on=on),
                colours.painted(f"{kind:<19}", _COLOURS.get(kind), on=on),
                colours.printable(told),
            )
        )
        try:
            stream.write(f"{line}\n")
        except (OSError, ValueError) as error:
            self._console = False
            count("files not written", f"events are no longer printed: {error}")


_emitter: Emitter | None = None
_lock = threading.Lock()


def get_emitter(*, console: bool = True, file: str | Path | None = None) -> Emitter:
    """Return the emitter of this process; the first call says where it prints and writes.

    Args:
        console: whether events are printed.
        file: JSONL file that gets each event; None: no file.
    """
    global _emitter  # noqa: PLW0603 - one process, one stream of events
    with _lock:
        if _emitter is None:
            _emitter = Emitter(console=console, file=file)
        return _emitter


def emit_event(event_type: str, payload: Mapping[str, Any] | None = None) -> None:
    """Emit one event on the emitter of this process, see `Emitter.emit_event`.

    Example:
        >>> emit_event("agent_started", {"agent": "coder", "task_id": "t-1", "model": "m"})
    """
    get_emitter().emit_event(event_type, payload)


def get_metrics() -> Metrics:
    """Return the KPIs of the emitter of this process, see `Emitter.get_metrics`."""
    return get_emitter().get_metrics()


def record_critic_decision(*, rejected: bool) -> None:
    """Count a critic's decision on the emitter of this process."""
    get_emitter().record_critic_decision(rejected=rejected)

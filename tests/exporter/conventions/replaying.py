"""Sends recordings through the real receiver and reads from the facts what they came to."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.exporter.receiver.doors import running

from handspan_exporter.processor.loop import Processor
from handspan_exporter.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handspan_exporter.store.connection import Connection

RECORDED: Final = Path(__file__).parent / "recorded"
_HOUR_NS: Final = 3_600_000_000_000
_TIMES: Final = ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: what one source of telemetry made of the whole story."""

    framework: str
    source: str
    endings: dict[str, int]
    """Ending -> when it began, ns since the epoch; the first at the beginning of the recording."""
    versions: dict[str, str]
    """Package -> the version that was recorded."""
    requests: list[dict[str, Any]]

    @property
    def service(self) -> str:
        """The `service.name` of its spans."""
        return f"{self.framework}-{self.source}"


def recordings() -> list[Recording]:
    """Return all recordings, in the order of their names."""
    return [read(path) for path in sorted(RECORDED.glob("*/*.jsonl"))]


def read(path: Path) -> Recording:
    """Return the recording in a file."""
    head, *requests = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return Recording(path.parent.name, path.stem, head["endings"], head["versions"], requests)


def shift_ns(sent: list[Recording]) -> int:
    """Return what to add to recorded times so that the first was an hour ago."""
    return time.time_ns() - _HOUR_NS - min(min(one.endings.values()) for one in sent)


def bodies(recording: Recording, later_ns: int) -> Iterable[str]:
    """Yield the requests as OTLP JSON, a handful of spans each, with times so much later."""
    size = 20
    for start in range(0, len(recording.requests), size):
        joined = [
            resource
            for one in recording.requests[start : start + size]
            for resource in one["resourceSpans"]
        ]
        yield json.dumps({"resourceSpans": _moved(joined, later_ns)})


def _moved(message: Any, later_ns: int) -> Any:  # noqa: ANN401 - JSON
    if isinstance(message, list):
        return [_moved(one, later_ns) for one in message]
    if not isinstance(message, dict):
        return message
    return {
        name: str(int(value) + later_ns) if name in _TIMES else _moved(value, later_ns)
        for name, value in message.items()
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """What the facts say of one ending of one recording."""

    runs: list[Row]
    agents: list[Row]
    handoffs: list[Row]
    tools: list[Row]
    calls: list[Row]


class Replay:
    """A store that has had every recording sent to it, an hour ago."""

    def __init__(self, connection: Connection, folder: Path, sent: Iterable[Recording]) -> None:
        self._connection = connection
        sent = list(sent)
        self._shift_ns = shift_ns(sent)
        with running(folder, connection, Settings(flush_s=0.2)) as receiver:
            for one in sent:
                for body in bodies(one, self._shift_ns):
                    answer = receiver.post(body, content_type="application/json")
                    assert answer.status_code == 200, answer.text
                    assert "partialSuccess" not in answer.json(), answer.text
        self.tick_of(connection)

    @staticmethod
    def tick_of(connection: Connection, *, hours: int = 1) -> None:
        """Compute all facts of a store as if it were later, so that all traces have settled."""
        later_ns = time.time_ns() + hours * _HOUR_NS
        processor = Processor(
            connection,
            Settings(),
            oldest_in_flight_ns=lambda: later_ns,
            clock_ns=lambda: later_ns,
        )
        while processor.tick():
            pass

    @staticmethod
    def now_ns() -> int:
        """Return the time, ns since the epoch."""
        return time.time_ns()

    def shown(self, recording: Recording) -> dict[str, Shown]:
        """Return what the facts say of each ending."""
        began = [at + self._shift_ns for at in recording.endings.values()]
        until = [*began[1:], began[-1] + _HOUR_NS]
        return {
            ending: self._between(recording.service, *window)
            for ending, *window in zip(recording.endings, began, until, strict=True)
        }

    def _between(self, service: str, began_ns: int, until_ns: int) -> Shown:
        def rows(table: str) -> list[Row]:
            return self._connection.rows(
                f"SELECT * FROM {table} FINAL WHERE service = {{service:String}}"  # noqa: S608
                " AND toUnixTimestamp64Nano(started_at) >= {began:Int64}"
                " AND toUnixTimestamp64Nano(started_at) < {until:Int64} ORDER BY started_at",
                {"service": service, "began": began_ns, "until": until_ns},
            )

        return Shown(*map(rows, ("runs", "agent_runs", "handoffs", "tool_calls", "llm_calls")))


def total(rows: list[Row], column: str) -> Decimal | None:
    """Return a sum of what is known, None when nothing is."""
    known = [Decimal(row[column]) for row in rows if row[column] is not None]
    return sum(known, Decimal(0)) if known else None

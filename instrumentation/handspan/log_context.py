"""Who is running, on every log record: for `logging` and for structlog.

With the standard library:

    handler = logging.StreamHandler()
    handler.addFilter(RunFilter())
    handler.setFormatter(JsonFormatter())       # or ColourFormatter()

With structlog, `add_run` is one processor of the chain:

    structlog.configure(processors=[add_run, structlog.processors.JSONRenderer()])
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

from opentelemetry.context import attach, create_key, get_current, get_value, set_value
from opentelemetry.trace import (
    format_span_id,
    format_trace_id,
    get_current_span,
)

from handspan import colours
from handspan.blocks import leave
from handspan.context import run_in
from handspan.internal import contained
from handspan.json_lines import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

_KEY = create_key("handspan-log-context")

NAMES = (
    "run",
    "workflow",
    "agent",
    "attempt",
    "scenario",
    "phase",
    "turn",
    "actor",
    "trace_id",
    "span_id",
)
"""What a record may say; each is there only when it is known."""

_COLOURS: dict[int, colours.Colour] = {
    logging.DEBUG: "grey",
    logging.INFO: "green",
    logging.WARNING: "yellow",
    logging.ERROR: "red",
    logging.CRITICAL: "red",
}

# What every record has of its own; whatever else is on it came in by `extra=`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def log_context(
    *,
    run: str | None = None,
    scenario: str | None = None,
    phase: str | None = None,
    turn: int | None = None,
    actor: str | None = None,
) -> Iterator[None]:
    """Put these on every log record inside the block, nested blocks included.

    They travel as the running agent does: into asyncio tasks and whatever else takes the
    OpenTelemetry Context along. Run and agent need no mention inside Handspan's spans.

    Args:
        run: id of the run; None: that of the workflow around.
        scenario: name of the scenario that is played.
        phase: part of the scenario.
        turn: number of the turn.
        actor: who acts in the scenario.

    Example:
        >>> with log_context(scenario="blackout", phase="negotiation", turn=3, actor="mayor"):
        ...     logger.info("offer made")
    """
    given = {"run": run, "scenario": scenario, "phase": phase, "turn": turn, "actor": actor}
    known = {name: value for name, value in given.items() if value is not None}
    outside = get_current()
    inside = set_value(_KEY, {**_bound(), **known}, outside)
    attach(inside)
    try:
        yield
    finally:
        leave(get_current(), inside, outside)


def running() -> dict[str, str | int]:
    """Return who is running now, under `NAMES`; what is unknown is absent."""
    run = run_in()
    span = get_current_span().get_span_context()
    found: dict[str, str | int | None] = {
        "run": run.id,
        "workflow": run.workflow,
        "agent": run.agent,
        "attempt": run.attempt,
        **_bound(),
        "trace_id": format_trace_id(span.trace_id) if span.is_valid else None,
        "span_id": format_span_id(span.span_id) if span.is_valid else None,
    }
    return {name: found[name] for name in NAMES if found.get(name) is not None}  # type: ignore[misc]


def _bound() -> Mapping[str, str | int]:
    bound = get_value(_KEY)
    return bound if isinstance(bound, dict) else {}


class RunFilter(logging.Filter):
    """Puts who is running on each record; a name that `extra=` set is kept, none is dropped.

    A name that is unknown is None, so that a format string may use it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete the record; always keeps it."""
        self._complete(record)
        return True

    @contained
    def _complete(self, record: logging.LogRecord) -> None:
        found = running()
        for name in NAMES:
            record.__dict__.setdefault(name, found.get(name))


def add_run(
    logger: object,  # noqa: ARG001 - structlog's signature
    method_name: str,  # noqa: ARG001
    event_dict: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Put who is running on a structlog event; what the event has already is kept.

    Source: https://www.structlog.org/en/stable/processors.html
    """
    for name, value in (_running() or {}).items():
        event_dict.setdefault(name, value)
    return event_dict


@contained
def _running() -> dict[str, str | int]:
    return running()


class JsonFormatter(logging.Formatter):
    """One JSON object per record: timestamp (UTC), level, logger, message, who ran, extras.

    What is None is left out; what JSON does not know is written as text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, object] = {
            "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        known = {name: value for name, value in told.items() if value is not None}
        line = json.dumps(known, default=text_of, skipkeys=True, ensure_ascii=False)
        # Half a surrogate pair, which no stream can write, becomes the escape that JSON has for it.
        return line.encode(errors="backslashreplace").decode()


class ColourFormatter(logging.Formatter):
    """One line per record for people: time, level, logger, message, then who ran as key=value."""

    def __init__(self, stream: IO[str] | None = None, *, colour: bool | None = None) -> None:
        """Colour as `colour` says; None: when `stream` is a terminal and NO_COLOR is not set."""
        super().__init__()
        on_terminal = stream is not None and colours.wanted(stream)
        self._colour = on_terminal if colour is None else colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, with the traceback below it if there is one."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        known = {name: value for name, value in _extras(record).items() if value is not None}
        told = " ".join(f"{name}={text_of(value)}" for name, value in known.items())
        line = " ".join(
            part
            for part in (
                colours.painted(at, "grey", on=self._colour),
                colours.painted(
                    f"{record.levelname:<8}", _COLOURS.get(record.levelno), on=self._colour
                ),
                colours.painted(record.name, "bold", on=self._colour),
                colours.printable(record.getMessage()),
                colours.painted(colours.printable(told), "cyan", on=self._colour),
            )
            if part
        )
        if record.exc_info:
            told_by = self.formatException(record.exc_info).splitlines()
            line = "\n".join([line, *map(colours.printable, told_by)])
        return line


def _extras(record: logging.LogRecord) -> dict[str, object]:
    """Return what is on the record beyond the standard, who ran first."""
    more = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {name: more.pop(name) for name in NAMES if name in more} | more

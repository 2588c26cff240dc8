"""Who is running, on log records of `logging` and structlog."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest
import structlog

import handspan
from handspan.log_context import ColourFormatter, JsonFormatter, RunFilter, add_run, log_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan.testing import Spans

AT_S = 1_767_225_600.25
ORDERS: dict[str, int] = {}
TRACE_ID = f"{1:032x}"


class Unprintable:
    """A value that no code of ours may trip over."""

    def __str__(self) -> str:
        """Fail, as values of users do."""
        raise ValueError("no text for you")


class Log:
    """A logger of the user's with our filter, and what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.addFilter(RunFilter())
        self.logger = logging.getLogger("shop")
        self.logger.setLevel(logging.INFO)
        self.logger.addHandler(self.handler)

    def json(self) -> list[dict[str, Any]]:
        """Return the records written, without their time."""
        told = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [{key: one[key] for key in one if key != "timestamp"} for one in told]


@pytest.fixture
def log() -> Iterator[Log]:
    """A logger that writes JSON."""
    made = Log()
    made.handler.setFormatter(JsonFormatter())
    yield made
    made.logger.removeHandler(made.handler)


def test_a_record_says_who_ran(handspan_spans: Spans, log: Log) -> None:
    """From a log line to its run and its trace without a search."""
    log.logger.info("before")
    with (
        handspan.workflow("support", id="ticket-7"),
        handspan.agent("triage"),
        handspan.task("sort", attempt=2),
        log_context(scenario="blackout", phase="intake"),
        log_context(turn=3, actor="mayor"),
    ):
        log.logger.warning("looked at %s", "it", extra={"cost_usd": 0.5, "phase": "own"})
    log.logger.info("after")
    said = {"level": "info", "logger": "shop"}
    assert log.json() == [
        said | {"message": "before"},
        {
            "level": "warning",
            "logger": "shop",
            "message": "looked at it",
            "run": "ticket-7",
            "workflow": "support",
            "agent": "triage",
            "attempt": 2,
            "scenario": "blackout",
            "phase": "own",
            "turn": 3,
            "actor": "mayor",
            "trace_id": TRACE_ID,
            "span_id": f"{3:016x}",
            "cost_usd": 0.5,
        },
        said | {"message": "after"},
    ]
    assert len(handspan_spans) == 3


def test_a_run_can_be_named_without_any_span(log: Log) -> None:
    """Programs log before, or without, switching telemetry on."""
    with log_context(run="r-1", phase="setup"):
        log.logger.info("ready")
    assert log.json() == [
        {"level": "info", "logger": "shop", "message": "ready", "run": "r-1", "phase": "setup"}
    ]


async def test_interleaved_tasks_keep_their_context_apart(log: Log) -> None:
    """Actors of one scenario run at the same time."""

    async def act(turn: int) -> None:
        with log_context(actor=f"actor-{turn}", turn=turn):
            for _ in range(3):
                await asyncio.sleep(0)
                log.logger.info("said %d", turn)

    await asyncio.gather(*(act(turn) for turn in range(20)))
    told = log.json()
    assert len(told) == 60
    assert all(one["message"] == f"said {one['turn']}" for one in told)
    assert all(one["actor"] == f"actor-{one['turn']}" for one in told)


def test_json_tells_exceptions_and_whatever_is_no_json(log: Log) -> None:
    """A formatter that raises loses the line that was needed most."""
    try:
        ORDERS["order"]
    except KeyError:
        log.logger.exception("failed", extra={"what": Unprintable(), "who": {1, 2}})
    (told,) = log.json()
    assert told["message"] == "failed"
    assert told["exception"].endswith("KeyError: 'order'")
    assert told["what"] == "<Unprintable>"
    assert told["who"] == "{1, 2}"


def test_json_carries_the_time_in_utc() -> None:
    """Records of several machines are put in order by it."""
    record = logging.makeLogRecord({"msg": "m", "created": AT_S, "name": "shop"})
    assert json.loads(JsonFormatter().format(record))["timestamp"] == "2026-01-01T00:00:00.250Z"


def coloured(formatter: logging.Formatter, **more: object) -> str:
    """Return one record as the formatter writes it."""
    return formatter.format(
        logging.makeLogRecord(
            {
                "msg": "looked\nat it",
                "created": AT_S,
                "name": "shop",
                "levelno": logging.ERROR,
                "levelname": "ERROR",
                "agent": "triage",
                "run": "r-1",
                "phase": None,
                **more,
            }
        )
    )


def test_colours_for_people() -> None:
    """Level by colour, who ran behind the message; a message cannot forge a line."""
    assert coloured(ColourFormatter(colour=True)) == (
        "\x1b[90m00:00:00.250\x1b[0m \x1b[31mERROR   \x1b[0m \x1b[1mshop\x1b[0m looked�at it "
        "\x1b[36mrun=r-1 agent=triage\x1b[0m"
    )


def test_no_colours_where_no_terminal_is() -> None:
    """Log files stay readable."""
    told = coloured(ColourFormatter(io.StringIO()))
    assert told == "00:00:00.250 ERROR    shop looked�at it run=r-1 agent=triage"


def test_the_colour_formatter_shows_the_traceback() -> None:
    """An exception without its traceback is half an error."""
    try:
        ORDERS["order"]
    except KeyError:
        told = coloured(ColourFormatter(), exc_info=sys.exc_info())
    assert told.splitlines()[1] == "Traceback (most recent call last):"
    assert told.splitlines()[-1] == "KeyError: 'order'"


def test_a_plain_format_string_may_use_every_name(log: Log) -> None:
    """Outside a run a name is None, not a KeyError in logging."""
    log.handler.setFormatter(logging.Formatter("%(run)s %(agent)s %(phase)s %(message)s"))
    log.logger.info("m")
    assert log.stream.getvalue() == "None None None m\n"


def test_structlog_events_say_who_ran(handspan_spans: Spans) -> None:
    """A processor of structlog is a function of logger, method and event."""
    with handspan.workflow("support", id="ticket-7"), handspan.agent("triage"):
        event = add_run(None, "info", {"event": "looked", "agent": "own"})
    assert event == {
        "event": "looked",
        "agent": "own",
        "run": "ticket-7",
        "workflow": "support",
        "trace_id": TRACE_ID,
        "span_id": f"{2:016x}",
    }
    assert len(handspan_spans) == 2


def test_structlog_takes_the_processor(handspan_spans: Spans) -> None:
    """The real chain."""
    stream = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=[add_run, structlog.processors.JSONRenderer()]
    )
    with handspan.agent("triage"), log_context(turn=3):
        logger.info("looked")
    told = json.loads(stream.getvalue())
    assert (told["event"], told["agent"], told["turn"]) == ("looked", "triage", 3)
    assert len(handspan_spans) == 1


def test_no_text_of_a_model_breaks_the_log() -> None:
    """Half a surrogate pair cannot be written, and an escape sequence must not be."""
    # Not logged: pytest's own report cannot be written with it either.
    error = ValueError("red \x1b[31m")
    record = logging.LogRecord(
        "app", logging.ERROR, __file__, 1, "half \ud800", None, (ValueError, error, None)
    )
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == "half \ud800"
    line.encode()
    assert "\x1b" not in ColourFormatter(colour=False).format(record)

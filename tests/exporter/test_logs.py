"""A log record reaches machines as one object and people as one line."""

from __future__ import annotations

import json
import logging

import pytest

from handspan_exporter.cli.logs import JsonFormatter, TextFormatter, log_to_stderr


@pytest.fixture
def record() -> logging.LogRecord:
    """A record with a context and an error."""
    with pytest.raises(ValueError, match="two") as caught:
        int("two\nlines")
    why = (caught.type, caught.value, caught.tb)
    made = logging.LogRecord("handspan_exporter.writer", 40, "", 1, "segment %s", ("7",), why)
    made.segment = "7"
    return made


def test_json_is_one_object_with_the_context(record: logging.LogRecord) -> None:
    """Searched for by segment, not by a pattern over text."""
    line = JsonFormatter().format(record)
    said = json.loads(line)

    assert "\n" not in line
    assert (said["level"], said["message"], said["segment"]) == ("error", "segment 7", "7")
    assert said["traceback"].startswith("Traceback")
    assert set(said) == {"time", "level", "logger", "message", "segment", "traceback"}


def test_text_has_colours_only_when_told(record: logging.LogRecord) -> None:
    """A file with escape codes is nobody's friend."""
    assert "\x1b" not in TextFormatter(coloured=False).format(record)
    assert TextFormatter(coloured=True).format(record).startswith("\x1b[31m")


def test_stderr_gets_the_form_that_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is for answers."""
    before = logging.getLogger().handlers[:]
    try:
        log_to_stderr("json")
        logging.getLogger("handspan_exporter").warning("late", extra={"table": "runs"})
        printed = capsys.readouterr()
    finally:
        logging.getLogger().handlers[:] = before

    assert printed.out == ""
    assert json.loads(printed.err)["table"] == "runs"

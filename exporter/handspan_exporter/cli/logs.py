"""Log records on stderr: a line of text for people, or an object of JSON for machines."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, Final

_KNOWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest is its context, given by `extra`."""
_COLOURS: Final = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, message, the context, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, logger and message; on a terminal what is wrong has a colour."""

    def __init__(self, *, coloured: bool) -> None:
        """Choose whether levels have colours."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = super().format(record)
        colour = _COLOURS.get(record.levelname) if self._coloured else None
        return f"{colour}{text}{_PLAIN}" if colour else text


def log_to_stderr(form: str = "text") -> None:
    """Write the records of all loggers to stderr, `form` is `text` or `json`."""
    handler = logging.StreamHandler()
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(coloured=coloured))
    logging.basicConfig(handlers=[handler], force=True)

"""Keeps what exporters log to ourselves while they work for us.

OpenTelemetry's OTLP exporters log every retry and every lost batch: 25 lines a minute for a
receiver that is down. One line of ours says it, with the last of theirs as the reason. Exporters
that somebody else set up, in other threads, log as before.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGERS = (
    "opentelemetry.exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.trace.export",
    "requests",
    "urllib3",
)


class Heard:
    """The last thing that an exporter logged."""

    def __init__(self) -> None:
        self.last = ""


class _Here(threading.local):
    heard: Heard | None = None


_here = _Here()


class _Muted(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Pass what is logged outside `muted()`."""
        if _here.heard is None:
            return True
        _here.heard.last = record.getMessage()
        return False


_muted = _Muted()


@contextmanager
def muted() -> Iterator[Heard]:
    """Hear what exporters log in this thread, instead of everybody."""
    before, _here.heard = _here.heard, Heard()
    try:
        yield _here.heard
    finally:
        _here.heard = before


def listen(exporter: object) -> None:
    """Prepare the loggers of OpenTelemetry's exporters, and of this one, for `muted()`."""
    module = type(exporter).__module__
    for name, logger in tuple(logging.root.manager.loggerDict.items()):
        is_theirs = name.startswith((*_LOGGERS, module))
        if is_theirs and isinstance(logger, logging.Logger) and _muted not in logger.filters:
            # First, because OpenTelemetry's own filter drops what it has heard before.
            logger.filters.insert(0, _muted)

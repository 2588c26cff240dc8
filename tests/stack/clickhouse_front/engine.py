"""The engine behind the front: a pool of chdb sessions, so that no client waits for another.

A front with a single session makes clients time out and retry, and rows double.
"""

from __future__ import annotations

import queue
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import chdb
from tests.stack.clickhouse_front import native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_INSERT = re.compile(
    rb"(?is)^\s*(?P<into>insert\s+into\s.*?)\s+(?:settings\s+(?P<settings>.*?)\s+)?"
    rb"format\s+(?P<format>\w+)\s*?(?:;|\n|$)"
)
_SETTING = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One request, its compressions undone."""

    sql: bytes
    data: bytes = b""
    """Rows of an insert, in the format that the statement names."""
    database: str = "default"
    format: str = "TabSeparated"
    """Of an answer whose statement names none."""
    settings: Mapping[str, str] | None = None
    parameters: Mapping[str, str] | None = None


class Engine:
    """Executes statements on one folder; safe from any thread."""

    def __init__(self, folder: Path, *, sessions: int) -> None:
        """Open the folder, which one process at a time may have."""
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(sessions):
            self._idle.put(chdb.connect(str(folder)))
        with self._session() as session:
            self._version = session.query("SELECT version()", "TabSeparated").data().strip()

    def execute(self, statement: Statement) -> bytes:
        """Return the answer; blocks until a session is free and the statement is done.

        Raises:
            RuntimeError: ClickHouse refused it; the text begins with its code.
        """
        if native.GREETING.encode() in statement.sql:
            return native.greeting(self._version)
        with self._session() as session:
            session.query(f"USE `{statement.database}`")
            with _applied(session, statement.settings or {}):
                found = _INSERT.match(statement.sql)
                if found and statement.data:
                    return _insert(session, found, statement.data)
                text = (statement.sql + statement.data).decode()
                answer = session.query(
                    text, statement.format, params=dict(statement.parameters or {})
                )
                return answer.bytes() if hasattr(answer, "bytes") else b""

    @contextmanager
    def _session(self) -> Iterator[Any]:
        session = self._idle.get()
        try:
            yield session
        finally:
            self._idle.put(session)


@contextmanager
def _applied(session: Any, settings: Mapping[str, str]) -> Iterator[None]:  # noqa: ANN401
    """Set what a request asks for; the next one finds the session as it was."""
    names = [name for name in settings if _SETTING.fullmatch(name)]
    if names:
        session.query("SET " + ", ".join(f"{name} = {_quoted(settings[name])}" for name in names))
    try:
        yield
    finally:
        if names:
            session.query("SET " + ", ".join(f"{name} = DEFAULT" for name in names))


def _insert(session: Any, found: re.Match[bytes], data: bytes) -> bytes:  # noqa: ANN401
    """Insert through a file in memory: chdb takes binary rows in no other way."""
    into, settings, form = (
        (found[name] or b"").decode() for name in ("into", "settings", "format")
    )
    data = found.string[found.end() :] + data
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(data)
        file.flush()
        clause = f" SETTINGS {settings}" if settings else ""
        session.query(f"{into} FROM INFILE {_quoted(file.name)}{clause} FORMAT {form}")
    return b""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

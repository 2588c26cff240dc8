"""The local files of the older APIs, in their old shape, for who still reads them."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from handspan.clock import now_ns
from handspan.compat.counted import count
from handspan.internal import contained
from handspan.json_lines import JsonLines

File = Literal["workflow_events.jsonl", "agent_invocations.jsonl", "success_metrics.jsonl"]

_directory: Path | None = None
_session_id: str = ""
_files: dict[File, JsonLines] = {}
_lock = threading.Lock()


@contained
def write_files(directory: str | Path | None = "telemetry", session_id: str | None = None) -> None:
    """Write the JSONL files of the older APIs to a folder from now on, besides the spans.

    They stay on this machine, task descriptions included. Without this call no file is written.

    Args:
        directory: folder, made when it is missing; None: write no files any more.
        session_id: session on each record; None: one made up for this process.

    Example:
        >>> write_files("~/.agents/telemetry")
    """
    global _directory, _session_id  # noqa: PLW0603 - one process, one set of files
    with _lock:
        for lines in _files.values():
            lines.close()
        _files.clear()
        _directory = None if directory is None else Path(directory).expanduser()
        _session_id = session_id or _session_id or str(uuid.uuid4())


def writing() -> bool:
    """Say whether files are written."""
    return _directory is not None


@contained
def append(file: File, record: dict[str, object], *, session: bool = True) -> None:
    """Append a record with its timestamp and, if wanted, its session, when files are written."""
    lines = _lines(file)
    if lines is None:
        return
    told = {"session_id": _session_id} if session else {}
    first: dict[str, object] = {
        key: record[key] for key in ("event", "workflow_id") if key in record
    }
    try:
        lines.append({"timestamp": timestamp(now_ns()), **first, **told, **record})
    except OSError as error:
        count("files not written", f"cannot write {file} to {lines.path.parent}: {error.strerror}")


def _lines(file: File) -> JsonLines | None:
    with _lock:
        if _directory is None:
            return None
        if file not in _files:
            _files[file] = JsonLines(_directory / file)
        return _files[file]


def timestamp(at_ns: int) -> str:
    """Return a time as the older APIs write it: ISO 8601, UTC, milliseconds."""
    at = datetime.fromtimestamp(at_ns // 1_000_000 / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

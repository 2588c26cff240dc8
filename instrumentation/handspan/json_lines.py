"""Files of JSON objects, one a line."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import IO, Any


def text_of(value: object) -> str:
    """Return `str(value)`, or the name of its class when that fails."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a value of the user's that has no text
        return f"<{type(value).__name__}>"


class JsonLines:
    """A file to which JSON objects are appended, one a line, each written whole.

    From any thread. What JSON does not know is written as text.
    """

    def __init__(self, path: str | Path) -> None:
        """Append to `path`; its folder is made when it is missing, at the first line."""
        self.path = Path(path)
        self._file: IO[str] | None = None
        self._lock = threading.Lock()

    def append(self, record: object) -> None:
        """Append one object; returns when the operating system has it.

        Raises:
            OSError: the file cannot be written.
        """
        line = json.dumps(record, default=text_of, skipkeys=True, ensure_ascii=False) + "\n"
        with self._lock:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # A line in one write: lines of other processes fall between ours, not into them.
                self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Close the file; another `append` opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def read_json_lines(path: str | Path) -> list[dict[str, Any]]:
    """Return the objects of a file, oldest first; a missing file has none.

    A line that is no JSON object, such as the torn last line of a crash, is left out.

    Raises:
        OSError: the file is there and cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [record for line in text.splitlines() if (record := _parsed(line)) is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None

"""The lock on an embedded store: one process at a time, and everyone can see who."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TextIO

from handspan_exporter.errors import StoreHeld, StoreUnsuitable

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from handspan_exporter.store.dsn import Dsn

_FILE = "handspan.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the store open."""

    pid: int
    url: str
    """Of its HTTP API; empty when it offers none (a command at work)."""


class StoreLock:
    """Holds `folder` for this process until `release`, or until the process ends in any way."""

    def __init__(self, folder: Path, *, url: str = "", option: str = "--store") -> None:
        """Take the lock; `option` chooses another folder, for the message.

        Raises:
            StoreHeld: another process has it.
            StoreUnsuitable: the folder cannot be made or written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / _FILE).open("a+", encoding="utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from None
        self._folder = folder
        if not _taken(self._file):
            self._file.close()
            raise StoreHeld(_held(folder, option))
        self.announce(url)

    def announce(self, url: str) -> None:
        """Write down where this process can be asked.

        Raises:
            StoreUnsuitable: the disk is full.
        """
        try:
            self._file.seek(0)
            self._file.truncate()
            json.dump({"pid": os.getpid(), "url": url}, self._file)
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._folder, error) from None

    def release(self) -> None:
        """Give the store free; the file stays, empty, for the next holder."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()

    def __enter__(self) -> Self:
        """Return the lock, already taken."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the store free."""
        self.release()


def hold(dsn: Dsn, *, url: str = "") -> AbstractContextManager[StoreLock | None]:
    """Take the lock of an embedded store; a server has none and needs none.

    Raises:
        StoreHeld: another process has it.
        StoreUnsuitable: its folder cannot be made or written.
    """
    return nullcontext() if dsn.folder is None else StoreLock(dsn.folder, url=url)


def holder(folder: Path) -> Holder | None:
    """Return who has the store open, or None when nobody has. Never blocks."""
    try:
        with (folder / _FILE).open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _read(file.read())
    except OSError:
        pass  # no such folder, or not ours to read: `hold` says which
    return None


def _taken(file: TextIO) -> bool:
    """Try for a tenth of a second: `holder` of another process has the file for an instant."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False


def _read(text: str) -> Holder:
    """Read what a holder announced; it may not have written yet."""
    try:
        said = json.loads(text)
        return Holder(pid=int(said["pid"]), url=str(said["url"]))
    except (ValueError, KeyError, TypeError):
        return Holder(pid=0, url="")


def _unwritable(folder: Path, error: OSError) -> StoreUnsuitable:
    why = error.strerror or "it is not writable"
    return StoreUnsuitable(
        f"the store's folder {folder} cannot be written ({why}): choose another with --store"
    )


def _held(folder: Path, option: str) -> str:
    found = holder(folder)
    who = f"process {found.pid}" if found and found.pid else "another process"
    at = f", which answers at {found.url}" if found and found.url else ""
    what = option.removeprefix("--")
    return f"the {what} {folder} is held by {who}{at}: stop it, or choose another with {option}"

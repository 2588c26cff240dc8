"""One process at a time has the embedded store, and the others learn who."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from handspan_exporter.errors import StoreHeld, StoreUnsuitable
from handspan_exporter.store.lock import Holder, StoreLock, holder

if TYPE_CHECKING:
    from pathlib import Path

_HOLD = """
import pathlib, sys
from handspan_exporter.store.lock import StoreLock
lock = StoreLock(pathlib.Path(sys.argv[1]), url="http://127.0.0.1:8317")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_store_that_nobody_has_opened_has_no_holder(tmp_path: Path) -> None:
    """A command may then open it itself."""
    assert holder(tmp_path) is None
    assert holder(tmp_path / "absent") is None


def test_another_process_is_told_who_holds_the_store(tmp_path: Path) -> None:
    """The pid lets a person act, the URL lets a command ask instead."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"

        assert holder(tmp_path) == Holder(process.pid, "http://127.0.0.1:8317")
        with pytest.raises(StoreHeld, match=f"process {process.pid}.*8317.*--store"):
            StoreLock(tmp_path)
        process.kill()

    assert holder(tmp_path) is None, "a killed process must not leave the store locked"
    StoreLock(tmp_path).release()


def test_a_released_store_can_be_taken_again(tmp_path: Path) -> None:
    """The file of the lock stays; only the lock counts."""
    with StoreLock(tmp_path, url="http://one"):
        assert holder(tmp_path) == Holder(os.getpid(), "http://one")

    with StoreLock(tmp_path):
        assert holder(tmp_path) == Holder(os.getpid(), "")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A typing mistake in --store is one line, not a traceback."""
    file = tmp_path / "file"
    file.touch()

    for folder in (file, file / "below"):
        assert holder(folder) is None
        with pytest.raises(StoreUnsuitable, match=rf"{folder} cannot be written .*--store"):
            StoreLock(folder)

"""Disks of a test's own: one that can lose its power, one that can be full. They need root."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN: the file system stops as in a power cut; what is not on disk is gone."""
_NO_LOG_FLUSH = struct.pack("I", 2)


def _run(*command: object) -> None:
    """Run a command of the system; where it cannot, the test fails and says what it needs."""
    words = [str(word) for word in command]
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        pytest.fail(
            f"{words[0]} does not work here: {said.strip()}. Tests of full disks and power cuts "
            "mount file systems of their own: they need root, loop devices and mkfs.ext4"
        )


@dataclass
class PowerDisk:
    """An ext4 file system in a file."""

    image: Path
    folder: Path

    def cut_power(self) -> None:
        """Stop the file system at once; everything in it fails until `power_up`."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _NO_LOG_FLUSH)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Wait until all that is written is on disk."""
        os.sync()

    def power_up(self) -> None:
        """Mount it again, as a machine that starts does; nobody may have a file of it open."""
        _run("umount", self.folder)
        self.mount()

    def mount(self) -> None:
        """Mount it."""
        _run("mount", "-o", "loop", self.image, self.folder)


@contextmanager
def power_disk(folder: Path, *, size_bytes: int = 1 << 30) -> Iterator[PowerDisk]:
    """Yield a mounted disk; `folder` holds its image."""
    disk = PowerDisk(folder / "disk.img", folder / "disk")
    disk.folder.mkdir()
    with disk.image.open("wb") as file:
        file.truncate(size_bytes)
    _run("mkfs.ext4", "-q", "-F", disk.image)
    disk.mount()
    try:
        yield disk
    finally:
        _run("umount", disk.folder)


@contextmanager
def small_disk(folder: Path, *, size_bytes: int) -> Iterator[Path]:
    """Yield a mounted folder with room for so many bytes."""
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", folder)
    try:
        yield folder
    finally:
        _run("umount", folder)

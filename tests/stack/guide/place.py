"""A machine of its own for one page: its ports are free, its home is empty.

A network namespace, so that what the page prints (127.0.0.1:4317, 0.0.0.0:8123) is what runs, on
whatever machine the tests are. Where none can be had (a container without user namespaces), the
page is walked through on the machine's own ports, which then have to be free.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest
from tests.end_to_end.processes import BIN, ENOUGH_S, ROOT

if TYPE_CHECKING:
    from pathlib import Path

STAYS = re.compile(r"\b(?:handspan serve|jaeger)\b")
"""Commands that run until they are stopped."""
_LOOPBACK_UP = """
import fcntl, os, socket, struct
SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))
print("up", flush=True)
os.execlp("sleep", "sleep", "600")
"""


@dataclass
class Place:
    """Where a page is walked through; a context manager."""

    folder: Path
    """Home of its user, and where commands are typed."""
    inside: subprocess.Popen[str] | None = None
    left_running: list[tuple[str, subprocess.Popen[str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Make the namespace, if that is allowed here."""
        inside = subprocess.Popen(
            ["/usr/bin/unshare", "--net", "--map-root-user", sys.executable, "-c", _LOOPBACK_UP],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert inside.stdout is not None
        if inside.stdout.readline().strip() == "up":
            self.inside = inside
        else:
            inside.communicate()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what runs, and give the namespace up."""
        self.stop("")
        if self.inside is not None:
            self.inside.kill()
            self.inside.communicate()

    def type(self, line: str) -> str:
        """Type a line into a shell and return what it prints; one that stays is left running.

        A second `handspan serve` takes the place of the first: an embedded store has one process.
        """
        if STAYS.search(line):
            self._leave_running(line)
            return ""
        done = subprocess.run(
            self._inside(line),
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * ENOUGH_S,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def stop(self, program: str) -> None:
        """Stop the commands that were left running and whose line has `program` in it."""
        for line, process in [one for one in self.left_running if program in one[0]]:
            process.terminate()
            process.communicate(timeout=ENOUGH_S)
            self.left_running.remove((line, process))

    def _leave_running(self, line: str) -> None:
        name = "handspan serve" if "handspan serve" in line else "jaeger"
        self.stop(name)
        log = self.folder / f"{len(self.left_running)}.log"
        with log.open("w", encoding="utf-8") as said:
            process = subprocess.Popen(
                self._inside(f"exec env {line}"),
                env=self._environment,
                cwd=self.folder,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.left_running.append((line, process))
        ready = "page " if name == "handspan serve" else "Everything is ready"
        deadline = time.monotonic() + ENOUGH_S
        while ready not in log.read_text(encoding="utf-8"):
            late = time.monotonic() > deadline
            if late or process.poll() is not None:
                pytest.fail(f"{line}: {log.read_text(encoding='utf-8')}")
            time.sleep(0.05)

    def _inside(self, line: str) -> list[str]:
        if self.inside is None:
            return ["/bin/sh", "-c", line]
        enter = ["/usr/bin/nsenter", "--preserve-credentials", "--user", "--net"]
        return [*enter, "--target", str(self.inside.pid), "/bin/sh", "-c", line]

    @property
    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HANDSPAN_", "OTEL_", "XDG_")) and name != "COLUMNS"
        }
        return kept | {
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{BIN}:{os.environ['PATH']}:/usr/sbin",
            "PYTHONPATH": f"{ROOT / 'instrumentation'}:{ROOT / 'exporter'}",
            "PYTHONUNBUFFERED": "1",
        }

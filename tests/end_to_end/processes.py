"""The real commands as real processes, on free ports, with a store of their own."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handspan_exporter.telemetry import Metric

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENOUGH_S = 30.0
"""How long anything may take before a test gives up: a bound, not an expectation."""


_PORTS = range(10_000, 32_000)
"""Below those that the system itself hands out (ip_local_port_range)."""


def free_port() -> int:
    """Return a port that nobody listens on right now, and that nobody is given who asks for any.

    A program is started, killed and started again on its port. Meanwhile a server of another test,
    or a connection, must not get it: a client would talk to somebody else's store.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401
    """Return the first true answer of `condition`; fail after `ENOUGH_S`."""
    deadline = time.monotonic() + ENOUGH_S
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)
    pytest.fail(f"waited {ENOUGH_S} s for {what}")


@contextmanager
def running(command: Sequence[str | Path], port: int, **environment: str) -> Iterator[None]:
    """Run a program from when it listens on `port` to the end of the block."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )

    def answers() -> bool:
        if process.poll() is not None:
            pytest.fail(f"{command[0]} ended: {process.communicate()[0]}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers, f"{command[0]} to listen")
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=ENOUGH_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            pytest.fail(f"{command[0]} did not end within {ENOUGH_S} s")


@dataclass
class Service:
    """One `handspan serve`, which a test may kill and start again on the same store."""

    folder: Path
    options: Sequence[str] = ()
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    web: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None
    server: str = ""
    """DSN of a ClickHouse server; empty: the embedded store in `folder`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the process finds besides ours."""

    @property
    def store(self) -> str:
        """The DSN."""
        return self.server or f"chdb://{self.folder}"

    def start(self) -> None:
        """Start the process and wait until it answers."""
        self.process = subprocess.Popen(
            [
                *(str(BIN / "handspan"), "serve", "--store", self.store),
                *("--otlp-grpc", f"127.0.0.1:{self.grpc}"),
                *("--otlp-http", f"127.0.0.1:{self.http}"),
                *("--web", f"127.0.0.1:{self.web}"),
                *self.options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | dict(self.environment),
        )
        wait_for(self.answers, "serve to answer")

    def answers(self) -> bool:
        """Tell whether the API is up; fail when the process has ended."""
        assert self.process is not None
        if self.process.poll() is not None:
            assert self.process.stdout is not None
            pytest.fail(f"serve ended: {self.process.stdout.read()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.web)) == 0

    def kill(self) -> None:
        """End the process as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def freeze(self) -> None:
        """Let the process do nothing more, not even end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def await_empty_journal(self) -> None:
        """Return once all that was acknowledged is in the store."""
        folder = self.folder / "journal"
        for word, value in pairwise(self.options):
            folder = Path(value) if word == "--journal" else folder
        wait_for(lambda: not list(folder.glob("*.otlp")), "the journal to be stored")

    def await_facts(self) -> None:
        """Return once all that was acknowledged is in the store, and in the facts."""
        self.await_empty_journal()
        lines = ("handspan_processor_waiting_traces 0", "handspan_processor_lag_seconds 0.0")
        wait_for(lambda: all(line in self.metrics() for line in lines), "the facts")

    def metrics(self) -> list[str]:
        """Return the lines of /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/metrics") as answer:
            text: str = answer.read().decode()
        return text.splitlines()

    def counter(self, metric: Metric) -> int:
        """Return the count of a metric, over all its labels."""
        head = re.compile(rf"{metric.name}(\{{.*\}})? ")
        return sum(int(float(line.split()[-1])) for line in self.metrics() if head.match(line))

    def stop(self) -> tuple[int, str]:
        """End the process as an operator would; return its exit code and all it printed."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=ENOUGH_S)
        return self.process.returncode, output

    def ask(self, path: str) -> Any:  # noqa: ANN401
        """Return the JSON that the API answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/api/v1/{path}") as answer:
            return json.load(answer)


def handspan(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the `handspan` command to its end."""
    return subprocess.run(
        [str(BIN / "handspan"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * ENOUGH_S,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment,
    )

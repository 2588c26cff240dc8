"""Fixtures of the tests with real programs: what is missing is a failure that says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack.tools import COLLECTOR, Missing
from tests.end_to_end.processes import Service, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parents[2]


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
        process.communicate()


@pytest.fixture
def collector() -> Iterator[Callable[..., int]]:
    """Return a function that starts the real Collector and returns its OTLP/gRPC port."""
    try:
        program = COLLECTOR.require()
    except Missing as missing:
        pytest.fail(str(missing))
    with ExitStack() as started:

        def start(config: str, **environment: str) -> int:
            port = free_port()
            path = Path(__file__).parent / "collector" / config
            command: list[str | Path] = [program, "--config", path]
            started.enter_context(running(command, port, OTLP_PORT=str(port), **environment))
            return port

        yield start


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a running `handspan serve` on an empty store."""
    one = Service(tmp_path / "store")
    one.start()
    yield one
    if one.process is not None and one.process.poll() is None:
        one.kill()


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[int]:
    """Return the port of ClickHouse's HTTP protocol over an empty chdb."""
    port = free_port()
    front: list[str | Path] = [sys.executable, "-m", "tests.stack.clickhouse_front"]
    with running([*front, "--port", str(port), "--folder", tmp_path / "data"], port):
        yield port

"""The real Collector as a process with one of the files of collector-config/."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest
from stack.tools import COLLECTOR, Missing
from tests.end_to_end.processes import ROOT, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.processes import Service

CONFIGS = ROOT / "collector-config"
OURS = ROOT / "tests" / "stack" / "collector"
"""Files that only tests need."""
SHAPES = sorted(path for path in CONFIGS.glob("*.yaml") if path.stem != "jaeger")


def program() -> Path:
    """Return the Collector's program; fail with what to do when it was not built."""
    try:
        return COLLECTOR.require()
    except Missing as missing:
        pytest.fail(str(missing))


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """Run a service for the length of the block; it must end well when the block does."""
    service.start()
    try:
        yield service
    except BaseException:
        service.kill()
        raise
    code, said = service.stop()
    assert code == 0, said


@dataclass
class Shipped:
    """One Collector on ports of its own, which a test may kill and start again."""

    config: str
    folder: Path
    """Where it writes what it says."""
    environment: dict[str, str]
    """The variables of the file."""
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, whether or not it still runs."""
        self.stop()

    @property
    def address(self) -> str:
        """Where it takes OTLP over gRPC."""
        return f"127.0.0.1:{self.grpc}"

    @property
    def path(self) -> Path:
        """The file."""
        shipped = CONFIGS / f"{self.config}.yaml"
        return shipped if shipped.exists() else OURS / shipped.name

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self._log.read_text(encoding="utf-8")

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.config}-{self.grpc}.log"

    def start(self) -> None:
        """Start it and wait until it listens."""
        ours = {
            "OTLP_GRPC": self.address,
            "OTLP_HTTP": f"127.0.0.1:{self.http}",
            "HEALTH": f"127.0.0.1:{self.health}",
            "COLLECTOR_METRICS": "none",
        }
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [program(), "--config", self.path],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | ours | self.environment,
            )
        wait_for(self._listens, f"{self.config} to listen")

    def _listens(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"the Collector ended: {self.said}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.grpc)) == 0

    def kill(self) -> None:
        """End it as a lack of memory would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator would: it sends what it has, where somebody takes it."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

"""The programs that are compared, as processes on the loopback interface.

Each runs on an empty database of the same engine with the same `otel_traces`; the peers reach
theirs through ClickHouse's HTTP protocol, Handspan has its engine inside.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stack.tools import COLLECTOR, ROTEL

from handspan_exporter import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

_HERE = Path(__file__).parent
_START_S, _END_S = 60.0, 30.0
_PEERS_DATABASE = "otel"
_PEERS_TABLES = (
    "0001_otel_traces",
    "0002_otel_traces_trace_id_ts",
    "0003_otel_traces_trace_id_ts_mv",
)
"""What the Collector's exporter would create itself: the table and its companion."""


class Failed(Exception):
    """A program did not start, or ended before its time; the message shows what it said."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a store has in the end."""

    rows: int
    distinct: int
    agent_spans: int | None = None
    runs: int | None = None
    llm_calls: int | None = None


class System(ABC):
    """One way from OTLP to `otel_traces`; a context manager that starts and ends its processes."""

    name: str

    def __init__(self, folder: Path) -> None:
        """Remember the folder, an empty one on a disk."""
        self.folder = folder
        self.port = free_port()
        """Of OTLP over gRPC."""
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start all processes; return once they answer."""
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        self._end()

    @property
    def pids(self) -> list[int]:
        """All processes from the receiver to the engine."""
        return [process.pid for process in self._processes]

    @abstractmethod
    def start(self) -> None:
        """Start all processes."""

    @abstractmethod
    def has_stored(self, spans: int) -> bool:
        """Tell whether all that was acknowledged, so many spans, is in `otel_traces`."""

    @abstractmethod
    def has_facts(self, runs: int) -> bool:
        """Tell whether all that is computed from so many runs is computed."""

    @abstractmethod
    def counted(self) -> Counted:
        """Return what is stored; processes may be ended for it."""

    def run(
        self, command: Sequence[str | Path], port: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a process and return once it listens."""
        log = self.folder / f"{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | dict(environment or {}),
            )
        self._processes.append(process)

        def listens() -> bool:
            if process.poll() is not None:
                said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise Failed(f"{command[0]} ended with code {process.returncode}: {said}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, _START_S, f"{command[0]} to listen")

    def _end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def front(self, folder: Path, database: str) -> Front:
        """Start an engine on a folder behind ClickHouse's HTTP protocol."""
        front = Front(free_port(), database)
        command = [sys.executable, "-m", "tests.stack.clickhouse_front"]
        self.run([*command, "--port", str(front.port), "--folder", folder], front.port)
        return front


class Handspan(System):
    """`handspan serve` as it ships: fsync before each answer, agent spans and facts filled."""

    name = "Handspan"
    options: tuple[str, ...] = ()
    """Besides those that place it."""

    def start(self) -> None:
        """Start the service on an empty store."""
        self.web = free_port()
        store = self.folder / "store"
        self.run(
            [
                *(Path(sys.executable).parent / "handspan", "serve", "--store", f"chdb://{store}"),
                *("--otlp-grpc", f"127.0.0.1:{self.port}", "--otlp-http", "127.0.0.1:0"),
                *("--web", f"127.0.0.1:{self.web}"),
                *self.options,
            ],
            self.web,
        )

    def has_stored(self, spans: int) -> bool:
        """Tell whether the journal is empty: a segment is removed once it is stored."""
        return not spans or not any((self.folder / "store" / "journal").glob("*.otlp"))

    def has_facts(self, runs: int) -> bool:
        """Tell whether every trace is computed; asking the API would make facts hurry."""
        computed = self.metric("handspan_facts_traces_total")
        return computed >= runs and not self.metric("handspan_processor_lag_seconds")

    def metric(self, name: str) -> float:
        """Return one sample of `/metrics`, 0 where there is none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/metrics") as answer:
            text = answer.read().decode()
        found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def ask(self, path: str) -> Any:  # noqa: ANN401
        """Return the JSON that the API answers.

        Raises:
            urllib.error.HTTPError: it answers with an error.
        """
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web}/api/v1/{path}") as answer:
            return json.load(answer)

    def knows(self, run: str) -> bool:
        """Tell whether a run can be shown."""
        try:
            self.ask(f"runs/{run}")
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    def counted(self) -> Counted:
        """End the service, which holds the store, and count in it."""
        self._end()
        front = self.front(self.folder / "store" / "engine", "handspan")
        rows, distinct = front.numbers("counted")
        return Counted(rows, distinct, *front.numbers("facts"))


class Peer(System):
    """A collector before a ClickHouse."""

    def start(self) -> None:
        """Start the engine, create the table, start the collector."""
        self._front = self.front(self.folder / "data", _PEERS_DATABASE)
        Front(self._front.port, "default").ask(f"CREATE DATABASE {_PEERS_DATABASE}")
        for name in _PEERS_TABLES:
            self._front.ask(sql.load(f"schema/{name}"))
        self.start_collector(self._front.port)

    @abstractmethod
    def start_collector(self, clickhouse_port: int) -> None:
        """Start the collector that writes to this ClickHouse."""

    def has_stored(self, spans: int) -> bool:
        """Tell whether the table has so many rows."""
        return self._front.numbers("stored")[0] >= spans

    def has_facts(self, runs: int) -> bool:  # noqa: ARG002 - a peer has none
        """Return True: there are none."""
        return True

    def counted(self) -> Counted:
        """Count in the running engine."""
        rows, distinct = self._front.numbers("counted")
        return Counted(rows, distinct)


class TunedCollector(Peer):
    """The Collector with large batches."""

    name = "Collector, tuned"
    config = "tuned.yaml"

    def start_collector(self, clickhouse_port: int) -> None:
        """Start it with its configuration."""
        ports = {"OTLP_PORT": str(self.port), "CLICKHOUSE_PORT": str(clickhouse_port)}
        config = _HERE / "collector" / self.config
        self.run([COLLECTOR.require(), "--config", config], self.port, ports)


class DefaultCollector(TunedCollector):
    """The Collector with its batch processor's defaults."""

    name = "Collector, default batch"
    config = "default.yaml"


class TunedRotel(Peer):
    """rotel with large batches."""

    name = "rotel, tuned"

    def start_collector(self, clickhouse_port: int) -> None:
        """Start it with its options."""
        self.run(
            [
                *(ROTEL.require(), "start", "--otlp-grpc-endpoint", f"127.0.0.1:{self.port}"),
                *("--otlp-http-endpoint", f"127.0.0.1:{free_port()}", "--exporter", "clickhouse"),
                *("--clickhouse-exporter-endpoint", f"http://127.0.0.1:{clickhouse_port}"),
                *("--clickhouse-exporter-database", _PEERS_DATABASE),
                *("--clickhouse-exporter-compression", "none"),
                *("--batch-max-size", "50000", "--batch-timeout", "1s"),
            ],
            self.port,
        )


SYSTEMS: dict[str, type[System]] = {
    "handspan": Handspan,
    "collector": TunedCollector,
    "rotel": TunedRotel,
    "collector-default": DefaultCollector,
}


@dataclass(frozen=True, slots=True)
class Front:
    """A client of a front."""

    port: int
    database: str

    def ask(self, statement: str) -> str:
        """Return the answer, tab-separated."""
        address = f"http://127.0.0.1:{self.port}/?database={self.database}"
        with urllib.request.urlopen(address, statement.encode()) as answer:
            text: str = answer.read().decode()
        return text

    def numbers(self, name: str) -> list[int]:
        """Return the one row that `sql/<name>.sql` answers."""
        statement = (_HERE / "sql" / f"{name}.sql").read_text(encoding="utf-8")
        return [int(number) for number in self.ask(statement).split()]


def free_port() -> int:
    """Return a port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    condition: Callable[[], bool], most_s: float, what: str, every_s: float = 0.1
) -> None:
    """Return once the condition holds.

    Raises:
        Failed: it does not within `most_s`.
    """
    deadline_s = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise Failed(f"waited {most_s:.0f} s for {what}")
        time.sleep(every_s)

"""Full disks, a store that is gone, two services on one journal: nothing acknowledged is lost."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
from tests.end_to_end.counting import Clients, assert_all_there, stored
from tests.end_to_end.disks import power_disk, small_disk
from tests.end_to_end.processes import Service, free_port, handspan, wait_for

from handspan_exporter.store.lock import StoreLock
from handspan_exporter.telemetry import BYTES_TORN, STORE_RETRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end


@pytest.mark.parametrize("with_store", [False, True])
def test_a_full_disk_refuses_and_goes_on_when_there_is_room(
    tmp_path: Path,
    with_store: bool,  # noqa: FBT001
) -> None:
    """The journal's disk alone, or the store's as well: clients are told to come again."""
    with small_disk(tmp_path / "small", size_bytes=300 << 20) as small:
        folder = small / "store" if with_store else tmp_path / "store"
        service = Service(folder, options=["--journal", str(small / "journal")])
        service.start()
        clients = Clients(service.grpc, 1)
        with clients.sending():
            clients.await_more(200)
            _fill(small / "ballast")
            wait_for(lambda: clients.refusals, "a refusal")
            (small / "ballast").unlink()
            clients.await_more(200)
        service.await_empty_journal()
        code, output = service.stop()

        assert code == 0, output
        assert set(clients.refusals) == {grpc.StatusCode.UNAVAILABLE}
        assert not list((small / "journal" / "rejected").iterdir())
        assert_all_there(stored(service.store), clients.acknowledged)


def test_a_store_whose_disk_dies_is_waited_for(tmp_path: Path) -> None:
    """Every insert fails with an input/output error: that is no verdict on the rows."""
    with power_disk(tmp_path) as disk:
        options = ["--journal", str(tmp_path / "journal"), "--flush-s", "0.05"]
        service = Service(disk.folder / "store", options=options)
        service.start()
        clients = Clients(service.grpc, 1)
        with clients.sending():
            clients.await_more(200)
            disk.cut_power()
            clients.await_more(300)  # the journal has a disk of its own
            service.kill()
        disk.power_up()
        service.start()
        service.await_facts()
        code, output = service.stop()

        assert code == 0, output
        assert not list((tmp_path / "journal" / "rejected").iterdir())
        assert_all_there(stored(service.store), clients.acknowledged)


def _fill(path: Path) -> None:
    """Leave no byte free."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


@dataclass
class ClickHouse:
    """A ClickHouse of its own process, over HTTP."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """For `--store`."""
        return f"clickhouse://127.0.0.1:{self.port}/handspan"

    @property
    def trouble(self) -> Path:
        """The file that says what it suffers from."""
        return self.folder.with_suffix(".trouble")

    @contextmanager
    def suffering(self, **trouble: object) -> Iterator[None]:
        """Let it be in trouble for the length of the block, see `clickhouse_front.trouble`."""
        fresh = self.trouble.with_suffix(".new")
        fresh.write_text(json.dumps(trouble))
        fresh.replace(self.trouble)
        yield
        self.trouble.unlink()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Let it be killed, in the middle of inserts, and started again after the block."""
        self.kill()
        yield
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it take connections and do nothing for the length of the block."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        front = [sys.executable, "-m", "tests.stack.clickhouse_front", "--port", str(self.port)]
        options = ["--folder", str(self.folder), "--trouble", str(self.trouble)]
        self.process = subprocess.Popen([*front, *options])
        wait_for(self._answers, "ClickHouse to listen")

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[ClickHouse]:
    """Return a running ClickHouse."""
    one = ClickHouse(tmp_path / "clickhouse", free_port())
    one.start()
    yield one
    one.kill()


_NO_MEMORY = {"max_memory_usage": "65536", "max_untracked_memory": "0"}


@pytest.mark.parametrize("each_s", [0.3, pytest.param(60, marks=pytest.mark.soak)])
def test_a_clickhouse_in_every_trouble_costs_nothing(
    tmp_path: Path, clickhouse: ClickHouse, each_s: float
) -> None:
    """Slow, read-only, out of memory, silent, gone: clients notice nothing, nothing is doubled."""
    options = ["--journal", str(tmp_path / "journal"), "--flush-s", "0.05"]
    service = Service(tmp_path / "none", options=options, server=clickhouse.dsn)
    service.start()
    clients = Clients(service.grpc, 1)
    troubles = {
        "slow": clickhouse.suffering(slow_s=0.1),
        "read-only": clickhouse.suffering(settings={"readonly": "2"}),
        "out of memory": clickhouse.suffering(settings=_NO_MEMORY),
        "silent": clickhouse.suffering(lose_answers=True),
        "gone": clickhouse.gone(),
    }
    with clients.sending(every_s=each_s / 50):
        for what, trouble in troubles.items():
            clients.await_more(100)
            before = _retries(service)
            with trouble:
                clients.await_more(100)
                time.sleep(each_s)
                if what != "slow":
                    _await_retries(service, before, what)
    service.await_facts()
    code, output = service.stop()

    assert code == 0, output
    assert clients.refusals == []
    assert not list((tmp_path / "journal" / "rejected").iterdir())
    assert_all_there(stored(clickhouse.dsn), clients.acknowledged, shared=True)


def _await_retries(service: Service, before: int, what: str) -> None:
    wait_for(lambda: _retries(service) > before, f"the service to meet a store that is {what}")


def _retries(service: Service) -> int:
    """Return how often the store did not take what it was sent."""
    return service.counter(STORE_RETRIES)


def test_a_signal_while_the_store_is_gone_ends_in_time_and_the_next_start_stores_all(
    tmp_path: Path, clickhouse: ClickHouse
) -> None:
    """An operator who stops everything loses nothing; nor does a record torn by a power cut."""
    journal = tmp_path / "journal"
    options = ["--journal", str(journal), "--flush-s", "0.05", "--drain-s", "0.5"]
    service = Service(tmp_path / "none", options=options, server=clickhouse.dsn)
    service.start()
    clients = Clients(service.grpc, 1)
    with clients.sending(every_s=0.01):
        clients.await_more(100)
        clickhouse.kill()
        clients.await_more(100)
    code, output = service.stop()  # it fails where that takes half a minute
    assert code == 0, output
    assert "Traceback" not in output
    *_, newest = sorted(journal.glob("*.otlp"))
    with newest.open("ab") as file:
        file.write(newest.read_bytes()[:20])

    clickhouse.start()
    service.start()
    service.await_facts()

    assert service.counter(BYTES_TORN) == 20
    assert service.stop()[0] == 0
    assert_all_there(stored(clickhouse.dsn), clients.acknowledged, shared=True)


def test_a_signal_while_the_store_is_silent_ends_in_time(
    tmp_path: Path, clickhouse: ClickHouse
) -> None:
    """It takes statements and answers none, as behind a firewall: nobody waits for minutes."""
    journal = tmp_path / "journal"
    options = ["--journal", str(journal), "--flush-s", "0.05", "--drain-s", "0.1"]
    service = Service(tmp_path / "none", options=options, server=clickhouse.dsn)
    service.start()
    clients = Clients(service.grpc, 1)
    with clients.sending(every_s=0.01):
        clients.await_more(50)
        with clickhouse.frozen():
            clients.await_more(100)
            code, output = service.stop()  # it fails where that takes half a minute
    assert (code, "is stored at the next start" in output) == (0, True), output

    service.start()
    service.await_facts()
    service.stop()
    assert_all_there(stored(clickhouse.dsn), clients.acknowledged, shared=True)


def test_two_services_never_share_a_journal(tmp_path: Path) -> None:
    """With a ClickHouse server nothing else keeps them apart; each would store the other's."""
    with StoreLock(tmp_path / "journal"):
        free = ("--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--web", "127.0.0.1:0")
        store = ("--store", f"chdb://{tmp_path}/store", "--journal", str(tmp_path / "journal"))
        ended = handspan("serve", *store, *free)

    assert ended.returncode == 1
    assert f"the journal {tmp_path}/journal is held by process" in ended.stderr
    assert "--journal" in ended.stderr

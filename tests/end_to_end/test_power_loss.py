"""The machine loses its power: what was acknowledged is there when it starts again."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.counting import Clients, assert_all_there, stored
from tests.end_to_end.disks import power_disk
from tests.end_to_end.processes import Service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.disks import PowerDisk

pytestmark = pytest.mark.end_to_end

_DELIVERED_S = 0.3
"""What a stopped service has sent is with its clients by then: they share a machine."""


@pytest.mark.parametrize("cuts", [2, pytest.param(40, marks=pytest.mark.soak)])
def test_power_cuts_lose_nothing_and_double_nothing(tmp_path: Path, cuts: int) -> None:
    """The file system stops: journal, parts and metadata lose what was not synced."""
    chance = random.Random(cuts)  # noqa: S311 - not for secrets
    acknowledged: list[str] = []
    with power_disk(tmp_path) as disk:
        for number in range(cuts):
            service = Service(disk.folder / "store")
            service.start()
            clients = Clients(service.grpc, 1 + number * 10**12)
            with clients.sending():
                clients.await_more(200)
                time.sleep(chance.random() * (1 if cuts < 10 else 3))
                acknowledged += _cut_power(disk, service, clients, stopped=bool(number % 2))
            disk.power_up()

        service = Service(disk.folder / "store")
        service.start()
        service.await_facts()
        service.stop()

        assert_all_there(stored(service.store), acknowledged)


def _cut_power(disk: PowerDisk, service: Service, clients: Clients, *, stopped: bool) -> list[str]:
    """Cut the power and return what was acknowledged before that, by the order of events.

    Stopped first, the service sends nothing after the cut: each acknowledgement counts. Running,
    the cut meets whatever it is doing, and only those count that were noted before the file system
    was told: a sync under way at that moment may return as if it had succeeded (ext4 finds no
    transaction left to wait for), which the kernel's way of stopping does and a power cut cannot.
    """
    if stopped:
        service.freeze()
        time.sleep(_DELIVERED_S)
    before = len(clients.acknowledged)
    disk.cut_power()
    service.kill()
    assert not stopped or before == len(clients.acknowledged)
    return clients.acknowledged[:before]


def test_durability_of_the_process_only_is_what_it_says(tmp_path: Path) -> None:
    """Without syncs the same power cut loses spans: the test above would see it."""
    with power_disk(tmp_path) as disk:
        service = Service(disk.folder / "store", options=["--durability", "process"])
        service.start()
        disk.sync()
        clients = Clients(service.grpc, 1)
        with clients.sending():
            clients.await_more(100)
            acknowledged = _cut_power(disk, service, clients, stopped=True)
        disk.power_up()
        service.start()
        service.await_empty_journal()
        service.stop()
        found = stored(service.store)

    assert set(acknowledged) - found["otel_traces"].keys()

"""The machine loses its power: what was acknowledged is there when it starts again."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.counting import Clients, assert_all_there, stored
from tests.end_to_end.disks import needs_root, power_disk
from tests.end_to_end.processes import Service, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.end_to_end, needs_root]


@pytest.mark.soak
@pytest.mark.parametrize("cuts", [2, 20])
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
                time.sleep(chance.random() * 3)
                # A sync that is under way while the file system is told to stop may return as if
                # it had succeeded: the kernel's way of stopping, not that of a power cut.
                before = len(clients.acknowledged)
                disk.cut_power()
            service.kill()
            acknowledged += clients.acknowledged[:before]
            disk.power_up()

        service = Service(disk.folder / "store")
        service.start()
        wait_for(lambda: not list((service.folder / "journal").glob("*.otlp")), "the journal")
        service.stop()

        assert_all_there(stored(service.store), acknowledged)


def test_durability_of_the_process_only_is_what_it_says(tmp_path: Path) -> None:
    """Without syncs the same power cut loses spans: the test above would see it."""
    with power_disk(tmp_path) as disk:
        service = Service(disk.folder / "store", options=["--durability", "process"])
        service.start()
        disk.sync()
        clients = Clients(service.grpc, 1)
        with clients.sending():
            clients.await_more(100)
            disk.cut_power()
        service.kill()
        disk.power_up()
        service.start()
        wait_for(lambda: not list((service.folder / "journal").glob("*.otlp")), "the journal")
        service.stop()
        found = stored(service.store)

    assert set(clients.acknowledged) - found["otel_traces"].keys()

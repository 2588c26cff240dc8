"""Clocks jump: machines sleep, virtual ones are moved, time servers correct what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end.counting import Clients, assert_all_there, stored
from tests.end_to_end.processes import Service
from tests.stack.clocks import Clock

if TYPE_CHECKING:
    from pathlib import Path

_JUMP_S = 3000
"""Short of the hour beyond which the door refuses spans as from the future."""


def test_a_clock_that_jumps_while_spans_come_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Names of segments, tokens, arrivals and the processor's place in them come from it.

    Killed while it is ahead, the next process finds segments from its future.
    """
    clock = Clock(tmp_path)
    service = Service(
        tmp_path / "store", options=["--flush-s", "0.05"], environment=clock.environment()
    )
    service.start()
    clients = Clients(service.grpc, 1)
    with clients.sending(every_s=0.02):
        for ahead_s in (0, _JUMP_S, -_JUMP_S, 0, _JUMP_S):
            clock.set(ahead_s)
            clients.await_more(100)
        service.kill()
    clock.set(-_JUMP_S)
    later = Service(service.folder, options=service.options, environment=clock.environment())
    later.start()
    second = Clients(later.grpc, 1 + 10**12)
    with second.sending(every_s=0.02):
        for ahead_s in (-_JUMP_S, 0, _JUMP_S, 0):
            clock.set(ahead_s)
            second.await_more(100)
    later.await_facts()
    code, output = later.stop()

    assert code == 0, output
    assert second.refusals == []
    assert_all_there(stored(service.store), clients.acknowledged + second.acknowledged)

"""Of several services on one server one leads, whatever clocks do and whoever is killed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from handspan_exporter.store.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from handspan_exporter.store.connection import Connection

LEASE_S = 9.0


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Return the clock of all leases of a test."""
    return Clock()


@pytest.fixture
def lease(connect_again: Callable[[], Connection], clock: Clock) -> Callable[..., Lease]:
    """Return a function that makes a lease as one more process has it."""

    def make(holder: str = "") -> Lease:
        return Lease(connect_again(), "facts", lease_s=LEASE_S, holder=holder, clock_s=clock)

    return make


def test_the_first_leads_and_the_second_waits(lease: Callable[..., Lease], clock: Clock) -> None:
    """Two processors would compute everything twice."""
    first, second = lease(), lease()

    assert (first.hold(), second.hold()) == (True, False)
    for _ in range(5):
        clock.now_s += LEASE_S / 3
        assert (first.hold(), second.hold()) == (True, False)


def test_a_silent_holder_is_waited_for_and_then_replaced(
    lease: Callable[..., Lease], clock: Clock
) -> None:
    """A killed process never comes back; one that does has been fenced off."""
    first, second = lease(), lease()
    assert first.hold()
    assert not second.hold()

    clock.now_s += LEASE_S - 1
    assert not second.hold()
    clock.now_s += LEASE_S / 3
    assert not first.held, "its own clock tells the holder that its time is over"
    assert second.hold()
    assert second.fence > first.fence
    assert not first.hold(), "what it finds is another's"
    clock.now_s += LEASE_S / 3
    assert (second.hold(), first.hold()) == (True, False)


def test_one_given_back_is_free_at_once(lease: Callable[..., Lease]) -> None:
    """Nobody should wait for a service that was ended in good order."""
    first, second = lease(), lease()
    assert first.hold()
    first.release()

    assert second.hold()
    assert not first.held


def test_a_restarted_holder_need_not_wait_for_itself(lease: Callable[..., Lease]) -> None:
    """It has the journal's lock, so the process before it is gone."""
    first = lease("host-a")
    assert first.hold()

    again = lease("host-a")
    assert again.hold()
    assert again.fence > first.fence


@pytest.mark.parametrize("hours", [-48, 48])
def test_a_jump_of_the_servers_clock_does_no_harm(
    lease: Callable[..., Lease], connect_again: Callable[[], Connection], clock: Clock, hours: int
) -> None:
    """Back: others go by their own. Forward: they are too soon, and the old one is fenced."""
    store = connect_again()
    store.command(
        "INSERT INTO leases (name, revision, holder, fence, renewed_at) "
        f"SELECT 'facts', 7, 'dead', 4000000000000000000, now64(9) - INTERVAL {hours} HOUR"
    )
    second = lease()

    assert second.hold() is (hours > 0)
    clock.now_s += LEASE_S
    assert second.hold()
    assert second.fence > 4_000_000_000_000_000_000, "whatever clocks say, older writes lose"


def test_of_many_that_claim_at_once_one_leads(lease: Callable[..., Lease]) -> None:
    """All see the same newest revision, and ask for the next one."""
    several = [lease() for _ in range(6)]
    gate = threading.Barrier(len(several))

    def claim(one: Lease) -> None:
        gate.wait()
        one.hold()

    threads = [threading.Thread(target=claim, args=(one,)) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.held for one in several].count(True) == 1


def test_a_revision_that_a_crash_took_is_passed_over(
    lease: Callable[..., Lease], connect_again: Callable[[], Connection], clock: Clock
) -> None:
    """ClickHouse notes a token before its row: killed in between, nobody could ever claim it."""
    store = connect_again()
    row = pa.table(
        {
            "name": ["facts"],
            "revision": pa.array([1], pa.uint64()),
            "holder": ["dead"],
            "fence": pa.array([1], pa.uint64()),
        }
    )
    store.insert("leases", row, token="facts-1")  # noqa: S106 - no password
    store.command("ALTER TABLE leases DELETE WHERE 1 SETTINGS mutations_sync = 2")
    one = lease()

    assert not one.hold()
    for _ in range(6):
        clock.now_s += LEASE_S / 3
        one.hold()
    assert one.held

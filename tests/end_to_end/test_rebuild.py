"""`handspan rebuild` on a store that has been served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import handspan, wait_for
from tests.end_to_end.test_serve import grpc, record, total

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.processes import Service

pytestmark = pytest.mark.end_to_end


def test_what_is_made_anew_from_raw_spans_gives_the_same_numbers(service: Service) -> None:
    """Raw spans are the truth; everything else can be made from them again."""
    record(grpc(service), runs=5)
    before = wait_for(
        lambda: (row := total(service, "workflow_success_ratio"))["n"] == 5 and row, "five runs"
    )
    service.stop()

    looked = handspan("doctor", "--mapping", "--store", service.store)
    assert looked.returncode == 0, looked.stderr
    assert "10 of 10 spans are agent work as otel" in looked.stdout

    ended = handspan("rebuild", "--store", service.store)
    assert ended.returncode == 0, ended.stderr
    assert "10 spans read again" in ended.stdout

    service.start()
    assert total(service, "workflow_success_ratio") == before
    assert total(service, "agent_performance")["n"] == 5


def test_a_store_that_is_served_cannot_be_made_anew(service: Service) -> None:
    """The embedded engine takes one process; the message says which one it is."""
    ended = handspan("rebuild", "--store", service.store)

    assert ended.returncode == 1
    assert "is held by process" in ended.stderr


def test_there_is_nothing_to_rebuild_where_no_store_is(tmp_path: Path) -> None:
    """A typing mistake in --store must not leave an empty store behind."""
    ended = handspan("rebuild", "--store", f"chdb://{tmp_path / 'absent'}")

    assert ended.returncode == 1
    assert "there is no store" in ended.stderr
    assert not (tmp_path / "absent").exists()

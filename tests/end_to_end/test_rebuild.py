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
    asked = handspan("doctor", "--mapping", "--store", service.store)
    service.stop()

    looked = handspan("doctor", "--mapping", "--store", service.store)
    assert looked.returncode == 0, looked.stderr
    assert "10 of 10 spans are agent work as otel" in looked.stdout
    assert asked.stdout == looked.stdout, asked.stderr

    ended = handspan("rebuild", "--store", service.store)
    assert ended.returncode == 0, ended.stderr
    assert "10 spans read again" in ended.stdout

    service.start()
    assert total(service, "workflow_success_ratio") == before
    assert total(service, "agent_performance")["n"] == 5


def test_a_store_that_is_served_is_made_anew_by_who_serves_it(service: Service) -> None:
    """The embedded engine takes one process: the command finds it by the lock and asks it."""
    record(grpc(service), runs=5)
    before = wait_for(
        lambda: (row := total(service, "workflow_success_ratio"))["n"] == 5 and row, "five runs"
    )

    ended = handspan("rebuild", "--since", "1d", "--store", service.store)
    assert ended.returncode == 0, ended.stderr
    url = f"http://127.0.0.1:{service.web}"
    assert ended.stdout.startswith(f"10 raw spans read again by the service at {url}; their facts")
    migrated = handspan("migrate", "--store", service.store)
    assert f"is up to date: the service at {url}" in migrated.stdout, migrated.stderr

    priced = handspan("prices", "reprice", "--url", url)
    assert priced.stdout.startswith("0 model calls read again"), priced.stderr
    assert total(service, "workflow_success_ratio") == before
    assert total(service, "agent_performance")["n"] == 5
    refused = handspan("prices", "reprice", "--prices", "own.toml", "--store", service.store)
    assert refused.returncode == 2
    assert "prices by the file it was started with" in refused.stderr
    code, said = service.stop()
    assert code == 0, said


def test_there_is_nothing_to_rebuild_where_no_store_is(tmp_path: Path) -> None:
    """A typing mistake in --store must not leave an empty store behind."""
    ended = handspan("rebuild", "--store", f"chdb://{tmp_path / 'absent'}")

    assert ended.returncode == 1
    assert "there is no store" in ended.stderr
    nobody = handspan("rebuild", "--follow", "--store", f"chdb://{tmp_path / 'absent'}")
    assert "nothing to follow" in nobody.stderr
    assert not (tmp_path / "absent").exists()

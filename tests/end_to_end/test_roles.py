"""Several services on one ClickHouse server: who takes spans, who computes, who takes over."""

from __future__ import annotations

import signal
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import Service, handspan, wait_for
from tests.end_to_end.test_serve import grpc, record, total
from tests.stack.clickhouse_front.process import fronting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

KPI = "workflow_success_ratio"


def leads(service: Service) -> bool:
    """Tell whether this is the one that computes facts."""
    with urllib.request.urlopen(f"http://127.0.0.1:{service.web}/metrics") as answer:
        return "\nhandspan_processor_leads 1\n" in answer.read().decode()


@contextmanager
def services(folder: Path, store: str, *roles: str) -> Iterator[list[Service]]:
    """Start one service per role, one after the other; end what is left of them."""
    started = []
    try:
        for number, role in enumerate(roles):
            options = ("--role", role, "--lease-s", "3", "--journal", str(folder / f"{number}"))
            started.append(Service(folder, options, server=store))
            started[-1].start()
        yield started
    finally:
        for one in started:
            if one.process is not None and one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()


def test_two_receivers_one_processor_and_one_that_takes_over(tmp_path: Path) -> None:
    """A killed leader is replaced; one that was only asleep comes back to find itself replaced."""
    with (
        fronting(tmp_path / "data") as port,
        services(
            tmp_path,
            f"clickhouse://127.0.0.1:{port}/handspan",
            *("receiver", "processor", "processor", "receiver"),
        ) as (left, first, second, right),
    ):
        wait_for(lambda: leads(first), "the first to lead")
        assert not leads(second)
        record(grpc(left), runs=2)
        record(grpc(right), runs=3)
        wait_for(lambda: total(left, KPI)["n"] == 5, "runs of both receivers")

        assert first.process is not None
        first.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: leads(second), "the second to take over")
        record(grpc(left), runs=2)
        wait_for(lambda: total(right, KPI)["n"] == 7, "what came meanwhile")
        first.process.send_signal(signal.SIGCONT)
        record(grpc(right), runs=1)
        wait_for(lambda: total(right, KPI)["n"] == 8, "the one after")
        # On a slow machine a tick may outlast the lease, and the first have it again by now.
        wait_for(lambda: leads(first) != leads(second), "one of them to know that it is replaced")

        leading, other = (first, second) if leads(first) else (second, first)
        leading.kill()
        wait_for(lambda: leads(other), "the other to lead again")
        record(grpc(left), runs=1)
        wait_for(lambda: total(right, KPI)["n"] == 9, "the last one")
        code, said = other.stop()
        assert code == 0, said
        assert "OTLP" not in said, "a processor takes no spans"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--role", "processor"), "--role processor needs a ClickHouse server"),
        (("--attach", "otel.otel_traces"), "--attach needs the ClickHouse server"),
        (
            ("--store", "clickhouse://h", "--attach", "t", "--role", "receiver"),
            "--attach takes no spans",
        ),
    ],
)
def test_what_only_a_server_can_do_is_told(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    """One line, before anything is opened."""
    ended = handspan("serve", *options, XDG_DATA_HOME=str(tmp_path))

    assert (ended.returncode, says in ended.stderr) == (2, True), ended.stderr

"""Handspan goes away, says no for a while, or the Collector is killed: every span arrives."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import Service, free_port, wait_for
from tests.stack.collector.sending import Reader, Run, send
from tests.stack.collector.shipped import Shipped, serving

from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end


def runs(number: int) -> list[Run]:
    """Return so many runs."""
    return [Run() for _ in range(number)]


def stored(service: Service) -> set[str]:
    """Return the ids of all spans in the store of a service that has ended."""
    opened = connect(parse(service.store))
    rows = opened.rows("SELECT DISTINCT SpanId AS id FROM otel_traces")
    opened.close()
    return {row["id"] for row in rows}


def every(sent: list[Run]) -> set[str]:
    """Return the ids of the spans of runs."""
    return set().union(*(run.spans for run in sent))


def arrived(service: Service, spans: int) -> bool:
    """Tell whether a running service has stored so many spans."""
    return bool(service.ask("health")["spans"] >= spans)


@pytest.fixture
def reader() -> Reader:
    """Return where the service's store is read."""
    return Reader(free_port())


@pytest.fixture
def service(tmp_path: Path, reader: Reader) -> Iterator[Service]:
    """Return a service that was not started; whatever is left of it is killed."""
    one = Service(tmp_path / "store", ["--clickhouse-http", f"127.0.0.1:{reader.port}"])
    yield one
    if one.process is not None and one.process.poll() is None:
        one.kill()


RECONNECTS_S = 150.0
"""gRPC waits up to two minutes (and a fifth) between attempts to connect, whatever the exporter's
own retries are: so long may a Collector need to notice that Handspan is back."""


def _outage(service: Service, reader: Reader, folder: Path, away_s: float) -> None:
    """Send before, while and after Handspan is killed; compare ids."""
    service.start()
    with Shipped("gateway", folder, {"HANDSPAN": f"127.0.0.1:{service.grpc}"}) as collector:
        sent = send(collector.address, runs(100))
        wait_for(lambda: arrived(service, 200), "what came before")
        service.kill()
        sent += send(collector.address, runs(300))
        time.sleep(away_s)  # what is tested is the length of the outage
        service.start()
        sent += send(collector.address, runs(100))
        back_s = time.monotonic()
        # First: a Collector that is stopped while it waits to try again drops what it has.
        while not reader.has(sent):
            assert time.monotonic() - back_s < RECONNECTS_S, "not all of it"
            time.sleep(0.1)
        print(f"all spans stored {time.monotonic() - back_s:.0f} s after Handspan was back")  # noqa: T201 - for RESULTS.md
    code, said = service.stop()
    assert code == 0, said
    assert stored(service) == every(sent)


def test_handspan_is_killed_and_away_for_a_while(
    service: Service, reader: Reader, tmp_path: Path
) -> None:
    """Programs see nothing of it: the Collector takes their spans and keeps them."""
    _outage(service, reader, tmp_path, away_s=3)


@pytest.mark.soak
def test_handspan_is_away_for_more_than_a_minute(
    service: Service, reader: Reader, tmp_path: Path
) -> None:
    """Back-off has reached its longest wait by then."""
    _outage(service, reader, tmp_path, away_s=70)


def test_the_collector_is_killed_while_handspan_is_away(service: Service, tmp_path: Path) -> None:
    """What programs were told is taken is on disk: no process needs to live on."""
    environment = {
        "HANDSPAN": f"127.0.0.1:{service.grpc}",
        "QUEUE_FOLDER": str(tmp_path / "queue"),
    }
    with Shipped("persistent-queue", tmp_path, environment) as collector:
        sent = send(collector.address, runs(150))
        collector.kill()
        collector.start()
        sent += send(collector.address, runs(150))
        collector.kill()
        service.start()
        collector.start()
        wait_for(lambda: arrived(service, 600), "all of it")
    service.await_empty_journal()
    code, said = service.stop()
    assert code == 0, said
    assert stored(service) == every(sent)


def test_a_token_over_its_limit_is_waited_for(tmp_path: Path) -> None:
    """Handspan says when to come again (RetryInfo), without which the Collector would drop."""
    token = TokenFile(tmp_path / "tokens.json").add("collector", ("ingest",), spans_per_s=100)
    one = Service(tmp_path)
    environment = {"HANDSPAN": f"127.0.0.1:{one.grpc}", "HANDSPAN_TOKEN": token}
    sent: list[Run] = []
    with serving(one), Shipped("gateway", tmp_path, environment) as collector:
        for _ in range(3):
            sent += send(collector.address, runs(150))
            time.sleep(1.1)  # longer than the exporter gathers: each is a request of its own
        wait_for(lambda: arrived(one, 900), "all of it")
        (refused,) = [line for line in one.metrics() if 'reason="spans_per_s"' in line]
        assert float(refused.split()[-1]) > 0
        collector.stop()
    assert stored(one) == every(sent)


def test_a_full_queue_makes_programs_wait_and_drops_nothing(
    service: Service, tmp_path: Path
) -> None:
    """Room for 200 spans, and 600 that come while Handspan is away."""
    environment = {"HANDSPAN": f"127.0.0.1:{service.grpc}", "QUEUE_SPANS": "200"}
    with Shipped("gateway", tmp_path, environment) as collector:
        sent = [runs(50) for _ in range(6)]
        programs = [
            threading.Thread(target=send, args=(collector.address, some), kwargs={"wait_s": 60.0})
            for some in sent
        ]
        for program in programs:
            program.start()
        wait_for(lambda: "Exporting failed. Will retry" in collector.said, "the first failure")
        assert any(program.is_alive() for program in programs)
        service.start()
        for program in programs:
            program.join()
        wait_for(lambda: arrived(service, 600), "all of it")
    service.await_empty_journal()
    code, said = service.stop()
    assert code == 0, said
    assert stored(service) == every([run for some in sent for run in some])

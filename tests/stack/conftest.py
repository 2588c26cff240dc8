"""Fixtures of the tests with real programs: what is missing is a failure that says what to do."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack.tools import COLLECTOR, Missing
from tests.end_to_end.processes import Service, free_port, running
from tests.stack.clickhouse_front.process import fronting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_BESIDE = "test_oldest_clickhouse.py"
"""As long as nearly all others together, and alone with its server: it runs in a process of its
own beside them, who share ports, pictures and a browser, and stay in one."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests go to which process, for `--dist loadgroup`."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            beside = item.path.name == _BESIDE
            item.add_marker(pytest.mark.xdist_group("beside" if beside else "stack"))


@pytest.fixture
def collector() -> Iterator[Callable[..., int]]:
    """Return a function that starts the real Collector and returns its OTLP/gRPC port."""
    try:
        program = COLLECTOR.require()
    except Missing as missing:
        pytest.fail(str(missing))
    with ExitStack() as started:

        def start(config: str, **environment: str) -> int:
            port = free_port()
            path = Path(__file__).parent / "collector" / config
            command: list[str | Path] = [program, "--config", path]
            started.enter_context(running(command, port, OTLP_PORT=str(port), **environment))
            return port

        yield start


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a running `handspan serve` on an empty store."""
    one = Service(tmp_path / "store")
    one.start()
    yield one
    if one.process is not None and one.process.poll() is None:
        one.kill()


@pytest.fixture
def clickhouse(tmp_path: Path) -> Iterator[int]:
    """Return the port of ClickHouse's HTTP protocol over an empty chdb."""
    with fronting(tmp_path / "data") as port:
        yield port

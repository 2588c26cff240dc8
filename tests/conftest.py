"""What suites share that run in one process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.dsn import Dsn


settings.register_profile("fixed", derandomize=True, print_blob=True)
settings.register_profile("random", print_blob=True)
settings.load_profile("fixed")
"""What lands must not hang on chance: the same inputs each time. `make soak` takes new ones."""

SERVER = "HANDSPAN_TEST_STORE"
"""Variable with the DSN of a server that the tests use in place of the embedded engine."""


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """Open the one embedded engine that a process can have; tests take a database of it each.

    tests/stack/test_oldest_clickhouse.py has them all use a server in its place.
    """
    from handspan_exporter.store import dsn as dsns  # noqa: PLC0415 - not every suite needs it
    from handspan_exporter.store.connection import connect  # noqa: PLC0415

    server = os.environ.get(SERVER)
    dsn = dsns.parse(server or f"chdb://{tmp_path_factory.mktemp('store')}")
    keep = connect(dsn)
    yield dsn
    keep.close()


@pytest.fixture(autouse=True, scope="module")
def _no_provider_is_left_behind() -> Iterator[None]:
    """Fail the module that leaves a provider set: modules after it would record with it."""
    from handspan.record import tracer  # noqa: PLC0415 - not every suite needs it

    before = tracer.current_provider()
    yield
    assert tracer.current_provider() is before, "this module leaves its tracer provider set"

"""What suites share that run in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.dsn import Dsn


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """Open the one embedded engine that a process can have; tests take a database of it each."""
    from handspan_exporter.store import dsn as dsns  # noqa: PLC0415 - not every suite needs it
    from handspan_exporter.store.connection import connect  # noqa: PLC0415

    dsn = dsns.parse(f"chdb://{tmp_path_factory.mktemp('store')}")
    keep = connect(dsn)
    yield dsn
    keep.close()

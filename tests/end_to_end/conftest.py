"""Fixtures of the tests that start real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.end_to_end.processes import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a running service on an empty store."""
    one = Service(tmp_path / "store")
    one.start()
    yield one
    if one.process is not None and one.process.poll() is None:
        one.kill()

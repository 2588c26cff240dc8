"""What the tests of the older APIs share."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from handspan.compat import counted, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def counted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the calls of this test only; warn of each, and log each error, anew."""
    monkeypatch.setattr(counted, "_counts", Counter())
    monkeypatch.setattr("handspan.internal._warned", set())
    monkeypatch.setattr("handspan.internal._logged", set())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that gets the old files."""
    files.write_files(tmp_path / "telemetry", session_id="s-1")
    yield tmp_path / "telemetry"
    files.write_files(None)

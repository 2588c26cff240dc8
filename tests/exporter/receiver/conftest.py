"""Receivers for every test that wants one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.exporter.receiver.doors import MAX_REQUEST_BYTES, Receiver, running

from handspan_exporter.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handspan_exporter.store.connection import Connection


@pytest.fixture
def receiver(tmp_path: Path, connection: Connection) -> Iterator[Receiver]:
    """Both doors in front of a real journal and a real store."""
    with running(tmp_path, connection, Settings(max_request_bytes=MAX_REQUEST_BYTES)) as one:
        yield one


@pytest.fixture
def full_receiver(tmp_path: Path, connection: Connection) -> Iterator[Receiver]:
    """Both doors in front of a journal that has room for almost nothing, and that stays so."""
    little = Settings(journal_max_bytes=1 << 20)
    with running(tmp_path, connection, little, writing=False) as one:
        yield one

"""A store for each module that checks truth."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.truth.store import Store, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.dsn import Dsn

_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(engine: Dsn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store that spans reach through the receiver, in a database of this module."""
    dsn = replace(engine, database=f"truth_{next(_numbers)}")
    with opened(tmp_path_factory.mktemp("journal"), dsn) as one:
        yield one

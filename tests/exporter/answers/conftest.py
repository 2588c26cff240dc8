"""A store with facts that lasts as long as a test module."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.exporter.answers.facts import Facts

from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handspan_exporter.store.dsn import Dsn

_NEVER_DAYS = 10_000
"""Retention: the fixed dates of these tests grow older than the default."""
_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(engine: Dsn) -> Iterator[Facts]:
    """Return a migrated database of this module, whose facts never expire."""
    dsn = replace(engine, database=f"answers_{next(_numbers)}")
    connection = connect(dsn)
    migrate(connection, Settings(fact_days=_NEVER_DAYS, raw_days=_NEVER_DAYS))
    yield Facts(dsn, connection)
    connection.command(f"DROP DATABASE `{dsn.database}`")
    connection.close()


@pytest.fixture
def facts(store: Facts) -> Facts:
    """Return the module's database, emptied."""
    store.clear()
    return store

"""A store with the facts of every worked example at once: each KPI has something to say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.exporter.answers.conftest import store  # noqa: F401 - a fixture

from handspan_exporter.processor.facts import FACTS

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

EXAMPLES = Path(__file__).parents[3] / "docs" / "kpi_examples"


@pytest.fixture(scope="module")
def examples(store: Facts) -> Facts:  # noqa: F811 - the fixture of that name
    """Return the module's database, filled."""
    for path in sorted(EXAMPLES.glob("*.toml")):
        example = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in FACTS:
            if table in example:
                store.insert(table, *(_of(path.stem, row) for row in example[table]))
    return store


def _of(example: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with ids that only this example has."""
    ids = {name: f"{example}-{row[name]}" for name in ("run_id", "trace_id") if row.get(name)}
    return row | ids

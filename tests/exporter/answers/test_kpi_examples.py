"""The worked examples of docs/kpis.md are true."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from handspan_exporter.processor.facts import FACTS
from handspan_exporter.query import kpi
from handspan_exporter.query.window import window

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

FOLDER = Path(__file__).parents[3] / "docs" / "kpi_examples"
JANUARY_5 = window("2026-01-05", "2026-01-06", now_ns=0)


def test_every_kpi_has_a_worked_example() -> None:
    """A definition without an example is understood in two ways."""
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == [k.name for k in kpi.catalog()]


@pytest.mark.parametrize("name", [found.name for found in kpi.catalog()])
def test_a_worked_example_is_what_the_file_answers(name: str, facts: Facts) -> None:
    """The documentation shows these very rows and this very answer."""
    example = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    for table in FACTS:
        if table in example:
            facts.insert(table, *example[table])

    rows = kpi.answer(facts.connection, name, JANUARY_5.since_ns, JANUARY_5.until_ns, example["by"])

    assert [_told(row, told) for row, told in zip(rows, example["answer"], strict=True)] == [
        {column: _expected(column, value) for column, value in told.items()}
        for told in example["answer"]
    ]


def _told(row: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in told}


def _expected(column: str, value: object) -> object:
    if value == "unknown":
        return None
    if isinstance(value, str) and column.endswith("_usd"):
        return Decimal(value)
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value

"""Every KPI file says what it is, and takes the questions that all of them take."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest

from handspan_exporter import sql
from handspan_exporter.errors import NotFound, UsageError
from handspan_exporter.processor.facts import FACTS
from handspan_exporter.query import kpi
from handspan_exporter.query.window import window

if TYPE_CHECKING:
    from tests.exporter.answers.facts import Facts

NAMES = [found.name for found in kpi.catalog()]
GROUPED = [(found.name, by) for found in kpi.catalog() for by in found.groupings]
HEADER = [
    "kpi",
    "grain",
    "unit",
    "undefined when",
    "groupings kept in history",
    "reads",
    "used by",
]
JANUARY = window("2026-01-01", "2026-02-01", now_ns=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_header_says_everything_in_order(name: str) -> None:
    """Catalog, command help, history and documentation are made from it."""
    header = kpi.header(name)

    assert list(header) == HEADER
    assert all(header.values())
    assert sql.load(f"kpi/{name}").startswith("-- kpi: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_header_names_the_tables_that_the_file_reads(name: str) -> None:
    """Whoever changes a table looks for its readers here."""
    text = sql.load(f"kpi/{name}")
    named_here = set(re.findall(r"^    (\w+) AS\n    \(", text, re.MULTILINE))
    read = set(re.findall(r"(?:FROM|JOIN) (\w+)", text)) - named_here

    assert sorted(read) == sorted(kpi.find(name).reads)


@pytest.mark.parametrize("name", NAMES)
def test_history_keeps_only_groupings_that_can_be_asked_for(name: str) -> None:
    """The processor asks for each of them, every hour."""
    found = kpi.find(name)

    assert found.history
    assert set(found.history) <= set(found.groupings)


def test_runs_and_facts_take_the_same_filters() -> None:
    """A filter that one half of the KPIs ignored would compare apples with pears."""
    pattern = re.compile(r"empty\(\{(\w+):Array\(String\)\}\)")
    names = pattern.findall(sql.load("kpi/fragments/filters_runs"))

    assert tuple(names) == kpi.filters()
    assert names == ["service", "project", "workflow", "agent", "feature", "user", "conversation"]


@pytest.mark.parametrize("name", NAMES)
def test_without_any_data_the_total_is_one_row_that_says_why(name: str, facts: Facts) -> None:
    """An empty denominator is unknown, never 0."""
    (row,) = kpi.answer(facts.connection, name, JANUARY.since_ns, JANUARY.until_ns)

    headline = kpi.measures(row)[0]
    assert (row["group"], row["n"], row[headline]) == ("", 0, None)
    assert (row["low"], row["high"]) == (None, None)
    assert row["reason"]
    assert not any(isinstance(value, float) for value in row.values())


@pytest.mark.parametrize(("name", "by"), GROUPED)
def test_every_kpi_answers_every_grouping(name: str, by: str, facts: Facts) -> None:
    """Without data a grouping has no groups; the columns are always the same."""
    rows = kpi.answer(facts.connection, name, JANUARY.since_ns, JANUARY.until_ns, by)

    assert rows == [] if by != "total" else len(rows) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_begin_and_end_the_same_way(name: str, facts: Facts) -> None:
    """Readers of all KPIs (history, page, tables) rely on it."""
    (row,) = kpi.answer(facts.connection, name, JANUARY.since_ns, JANUARY.until_ns)

    assert next(iter(row)) == "group"
    assert list(row)[-4:] == ["n", "low", "high", "reason"]
    assert kpi.measures(row)


@pytest.mark.parametrize("name", NAMES)
def test_a_lonely_fact_divides_nothing_by_zero(name: str, facts: Facts) -> None:
    """One row of each table, with nothing said: neither NaN nor infinity has a JSON form."""
    for table in FACTS:
        facts.insert(table, {"run_id": "r"})
    facts.insert("runs", {"run_id": "s", "outcome": "success", "agents": ["a"], "feature": "f"})

    for by in kpi.find(name).groupings:
        for row in kpi.answer(facts.connection, name, JANUARY.since_ns, JANUARY.until_ns, by):
            numbers = [value for value in row.values() if isinstance(value, float)]
            assert all(map(math.isfinite, numbers)), row


def test_an_unknown_kpi_lists_what_there_is(facts: Facts) -> None:
    """A typing error should cost one look."""
    with pytest.raises(NotFound, match=r"no KPI is called 'cost'; there are: .*cost_usd"):
        kpi.answer(facts.connection, "cost", JANUARY.since_ns, JANUARY.until_ns)


@pytest.mark.parametrize("by", ["colour", "run_id", "is_deleted", "1; DROP TABLE runs"])
def test_an_unknown_grouping_is_refused(by: str, facts: Facts) -> None:
    """Only what the header lists, though the table has more columns."""
    with pytest.raises(UsageError, match="--by: cost_usd cannot be grouped by"):
        kpi.answer(facts.connection, "cost_usd", JANUARY.since_ns, JANUARY.until_ns, by)


def test_an_unknown_filter_is_refused(facts: Facts) -> None:
    """A misspelt filter that is ignored answers for everything."""
    with pytest.raises(UsageError, match="'agnet' is unknown; use service, "):
        kpi.answer(
            facts.connection,
            "cost_usd",
            JANUARY.since_ns,
            JANUARY.until_ns,
            filters={"agnet": ["writer"]},
        )

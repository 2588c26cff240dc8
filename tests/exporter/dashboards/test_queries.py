"""What Grafana sends is the KPI: every query of every dashboard runs and says what the KPI says."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dashboards import kpi_query
from dashboards.alerts import RULES
from dashboards.boards import BOARDS
from dashboards.generate import files
from tests.exporter.dashboards.macros import Range, expand

from handspan_exporter.errors import UsageError
from handspan_exporter.query import kpi as kpis
from handspan_exporter.query.window import window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dashboards.alerts import Rule
    from dashboards.board import Board
    from tests.exporter.answers.facts import Facts

GOLDEN = Path(__file__).parent / "macros.golden.json"
HOUR_NS = 3600 * 10**9
DAY = window("2026-01-05", "2026-01-06", now_ns=0)
FULL = window("2026-01-05T08:00:00Z", "2026-01-05T12:00:00Z", now_ns=0)
"""The hours that have facts."""
SHOWN = Range(DAY.since_ns // 10**6, DAY.until_ns // 10**6, interval_ms=3_600_000)
_VARIABLE = re.compile(r"\$\{(\w+):singlequote\}")


def sent(sql: str, chosen: Mapping[str, str] | None = None, shown: Range = SHOWN) -> str:
    """Return the SQL that reaches ClickHouse, its variables as chosen, else All or empty."""
    others = {"with": "''", "run": "'run-1'"}
    filled = _VARIABLE.sub(
        lambda found: (chosen or {}).get(found[1], others.get(found[1], f"'{kpi_query.ALL}'")), sql
    )
    return expand(filled, shown)


def queries() -> list[Any]:
    """Return every query of every dashboard, named after its panel or variable."""
    found: list[tuple[str, str]] = []
    for board in BOARDS:
        built = json.loads(board.to_json())
        found += (
            (f"{board.name}: {panel['title']}", target["rawSql"])
            for panel in built["panels"]
            for target in panel.get("targets", ())
            if "rawSql" in target
        )
        found += (
            (f"{board.name}: ${variable['name']}", variable["query"])
            for variable in built["templating"]["list"]
            if variable["type"] == "query"
        )
    return [pytest.param(sql, id=name) for name, sql in found]


def test_macros_are_expanded_as_the_plugin_expands_them() -> None:
    """Recorded from the real plugin: what the other tests send is what Grafana would send."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    for case in golden["cases"]:
        shown = Range(golden["from_ms"], golden["to_ms"], case["interval_ms"])
        assert expand(case["macro"], shown) == case["executed"]


@pytest.mark.parametrize("sql", queries())
def test_every_query_of_every_dashboard_runs(sql: str, examples: Facts) -> None:
    """A panel that asks for a column which a KPI lost must fail here, not before a user."""
    asked = sent(sql)
    assert "$" not in asked
    examples.connection.rows(asked)


@pytest.mark.parametrize("kpi", kpis.catalog(), ids=lambda kpi: kpi.name)
def test_a_panel_says_what_the_kpi_says(kpi: kpis.Kpi, examples: Facts) -> None:
    """By each grouping that history keeps, with everything chosen and with one agent chosen."""
    for by in dict.fromkeys((kpi.grain, kpis.TOTAL, *kpi.history)):
        # One filter is enough to know that variables reach the filters.
        for agents in ((), ("writer",)) if by == kpi.grain else ((),):
            filters = {"agent": agents} if agents else {}
            answered = kpis.answer(
                examples.connection, kpi.name, DAY.since_ns, DAY.until_ns, by, filters
            )
            chosen = {"agent": "'writer'"} if agents else {}
            drawn = examples.connection.rows(sent(kpi_query.table(kpi.name, by), chosen))
            assert drawn == answered


@pytest.mark.parametrize("kpi", kpis.catalog(), ids=lambda kpi: kpi.name)
@pytest.mark.parametrize("by", ["total", "agent"])
def test_each_interval_of_a_graph_is_the_kpi_of_that_interval(
    kpi: kpis.Kpi, by: str, examples: Facts
) -> None:
    """A graph that disagreed with the figure beside it would be worth nothing."""
    columns = kpis.answer(examples.connection, kpi.name, DAY.since_ns, DAY.until_ns)[0]
    measures = kpis.measures(columns)
    try:
        sql = kpi_query.series(kpi.name, measures, by)
    except UsageError as refused:
        assert "whole window" in str(refused)  # noqa: PT017 - both ways are right
        return
    drawn = examples.connection.rows(sent(sql))
    assert drawn or by != kpis.TOTAL, "a graph of nothing proves nothing"
    expected = []
    for since_ns in range(FULL.since_ns, FULL.until_ns, HOUR_NS):
        rows = kpis.answer(examples.connection, kpi.name, since_ns, since_ns + HOUR_NS, by)
        expected += [_numbers(row, measures) for row in rows if row["n"]]
    found = [_numbers(row, measures) for row in drawn]
    for row in expected:
        assert row in found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_alert_rule_asks_for_one_number(rule: Rule, examples: Facts) -> None:
    """Without variables, which alerts do not have; and NULL, not a guess, with too few cases."""
    asked = expand(rule.sql(), SHOWN)
    assert "$" not in asked
    [row] = examples.connection.rows(asked)
    assert list(row) == ["value"]
    if not rule.own:
        said = kpis.answer(examples.connection, rule.kpi, DAY.since_ns, DAY.until_ns)[0]
        known = said["n"] >= rule.least_n and said[rule.column] is not None
        assert row["value"] == (pytest.approx(float(said[rule.column])) if known else None)


def test_a_kpi_that_cannot_be_grouped_so_is_refused() -> None:
    """A typing error in a dashboard fails when it is generated."""
    with pytest.raises(UsageError, match="cannot be grouped by 'colour'"):
        kpi_query.table("cost_usd", "colour")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_panels_have_titles_of_their_own_and_say_what_they_show(board: Board) -> None:
    """Who reads a figure finds its definition on the panel."""
    panels = [panel for panel in json.loads(board.to_json())["panels"] if panel["type"] != "row"]
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    for panel in panels:
        assert panel["type"] == "text" or panel["description"], panel["title"]
        where = panel["gridPos"]
        assert where["x"] + where["w"] <= 24, panel["title"]


def test_what_is_committed_is_what_the_code_makes() -> None:
    """The JSON that people import is the one that these tests saw."""
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, f"run `make dashboards` for {path.name}"


def _numbers(row: dict[str, Any], measures: tuple[str, ...]) -> list[object]:
    if "Value" in row:
        return [_number(row["Value"])]
    return [_number(row[name]) for name in measures]


def _number(value: object) -> object:
    return round(float(value), 9) if isinstance(value, int | float | Decimal) else value

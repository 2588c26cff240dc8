"""Alerts: a KPI, a window and thresholds become a state, and never a guess."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from handspan_exporter.errors import UsageError
from handspan_exporter.query import alerts
from handspan_exporter.query.alerts import Alert

if TYPE_CHECKING:
    from pathlib import Path

    from handspan_exporter.query.answers import Filters, Row
    from handspan_exporter.query.window import Window

NOW_NS = 1_767_607_200 * 10**9


def row(value: float | None, n: int, low: float | None = None, high: float | None = None) -> Row:
    """Return one row as workflow_success_ratio gives it."""
    reason = "" if value is not None else "no run in the window"
    measured = {"workflow_success_ratio": value, "failed": 3}
    return {"group": "", **measured, "n": n, "low": low, "high": high, "reason": reason}


def state(given: Row, **thresholds: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the state and the reason of an alert on one row."""
    alert = Alert(name="a", kpi="workflow_success_ratio", window="1h", **thresholds)
    answer = alerts.states([alert], NOW_NS, lambda *_: [given])
    (said,) = answer["alerts"]
    assert answer["state"] == said["state"]
    return said["state"], said["reason"]


SHARE = {"warning_below": 0.95, "alert_below": 0.9}
STATES: list[tuple[Row, dict[str, Any], tuple[str, str]]] = [
    (row(0.99, 100, 0.94, 0.99), SHARE, ("ok", "")),
    (row(0.95, 100, 0.88, 0.97), SHARE, ("ok", "")),
    (row(0.94, 100, 0.87, 0.97), SHARE, ("warning", "below 0.95")),
    (row(0.8, 100, 0.71, 0.86), SHARE, ("alert", "below 0.9")),
    (row(0.8, 9, 0.5, 0.95), SHARE, ("no data", "n = 9 is less than 10")),
    (row(0.8, 9, 0.5, 0.95), SHARE | {"min_n": 5}, ("alert", "below 0.9")),
    (row(None, 0), SHARE, ("no data", "no run in the window")),
    (row(0.8, 20, 0.58, 0.92), SHARE | {"certain": True}, ("warning", "below 0.95")),
    (row(0.8, 100, 0.71, 0.86), SHARE | {"certain": True}, ("alert", "below 0.9")),
    (row(0.5, 4), {"alert_above": 2, "measure": "failed"}, ("alert", "above 2")),
    (row(0.5, 4), {"alert_above": 3, "measure": "failed"}, ("ok", "")),
    (
        row(0.5, 4),
        {"alert_above": 3, "measure": "failed", "certain": True},
        ("no data", "this number has no interval"),
    ),
]


@pytest.mark.parametrize(("given", "thresholds", "said"), STATES)
def test_a_state_follows_from_the_number_and_its_n(
    given: Row, thresholds: dict[str, Any], said: tuple[str, str]
) -> None:
    """A threshold itself is not beyond; a share of few is no data."""
    assert state(given, **thresholds) == said


def test_a_cost_says_what_is_not_in_it() -> None:
    """A sum of priced calls below the threshold is no proof that all calls are."""
    alert = Alert(name="a", kpi="cost_usd", window="1h", alert_above=1)
    given = {"group": "", "cost_usd": Decimal("0.5"), "priced_calls": 3, "unpriced_calls": 2}
    given |= {"n": 5, "low": None, "high": None, "reason": ""}
    (said,) = alerts.states([alert], NOW_NS, lambda *_: [given])["alerts"]

    assert (said["state"], said["value"]) == ("ok", 0.5)
    assert said["reason"] == "2 calls have no price and are not in it"


def test_an_alert_asks_for_its_own_window_and_filters() -> None:
    """The last hour, up to this moment, of one workflow."""
    asked: list[object] = []

    def ask(name: str, window: Window, by: str, filters: Filters) -> list[Row]:
        asked.extend((name, NOW_NS - window.since_ns, window.until_ns - NOW_NS, by, filters))
        return []

    filters = {"workflow": ["report"]}
    alert = Alert(name="a", kpi="cost_usd", window="1h", by="agent", filters=filters, alert_above=1)
    (said,) = alerts.states([alert], NOW_NS, ask)["alerts"]

    assert asked == ["cost_usd", 3600 * 10**9, 1, "agent", filters]
    assert (said["state"], said["reason"]) == ("no data", "no agent in the window")


GOOD = '[[alert]]\nname = "a"\nkpi = "cost_usd"\nwindow = "1h"\nalert_above = 1\n'
REFUSED = [
    ("", "there is no"),
    ("x = 1", "'x' is unknown; each alert begins with"),
    ("[[alert", "Expected"),
    ("alert = 1", "there is no"),
    (GOOD + GOOD, "two alerts are called 'a'"),
    (GOOD.replace("cost_usd", "cost"), "alert 'a': no KPI is called 'cost'"),
    (GOOD.replace("1h", "soon"), "alert 'a': window: 'soon' is not a length"),
    (GOOD.replace("alert_above = 1", ""), "alert 'a': has no threshold"),
    (GOOD.replace("alert_above = 1", 'alert_above = "1"'), "alert 'a': alert_above must be a nu"),
    (GOOD.replace('name = "a"', ""), "alert 'number 1': name is missing"),
    (GOOD + "colour = 1", "alert 'a': 'colour' is unknown; use name, kpi, window"),
    (GOOD + "warning_above = 2", "alert 'a': the warning must come before the alert"),
    (GOOD + "min_n = 0", "alert 'a': min_n must be at least 1"),
    (GOOD + "min_n = true", "alert 'a': min_n must be a whole number"),
    (GOOD + 'by = "x"', "cannot be grouped by 'x'"),
    (GOOD + 'filters = { x = ["y"] }', "'x' is unknown; use service"),
    (GOOD + "filters = { agent = 1 }", "filters must be like"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """It names the file, the alert and what to do."""
    path = tmp_path / "alerts.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=r"^--alerts: .*alerts.toml: ") as caught:
        alerts.read(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_is_one_line(tmp_path: Path) -> None:
    """As any other mistake."""
    with pytest.raises(UsageError, match="No such file"):
        alerts.read(tmp_path / "none.toml")

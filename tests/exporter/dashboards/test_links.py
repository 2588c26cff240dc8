"""Where a click leads: what the address names is there, and each figure leads somewhere.

That the runs behind a group are found there is a test on real spans, in tests/stack.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from dashboards.boards import BOARDS
from tests.exporter.dashboards.links import BUILT, addresses, panels, variables

if TYPE_CHECKING:
    from dashboards.board import Board

AGGREGATES = {"stat", "timeseries", "table", "bargauge", "nodeGraph"}
OWN = {
    "Every rate, its interval and its n",  # of many KPIs: each has a panel elsewhere
    "Freshness",
    "Spans stored, by service",
    "Spans of agent work, by convention",
    "Log records stored",
}
"""Panels that have no runs behind them."""
_HANDED_ON = re.compile(r"\$\{(\w+):queryparam\}")


def links() -> list[Any]:
    """Return every link of every dashboard: its dashboard, panel and address."""
    return [
        pytest.param(name, url, id=f"{name}: {panel['title']}: {column}: {number}")
        for name in BUILT
        for panel in panels(name)
        for number, (column, url) in enumerate(addresses(panel))
    ]


@pytest.mark.parametrize(("board", "url"), links())
def test_what_a_link_names_is_there(board: str, url: str) -> None:
    """A link to a renamed dashboard, or a variable that it does not have, opens something else."""
    here = {"__url_time_range", *variables(board)}
    own = re.findall(r"\$\{(\w+)", url)
    assert {one for one in own if not re.fullmatch(r"__value|__field|__data", one)} <= here
    if url.startswith("${jaeger}/"):
        return
    target = urlsplit(url).path.removeprefix("/d/")
    handed = _HANDED_ON.findall(url) + re.findall(r"[?&]var-(\w+)=", url)
    assert len(set(handed)) == len(handed)
    assert set(handed) <= variables(target)
    for panel in re.findall(r"viewPanel=panel-(\d+)", url):
        (shown,) = [one for one in panels(target) if one["id"] == int(panel)]
        assert shown["type"] == "traces"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_aggregate_leads_to_its_runs(board: Board) -> None:
    """Who sees a figure wants to see what it is made of."""
    name = f"handspan-{board.name}"
    aggregates = [
        panel
        for panel in panels(name)
        if panel["type"] in AGGREGATES
        and panel["title"] not in OWN
        and not str(panel["datasource"]["uid"]).startswith("${prometheus")
    ]
    dead = [panel["title"] for panel in aggregates if not [*addresses(panel)]]
    assert dead == [] or board.name == "run", "its own panels are the run's parts"

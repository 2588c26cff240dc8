"""Tables on a narrow screen: they are moved sideways, a figure is never cut."""

from __future__ import annotations

from typing import Any

import pytest
from tests.exporter.dashboards.links import BUILT, panels

LETTER_PX = 7
"""Of Grafana's font in a table, on average."""
FIGURE_PX = 80
"""Room for `$0.000324` and `2.0 mins`."""
TABLES = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name in BUILT
    for panel in panels(name)
    if panel["type"] == "table"
]


@pytest.mark.parametrize("panel", TABLES)
def test_no_column_is_narrower_than_what_stands_in_it(panel: dict[str, Any]) -> None:
    """`8.6 ms` where 28.6 ms is meant is a wrong number, not a narrow one."""
    config = panel["fieldConfig"]
    least = config["defaults"]["custom"]["minWidth"]
    assert least >= FIGURE_PX
    for override in config["overrides"]:
        said = {one["id"]: one["value"] for one in override["properties"]}
        room = said.get("custom.width", said.get("custom.minWidth", least))
        assert room >= len(said.get("displayName", "")) * LETTER_PX, override["matcher"]

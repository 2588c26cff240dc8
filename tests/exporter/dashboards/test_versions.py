"""The dashboards use what Grafana 11.6 and its ClickHouse data source 4.14 have, no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dashboards.boards import BOARDS
from dashboards.generate import files
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from tests.exporter.dashboards.links import BUILT, panels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboards.board import Board

GOLDEN = Path(__file__).parent / "macros.golden.json"
PANELS = {
    "bargauge",
    "nodeGraph",
    "stat",
    "state-timeline",
    "table",
    "text",
    "timeseries",
    "traces",
}
"""Of Grafana itself, since before 11.6."""
OF_THE_BROWSER = {
    "$__all",
    "$__rate_interval",
    "$__url_time_range",
    "$__value",
    "$__field",
    "$__data",
}
"""Replaced before a query leaves the browser, or in addresses."""
NOT_IN_THE_MODEL = {"fieldConfig/defaults/custom/spanNulls"}
"""The state timeline's "connect null values": the panel has it, the published model does not."""


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_is_what_grafanas_schema_knows(board: Board) -> None:
    """Read and written by Grafana's own model, panels' options too, it loses and changes nothing.

    The model knows each panel's options and adds defaults; a key that it does not know is lost, a
    value of another kind fails.
    """
    register_default_plugins()
    text = board.to_json()
    read = json.loads(json.dumps(Dashboard.from_json(json.loads(text)), cls=JSONEncoder))
    assert set(_lost(json.loads(text), read, "")) <= NOT_IN_THE_MODEL


def test_a_key_that_is_no_option_is_noticed() -> None:
    """The test above says nothing when the model takes everything."""
    register_default_plugins()
    built = json.loads(json.dumps(BUILT["handspan-overview"]))
    shown = next(panel for panel in built["panels"] if panel["type"] == "stat")
    shown["options"]["colourMode"] = "value"
    read = json.loads(
        json.dumps(Dashboard.from_json(json.loads(json.dumps(built))), cls=JSONEncoder)
    )
    assert [*_lost(built, read, "")] == ["options/colourMode"]


@pytest.mark.parametrize("board", BUILT)
def test_panels_are_grafanas_own(board: str) -> None:
    """A panel of a plugin that somebody must install first would be a hole in the page."""
    assert {panel["type"] for panel in panels(board)} <= PANELS


def test_macros_are_those_of_the_recorded_plugin() -> None:
    """A macro that the plugin does not know goes to ClickHouse as it stands."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]
    known = {name for case in golden for name in re.findall(r"\$__\w+", case["macro"])}
    used = {name for text in files().values() for name in re.findall(r"\$\{?(__\w+)", text)}
    assert {f"${name}" for name in used} <= known | OF_THE_BROWSER


def _lost(before: Any, after: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the paths, from a panel on, of what is in one JSON and not the same in the other."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            below = f"{path}/{name}".removeprefix("/")
            if name in after:
                yield from _lost(value, after[name], below)
            else:
                yield below
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from _lost(one, other, "" if path == "panels" else path)
    elif before != after:
        yield path

"""The links of the dashboards: which panel has which, and where they lead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dashboards.boards import BOARDS

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILT = {f"handspan-{board.name}": json.loads(board.to_json()) for board in BOARDS}


def panels(board: str) -> list[dict[str, Any]]:
    """Return the panels of a dashboard without its rows."""
    return [panel for panel in BUILT[board]["panels"] if panel["type"] != "row"]


def addresses(panel: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the column, or pattern of columns, and the address of each link of a panel."""
    for override in panel.get("fieldConfig", {}).get("overrides", ()):
        for changed in override["properties"]:
            if changed["id"] == "links":
                for link in changed["value"]:
                    yield override["matcher"]["options"], link["url"]


def variables(board: str) -> set[str]:
    """Return the names of a dashboard's variables."""
    return {variable["name"] for variable in BUILT[board]["templating"]["list"]}

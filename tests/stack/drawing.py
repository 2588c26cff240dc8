"""A dashboard drawn by Grafana's own libraries in a real browser, and what its panels got."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error, sync_playwright
from stack.tools import Missing
from tests.stack.grafana_server import QueryRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dashboards.board import Board
    from playwright.sync_api import Browser
    from stack.tools import Tool
    from tests.exporter.dashboards.frames import Answer

ENOUGH_MS = 60_000
ROW_PX = 38
"""Height of one row of Grafana's grid, its gap included."""


@dataclass(frozen=True, slots=True)
class View:
    """How somebody looks at a dashboard."""

    name: str
    width: int
    theme: str


LAPTOP = View("laptop-light", 1440, "light")
PHONE = View("phone-dark", 390, "dark")
VIEWS: tuple[View, ...] = (LAPTOP, PHONE)
if os.environ.get("HANDSPAN_SCREENSHOTS"):  # for people, who look at all of them
    VIEWS += (View("laptop-dark", 1440, "dark"), View("phone-light", 390, "light"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a real browser."""
    with sync_playwright() as play:
        try:
            found = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        except Error as error:
            pytest.fail(f"no Chromium ({error.message}): `apt-get install chromium`")
        yield found
        found.close()


def tool(one: Tool) -> Path:
    """Return a program of the cache."""
    try:
        return one.require()
    except Missing as missing:
        pytest.fail(str(missing))


def drawn(
    browser: Browser, page: str, board: Board, view: View, run: str, picture: Path, more: str = ""
) -> dict[str, Any]:
    """Draw a dashboard, keep the picture, return what the page reports.

    `run` is the run of the dashboard Run; `more` goes to the end of the address.
    """
    panels = own_panels(board)
    stacked = sum(panel["gridPos"]["h"] for panel in panels)
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    height = (rows if view.width > 800 else stacked) * ROW_PX + 200
    tab = browser.new_page(viewport={"width": view.width, "height": height})
    chosen = f"from=now-1h&h={height}&theme={view.theme}&var-run={run}{more}"
    tab.goto(f"{page}/?dashboard={board.name}&{chosen}")
    tab.wait_for_function(
        "count => Object.values(window.__report?.panels ?? {})"
        ".filter(panel => panel.state !== 'Loading').length >= count",
        arg=len(panels),
        timeout=ENOUGH_MS,
    )
    tab.wait_for_load_state("networkidle")
    tab.screenshot(path=picture)
    report: dict[str, Any] = tab.evaluate("window.__report")
    tab.close()
    return report


def own_panels(board: Board) -> list[dict[str, Any]]:
    """Return the dashboard's panels without its rows."""
    return [panel for panel in json.loads(board.to_json())["panels"] if panel["type"] != "row"]


def asked(url: str, sql: str) -> Answer:
    """Ask the read-only endpoint as Grafana's plugin does: over HTTP."""
    query = f"{url}&default_format=JSONCompact&output_format_json_quote_64bit_integers=0"
    request = urllib.request.Request(query, sql.encode())  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request) as response:  # noqa: S310 - our own address
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise QueryRefused(error.read().decode()) from error
    return [(column["name"], column["type"]) for column in answer["meta"]], answer["data"]

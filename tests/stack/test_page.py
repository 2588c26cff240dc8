"""The live page of `serve` in a real browser: widths, light and dark, keyboard, live, errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error, expect, sync_playwright
from tests.exporter.answers import team
from tests.exporter.answers.facts import Facts, at

from handspan_exporter.query import kpi
from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

WIDTHS = {"laptop": (1280, 800), "phone": (375, 740)}
LIVE_MS = 20_000
"""How long a change may take to be seen: an answer may be ten seconds old."""
ALERTS = """
[[alert]]
name = "too many failures"
kpi = "workflow_success_ratio"
window = "24h"
alert_below = 0.9
"""
CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@dataclass
class Watched:
    """A served team."""

    facts: Facts
    server: Server


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Serve the team's facts and an alert."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "alerts.toml").write_text(ALERTS, encoding="utf-8")
    dsn = parse(f"chdb://{folder}/store")
    connection = connect(dsn)
    migrate(connection, Settings(fact_days=10_000, raw_days=10_000))
    facts = Facts(dsn, connection)
    team.insert(facts)
    settings = Settings(web="127.0.0.1:0", alerts=str(folder / "alerts.toml"))
    server = Server(dsn, settings, Counters(), clock_ns=lambda: team.NOW_NS)
    server.start()
    yield Watched(facts, server)
    server.stop()
    connection.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real browser."""
    with sync_playwright() as play:
        try:
            chromium = play.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
        except Error as error:
            pytest.fail(f"no Chromium ({error.message}): `apt-get install chromium`")
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, watched: Watched) -> Iterator[Page]:
    """Return the page, with every KPI shown."""
    yield from opened(browser, watched.server.url)


def opened(browser: Browser, url: str, **how: Any) -> Iterator[Page]:  # noqa: ANN401
    """Open the page in a context of its own; what a script complains of fails the test."""
    context = browser.new_context(**how)
    one = context.new_page()
    complaints: list[str] = []
    one.on("pageerror", lambda error: complaints.append(str(error)))
    one.goto(url)
    expect(one.locator("#kpis li")).to_have_count(len(kpi.catalog()), timeout=LIVE_MS)
    yield one
    context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_the_page_is_readable_at_any_width_and_in_the_dark(
    device: str, scheme: str, browser: Browser, watched: Watched, tmp_path: Path
) -> None:
    """Nothing wider than the screen, no text that melts into the ground; also in the run's view."""
    width, height = WIDTHS[device]
    how: dict[str, Any] = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    for one in opened(browser, watched.server.url, **how):
        for name, link in (("team", ""), ("run", f"/#{team.RUN}")):
            if link:
                one.goto(watched.server.url + link)
                expect(one.locator("#spans tr").first).to_be_visible()
            assert one.evaluate("document.documentElement.scrollWidth") <= width
            contrast, kind, text = one.evaluate(CONTRAST)
            assert contrast >= 4.5, (kind, text)
            one.screenshot(path=tmp_path / f"{name}-{device}-{scheme}.png", full_page=True)


def test_a_kpi_says_what_it_knows_and_why_it_does_not(page: Page) -> None:
    """Value, interval, n; or the reason. The share of a path names the path."""

    def tile(name: str) -> str:
        return page.locator("#kpis li").filter(has_text=name).first.inner_text()

    assert tile("workflow_success_ratio").split("\n")[1:] == ["50.0 %", "9.5 % to 90.5 %, n = 2"]
    assert "50.0 %" in tile("workflow_patterns")
    assert tile("run_metrics").split("\n")[1:] == [
        "unknown",
        "no number was recorded in the window",
    ]
    expect(page.locator("#alerts")).to_have_text("no data too many failures: n = 2 is less than 10")


def test_a_run_is_reached_and_left_by_keyboard(page: Page) -> None:
    """Each link in order, Enter opens, the heading has the focus, and so on back."""
    page.locator("#runs a").first.focus()
    shown = page.locator("#runs a").first.inner_text().rstrip("…")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    expect(page.locator("#one-title")).to_be_focused(timeout=LIVE_MS)
    expect(page.locator("#one-title")).to_contain_text(shown)
    expect(page.locator("#team")).to_be_hidden()

    page.keyboard.press("Shift+Tab")
    expect(page.locator("#back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#team")).to_be_visible()
    assert outline in ("solid", "auto")


def test_a_run_is_shown_with_all_that_happened_in_it(page: Page, watched: Watched) -> None:
    """Its spans as a tree with bars, its agents, faults, waits and budgets."""
    page.goto(f"{watched.server.url}/#{team.RUN}")
    expect(page.locator("#one-facts")).to_contain_text("success", timeout=LIVE_MS)

    rows = page.locator("#spans tr")
    expect(rows).to_have_count(7)
    expect(page.locator("#spans .bar")).to_have_count(7)
    parts = page.locator("#one-parts").inner_text()
    for heading in ("Agents", "Faults", "Waits for people", "Budgets"):
        assert heading in parts
    assert "approve: approved after 300 ms" in parts
    assert page.locator("#state").inner_text() == "this run has ended"


def test_a_new_run_appears_by_itself(page: Page, watched: Watched) -> None:
    """Without a reload, and without taking the focus from where it is."""
    page.locator("#runs a").first.focus()
    focused = page.evaluate("document.activeElement.href")
    markup = "<b>new</b>"
    moment = {"started_at": at(1800), "ended_at": at(1801)}
    watched.facts.insert(
        "runs", {"run_id": "fresh", "workflow": markup, **moment} | {"outcome": "success"}
    )

    row = page.locator("#runs tr").filter(has_text="fresh")
    expect(row).to_be_visible(timeout=LIVE_MS)
    expect(row).to_contain_text(markup)
    assert page.evaluate("document.activeElement.href") == focused


def test_what_goes_wrong_is_one_line(browser: Browser, watched: Watched) -> None:
    """A run that is not there; a service that goes away, and comes back."""
    for one in opened(browser, watched.server.url):
        one.goto(f"{watched.server.url}/#none")
        expect(one.locator("#state")).to_contain_text("no answer: no run", timeout=LIVE_MS)
        one.goto(f"{watched.server.url}/#")
        expect(one.locator("#state")).to_contain_text("newest data", timeout=LIVE_MS)
        one.route("**/api/**", lambda route: route.abort())
        expect(one.locator("#state")).to_contain_text("no answer", timeout=LIVE_MS)
        one.unroute("**/api/**")
        expect(one.locator("#state")).to_contain_text("newest data", timeout=LIVE_MS)

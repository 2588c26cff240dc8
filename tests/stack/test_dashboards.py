"""Every dashboard, drawn by Grafana's own libraries from what `serve` offers to readers.

The team of `examples/support_team.py` does everything that the dashboards show. Screenshots are
kept in the folder that HANDSPAN_SCREENSHOTS names, else in pytest's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dashboards.boards import BOARDS
from playwright.sync_api import Error, sync_playwright
from stack.tools import GRAFANA, PROMETHEUS, Missing
from tests.end_to_end.processes import Service, free_port, handspan, running, wait_for
from tests.stack.grafana_server import QueryRefused, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboards.board import Board
    from playwright.sync_api import Browser
    from stack.tools import Tool
    from tests.exporter.dashboards.frames import Answer

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
RUNS = 30
SIZES = {"laptop": 1440, "phone": 390}
ENOUGH_MS = 60_000
ROW_PX = 38
"""Height of one row of Grafana's grid, its gap included."""
WITHOUT_UNIT = frozenset({"nodeGraph (stand-in)", "traces (stand-in)", "state-timeline (stand-in)"})
PROTOBUF = "application/x-protobuf"
SCRAPE = """
global: {{scrape_interval: 2s}}
scrape_configs:
  - job_name: handspan
    static_configs: [{{targets: ["127.0.0.1:{web}"]}}]
"""
STILL_OPEN = """
import time, handspan
handspan.configure(service_name="support-team")
with handspan.workflow("answer ticket"), handspan.agent("triage"):
    print("open", flush=True)
    time.sleep(600)
"""


@dataclass(frozen=True)
class Stack:
    """A `serve` that has seen the team at work, and a Prometheus that watches it."""

    reader: str
    """Where it answers SQL."""
    prometheus: str
    web: int
    """Port of its own API."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return a service with runs that ended and one that is still open."""
    folder, sql_port, port = tmp_path_factory.mktemp("drawn"), free_port(), free_port()
    service = Service(folder / "store", ["--clickhouse-http", f"127.0.0.1:{sql_port}"])
    service.start()
    url = f"http://127.0.0.1:{sql_port}/?database=handspan"
    config = folder / "prometheus.yml"
    config.write_text(SCRAPE.format(web=service.web), encoding="utf-8")
    watching: list[str | Path] = [
        tool(PROMETHEUS).with_name("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(watching, port), at_work(service):
        wait_for(lambda: settled(url), f"{RUNS} runs and one that is still open")
        wait_for(lambda: scraped(port), "Prometheus to have looked")
        yield Stack(url, f"http://127.0.0.1:{port}", service.web)
    service.stop()


@contextmanager
def at_work(service: Service) -> Iterator[None]:
    """Let the team work, leave one run open, and send something that is no request."""
    env = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{service.grpc}"}
    example = [sys.executable, str(ROOT / "examples" / "support_team.py"), "--runs", str(RUNS)]
    subprocess.run(example, check=True, env=env, capture_output=True)
    nonsense = urllib.request.Request(
        f"http://127.0.0.1:{service.http}/v1/traces", b"nonsense", {"Content-Type": PROTOBUF}
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(nonsense)  # noqa: S310 - our own address
    still_open = [sys.executable, "-c", STILL_OPEN]
    unfinished = subprocess.Popen(still_open, env=env, stdout=subprocess.PIPE)
    try:
        yield
    finally:
        unfinished.kill()
        unfinished.communicate()


def settled(url: str) -> bool:
    """Tell whether every run is in the facts."""
    sql = "SELECT countIf(outcome != 'running'), countIf(outcome = 'running') FROM runs FINAL"
    ended, running_now = asked(url, sql)[1][0]
    return int(ended) == RUNS and int(running_now) == 1


def scraped(port: int) -> bool:
    """Tell whether Prometheus has a rate of what was refused."""
    query = "rate(handspan_requests_failed_total[10s])"
    url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(json.load(answer)["data"]["result"])
    except urllib.error.HTTPError:  # it listens before it is ready
        return False


def tool(one: Tool) -> Path:
    """Return a program of the cache."""
    try:
        return one.require()
    except Missing as missing:
        pytest.fail(str(missing))


@pytest.fixture(scope="module")
def reader(stack: Stack) -> str:
    """Return where SQL is answered."""
    return stack.reader


@pytest.fixture(scope="module")
def page(stack: Stack) -> Iterator[str]:
    """Return the address of the page that draws."""
    json_files = ROOT / "dashboards" / "grafana"
    drawn = tool(GRAFANA).parent
    with serving(drawn, json_files, lambda sql: asked(stack.reader, sql), stack.prometheus) as url:
        yield url


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


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for screenshots."""
    named = os.environ.get("HANDSPAN_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_panel_has_something_to_show(
    board: Board, reader: str, page: str, browser: Browser, pictures: Path
) -> None:
    """No error, no empty panel, no number without its unit, on a laptop and on a phone."""
    run = asked(
        reader,
        "SELECT run_id FROM runs FINAL WHERE outcome = 'failure' ORDER BY started_at LIMIT 1",
    )[1][0][0]
    for size, width in SIZES.items():
        report = drawn(browser, page, board, width, run, pictures / f"{board.name}-{size}.png")
        assert not report["errors"]
        panels = report["panels"]
        assert set(panels) == {panel["title"] for panel in own_panels(board)}
        assert {
            title: panel["error"] for title, panel in panels.items() if panel.get("error")
        } == {}
        assert [title for title, panel in panels.items() if is_empty(panel)] == []
        assert [field for panel in panels.values() for field in unformatted(panel)] == []


def test_the_overview_says_what_the_command_line_says(
    stack: Stack, page: str, browser: Browser, tmp_path: Path
) -> None:
    """The figures that people see in Grafana are those of `handspan kpi`."""
    [overview] = [board for board in BOARDS if board.name == "overview"]
    panels = drawn(browser, page, overview, SIZES["laptop"], "", tmp_path / "x.png")["panels"]
    success = kpi(stack, "workflow_success_ratio")
    assert panels["Runs that succeed"]["shown"] == [
        f"{success['workflow_success_ratio']:.1%}",
        str(success["n"]),
    ]
    cost = kpi(stack, "cost_usd")
    said_usd, said_calls = panels["Cost"]["shown"]
    assert float(said_usd.removeprefix("$")) == pytest.approx(float(cost["cost_usd"]), rel=0.01)
    assert said_calls == str(cost["priced_calls"])
    faults = kpi(stack, "fault_recovery_ratio")
    assert panels["Faults overcome"]["shown"] == [
        f"{faults['fault_recovery_ratio']:.1%}",
        str(faults["n"]),
    ]


def kpi(stack: Stack, name: str) -> dict[str, Any]:
    """Return the KPI in total, as the command line prints it."""
    url = f"http://127.0.0.1:{stack.web}"
    done = handspan("kpi", name, "--by", "total", "--since", "1h", "--format", "json", "--url", url)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["rows"][0]
    return found


def drawn(
    browser: Browser, page: str, board: Board, width: int, run: str, picture: Path
) -> dict[str, Any]:
    """Draw a dashboard, keep the picture, return what the page reports."""
    panels = own_panels(board)
    stacked = sum(panel["gridPos"]["h"] for panel in panels)
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    height = (rows if width > 800 else stacked) * ROW_PX + 200
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto(f"{page}/?dashboard={board.name}&from=now-1h&h={height}&var-run={run}")
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


def is_empty(panel: dict[str, Any]) -> bool:
    """Tell whether a panel had nothing to draw."""
    if panel["kind"] == "text":
        return False
    return not panel["series"] or not panel["shown"] or panel["shown"][0] is None


def unformatted(panel: dict[str, Any]) -> list[str]:
    """Return the numbers of a panel that have no unit."""
    if panel["kind"] in WITHOUT_UNIT:
        return []
    fields = [field for frame in panel["fields"] for field in frame]
    return [field for field in fields if field.split("|")[1] == "number" and field.endswith("|")]


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

"""Every dashboard, drawn by Grafana's own libraries from what `serve` offers to readers.

The team of `examples/support_team.py` does everything that the dashboards show. Screenshots are
kept in the folder that HANDSPAN_SCREENSHOTS names, else in pytest's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from dashboards import kpi_query
from dashboards.boards import BOARDS
from stack.tools import GRAFANA, PROMETHEUS
from tests.end_to_end.processes import Service, free_port, running, wait_for
from tests.exporter.dashboards.links import BUILT, addresses, panels
from tests.exporter.dashboards.macros import Range
from tests.exporter.dashboards.test_queries import sent
from tests.stack.drawing import VIEWS, asked, chromium, drawn, own_panels, tool
from tests.stack.grafana_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashboards.board import Board
    from playwright.sync_api import Browser

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
RUNS = 30
_GROUP = re.compile(r"\$\{__(?:value\.raw|field\.labels[^:}]*|data\.fields\.\w+):percentencode\}")
"""What Grafana puts the name of a group for."""
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
    with chromium() as found:
        yield found


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
    for view in VIEWS:
        report = drawn(browser, page, board, view, run, pictures / f"{board.name}-{view.name}.png")
        assert not report["errors"]
        panels = report["panels"]
        assert set(panels) == {panel["title"] for panel in own_panels(board)}
        assert {
            title: panel["error"] for title, panel in panels.items() if panel.get("error")
        } == {}
        assert [title for title, panel in panels.items() if is_empty(panel)] == []
        assert [field for panel in panels.values() for field in unformatted(panel)] == []
        assert [field for panel in panels.values() for field in untrue(panel)] == []
        assert [one for panel in panels.values() for one in panel["links"] if is_open(one)] == []


def grouped() -> list[Any]:
    """Return each panel whose groups lead to runs: its query, the group's column, the address."""
    return [
        pytest.param(target["rawSql"], url, id=f"{name}: {panel['title']}: {number}")
        for name in BUILT
        for panel in panels(name)
        for number, (_, url) in enumerate(addresses(panel))
        for target in panel["targets"]
        if _GROUP.search(url) and "/d/handspan-runs?" in url and leads(panel, target, url)
    ]


def leads(panel: dict[str, Any], target: dict[str, Any], url: str) -> bool:
    """Tell whether the rows of `target` are what the address is for: a graph has two kinds."""
    return bool(panel["type"] != "nodeGraph") or (target["refId"] == "edges") == (
        "with=edge" in url
    )


@pytest.mark.parametrize(("sql", "url"), grouped())
def test_the_runs_of_a_group_are_found(sql: str, url: str, reader: str) -> None:
    """A table of nothing behind a figure that counts something would be a lie."""
    now_ms = time.time_ns() // 10**6
    shown = Range(now_ms - 3_600_000, now_ms)
    columns, rows = asked(reader, sent(sql, shown=shown))
    names = [name for name, _ in columns]
    at = names.index("id") if "id" in names else int(names[0] == "time")
    groups = {str(row[at]) for row in rows}
    runs = kpi_query.own("runs")
    for group in groups:
        words = dict(parse_qsl(urlsplit(_GROUP.sub(quote(group), url)).query))
        chosen = {
            name.removeprefix("var-"): "'" + value.replace("'", "''") + "'"
            for name, value in words.items()
            if name.startswith("var-") and "${" not in value
        }
        assert asked(reader, sent(runs, chosen, shown))[1], f"no run of {group!r}"


def test_there_are_groups_to_follow() -> None:
    """The test above says nothing of a dashboard that has none."""
    assert len(grouped()) > 40


def test_runs_without_a_value_are_found_by_it(reader: str) -> None:
    """A group of what has no name says none; its link leads to those runs and to no others."""
    now_ms = time.time_ns() // 10**6
    shown, runs = Range(now_ms - 3_600_000, now_ms), kpi_query.own("runs")
    unnamed = "SELECT run_id FROM runs FINAL WHERE feature = ''"
    overcome = "SELECT run_id FROM faults FINAL WHERE strategy = ''"
    for chosen, sql in (({"feature": "'none'"}, unnamed), ({"with": "'strategy=none'"}, overcome)):
        wanted = {row[0] for row in asked(reader, sql)[1]}
        found = {row[1] for row in asked(reader, sent(runs, chosen, shown))[1]}
        assert found == wanted, chosen
        assert 0 < len(found) < RUNS, chosen


def test_none_can_be_chosen(reader: str, page: str, browser: Browser, pictures: Path) -> None:
    """Grafana keeps it: the dashboard shows the one run without a feature, and says so above."""
    (board,) = [one for one in BOARDS if one.name == "runs"]
    picture = pictures / "runs-none.png"
    report = drawn(browser, page, board, VIEWS[0], "", picture, "&var-feature=none")
    (open_run,) = asked(reader, "SELECT run_id FROM runs FINAL WHERE feature = ''")[1]
    assert [row["run"] for row in report["panels"]["Runs"]["rows"]] == [open_run]


def is_open(address: str) -> bool:
    """Tell whether Grafana found nothing to put in a place of an address."""
    return not address or "$" in address or "undefined" in address or "null" in address


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


def untrue(panel: dict[str, Any]) -> list[str]:
    """Return the fields that Grafana shows as something else: a table finds its cells by name."""
    if panel["kind"] not in {"table", "stat"}:
        return []
    fields = [field for frame in panel["fields"] for field in frame]
    names = [field.split("|")[0] for field in fields]
    twice = [name for name in set(names) if names.count(name) > 1]
    text = [field for field in fields if field.split("|")[1:2] == ["string"] and field[-1] != "|"]
    return twice + text

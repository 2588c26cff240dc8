"""One demo, one way in, and the same numbers wherever somebody looks.

The demo's team sends to the real Collector (`fan-out.yaml`), which brings every span to `serve` and
to a Jaeger with a memory of its own. Then `handspan kpi`, the dashboard Overview as Grafana's
libraries draw it, that Jaeger, and a Jaeger that reads Handspan are asked what happened.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from dashboards.boards import overview
from stack.tools import GRAFANA, JAEGER
from tests.end_to_end.processes import BIN, ROOT, Service, free_port, handspan, running, wait_for
from tests.stack.collector.shipped import Shipped
from tests.stack.drawing import LAPTOP, asked, chromium, drawn, own_panels, tool
from tests.stack.grafana_server import serving
from tests.stack.test_jaeger import ask

from handspan import semconv
from handspan_exporter import telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

RUNS = 24
PROGRAM = ("examples/research_team.py", "--runs", str(RUNS), "--seed", "1")
"""What `handspan demo` runs."""
TEAM = "research-team"
FIGURES = {
    "Runs that succeed": ("workflow_success_ratio", ("workflow_success_ratio", "low", "high", "n")),
    "Cost": ("cost_usd", ("cost_usd", "priced_calls")),
    "Calls with a known price": ("cost_coverage_ratio", ("cost_coverage_ratio", "n")),
    "Tokens": ("tokens", ("input_tokens", "output_tokens")),
    "Duration of a run": ("workflow_duration_s", ("duration_p50_s", "duration_p95_s")),
    "Waits for people": ("human_escalations", ("escalations", "wait_p90_s")),
    "Handoffs that get lost": ("handoff_loss_ratio", ("handoff_loss_ratio", "n")),
    "Faults overcome": ("fault_recovery_ratio", ("fault_recovery_ratio", "n")),
    "Budgets": ("budget_use", ("used_ratio", "exceeded")),
    "Cost of a finished feature": ("cost_per_feature_usd", ("cost_per_feature_usd", "n")),
    "Spans whose parent arrived": ("trace_completeness_ratio", ("trace_completeness_ratio", "n")),
}
"""Each figure of Overview, the KPI that it shows and which of its columns."""
NOT_A_KPI = {"Freshness"}


@dataclass
class Seen:
    """What everybody says of the demo."""

    service: Service
    panels: dict[str, Any]
    """Of Overview, as drawn."""
    jaeger: str
    """HTTP address of the Jaeger that got the spans from the Collector."""
    reading: str
    """HTTP address of the Jaeger that reads Handspan."""

    def kpi(self, name: str, by: str = "total") -> list[dict[str, Any]]:
        """Return the rows that `handspan kpi` prints."""
        return self._said("kpi", name, "--by", by)["rows"]  # type: ignore[no-any-return]

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs that `handspan runs list` prints."""
        return self._said("runs", "list", "--limit", "500")["runs"]  # type: ignore[no-any-return]

    def _said(self, *words: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.service.web}"
        done = handspan(*words, "--since", "1h", "--format", "json", "--url", url)
        assert done.returncode == 0, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    @cached_property
    def spans(self) -> list[dict[str, Any]]:
        """The spans of the Jaeger that got them from the Collector, each with its tags by name."""
        return spans_in(self.jaeger)


def spans_in(jaeger: str) -> list[dict[str, Any]]:
    """Return every span of the team in a Jaeger: trace, id, name, tags."""
    found = []
    for trace in ask(jaeger, "traces", service=TEAM, limit=1000, lookback="1h"):
        for span in trace["spans"]:
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            service = trace["processes"][span["processID"]]["serviceName"]
            found.append({**span, "tags": tags, "service": service})
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Return what there is to see after the demo's team has worked."""
    folder, sql, reads, otlp = tmp_path_factory.mktemp("same"), *(free_port() for _ in range(3))
    options = ["--clickhouse-http", f"127.0.0.1:{sql}", "--jaeger", f"127.0.0.1:{reads}"]
    service = Service(folder / "store", options)
    with ExitStack() as stack:
        stack.callback(service.stop)
        service.start()
        own = jaeger(stack, "tests/stack/jaeger/memory.yaml", OTLP_PORT=str(otlp))
        reading = jaeger(
            stack, "collector-config/jaeger.yaml", HANDSPAN_JAEGER=f"127.0.0.1:{reads}"
        )
        to_both = {"HANDSPAN": f"127.0.0.1:{service.grpc}", "BACKEND": f"127.0.0.1:{otlp}"}
        collector = stack.enter_context(Shipped("fan-out", folder, to_both))
        work(collector.address)
        wait_for(lambda: counted(service) == RUNS, f"{RUNS} runs")
        service.await_facts()
        sent = service.counter(telemetry.SPANS_ACCEPTED)
        wait_for(lambda: len(spans_in(own)) == sent, "the same spans in Jaeger")
        yield Seen(service, overview_of(sql, folder), own, reading)


def jaeger(stack: ExitStack, config: str, **environment: str) -> str:
    """Start a real Jaeger and return the address of its HTTP API."""
    port = free_port()
    at = {"JAEGER_HTTP": f"127.0.0.1:{port}", "JAEGER_GRPC": f"127.0.0.1:{free_port()}"}
    command: list[str | Path] = [tool(JAEGER), "--config", ROOT / config]
    stack.enter_context(running(command, port, **at, **environment))
    return at["JAEGER_HTTP"]


def work(collector: str) -> None:
    """Let the demo's team work, watched as the demo watches it, sending to the Collector."""
    where = ("--endpoint", f"http://{collector}", "--protocol", "grpc", "--service-name", TEAM)
    command = [str(BIN / "handspan-instrument"), *where, "python", *PROGRAM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def counted(service: Service) -> int:
    """Return how many runs the KPI knows."""
    rows = service.ask("kpis/workflow_success_ratio?by=total")["rows"] or [{"n": 0}]
    return int(rows[0]["n"])


def overview_of(sql: int, folder: Path) -> dict[str, Any]:
    """Return the panels of Overview, drawn by Grafana's libraries."""
    json_files, page = ROOT / "dashboards" / "grafana", tool(GRAFANA).parent
    url = f"http://127.0.0.1:{sql}/?database=handspan"
    with serving(page, json_files, lambda text: asked(url, text)) as at, chromium() as browser:
        report = drawn(browser, at, overview.BOARD, LAPTOP, "", folder / "overview.png")
    assert not report["errors"]
    panels: dict[str, Any] = report["panels"]
    return panels


def test_every_figure_of_overview_is_looked_at() -> None:
    """A figure that is added to Overview must be added here as well."""
    figures = {panel["title"] for panel in own_panels(overview.BOARD) if panel["type"] == "stat"}
    assert figures == set(FIGURES) | NOT_A_KPI


@pytest.mark.parametrize("title", FIGURES)
def test_a_figure_is_what_the_command_line_says(seen: Seen, title: str) -> None:
    """The number behind it exactly; the text that people read, rounded; unknown as unknown."""
    name, columns = FIGURES[title]
    (said,) = seen.kpi(name)
    panel = seen.panels[title]
    (drawn_row,) = panel["rows"]
    assert len(drawn_row) == len(columns)
    for (values, shown), column in zip(
        zip(drawn_row.values(), panel["shown"], strict=True), columns, strict=True
    ):
        number = None if said[column] is None else float(said[column])
        assert values == [pytest.approx(number) if number is not None else None], column
        assert read(shown) == (pytest.approx(number, rel=0.06) if number is not None else None)


def read(shown: str | None) -> float | None:
    """Return the number that a person reads in a figure's text, in the KPI's unit."""
    if shown is None or shown == "unknown":
        return None
    text = shown.removeprefix("$").replace(",", "")
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


UNITS = {"%": 0.01, " ms": 1e-3, " µs": 1e-6, " mins": 60.0, " min": 60.0, " s": 1.0, " K": 1e3}


def test_the_table_of_rates_is_what_the_command_line_says(seen: Seen) -> None:
    """With interval and n, for those who ask how sure it is."""
    (table,) = seen.panels["Every rate, its interval and its n"]["rows"]
    names = {
        "Runs that succeed": "workflow_success_ratio",
        "Calls with a known price": "cost_coverage_ratio",
        "Handoffs that get lost": "handoff_loss_ratio",
        "Handoffs that bounce back": "ping_pong_ratio",
        "Model calls that fail": "llm_error_ratio",
        "Tool calls that fail": "tool_error_ratio",
        "Faults that are overcome": "fault_recovery_ratio",
        "Checks that pass": "validation_pass_ratio",
        "Work that critics reject": "critic_rejection_ratio",
        "Spans whose parent arrived": "trace_completeness_ratio",
    }
    assert set(table["rate"]) == set(names)
    for rate, *drawn_row in zip(
        table["rate"],
        table["value"],
        table["95 % low"],
        table["95 % high"],
        table["n"],
        strict=True,
    ):
        (said,) = seen.kpi(names[rate])
        assert drawn_row == [
            pytest.approx(said[column]) if said[column] is not None else None
            for column in (names[rate], "low", "high", "n")
        ], rate


def test_graphs_add_up_to_the_figures(seen: Seen) -> None:
    """Bars by outcome are the runs, bars by agent are the cost."""
    (success,) = seen.kpi("workflow_success_ratio")
    bars = column_sums(seen.panels["Runs by outcome"])
    assert bars == {name: success[name] for name in ("successful", "failed", "cancelled")}
    by_agent = column_sums(seen.panels["Cost by agent"])
    said = {
        row["group"] or "none": float(row["cost_usd"] or 0) for row in seen.kpi("cost_usd", "agent")
    }
    assert by_agent == {
        agent: pytest.approx(usd) for agent, usd in said.items() if usd or agent in by_agent
    }


def column_sums(panel: dict[str, Any]) -> dict[str, float]:
    """Return the sum of each line of a graph."""
    return {
        name: sum(value or 0 for value in values)
        for row in panel["rows"]
        for name, values in row.items()
        if name.lower() != "time"
    }


def test_the_newest_runs_are_those_of_the_command_line(seen: Seen) -> None:
    """By id, outcome and trace."""
    (table,) = seen.panels["Newest runs"]["rows"]
    said = {(run["run_id"], run["outcome"]) for run in seen.runs()}
    assert len(said) == RUNS
    assert set(zip(table["run"], table["outcome"], strict=True)) == said


def test_jaeger_has_what_the_service_took(seen: Seen) -> None:
    """The Collector brought the same spans to both, and Jaeger reads the same from Handspan."""
    read_back = spans_in(seen.reading)
    assert len(seen.spans) == len({span["spanID"] for span in seen.spans})
    assert len(seen.spans) == seen.service.counter(telemetry.SPANS_STORED)
    assert {span["spanID"] for span in read_back} == {span["spanID"] for span in seen.spans}
    by_service = Counter((span["service"], span["operationName"]) for span in seen.spans)
    assert Counter((span["service"], span["operationName"]) for span in read_back) == by_service
    assert ask(seen.reading, "services") == ask(seen.jaeger, "services") == [TEAM]


def test_the_kpis_are_what_the_spans_in_jaeger_add_up_to(seen: Seen) -> None:
    """Counted from another program's copy, without any SQL of ours."""

    def of(operation: str) -> list[dict[str, Any]]:
        name = semconv.GEN_AI_OPERATION_NAME
        return [span["tags"] for span in seen.spans if span["tags"].get(name) == operation]

    assert len({span["traceID"] for span in seen.spans}) == RUNS
    (success,) = seen.kpi("workflow_success_ratio")
    outcomes = Counter(tags[semconv.WORKFLOW_OUTCOME] for tags in of("invoke_workflow"))
    assert (success["successful"], success["failed"]) == (outcomes["success"], outcomes["failure"])
    (tokens,) = seen.kpi("tokens")
    for column, name in (
        ("input_tokens", semconv.GEN_AI_USAGE_INPUT_TOKENS),
        ("output_tokens", semconv.GEN_AI_USAGE_OUTPUT_TOKENS),
    ):
        assert tokens[column] == sum(tags.get(name, 0) for tags in of("chat"))
    (cost,) = seen.kpi("cost_usd")
    costs = [tags[semconv.COST_USD] for tags in of("chat") if semconv.COST_USD in tags]
    assert cost["priced_calls"] == len(costs)
    assert float(cost["cost_usd"]) == pytest.approx(sum(costs))
    edges = Counter(
        f"{span['tags'][semconv.HANDOFF_SOURCE]} > {span['tags'][semconv.HANDOFF_TARGET]}"
        for span in seen.spans
        if span["tags"].get(semconv.KIND) == "handoff"
    )
    assert {row["group"]: row["handoffs"] for row in seen.kpi("handoffs", "edge")} == dict(edges)

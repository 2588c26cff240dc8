"""The real Prometheus scrapes `serve`; promtool checks what it reads, and the alert rules."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics import parser
from stack.tools import PROMETHEUS, Missing
from tests.end_to_end.processes import Service, free_port, running, wait_for
from tests.stack.prometheus.cases import ABSENT, CASES, RULES, Case, as_yaml, expressions, rules
from tests.stack.spans import send_runs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.end_to_end

OPENMETRICS = "application/openmetrics-text"
CONFIG = """
global: {{scrape_interval: 2s}}
scrape_configs:
  - job_name: handspan
    static_configs: [{{targets: ["127.0.0.1:{web}"]}}]
rule_files: ["{rules}"]
"""


@pytest.fixture(scope="module")
def promtool() -> Path:
    """Return promtool; Prometheus lies beside it."""
    try:
        return PROMETHEUS.require()
    except Missing as missing:
        pytest.fail(str(missing))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a `serve` that tells KPIs, with three runs stored."""
    options = ["--metrics-kpis", "total,workflow", "--metrics-kpi-every-s", "600"]
    one = Service(tmp_path_factory.mktemp("scraped"), options)
    one.start()
    send_runs(one.grpc, 3)
    wait_for(lambda: one.ask("health")["newest"], "the runs to be facts")
    yield one
    one.stop()


def ran(*command: str | Path, given: str | None = None) -> str:
    """Run promtool; return what it printed, fail when it found something."""
    done = subprocess.run(
        [str(part) for part in command], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def fetched(url: str) -> str:
    """Return a page."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


def test_metrics_are_as_prometheus_wants_them(promtool: Path, service: Service) -> None:
    """Names, types, units and help: promtool has nothing to say."""
    text = fetched(f"http://127.0.0.1:{service.web}/metrics")
    assert "handspan_kpi_workflow_success_ratio" in text
    assert ran(promtool, "check", "metrics", given=text).strip() == ""


def test_a_slow_run_is_named_by_its_trace(service: Service) -> None:
    """OpenMetrics has exemplars: from a graph of freshness one click leads to a trace."""
    url = f"http://127.0.0.1:{service.web}/metrics"
    asked = urllib.request.Request(url, headers={"Accept": OPENMETRICS})
    with urllib.request.urlopen(asked) as answer:  # noqa: S310 - our own address
        assert answer.headers["Content-Type"].startswith(f"{OPENMETRICS}; version=1.0.0")
        families = {
            one.name: one for one in parser.text_string_to_metric_families(answer.read().decode())
        }
    exemplars = [
        sample.exemplar
        for sample in families["handspan_freshness_seconds"].samples
        if sample.exemplar
    ]
    known = {run["run_id"] for run in service.ask("runs?since=1h")["runs"]}
    assert {one.labels["trace_id"] for one in exemplars} <= known
    assert exemplars


def test_alert_rules_are_valid(promtool: Path) -> None:
    """Prometheus does not start with a file that it cannot read."""
    ran(promtool, "check", "rules", RULES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_says_what_it_should_and_only_then(
    case: Case, promtool: Path, tmp_path: Path
) -> None:
    """An alert that cannot fire is worse than none: somebody relies on it."""
    file = tmp_path / "case.yaml"
    file.write_text(as_yaml(case), encoding="utf-8")
    ran(promtool, "test", "rules", file)


def test_no_rule_fires_where_nothing_is_scraped(promtool: Path, tmp_path: Path) -> None:
    """Series that are absent are no zero and no failure."""
    file = tmp_path / "absent.yaml"
    file.write_text(as_yaml(*ABSENT), encoding="utf-8")
    ran(promtool, "test", "rules", file)


def test_every_rule_is_made_to_fire_and_kept_silent() -> None:
    """Whoever adds a rule says when it should fire, and when not."""
    assert {case.rule for case in CASES if case.fires} == set(rules())
    assert {case.rule for case in CASES if not case.fires} == set(rules())


def test_a_rule_that_says_something_else_is_noticed(promtool: Path, tmp_path: Path) -> None:
    """The cases would be worth nothing if promtool took what is not so."""
    (case, *_) = (one for one in CASES if one.fires)
    file = tmp_path / "wrong.yaml"
    file.write_text(as_yaml(replace(case, silent=tuple(case.fires), fires={})), encoding="utf-8")
    with pytest.raises(AssertionError, match=case.rule):
        ran(promtool, "test", "rules", file)


def test_rules_ask_for_what_is_told(service: Service) -> None:
    """A rule on a name that no service tells is silent for ever."""
    page = fetched(f"http://127.0.0.1:{service.web}/metrics")
    told = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    # A share of no case is absent; its n is there.
    told |= {name.removesuffix("_n") for name in told}
    asked = set(re.findall(r"handspan_\w+", " ".join(expressions())))
    assert len(asked) > 10
    assert asked <= told


def test_prometheus_reads_what_the_command_line_says(
    promtool: Path, service: Service, tmp_path: Path
) -> None:
    """A figure on a Prometheus dashboard is the figure of `handspan kpi`."""
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(web=service.web, rules=RULES), encoding="utf-8")
    port = free_port()
    command: list[str | Path] = [
        promtool.with_name("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    fetched(f"http://127.0.0.1:{service.web}/metrics")  # KPIs are asked once, whoever is first
    with running(command, port):
        query = "handspan_kpi_workflow_success_ratio_n{by='total'}"
        found = wait_for(lambda: value(port, query), "a scrape")
        assert found == service.ask("kpis/workflow_success_ratio?since=1h")["rows"][0]["n"]
        assert value(port, "handspan_spans_stored_total") == 6
        rules = json.loads(fetched(f"http://127.0.0.1:{port}/api/v1/rules"))["data"]["groups"]
        assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}


def value(port: int, query: str) -> float | None:
    """Return the value of a query that gives one series, None while it gives none."""
    url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(query)}"
    try:
        found: list[dict[str, Any]] = json.loads(fetched(url))["data"]["result"]
    except urllib.error.HTTPError:  # it listens before it is ready
        return None
    return float(found[0]["value"][1]) if found else None

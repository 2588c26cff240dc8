"""The guide's Collector page, done as it says: its YAML, the real Collector, figures at the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from stack.tools import COLLECTOR, Missing
from tests.end_to_end.processes import free_port, running, wait_for

if TYPE_CHECKING:
    from tests.end_to_end.processes import Service

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[2]
PAGES = ("collector", "grafana")
RUNS = 5


def whole_configurations(page: str) -> list[str]:
    """Return the YAML blocks of a page that a Collector could be started with."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "\nservice:" in block]


def the_collector() -> Path:
    """Return the real Collector."""
    try:
        return COLLECTOR.require()
    except Missing as missing:
        pytest.fail(str(missing))


@pytest.mark.parametrize("page", PAGES)
def test_the_collector_takes_every_configuration_of_the_guide(page: str, tmp_path: Path) -> None:
    """A name that the Collector has dropped would stop a stranger at the second step."""
    found = whole_configurations(page)
    assert found
    for number, block in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")
        checked = subprocess.run(
            [str(the_collector()), "validate", "--config", str(file)],
            env=os.environ | {"GRAFANA_CLOUD_OTLP": "https://example.com/otlp"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr


def test_the_collector_page_leads_to_figures(service: Service, tmp_path: Path) -> None:
    """What the page tells a stranger to do is enough; only the ports are others here."""
    grpc, http = free_port(), free_port()
    (block,) = whole_configurations("collector")
    for port, here in ((14317, service.grpc), (4317, grpc), (4318, http)):
        block = re.sub(rf"127\.0\.0\.1:{port}\b", f"127.0.0.1:{here}", block)
    file = tmp_path / "collector.yaml"
    file.write_text(block + "  telemetry: {metrics: {level: none}}\n", encoding="utf-8")
    team = [sys.executable, str(ROOT / "examples" / "support_team.py"), "--runs", str(RUNS)]
    with running([the_collector(), "--config", file], grpc):
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{grpc}"}
        subprocess.run(team, check=True, env=os.environ | endpoint, capture_output=True)

        def counted() -> bool:
            (row,) = service.ask("kpis/workflow_success_ratio?by=total")["rows"] or [{}]
            return bool(row.get("n") == RUNS)

        wait_for(counted, f"{RUNS} runs")

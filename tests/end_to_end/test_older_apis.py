"""Programs that still call the older APIs, and the KPIs that come of it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.processes import Service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.end_to_end

PROGRAM = """
import handspan
from handspan.compat.chaos import start_session
from handspan.compat.events import emit_event
from handspan.compat.invocations import log_invocation, log_success_metric, update_invocation
from handspan.compat.workflows import log_agent_handoff, log_workflow_complete, log_workflow_start

handspan.configure(service_name="old", instrument=())
for number in range(3):
    run = f"wf-{number}"
    log_workflow_start(run, "shop", ["planner", "coder"], estimated_duration=2)
    log_agent_handoff(run, "planner", "coder", ["plan.md"])
    log_agent_handoff(run, "coder", "ghost", [])
    log_workflow_complete(run, 0.4, number != 2, ["planner", "coder"])

invocation_id = log_invocation("solo", "developer", "fix it", {"task": {"type": "bug_fix"}})
update_invocation(invocation_id, 1.5, "success", ["login.py"])
log_success_metric(invocation_id, True, 4)

emit_event("task_queued", {"task_id": "t-1", "feature": "login"})
for status in ("failed", "approved"):
    emit_event("agent_started", {"agent": "dev", "task_id": "t-1"})
    emit_event(
        "agent_completed", {"agent": "dev", "task_id": "t-1", "status": status, "cost_usd": 0.25}
    )

session = start_session(mode="guided", seed=7)
session.log_effect_injection("delay", "search")
session.end_session()
handspan.flush()
print(invocation_id, session.session_id)
"""


def test_old_calls_fill_the_kpis(service: Service) -> None:
    """Runs by their old ids, handoffs that arrived or not, cost, success: as the calls said."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{service.grpc}"},
        capture_output=True,
        text=True,
        check=True,
    )
    made_up = done.stdout.split()

    runs = wait_for(settled(service, 6), "six runs")
    assert {run["run_id"] for run in runs} == {"wf-0", "wf-1", "wf-2", "t-1", *made_up}

    success = row(service, "workflow_success_ratio", "workflow", "shop")
    assert (success["successful"], success["failed"], success["n"]) == (2, 1, 3)
    assert row(service, "handoffs", "edge", "planner > coder")["accepted"] == 3
    assert row(service, "handoffs", "edge", "coder > ghost")["lost"] == 3
    assert row(service, "agent_performance", "agent", "dev")["success_ratio"] == 0.5
    assert float(row(service, "cost_usd", "feature", "login")["cost_usd"]) == 0.5


def settled(service: Service, count: int) -> Callable[[], list[dict[str, Any]] | None]:
    """Return what answers with the runs as soon as there are that many and all have ended."""

    def ask() -> list[dict[str, Any]] | None:
        runs: list[dict[str, Any]] = service.ask("runs")["runs"]
        ended = len(runs) == count and all(run["ended"] for run in runs)
        return runs if ended else None

    return ask


def row(service: Service, kpi: str, by: str, group: str) -> dict[str, Any]:
    """Return the row of one group of a KPI."""
    rows = service.ask(f"kpis/{kpi}?by={by}")["rows"]
    found: dict[str, Any] = next(one for one in rows if one["group"] == group)
    return found

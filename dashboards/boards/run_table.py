"""The table of runs that several dashboards have."""

from __future__ import annotations

from dashboards.panels import to_run, to_trace
from dashboards.units import Column

RUN_COLUMNS = {
    "at": Column("ended", "dateTimeAsIso", 155),
    "run": Column("run", "", 90),
    "workflow": Column("workflow", "", 125),
    "outcome": Column("outcome", "", 80),
    "trace": Column("trace", "", 90),
    "duration_s": Column("duration", "s", 85),
    "cost_usd": Column("cost", "currencyUSD", 85),
    "cost_unknown": Column("cost unknown", "", 160),
    "path": Column("path", "", 210),
    "tokens": Column("tokens", "short", 80),
    "agent_runs": Column("agent runs", "locale", 90),
    "handoffs": Column("handoffs", "locale", 80),
    "error_type": Column("error", "", 130),
}

RUN_LINKS = {"run": to_run("run"), "trace": to_trace("run")}

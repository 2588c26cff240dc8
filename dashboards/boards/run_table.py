"""The table of runs that several dashboards have."""

from __future__ import annotations

from dashboards.panels import to_run, to_trace
from dashboards.units import Column

RUN_COLUMNS = {
    "at": Column("ended", "dateTimeAsIso", 155),
    "run": Column("run", "", 90),
    "workflow": Column("workflow", "", 115),
    "outcome": Column("outcome", "", 75),
    "trace": Column("trace", "", 90),
    "duration_s": Column("duration", "s", 80),
    "cost_usd": Column("cost", "currencyUSD", 85),
    "cost_unknown": Column("unpriced", "", 95),
    "path": Column("path", "", 245),
    "tokens": Column("tokens", "short", 70),
    "agent_runs": Column("agent runs", "locale", 85),
    "handoffs": Column("handoffs", "locale", 75),
    "error_type": Column("error", "", 115),
}

RUN_LINKS = {"run": to_run("run"), "trace": to_trace("run")}

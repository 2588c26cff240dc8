"""The table of runs that several dashboards have."""

from __future__ import annotations

from dashboards.panels import to_run
from dashboards.units import Column

RUN_COLUMNS = {
    "at": Column("ended", "dateTimeAsIso", 160),
    "duration_s": Column("duration", "s"),
    "cost_usd": Column("cost", "currencyUSD"),
    "cost_unknown": Column("cost unknown", "", 160),
    "path": Column("path", "", 260),
    "tokens": Column("tokens", "short"),
    "agent_runs": Column("agent runs", "locale"),
    "handoffs": Column("handoffs", "locale"),
    "error_type": Column("error", ""),
}

TRACE = "${jaeger}/trace/${__value.raw}"

RUN_LINKS = {"run": to_run("run"), "trace": TRACE}

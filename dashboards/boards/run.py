"""One run."""

from __future__ import annotations

from dashboards import kpi_query
from dashboards.board import JAEGER, Board
from dashboards.panels import Query, own_table, plugin, timeline, to_trace
from dashboards.units import Column

BOARD = Board(
    name="run",
    title="Run",
    description="One run: its agents, calls, events and trace.",
    rows=(
        (
            "",
            (
                own_table(
                    "The run",
                    "run",
                    {
                        "run": Column("run", "", 110),
                        "workflow": Column("workflow", "", 150),
                        "error_type": Column("error", "", 150),
                        "trace": Column("trace", "", 110),
                        "duration_s": Column("duration", "s"),
                        "active_s": Column("active", "s"),
                        "cost_usd": Column("cost", "currencyUSD"),
                        "unpriced_calls": Column("unpriced", "locale"),
                        "tokens": Column("tokens", "short"),
                        "agents": Column("agents", "locale"),
                        "handoffs": Column("handoffs", "locale"),
                        "resilience_score": Column("resilience", "none"),
                    },
                    links={"trace": to_trace("run")},
                    help_text="Active is the duration without waits for people. Empty: there is no run of this id; choose one on the dashboard Runs.",
                    height=4,
                ),
                timeline(
                    "Who worked when", kpi_query.own("run_timeline"), help_text="Each agent's runs."
                ),
                own_table(
                    "Agents",
                    "run_agents",
                    {
                        "started_at": Column("started", "dateTimeAsIso", 160),
                        "after_s": Column("after", "s"),
                        "duration_s": Column("duration", "s"),
                        "agent_time_s": Column("own time", "s"),
                        "cost_usd": Column("cost", "currencyUSD"),
                        "input_tokens": Column("input tokens", "short"),
                        "output_tokens": Column("output tokens", "short"),
                        "llm_calls": Column("model calls", "locale"),
                        "tool_calls": Column("tool calls", "locale"),
                        "unpriced_calls": Column("unpriced", "locale"),
                        "attempt": Column("attempt", "locale"),
                        "error_type": Column("error", ""),
                    },
                    help_text="Agent runs in the order of their start. Own time is without child agents and waits for people.",
                    width=24,
                ),
                own_table(
                    "Cost by agent",
                    "run_cost",
                    {
                        "cost_usd": Column("cost", "currencyUSD"),
                        "unpriced_calls": Column("unpriced", "locale"),
                        "n": Column("calls", "locale"),
                    },
                    help_text="A call without a price is counted, never added as 0.",
                    width=8,
                ),
                own_table(
                    "Events",
                    "run_events",
                    {
                        "at": Column("at", "dateTimeAsIso", 160),
                        "event": Column("event", "", 120),
                        "agent": Column("agent", "", 110),
                        "what": Column("what", "", 200),
                        "result": Column("result", "", 80),
                        "took_s": Column("took", "s", 80, unknown=""),
                    },
                    help_text="Handoffs, faults and what overcame them, waits for people, checks, budgets, ratings, numbers.",
                    width=16,
                ),
                own_table(
                    "Calls",
                    "run_calls",
                    {
                        "at": Column("at", "dateTimeAsIso", 160),
                        "name": Column("name", "", 150),
                        "duration_s": Column("duration", "s"),
                        "time_to_first_token_s": Column("first token after", "s", unknown=""),
                        "input_tokens": Column("input tokens", "short", unknown=""),
                        "output_tokens": Column("output tokens", "short", unknown=""),
                        "cost_usd": Column("cost", "currencyUSD", unknown=""),
                        "unknown_reason": Column("cost unknown", ""),
                        "error_type": Column("error", ""),
                    },
                    help_text="Calls of models and tools.",
                ),
                plugin(
                    "Trace",
                    "traces",
                    (Query(kpi_query.own("run_trace"), "traces"),),
                    help_text="The run's first trace; the service name is the agent's.",
                    height=16,
                ),
            ),
        ),
    ),
    filters=(),
    texts=(("run", "Run", ""), JAEGER),
    interval=False,
)

"""Workflows: duration, paths, coordination."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import figure, grouped, own_table, to_run
from dashboards.units import Column

BOARD = Board(
    name="workflows",
    title="Workflows",
    description="Runs of workflows: duration against estimate, the paths that agents take, what coordination costs.",
    rows=(
        (
            "Workflows",
            (
                grouped(
                    "Success",
                    "workflow_success_ratio",
                    "workflow",
                    (
                        "workflow_success_ratio",
                        "low",
                        "high",
                        "n",
                        "failed",
                        "cancelled",
                        "running",
                        "lost",
                    ),
                    width=24,
                    height=7,
                ),
                grouped(
                    "Duration",
                    "workflow_duration_s",
                    "workflow",
                    ("duration_p50_s", "duration_p90_s", "duration_p95_s", "active_p50_s", "n"),
                    titles={
                        "duration_p50_s": "median",
                        "duration_p90_s": "90 %",
                        "duration_p95_s": "95 %",
                        "active_p50_s": "active",
                    },
                ),
                grouped(
                    "From queue to success",
                    "time_to_completion_s",
                    "workflow",
                    ("completion_p50_s", "completion_p90_s", "n", "reason"),
                    titles={"completion_p50_s": "median", "completion_p90_s": "90 %"},
                ),
                grouped(
                    "Against the estimate, which is 100 %",
                    "duration_vs_estimate_ratio",
                    "workflow",
                    (
                        "duration_vs_estimate_ratio",
                        "duration_vs_estimate_p90_ratio",
                        "cost_vs_estimate_ratio",
                        "n",
                        "reason",
                    ),
                    titles={
                        "duration_vs_estimate_ratio": "duration",
                        "duration_vs_estimate_p90_ratio": "90 %",
                        "cost_vs_estimate_ratio": "cost",
                    },
                    width=24,
                    height=7,
                ),
            ),
        ),
        (
            "Coordination",
            (
                figure(
                    "Coordination",
                    "coordination_overhead_ratio",
                    ("coordination_overhead_ratio", "n"),
                    steps=((None, "green"), (0.3, "orange"), (0.5, "red")),
                    width=6,
                ),
                figure(
                    "Tokens of coordination",
                    "coordination_token_ratio",
                    ("coordination_token_ratio", "n"),
                    width=6,
                ),
                figure(
                    "Agents in a run", "agents_per_workflow", ("agents_mean", "agents_max"), width=6
                ),
                figure("Retries per task", "retries_per_task", ("retries_per_task", "n"), width=6),
                grouped(
                    "What it costs, and the advice",
                    "coordination_overhead_ratio",
                    "workflow",
                    (
                        "coordination_overhead_ratio",
                        "coordination_s",
                        "agent_time_s",
                        "n",
                        "advice",
                    ),
                    width=24,
                    height=7,
                ),
                grouped(
                    "What runs wait for",
                    "bottlenecks",
                    "step",
                    ("share", "critical_s", "spans", "n"),
                    width=24,
                ),
            ),
        ),
        (
            "Paths and open runs",
            (
                grouped(
                    "Paths that agents took",
                    "workflow_patterns",
                    "pattern",
                    (
                        "share",
                        "runs_n",
                        "success_ratio",
                        "success_n",
                        "duration_p50_s",
                        "cost_mean_usd",
                    ),
                    width=24,
                ),
                own_table(
                    "Not ended",
                    "waiting",
                    {
                        "since": Column("since", "dateTimeAsIso", 155),
                        "path": Column("path", "", 260),
                        "open_s": Column("open for", "s"),
                    },
                    help_text="Runs that announced themselves and have not ended; lost ones are in no ratio.",
                    links={"run": to_run("run")},
                ),
            ),
        ),
    ),
)

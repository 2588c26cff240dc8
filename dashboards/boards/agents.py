"""Agents: who does well, at what cost, and what changed."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import grouped, over_time, ranked

BOARD = Board(
    name="agents",
    title="Agents",
    description="Who does well, at what cost, and what changed.",
    rows=(
        (
            "Agents",
            (
                ranked("How busy", "agent_utilization_ratio", "agent", "agent_utilization_ratio"),
                ranked("Cost", "cost_usd", "agent", "cost_usd"),
                grouped(
                    "Ranking",
                    "agent_performance",
                    "agent",
                    (
                        "success_ratio",
                        "low",
                        "high",
                        "n",
                        "agent_runs",
                        "duration_p50_s",
                        "duration_p95_s",
                        "cost_usd",
                        "cost_mean_usd",
                        "unpriced_calls",
                    ),
                    width=24,
                ),
                grouped(
                    "What changed: the recent half against the earlier one",
                    "agent_trend",
                    "agent",
                    (
                        "success_trend",
                        "success_change",
                        "n",
                        "duration_trend",
                        "duration_change_ratio",
                        "duration_n",
                        "cost_trend",
                        "cost_change_ratio",
                        "cost_n",
                        "reason",
                    ),
                    width=24,
                ),
            ),
        ),
        (
            "Over time",
            (
                over_time(
                    "Agent runs that succeed", "agent_performance", ("success_ratio",), by="agent"
                ),
                over_time(
                    "Duration of an agent run, median",
                    "agent_performance",
                    ("duration_p50_s",),
                    by="agent",
                ),
            ),
        ),
        (
            "Errors and ratings",
            (
                grouped(
                    "Tool calls that fail",
                    "tool_error_ratio",
                    "tool",
                    ("tool_error_ratio", "low", "high", "n"),
                ),
                grouped(
                    "Retries", "retries_per_task", "agent", ("retries_per_task", "n", "reason")
                ),
                grouped(
                    "Ratings",
                    "quality_rating",
                    "agent",
                    (
                        "quality_mean",
                        "n",
                        "success_share",
                        "success_n",
                        "use_again_share",
                        "use_again_n",
                    ),
                    titles={
                        "quality_mean": "mean",
                        "use_again_share": "again",
                        "use_again_n": "again n",
                    },
                ),
                grouped(
                    "Checks",
                    "validation_pass_ratio",
                    "agent",
                    ("validation_pass_ratio", "low", "high", "n", "reason"),
                ),
            ),
        ),
    ),
)

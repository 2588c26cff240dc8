"""What is spent, on what, and how much of it is known."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import GOOD_HIGH, figure, grouped, over_time

BOARD = Board(
    name="cost",
    title="Cost",
    description="What is spent, on what, and how much of it is known.",
    rows=(
        (
            "Cost",
            (
                figure("Cost", "cost_usd", ("cost_usd", "priced_calls", "unpriced_calls"), width=6),
                figure(
                    "Calls with a known price",
                    "cost_coverage_ratio",
                    ("cost_coverage_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=6,
                ),
                figure(
                    "Read from caches", "tokens", ("cache_hit_ratio", "cache_hit_calls_n"), width=6
                ),
                figure(
                    "Budgets",
                    "budget_use",
                    ("used_ratio", "warning", "exceeded"),
                    steps=((None, "green"), (0.8, "orange"), (1.0, "red")),
                    width=6,
                ),
                over_time(
                    "Cost by model, over time", "cost_usd", ("cost_usd",), by="model", bars=True
                ),
                over_time(
                    "Cost by agent, over time", "cost_usd", ("cost_usd",), by="agent", bars=True
                ),
                grouped(
                    "Cost by model",
                    "cost_usd",
                    "model",
                    ("cost_usd", "priced_calls", "unpriced_calls", "reason"),
                ),
                grouped(
                    "Known prices by model",
                    "cost_coverage_ratio",
                    "model",
                    ("cost_coverage_ratio", "n", "reason"),
                ),
                grouped(
                    "Cost by feature",
                    "cost_usd",
                    "feature",
                    ("cost_usd", "priced_calls", "unpriced_calls", "reason"),
                ),
                grouped(
                    "Cost by user",
                    "cost_usd",
                    "user",
                    ("cost_usd", "priced_calls", "unpriced_calls", "reason"),
                ),
                grouped(
                    "Cost by handoff",
                    "cost_usd",
                    "edge",
                    ("cost_usd", "priced_calls", "unpriced_calls", "reason"),
                ),
                grouped(
                    "Of a finished feature",
                    "cost_per_feature_usd",
                    "feature",
                    ("cost_per_feature_usd", "cost_usd", "features", "runs_n", "reason"),
                    titles={"cost_per_feature_usd": "each"},
                ),
                grouped(
                    "Each budget",
                    "budget_use",
                    "budget",
                    ("used_ratio", "limit_usd", "used_usd", "state", "exhausted_at", "n"),
                    titles={"used_usd": "spent", "exhausted_at": "will be exhausted at"},
                    width=24,
                ),
            ),
        ),
        (
            "Tokens",
            (
                over_time(
                    "Tokens, over time",
                    "tokens",
                    ("input_tokens", "output_tokens"),
                    bars=True,
                    width=24,
                ),
                grouped(
                    "Tokens by model",
                    "tokens",
                    "model",
                    (
                        "input_tokens",
                        "cache_read_tokens",
                        "output_tokens",
                        "reasoning_tokens",
                        "cache_hit_ratio",
                        "n",
                    ),
                    width=24,
                ),
            ),
        ),
    ),
    since="now-7d",
)

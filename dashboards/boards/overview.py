"""How the teams do: the page for everyone."""

from __future__ import annotations

from dashboards.board import JAEGER, Board
from dashboards.boards.run_table import RUN_COLUMNS, RUN_LINKS
from dashboards.panels import GOOD_HIGH, GOOD_LOW, figure, over_time, own_figure, own_table
from dashboards.units import Column

BOARD = Board(
    name="overview",
    title="Overview",
    description="How the teams of agents do: outcome, cost, time, people, and how far to trust the figures.",
    rows=(
        (
            "In this time range",
            (
                figure(
                    "Runs that succeed",
                    "workflow_success_ratio",
                    ("workflow_success_ratio", "low", "high", "n"),
                    steps=GOOD_HIGH,
                    width=6,
                ),
                figure(
                    "Cost",
                    "cost_usd",
                    ("cost_usd", "priced_calls"),
                    width=6,
                    help_text="Calls without a price are counted apart, never as 0.",
                ),
                figure("Tokens", "tokens", ("input_tokens", "output_tokens"), width=6),
                figure(
                    "Duration of a run",
                    "workflow_duration_s",
                    ("duration_p50_s", "duration_p95_s"),
                    width=6,
                ),
                figure(
                    "Waits for people", "human_escalations", ("escalations", "wait_p90_s"), width=5
                ),
                figure(
                    "Handoffs that get lost",
                    "handoff_loss_ratio",
                    ("handoff_loss_ratio", "n"),
                    steps=GOOD_LOW,
                    width=5,
                ),
                figure(
                    "Faults overcome",
                    "fault_recovery_ratio",
                    ("fault_recovery_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=5,
                ),
                figure(
                    "Budgets",
                    "budget_use",
                    ("used_ratio", "exceeded"),
                    steps=((None, "green"), (0.8, "orange"), (1.0, "red")),
                    width=5,
                ),
                figure(
                    "Cost of a finished feature",
                    "cost_per_feature_usd",
                    ("cost_per_feature_usd", "n"),
                ),
            ),
        ),
        (
            "Over time",
            (
                over_time(
                    "Runs that succeed, over time",
                    "workflow_success_ratio",
                    ("workflow_success_ratio", "low", "high"),
                ),
                over_time(
                    "Runs by outcome",
                    "workflow_success_ratio",
                    ("successful", "failed", "cancelled"),
                    bars=True,
                ),
                over_time("Cost by agent", "cost_usd", ("cost_usd",), by="agent", bars=True),
                over_time(
                    "Duration of a run, over time",
                    "workflow_duration_s",
                    ("duration_p50_s", "duration_p90_s", "duration_p95_s"),
                ),
            ),
        ),
        (
            "How sure",
            (
                figure(
                    "Calls with a known price",
                    "cost_coverage_ratio",
                    ("cost_coverage_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=8,
                ),
                figure(
                    "Spans whose parent arrived",
                    "trace_completeness_ratio",
                    ("trace_completeness_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=8,
                ),
                own_figure(
                    "Freshness",
                    "freshness",
                    {
                        "newest_s": Column("newest span is", "s"),
                        "waiting_s": Column("waiting", "s"),
                    },
                    help_text="How old the newest span is, and how long the oldest span that is not yet in the figures has waited.",
                    missing="no span yet",
                    width=8,
                ),
                own_table(
                    "Every rate, its interval and its n",
                    "rates",
                    {
                        "rate": Column("rate", "", 220),
                        "value": Column("value", "percentunit"),
                        "low": Column("95 % low", "percentunit"),
                        "high": Column("95 % high", "percentunit"),
                        "n": Column("n", "locale"),
                        "reason": Column("why unknown", "", 420),
                    },
                    help_text="A rate without cases is unknown, not 0. The true rate lies between low and high in 95 of 100 such samples.",
                    height=13,
                ),
                own_table(
                    "Newest runs",
                    "runs",
                    RUN_COLUMNS,
                    help_text="A run opens on a click.",
                    links=RUN_LINKS,
                ),
            ),
        ),
    ),
    texts=(("with", "With (dimension=value)", ""), JAEGER),
)

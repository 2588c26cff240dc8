"""Faults, and what overcomes them."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import GOOD_HIGH, figure, grouped, over_time

BOARD = Board(
    name="resilience",
    title="Resilience",
    description="What goes wrong, what is overcome, and how fast. Injected faults and real ones stand apart.",
    rows=(
        (
            "Resilience",
            (
                figure(
                    "Faults overcome",
                    "fault_recovery_ratio",
                    ("fault_recovery_ratio", "n", "open"),
                    steps=GOOD_HIGH,
                    width=6,
                ),
                figure(
                    "Time to recovery",
                    "time_to_recovery_s",
                    ("recovery_mean_s", "recovery_p50_s", "unrecovered"),
                    width=6,
                    help_text="Beside it the faults that were never overcome.",
                ),
                figure(
                    "Score",
                    "resilience_score",
                    ("resilience_score", "n"),
                    steps=((None, "red"), (50.0, "orange"), (80.0, "green")),
                    width=6,
                ),
                figure(
                    "Retention",
                    "resilience_retention_ratio",
                    ("resilience_retention_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=6,
                ),
                grouped(
                    "By origin",
                    "fault_recovery_ratio",
                    "origin",
                    (
                        "fault_recovery_ratio",
                        "low",
                        "high",
                        "n",
                        "recovered",
                        "unrecovered",
                        "open",
                    ),
                    width=24,
                    height=6,
                ),
                grouped(
                    "By kind of fault",
                    "fault_recovery_ratio",
                    "fault_type",
                    (
                        "fault_recovery_ratio",
                        "low",
                        "high",
                        "n",
                        "by_recovery",
                        "by_later_success",
                        "by_run",
                    ),
                    width=24,
                ),
                grouped(
                    "Time to recovery, by kind",
                    "time_to_recovery_s",
                    "fault_type",
                    ("recovery_mean_s", "recovery_p50_s", "recovery_p90_s", "n", "unrecovered"),
                    titles={
                        "recovery_mean_s": "mean",
                        "recovery_p50_s": "median",
                        "recovery_p90_s": "90 %",
                    },
                ),
                grouped(
                    "By strategy",
                    "fault_recovery_ratio",
                    "strategy",
                    ("fault_recovery_ratio", "n", "recovered", "unrecovered"),
                ),
                grouped(
                    "Retention by workflow",
                    "resilience_retention_ratio",
                    "workflow",
                    ("resilience_retention_ratio", "low", "high", "n", "reason"),
                ),
                grouped(
                    "Score by workflow",
                    "resilience_score",
                    "workflow",
                    ("resilience_score", "resilience_p10_score", "n", "reason"),
                    titles={"resilience_score": "score", "resilience_p10_score": "10 %"},
                ),
                over_time(
                    "Faults",
                    "fault_recovery_ratio",
                    ("recovered", "unrecovered", "open"),
                    bars=True,
                ),
                over_time(
                    "Model calls that fail", "llm_error_ratio", ("llm_error_ratio",), by="model"
                ),
            ),
        ),
    ),
)

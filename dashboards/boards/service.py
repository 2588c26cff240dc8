"""Handspan itself."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import GOOD_HIGH, figure, own_figure, own_over_time
from dashboards.units import Column

BOARD = Board(
    name="service",
    title="Handspan itself",
    description="What Handspan receives and stores, and how far it is behind.",
    rows=(
        (
            "What is stored",
            (
                own_figure(
                    "Freshness",
                    "freshness",
                    {
                        "newest_s": Column("newest span is", "s"),
                        "waiting_s": Column("oldest not yet in figures", "s"),
                    },
                    help_text="How old the newest span is, and how long the oldest span that is not yet in the figures has waited.",
                    missing="no span yet",
                    width=8,
                ),
                figure(
                    "Spans whose parent arrived",
                    "trace_completeness_ratio",
                    ("trace_completeness_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=8,
                ),
                figure(
                    "Calls with a known price",
                    "cost_coverage_ratio",
                    ("cost_coverage_ratio", "n"),
                    steps=GOOD_HIGH,
                    width=8,
                ),
                own_over_time(
                    "Spans stored, by service",
                    "spans_over_time",
                    "short",
                    help_text="Every span, agent work or not.",
                    bars=True,
                ),
                own_over_time(
                    "Spans of agent work, by convention",
                    "agent_spans_over_time",
                    "short",
                    help_text="Which convention each was written in.",
                    bars=True,
                ),
                own_over_time(
                    "Log records stored",
                    "log_records_over_time",
                    "short",
                    help_text="By severity.",
                    bars=True,
                    width=24,
                ),
            ),
        ),
    ),
)

"""Handspan itself."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import GOOD_HIGH, figure, metric, own_figure, own_over_time
from dashboards.units import Column
from handspan_exporter import telemetry

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
        (
            "What the service says of itself (needs a Prometheus that scrapes /metrics)",
            (
                metric("Spans acknowledged", telemetry.SPANS_ACCEPTED, "cps"),
                metric("Spans stored", telemetry.SPANS_STORED, "cps"),
                metric("Requests not taken", telemetry.REQUESTS_FAILED, "reqps"),
                metric("Acknowledged, not yet stored", telemetry.JOURNAL_BYTES, "bytes"),
                metric("For how long", telemetry.JOURNAL_AGE_S, "s"),
                metric("One insert, 95 %", telemetry.INSERT_S, "s"),
                metric("Figures are behind by", telemetry.PROCESSOR_LAG_S, "s"),
                metric("From receipt to figures, 95 %", telemetry.FRESHNESS_S, "s"),
                metric("Attempts that the store did not answer", telemetry.STORE_RETRIES, "cps"),
            ),
        ),
    ),
    sources=(
        ("datasource", "Data source", "grafana-clickhouse-datasource"),
        ("prometheus", "Prometheus", "prometheus"),
    ),
)

"""Handoffs: the graph of agents."""

from __future__ import annotations

from dashboards import kpi_query
from dashboards.board import Board
from dashboards.panels import GOOD_LOW, Query, figure, grouped, over_time, plugin, to_runs

BOARD = Board(
    name="handoffs",
    title="Handoffs",
    description="Who hands over to whom: how often, how fast, what gets lost and what it costs.",
    rows=(
        (
            "Handoffs",
            (
                figure("Handoffs", "handoffs", ("handoffs", "accepted", "refused"), width=6),
                figure(
                    "Lost",
                    "handoff_loss_ratio",
                    ("handoff_loss_ratio", "n"),
                    steps=GOOD_LOW,
                    width=6,
                ),
                figure(
                    "Bounce back",
                    "ping_pong_ratio",
                    ("ping_pong_ratio", "n"),
                    steps=GOOD_LOW,
                    width=6,
                ),
                figure(
                    "Until the target starts",
                    "handoffs",
                    ("latency_p50_s", "latency_p95_s", "latency_n"),
                    width=6,
                ),
                plugin(
                    "Who hands over to whom",
                    "nodeGraph",
                    (
                        Query(kpi_query.own("handoff_nodes"), ref_id="nodes"),
                        Query(kpi_query.own("handoff_edges"), ref_id="edges"),
                    ),
                    help_text="A node is an agent: its runs, cost and share of successes (the ring). An edge is a handoff: how many, how many lost, latency, cost behind it. A click leads to its runs.",
                    links={
                        "title": to_runs("agent", "${__data.fields.id:percentencode}"),
                        "target": to_runs("edge", "${__data.fields.id:percentencode}"),
                    },
                ),
                grouped(
                    "By edge",
                    "handoffs",
                    "edge",
                    (
                        "handoffs",
                        "accepted",
                        "refused",
                        "lost",
                        "pending",
                        "latency_p50_s",
                        "latency_p95_s",
                        "payload_bytes",
                        "cost_usd",
                        "cost_n",
                    ),
                    width=24,
                ),
                over_time(
                    "Handoffs, over time",
                    "handoffs",
                    ("accepted", "refused", "lost", "pending"),
                    bars=True,
                ),
                over_time(
                    "Until the target starts, over time",
                    "handoffs",
                    ("latency_p50_s", "latency_p95_s"),
                ),
            ),
        ),
    ),
)

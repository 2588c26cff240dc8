"""Where people are asked."""

from __future__ import annotations

from dashboards.board import Board
from dashboards.panels import GOOD_LOW, figure, grouped, over_time, own_table, to_run
from dashboards.units import Column

BOARD = Board(
    name="humans",
    title="Humans",
    description="Where people are asked, how long they take, and how they decide.",
    rows=(
        (
            "People",
            (
                figure("Waits that ended", "human_escalations", ("escalations", "n"), width=6),
                figure("Wait", "human_escalations", ("wait_p50_s", "wait_p90_s"), width=6),
                figure(
                    "Decisions",
                    "human_escalations",
                    ("approved_share", "denied_share", "decided_n"),
                    width=6,
                ),
                figure(
                    "No answer in time",
                    "human_escalations",
                    ("timed_out_share", "decided_n"),
                    steps=GOOD_LOW,
                    width=6,
                ),
                grouped(
                    "By reason",
                    "human_escalations",
                    "human_reason",
                    (
                        "escalations",
                        "wait_p50_s",
                        "wait_p90_s",
                        "approved_share",
                        "denied_share",
                        "answered_share",
                        "timed_out_share",
                        "decided_n",
                    ),
                    width=24,
                ),
                grouped(
                    "By priority",
                    "human_escalations",
                    "priority",
                    ("escalations", "wait_p50_s", "wait_p90_s", "n"),
                ),
                grouped(
                    "By agent",
                    "human_escalations",
                    "agent",
                    ("escalations", "wait_p50_s", "wait_p90_s", "n"),
                ),
                over_time(
                    "Waits that ended, over time",
                    "human_escalations",
                    ("escalations",),
                    by="human_reason",
                    bars=True,
                ),
                over_time("Wait, over time", "human_escalations", ("wait_p50_s", "wait_p90_s")),
                own_table(
                    "Runs that are still open",
                    "waiting",
                    {
                        "since": Column("since", "dateTimeAsIso", 155),
                        "open_s": Column("open for", "s"),
                    },
                    help_text="Runs that have not ended: whoever waits for a person is among them.",
                    links={"run": to_run("run")},
                ),
            ),
        ),
    ),
)

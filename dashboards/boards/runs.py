"""The runs behind a figure."""

from __future__ import annotations

from dashboards.board import JAEGER, Board
from dashboards.boards.run_table import RUN_COLUMNS, RUN_LINKS
from dashboards.panels import own_table, said

BOARD = Board(
    name="runs",
    title="Runs",
    description="The runs behind a figure: every table of the other dashboards leads here.",
    rows=(
        (
            "",
            (
                said(
                    "How to narrow it down",
                    "Choose above, or type into *With* what a run must contain: `model=gpt-4o`, `edge=triage > writer`, `tool=search`, `fault_type=timeout`, `budget=team`, `outcome=failure`. A run and its trace open on a click.",
                ),
                own_table(
                    "Runs",
                    "runs",
                    RUN_COLUMNS,
                    help_text="At most 500, newest first.",
                    links=RUN_LINKS,
                    height=20,
                ),
            ),
        ),
    ),
    texts=(("with", "With (dimension=value)", ""), JAEGER),
    interval=False,
)

"""Every dashboard."""

from __future__ import annotations

from dashboards.boards import (
    agents,
    cost,
    handoffs,
    humans,
    overview,
    resilience,
    run,
    runs,
    service,
    workflows,
)

BOARDS = (
    overview.BOARD,
    workflows.BOARD,
    agents.BOARD,
    handoffs.BOARD,
    cost.BOARD,
    resilience.BOARD,
    humans.BOARD,
    runs.BOARD,
    run.BOARD,
    service.BOARD,
)
